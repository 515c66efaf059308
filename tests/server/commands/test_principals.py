"""`touchstone principal` and `key`: who may act, and with what; what a person is told."""

import json
import stat
import time
from pathlib import Path

import pytest

from tests.server.commands.operating import Operating, Serving
from wire import format_utc


def _rows(operating: Operating, *command: str) -> list[list[str]]:
    return [line.split("\t") for line in operating.done(*command).stdout.splitlines()]


def _with(operating: Operating, file: Path, *command: str) -> int:
    """Run a command with another key; return its exit code."""
    return operating.run(*command, TOUCHSTONE_OPERATOR_KEY_FILE=str(file)).exit_code


def _key(operating: Operating, name: str, file: Path, *options: str) -> str:
    """Make a key of a principal; return its public id."""
    operating.done("key", "create", name, "--file", str(file), *options)
    return file.read_text().split("_")[1]


def test_a_service_is_added_with_its_grants_listed_and_shown(operating: Operating) -> None:
    operating.done("issuer", "add", "acme")
    added = operating.done(
        *("principal", "add", "backend", "--name", "Back office"),
        *("--grant", "allocator@issuer:acme", "--grant", "viewer"),
    )
    listed = _rows(operating, "principal", "list")
    shown = json.loads(operating.done("principal", "show", "backend").stdout)

    assert added.stderr == "added the service backend; its key: touchstone key create backend\n"
    assert ["backend", "service", "active", "allocator@issuer:acme,viewer@everything", "Back office"] in [
        [*row[:3], ",".join(sorted(row[3].split(","))), row[4]] for row in listed
    ]
    assert (shown["id"], shown["kind"]) == ("backend", "service")


def test_a_grant_is_given_used_and_taken_away(operating: Operating, tmp_path: Path) -> None:
    file = tmp_path / "helper.key"
    operating.done("principal", "add", "helper")
    _key(operating, "helper", file)
    before = _with(operating, file, "alarm", "list")
    operating.done("principal", "grant", "helper", "--role", "viewer", "--reason", "on duty")
    granted = _with(operating, file, "alarm", "list")
    more = operating.run("cache", "purge", "--all", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))
    operating.done("principal", "ungrant", "helper", "--role", "viewer")
    after = _with(operating, file, "alarm", "list")

    assert (before, granted, more.exit_code, after) == (4, 0, 4, 4)
    assert f"it was asked with the key in {file}" in more.stderr


def test_whoever_is_deactivated_does_nothing_more_until_it_is_reactivated(
    operating: Operating, serving: Serving, tmp_path: Path
) -> None:
    file = tmp_path / "leaver.key"
    operating.done("principal", "add", "leaver", "--grant", "viewer")
    _key(operating, "leaver", file)
    operating.done("principal", "deactivate", "leaver", "--reason", "the contract has ended")
    gone = _with(operating, file, "alarm", "list")
    again = operating.run("principal", "deactivate", "leaver")
    operating.done("principal", "reactivate", "leaver")
    back = _with(operating, file, "alarm", "list")
    detail = json.loads(serving.audited("leaver")[1].detail)

    assert (gone, again.exit_code, back) == (4, 5, 0)
    assert detail["why"] == "the contract has ended"


def test_what_is_known_of_a_person_is_forgotten(operating: Operating) -> None:
    account = ("--account", "https://idp.example", "4711")
    operating.done(
        "principal", "add", "ada", "--person", "--name", "Ada", "--address", "a@b.example", *account
    )
    too_early = operating.run("principal", "erase", "ada")
    operating.done("principal", "deactivate", "ada")
    operating.done("principal", "erase", "ada")
    shown = operating.done("principal", "show", "ada").stdout

    assert too_early.exit_code == 5
    assert "Ada" not in shown and "a@b.example" not in shown and "4711" not in shown
    assert ["ada", "person", "deactivated", "-", "-"] in _rows(operating, "principal", "list")


def test_a_key_is_rotated_and_the_one_before_it_ends_when_it_was_said(
    operating: Operating, serving: Serving, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.key", tmp_path / "second.key"
    operating.done("principal", "add", "rotating", "--grant", "viewer")
    public_id = _key(operating, "rotating", first)
    operating.done("key", "rotate", public_id, "--overlap", "60", "--file", str(second))
    both = [_with(operating, file, "alarm", "list") for file in (first, second)]
    serving.later(61)
    later = [_with(operating, file, "alarm", "list") for file in (first, second)]
    serving.later(0)
    listed = _rows(operating, "key", "list", "rotating")

    assert (both, later) == ([0, 0], [4, 0])
    assert [row[0] for row in listed] == [public_id, second.read_text().split("_")[1]]


def test_a_key_may_be_narrowed_and_is_listed_so(operating: Operating, tmp_path: Path) -> None:
    file = tmp_path / "narrow.key"
    operating.done("principal", "add", "broad", "--grant", "administrator")
    public_id = _key(operating, "broad", file, "--grant", "viewer")
    writes = operating.run("cache", "purge", "--all", TOUCHSTONE_OPERATOR_KEY_FILE=str(file))
    (row,) = _rows(operating, "key", "list", "broad")

    assert (_with(operating, file, "alarm", "list"), writes.exit_code) == (0, 4)
    assert "narrowed" in writes.stderr
    assert (row[0], row[1], row[6]) == (public_id, "broad", "viewer@everything")


def test_a_key_works_until_it_is_revoked(operating: Operating, tmp_path: Path) -> None:
    file = tmp_path / "short.key"
    operating.done("principal", "add", "short", "--grant", "viewer")
    public_id = _key(operating, "short", file)
    works = _with(operating, file, "alarm", "list")
    revoked = operating.done("key", "revoke", public_id)
    (row,) = _rows(operating, "key", "list", "short")

    assert (works, _with(operating, file, "alarm", "list")) == (0, 4)
    assert revoked.stderr == f"revoked the key {public_id}\n"
    assert row[4] != "-"


def test_a_key_that_is_printed_is_in_no_file_and_on_stdout_alone(operating: Operating) -> None:
    operating.done("principal", "add", "printed", "--grant", "viewer")
    made = operating.done("key", "create", "printed", "--print")

    assert made.stdout.startswith("tsk_")
    assert made.stdout.strip() not in made.stderr


def test_a_file_is_for_its_owner_alone_never_overwritten_and_gone_where_no_key_is_made(
    operating: Operating, tmp_path: Path
) -> None:
    operating.done("principal", "add", "careful", "--grant", "viewer")
    file, nobody = tmp_path / "careful.key", tmp_path / "nobody.key"
    first = operating.done("key", "create", "careful", "--file", str(file))
    second = operating.run("key", "create", "careful", "--file", str(file))
    refused = operating.run("key", "create", "nobody", "--file", str(nobody))

    assert (second.exit_code, refused.exit_code) == (5, 3)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() not in first.stderr
    assert not nobody.exists()
    assert len(_rows(operating, "key", "list", "careful")) == 1


@pytest.mark.parametrize("days", [0, 401])
def test_a_key_ends_within_400_days(operating: Operating, tmp_path: Path, days: int) -> None:
    file = tmp_path / "a.key"
    ends = format_utc(int(time.time() * 1_000_000) + days * 86_400_000_000)
    refused = operating.run("key", "create", "bootstrap", "--file", str(file), "--expires", ends)

    assert refused.exit_code == 1
    assert "within 400 days" in refused.stderr
    assert not file.exists()
