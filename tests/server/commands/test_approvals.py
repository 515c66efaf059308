"""`touchstone approval`: a key is activated once another person has approved it; over HTTP, end to end."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from operators import Role
from operators.approvals import rules
from server.commands.remote.approvals import STATES
from server.commands.remote.principals import ROLES
from tests.server.commands.operating import Operating, Serving, operating_in, run_command

WHY = ("--reason", "seen")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Office"]:
    with operating_in(tmp_path_factory.mktemp("office"), approvals_for=("issuer-key.activate",)) as (
        operating,
        serving,
    ):
        office = Office(operating, serving, tmp_path_factory.mktemp("keys"))
        office.open()
        yield office


def test_the_words_of_the_commands_are_those_of_the_server() -> None:
    """Commands import nothing of what operators do, so that they start at once; so the words stand twice."""
    assert set(STATES) == set(rules.STATES)
    assert tuple(Role) == ROLES


class Office:
    """Ada administers, Bob and Eve approve; each has a key file, which the first operator made."""

    def __init__(self, operating: Operating, serving: Serving, keys: Path) -> None:
        self.operating, self.serving, self._keys = operating, serving, keys

    def open(self) -> None:
        roles = {"ada": "administrator", "fay": "break-glass", "bob": "approver", "eve": "approver"}
        for name in roles:
            self.operating.done("principal", "add", name, "--person", "--address", f"{name}@example.com")
            self.operating.done("key", "create", name, "--file", str(self._keys / name))
        for name, role in roles.items():
            self.operating.done("principal", "grant", name, "--role", role)

    def run(self, name: str, *command: str) -> Result:
        """Run a command as somebody."""
        return self.operating.run(*command, TOUCHSTONE_OPERATOR_KEY_FILE=str(self._keys / name))

    def done(self, name: str, *command: str) -> Result:
        result = self.run(name, *command)
        assert result.exit_code == 0, result.stderr
        return result

    def newest(self) -> int:
        """Return the number of the request that was asked last."""
        listed = self.operating.done("approval", "list", "--state", "any").stdout.splitlines()
        return int(listed[-1].split("\t")[0])

    def shown(self, number: int) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.done("bob", "approval", "show", str(number)).stdout)
        return found

    def planned(self, issuer: str) -> bool:
        """Tell whether the spare key of an issuer is to sign."""
        listed = self.operating.done("issuer", "key", "list", issuer).stdout.splitlines()
        return any(row[1] == "announced" and row[5] != "-" for row in (line.split("\t") for line in listed))


def test_a_key_is_activated_when_another_person_approves(office: Office) -> None:
    office.operating.done("issuer", "add", "acme")
    asked = office.done("ada", "issuer", "key", "activate", "acme", "--reason", "due")
    number = office.newest()
    own = office.run("ada", "approval", "approve", str(number), *WHY)
    before = office.planned("acme")
    approved = office.done("bob", "approval", "approve", str(number), "--reason", "seen the order")

    assert f"waits for the approval {number}" in asked.stderr
    assert "nothing has changed yet" in asked.stderr
    assert own.exit_code == 4
    assert not before
    assert "is done, in the name of ada" in approved.stderr
    assert office.planned("acme")
    shown = office.shown(number)
    assert (shown["state"], shown["decidedBy"], shown["decisionReason"], shown["reason"]) == (
        "approved",
        "bob",
        "seen the order",
        "due",
    )
    [row] = [
        row for row in office.serving.audited(f"acme#{_key_of(shown)}") if row.action == "issuer-key.plan"
    ]
    detail = json.loads(row.detail)
    assert (row.actor, detail["approval"], detail["why"]) == ("ada", number, "due")


def _key_of(shown: dict[str, object]) -> object:
    request = shown["request"]
    assert isinstance(request, dict)
    return request["key"]


def test_a_request_is_rejected_or_withdrawn(office: Office) -> None:
    office.operating.done("issuer", "add", "bank")
    office.done("ada", "issuer", "key", "activate", "bank")
    number = office.newest()
    no_reason = office.run("eve", "approval", "reject", str(number))
    rejected = office.done("eve", "approval", "reject", str(number), *WHY)
    late = office.run("bob", "approval", "approve", str(number), *WHY)
    office.done("ada", "issuer", "key", "activate", "bank")
    withdrawn = office.done("ada", "approval", "withdraw", str(office.newest()))

    assert (no_reason.exit_code, late.exit_code) == (2, 5)
    assert "is not done" in rejected.stderr
    assert "is not done" in withdrawn.stderr
    assert not office.planned("bank")


def test_break_glass_raises_an_alarm(office: Office) -> None:
    office.operating.done("issuer", "add", "city")
    office.done("ada", "issuer", "key", "activate", "city")
    number = office.newest()
    refused = office.run("bob", "approval", "break-glass", str(number), *WHY)
    office.done("fay", "approval", "break-glass", str(number), "--reason", "the office is closed")

    assert refused.exit_code == 4
    assert office.planned("city")
    alarms = [line.split("\t") for line in office.done("fay", "alarm", "list").stdout.splitlines()]
    assert [alarm[2] for alarm in alarms if alarm[1] == "break-glass"] == [f"approval {number}"]


def test_a_key_for_another_person_works_once_approved(office: Office, tmp_path: Path) -> None:
    made = office.done("ada", "key", "create", "eve", "--file", str(tmp_path / "eve"))
    number = office.newest()
    early = office.operating.run("approval", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(tmp_path / "eve"))
    office.done("bob", "approval", "approve", str(number), *WHY)
    later = office.operating.run("approval", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(tmp_path / "eve"))

    assert f"approval {number}" in made.stderr
    assert (early.exit_code, later.exit_code) == (4, 0)


def test_with_every_approver_gone_the_machine_lets_in(office: Office, tmp_path: Path) -> None:
    """`touchstone break-glass` opens the way past approval too: an approver gets a key again."""
    way_in, new = tmp_path / "way-in", tmp_path / "new"
    settings = office.operating.settings
    opened = run_command(
        *("break-glass", "--reason", "all keys are lost", "--file", str(way_in)),
        TOUCHSTONE_DATABASE_URL=settings.database_url,
        TOUCHSTONE_KEY_DIR=settings.key_dir,
        TOUCHSTONE_PUBLIC_URL=settings.public_url,
        TOUCHSTONE_BIND=settings.bind,
    )
    assert opened.exit_code == 0, opened.stderr

    def rescuer(*command: str) -> Result:
        return office.operating.run(*command, TOUCHSTONE_OPERATOR_KEY_FILE=str(way_in))

    rescuer("key", "create", "bob", "--file", str(new))
    rescuer("approval", "break-glass", str(office.newest()), "--reason", "Bob lost his key")
    again = office.operating.run("approval", "list", TOUCHSTONE_OPERATOR_KEY_FILE=str(new))

    assert again.exit_code == 0, again.stderr


def test_what_is_absent_is_not_found(office: Office) -> None:
    assert office.run("bob", "approval", "show", "4711").exit_code == 3
    assert office.run("bob", "approval", "approve", "4711", *WHY).exit_code == 3
    assert office.run("bob", "approval", "approve", "0", *WHY).exit_code == 2


def test_requests_are_listed(office: Office) -> None:
    everything = office.done("bob", "approval", "list", "--state", "any").stdout.splitlines()
    approved = office.done("bob", "approval", "list", "--state", "approved").stdout.splitlines()

    assert len(everything) > len(approved) > 0
    assert {line.split("\t")[1] for line in approved} == {"approved"}


def test_who_is_alone_goes_ahead_and_readiness_says_so(tmp_path: Path) -> None:
    settings = {"approvals_for": ("issuer-key.activate",), "approvals_alone": True}
    with operating_in(tmp_path, **settings) as (operating, serving):
        operating.done("principal", "add", "ada", "--person", "--grant", "administrator")
        operating.done("key", "create", "ada", "--file", str(tmp_path / "ada"))
        operating.done("issuer", "add", "acme")
        by_service = operating.done("issuer", "key", "activate", "acme")
        alone = operating.run(
            *("issuer", "key", "activate", "acme"), TOUCHSTONE_OPERATOR_KEY_FILE=str(tmp_path / "ada")
        )
        report = serving.services.health.ready(detailed=True).body

    assert "nobody can approve this now" in by_service.stderr
    assert alone.exit_code == 0
    assert "this is done: nobody else could approve it" in alone.stderr
    assert "alone_while_nobody_else_can_approve" in report.decode()
