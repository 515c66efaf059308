"""
A day of a registry, as a new user would live it: a server of its own, HTTP, and the commands of the audit trail.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.process import Server

pytestmark = pytest.mark.slow

EDU, UNI = "did:web:education.example", "did:web:uni.example"
REGISTRY = "/operator/registry"
FILE = {
    "version": 2,
    "entities": [
        {"id": "edu", "names": {"en": "Ministry of Education"}, "identifiers": [{"value": EDU}]},
        {"id": "uni", "names": {"en": "University"}, "identifiers": [{"value": UNI}]},
    ],
    "authorities": [
        {
            "id": "edu",
            "governance_framework": "https://education.example/rules",
            "defines": [{"action": "issue", "resource": "Degree"}],
        }
    ],
    "authorizations": [
        {
            "id": "degrees",
            "authority_id": "edu",
            "entity_id": "uni",
            "action": "issue",
            "resource": "Degree",
            "valid_from": "2024-01-01T00:00:00Z",
        }
    ],
}
PEOPLE = {"ada": "editor", "bob": "approver", "eve": "approver"}


class Town:
    """The people of a registry, each with an API key, and whoever asks it."""

    def __init__(self, server: Server, http: httpx.Client) -> None:
        self.server, self.http = server, http
        self.keys = {"bootstrap": (server.directory / "var/keys/operator.key").read_text().strip()}
        for name, role in PEOPLE.items():
            grants = [{"scope": "everything", "role": role}]
            person = {"id": name, "kind": "person", "name": name, "address": f"{name}@example.com"}
            self.does("bootstrap", "POST", "/operator/principals", person | {"grants": grants})
        for name in PEOPLE:
            made = self.does("bootstrap", "POST", f"/operator/principals/{name}/keys", {})
            self.keys[name] = made["apiKey"]

    def tries(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {self.keys[who]}"} | headers
        return self.http.request(method, f"{self.server.operator_url}{path}", json=body, headers=sent)

    def does(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.tries(who, method, path, body, **headers)
        assert answer.is_success, answer.text
        return answer.json()

    def may(self, **context: str) -> bool:
        question = {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"}
        answer = self.http.post(f"{self.server.url}/trqp/authorization", json=question | {"context": context})
        assert answer.is_success, answer.text
        return bool(answer.json()["authorized"])

    def soon(self, expected: bool) -> None:
        """Wait for an answer; every process must give it within a second."""
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            if self.may() is expected:
                return
            time.sleep(0.02)
        assert self.may() is expected

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "server", *words],
            cwd=self.server.directory,
            env=self.server.environment,
            capture_output=True,
            text=True,
            check=False,
        )


def at(shown: Any) -> str:
    """Return when something took effect, as a question spells it."""
    return str(shown["took_effect_at"])


@pytest.fixture
def town(server: Server) -> Iterator[Town]:
    server.initialise()
    server.start()
    with httpx.Client(timeout=30) as http:
        yield Town(server, http)
    server.terminate()


def test_a_registry_is_imported_edited_asked_taken_back_and_audited(town: Town) -> None:

    # An import is a change set for two people.
    asked = town.does("ada", "PUT", REGISTRY, FILE)
    assert (asked["state"], asked["action"]) == ("pending", "registry.apply")
    town.does("bob", "POST", f"/operator/approvals/{asked['approval']}/approve", {"reason": "as decided"})
    town.soon(True)

    # A suspension is drafted, looked at, and not approved by who drafted it.
    suspend = {"op": "suspend", "kind": "authorization", "id": "degrees", "reason": "an audit"}
    draft = town.does(
        "ada", "POST", f"{REGISTRY}/change-sets", {"title": "Audit of 2026", "operations": [suspend]}
    )
    one = f"{REGISTRY}/change-sets/{draft['number']}"
    diff = town.does("bob", "GET", f"{one}/diff")
    assert [(each["before"], each["after"]) for each in diff["answers"]] == [
        ("yes (active)", "no (suspended)")
    ]
    submitted = town.does("ada", "POST", f"{one}/submit", None, **{"if-match": '"1"'})
    approve = f"/operator/approvals/{submitted['approval']}/approve"
    refused = town.tries("ada", "POST", approve, {"reason": "mine"})
    assert (refused.status_code, town.may()) == (403, True)

    # Another person approves it, and every process answers so within a second.
    town.does("eve", "POST", approve, {"reason": "the letter of the ministry is in the files"})
    town.soon(False)
    effective = town.does("ada", "GET", one)
    assert effective["state"] == "effective"

    # What was true before stays true of its time, and so does what was known.
    assert town.may(time="2026-01-01T00:00:00Z")
    after = at(effective)

    # It is taken back by a new change set, from then on.
    back = town.does("ada", "POST", f"{one}/rollback")
    again = town.does("ada", "POST", f"{REGISTRY}/change-sets/{back['number']}/submit")
    town.does(
        "bob", "POST", f"/operator/approvals/{again['approval']}/approve", {"reason": "the audit is over"}
    )
    town.soon(True)
    resumed = at(town.does("ada", "GET", f"{REGISTRY}/change-sets/{back['number']}"))
    assert not town.may(time=after)
    assert not town.may(time=resumed, known_at=after)

    # All of it is in the audit trail, and who changes a line of that is found.
    time.sleep(1.5)  # until its rows are sealed
    export = town.command("audit", "export")
    assert export.returncode == 0, export.stderr
    for action in ("registry.draft", "registry.submit", "registry.apply", "approval.approve"):
        assert f'"{action}"' in export.stdout
    path = town.server.directory / "audit.jsonl"
    path.write_text(export.stdout)
    assert town.command("audit", "verify", str(path)).returncode == 0
    lines = export.stdout.splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if '"registry.apply"' in line and '"eve"' not in line)
    lines[number] = lines[number].replace('"actor":"ada"', '"actor":"eve"')
    path.write_text("".join(lines))
    found = town.command("audit", "verify", str(path))

    assert found.returncode != 0
    assert f"line {number + 1}" in found.stdout + found.stderr
