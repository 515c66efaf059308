"""Issuers, principals and keys from the command line, beside a running server, to the first published list."""

import json
import re
import sqlite3
import stat
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machine import wait_until
from tests.server.commands.test_cli import Terminal
from wire import format_utc

pytestmark = pytest.mark.slow


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    assert made.run("init").returncode == 0
    yield made
    made.server.kill()


def _as(terminal: Terminal, key: str, path: str, body: Any = None) -> int:
    """Send an operator request with that key; return the status."""
    request = urllib.request.Request(
        f"{terminal.server.operator_url}/operator/status-lists{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _appears(terminal: Terminal, path: str, seconds: float = 5.0) -> bytes:
    until = time.monotonic() + seconds
    while True:
        try:
            return terminal.server.get(path)
        except urllib.error.HTTPError as error:
            error.close()
            assert time.monotonic() < until, f"{path} is still {error.code}"
            time.sleep(0.05)


def _readiness(terminal: Terminal) -> dict[str, Any]:
    with urllib.request.urlopen(f"{terminal.server.operator_url}/readyz", timeout=5) as answer:
        checks = json.load(answer)["checks"]
    return {check["name"]: check for check in checks}


def _audited(terminal: Terminal) -> list[str]:
    from pysqlite3 import dbapi2 as sqlite3

    connection = sqlite3.connect(str(terminal.server.directory / "var/touchstone.db"))
    rows = connection.execute(
        "SELECT action FROM audit WHERE actor IN ('bootstrap', 'touchstone-cli') ORDER BY id"
    ).fetchall()
    connection.close()
    return [row[0] for row in rows]


def _never_published(terminal: Terminal) -> object:
    return _readiness(terminal)["status_lists"]["detail"]["never_published"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_new_issuer_publishes_beside_a_running_server(tmp_path: Path, workers: int) -> None:
    terminal = Terminal(tmp_path)
    terminal.server.settings["WORKERS"] = str(workers)
    terminal.run("init")
    terminal.server.start()
    try:
        added = [
            terminal.run("issuer", "add", "acme", "--owner", "ACME"),
            terminal.run("principal", "add", "alice", "--name", "A", "--grant", "editor@issuer:acme"),
            terminal.run("key", "create", "alice"),
        ]
        key = (tmp_path / "var/keys/alice.key").read_text().strip()
        created = _as(terminal, key, "", {"id": "badges", "purposes": ["revocation"]})
        foreign = _as(terminal, key, "", {"purposes": ["revocation"], "issuerId": "default"})
        document = json.loads(_appears(terminal, "/issuers/acme/did.json"))
        published = json.loads(_appears(terminal, "/status-lists/badges-revocation"))
        resolved = json.loads(_appears(terminal, f"/1.0/identifiers/{document['id']}"))
        # A process that only follows learns of the publication within 0.25 s.
        wait_until(lambda: _never_published(terminal) == 0, "every process knows the list")
    finally:
        terminal.server.terminate()

    assert [done.returncode for done in added] == [0, 0, 0], [done.stderr for done in added]
    assert (created, foreign) == (201, 404)
    assert published["issuer"] == document["id"] == f"did:web:localhost%3A{terminal.server.port}:issuers:acme"
    assert resolved["didDocument"]["id"] == document["id"]
    assert _audited(terminal) == ["issuer.create", "principal.create", "key.create"]


def test_a_list_whose_key_is_missing_is_seen(terminal: Terminal) -> None:
    terminal.server.settings["LOG_LEVEL"] = "WARNING"
    terminal.server.start()
    hidden = terminal.server.directory / "hidden"
    hidden.mkdir()
    names = re.findall(r"key-[0-9a-f]{12}\.pem", terminal.run("issuer", "add", "acme").stderr)
    terminal.server.terminate()
    for name in names:
        (terminal.server.directory / "var/keys" / name).rename(hidden / name)
    terminal.server.start()
    terminal.server.operator("", {"id": "badges", "purposes": ["revocation"], "issuerId": "acme"})
    time.sleep(2.5)
    before = _readiness(terminal)["status_lists"]["detail"]["never_published"]
    for key_file in list(hidden.iterdir()):
        key_file.rename(terminal.server.directory / "var/keys" / key_file.name)
    _appears(terminal, "/status-lists/badges-revocation")
    log = (terminal.server.directory / "server.log").read_text()

    assert before == 1
    assert "of acme cannot sign: var/keys/key-" in log


def _listed(terminal: Terminal) -> list[str]:
    """Return the ids of the keys in the service's DID document, in one of their two forms."""
    document = json.loads(terminal.server.get("/.well-known/did.json"))
    names = [method["id"].partition("#")[2] for method in document["verificationMethod"]]
    return [name for name in names if not name.endswith("-jwk")]


def _signs(terminal: Terminal) -> str:
    """Return the id of the key that signed the sample's list."""
    published = json.loads(terminal.server.get("/status-lists/sample-revocation/credential.json"))
    return str(published["proof"]["verificationMethod"].partition("#")[2])


def _check(terminal: Terminal) -> bool:
    asked = (terminal.server.directory / "var/sample-check.json").read_bytes()
    request = urllib.request.Request(
        f"{terminal.server.url}/status/check", data=asked, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return bool(json.load(answer)["valid"])


@pytest.mark.parametrize("workers", [1, 2])
def test_keys_are_rotated_and_given_up_beside_a_running_server(tmp_path: Path, workers: int) -> None:
    terminal = Terminal(tmp_path)
    terminal.server.settings |= {"WORKERS": str(workers), "DID_DOCUMENT_TTL_SECONDS": "5"}
    assert terminal.run("init", "--sample").returncode == 0
    terminal.server.start()
    try:
        first, spare = _listed(terminal)
        planned = terminal.run("issuer", "key", "activate", "default")
        wait_until(lambda: len(_listed(terminal)) == 3, "there is another spare key")
        wait_until(lambda: _signs(terminal) == spare, "the list is signed with the spare key")
        rotated, holds = _listed(terminal), _check(terminal)
        given_up = terminal.run("issuer", "key", "compromised", "default", spare)
        wait_until(lambda: spare not in _listed(terminal), "the key has left the document")
        wait_until(lambda: _signs(terminal) == rotated[2], "the list is signed with the next spare key")
        holds_again = _check(terminal)
    finally:
        terminal.server.terminate()

    assert (planned.returncode, given_up.returncode) == (0, 0), planned.stderr + given_up.stderr
    assert rotated[:2] == [first, spare]
    assert (holds, holds_again) == (True, True)
    assert _audited(terminal) == ["issuer-key.plan", "issuer-key.compromised", "issuer-key.activate"]


def test_a_key_works_until_it_is_revoked(terminal: Terminal) -> None:
    terminal.server.start()
    terminal.run("principal", "add", "bob", "--name", "Bob", "--grant", "viewer")
    ends = format_utc(int((time.time() + 86_400) * 1_000_000))
    made = terminal.run("key", "create", "bob", "--print", "--expires", ends)
    key = made.stdout.strip()
    public_id = key.split("_")[1]
    works = _as(terminal, key, "")
    writes = _as(terminal, key, "", {"purposes": ["revocation"]})
    listed = terminal.run("key", "list", "bob").stdout.split()
    revoked = terminal.run("key", "revoke", public_id)
    again = terminal.run("key", "revoke", public_id)
    until = time.monotonic() + 5
    while _as(terminal, key, "") != 401 and time.monotonic() < until:
        time.sleep(0.1)

    assert (revoked.returncode, again.returncode) == (0, 5), revoked.stderr + again.stderr
    assert (works, writes, _as(terminal, key, "")) == (200, 403, 401)
    assert listed[:2] == [public_id, "bob"]
    assert listed[3:5] == [ends, "-"]
    assert key not in made.stderr + revoked.stderr


def test_a_key_file_is_for_its_owner_alone_and_never_overwritten(terminal: Terminal) -> None:
    terminal.server.start()
    terminal.run("principal", "add", "bob", "--name", "Bob", "--grant", "viewer")
    first, second = (terminal.run("key", "create", "bob") for _ in range(2))
    file = terminal.server.directory / "var/keys/bob.key"
    nobody = terminal.run("key", "create", "nobody")

    assert (first.returncode, first.stdout, second.returncode, nobody.returncode) == (0, "", 5, 3)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() not in first.stderr
    assert len(terminal.run("key", "list", "bob").stdout.splitlines()) == 1
    assert not (terminal.server.directory / "var/keys/nobody.key").exists()


def test_what_is_there_or_not_there_or_no_name_is_told_by_its_code(terminal: Terminal) -> None:
    def code(*arguments: str) -> int:
        done: subprocess.CompletedProcess[str] = terminal.run(*arguments)
        assert "Traceback" not in done.stderr
        return done.returncode

    terminal.server.start()
    principal = ("--name", "A", "--grant")

    assert code("issuer", "add", "default") == 5
    assert code("issuer", "add", "Not A Label") == 1
    assert code("issuer", "add", "b", "--did", "no did") == 1
    assert code("issuer", "add", "b", "--did", "did:web:b.example") == 0
    assert code("principal", "add", "a", *principal, "editor@issuer:nobody") == 3
    assert code("principal", "add", "bootstrap", *principal, "viewer") == 5
    assert code("principal", "add", "a", "--name", "line\nline") == 1
    assert code("principal", "add", "a", *principal, "admin") == 2
    assert code("principal", "add", "a", *principal, "viewer@nowhere") == 1
    assert code("key", "create", "bootstrap", "--file", "a.key", "--expires", "tomorrow") == 1
    assert code("key", "revoke", "-h" + "A" * 10) == 3
    assert code("key", "list", "nobody") == 3
    assert terminal.run("issuer", "list").stdout.split("\n")[0] == "b\tdid:web:b.example\t-\t"
    grants = "administrator@everything,auditor@everything"
    assert (
        terminal.run("principal", "list").stdout
        == f"bootstrap\tservice\tactive\t{grants}\tBootstrap operator\n"
    )


def test_an_alarm_is_listed_and_acknowledged_beside_a_running_server(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.server.directory / "var" / "touchstone.db") as database:
        database.execute(
            "INSERT INTO alarms (kind, subject, reason, since, last_seen)"
            " VALUES ('process-replaced', 'a', 'b', 0, 0)"
        )
    terminal.server.start()
    listed = terminal.run("alarm", "list")
    number = listed.stdout.split("\t")[0]
    done = terminal.run("alarm", "acknowledge", number)
    again = terminal.run("alarm", "list")
    unknown = terminal.run("alarm", "acknowledge", "999")

    assert listed.stdout.split("\t")[1:] == ["process-replaced", "a", "1970-01-01T00:00:00Z", "-", "b\n"]
    assert (done.stdout, done.returncode) == ("", 0)
    assert "(process-replaced of a); it is over" in done.stderr
    assert again.stdout == ""
    assert unknown.returncode == 3
