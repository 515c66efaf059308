"""
The drill: back up, allocate 1,000, revoke 100, lose the database, restore, allocate 1,000.

No index is given twice, and all that was revoked stays so in every answer after the restore.
"""

import json
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proofs import read_compact
from statuslist.formats.bitstring import status_at
from statuslist.formats.forms import BITSTRING_FORMS, TOKEN_FORMS
from tests.databases import SqlitePlace
from tests.machine import wait_until
from tests.process import Server
from tests.statuslist.wing import bits_of

pytestmark = pytest.mark.slow

ALLOCATED = 1_000
REVOKED = 100
LIST = "drill-revocation"


class Drill:
    """A server with a set and a backup of it, and what it acknowledged since."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.server = Server(directory, **settings)
        self.path = directory / "var/touchstone.db"
        self.backup = directory / "backup.db"
        self.mirror = directory / "var/published"

    def touchstone(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=self.server.directory,
            env=self.server.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def keys(self) -> dict[str, str]:
        """Return the states of the default issuer's keys."""
        rows = SqlitePlace(self.path).query(
            "SELECT key_id, state FROM issuer_keys WHERE issuer_id = 'default' ORDER BY announced_at, key_id"
        )
        return dict(rows)

    def active_key(self) -> str:
        return next(key_id for key_id, state in self.keys().items() if state == "active")

    def rotate(self) -> None:
        """Let the default issuer's spare key sign; wait until that, and the next spare one, are written down."""
        log, before = self.mirror / "issuer-keys/default.log", self.active_key()
        assert self.touchstone("issuer", "key", "activate", "default").returncode == 0
        wait_until(lambda: self.active_key() != before, "the spare key signs", 20)
        wait_until(lambda: list(self.keys().values()).count("announced") == 1, "there is a spare key", 5)
        wait_until(lambda: last_in(log) == self.keys(), "the log says so", 5)

    def create(self, set_id: str) -> None:
        self.server.operator("", {"id": set_id, "purposes": ["revocation", "suspension"]})

    def allocate(self, set_id: str, count: int = ALLOCATED) -> list[int]:
        entries = self.server.operator(f"/{set_id}/allocations", {"count": count})["entries"]
        return [int(entry["credentialStatus"][0]["statusListIndex"]) for entry in entries]

    def change(self, set_id: str, indexes: list[int], purpose: str, status: int) -> None:
        changes = [
            {"statusListIndex": str(index), "statusPurpose": purpose, "status": status} for index in indexes
        ]
        self.server.operator(f"/{set_id}/statuses", {"changes": changes})

    def served(self, list_id: str) -> bytes:
        return bits_of(self.server.get(f"/status-lists/{list_id}/credential.json"))

    def mirrored(self, list_id: str) -> bytes:
        path = self.mirror / "status-lists" / list_id / "credential.json"
        return bits_of(path.read_bytes()) if path.exists() else bytes(16_384)

    def wait_for_mirror(self, list_id: str, indexes: list[int], status: int) -> None:
        began = time.monotonic()
        while any(status_at(self.mirrored(list_id), index) != status for index in indexes):
            assert time.monotonic() - began < 5, "the mirror does not follow"
            time.sleep(0.02)

    def lose_the_database(self) -> None:
        for path in self.path.parent.glob("touchstone.db*"):
            path.unlink()


def last_in(log: Path) -> dict[str, str]:
    """Return the states of the keys in the last line of a log."""
    line = msgspec.json.decode(read_compact(log.read_bytes().splitlines()[-1], max_bytes=1_048_576).payload)
    return {key["key_id"]: key["state"] for key in line["keys"]}


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    drill = Drill(tmp_path)
    drill.server.initialise()
    drill.server.start()
    yield drill
    drill.server.kill()


def _act(drill: Drill) -> dict[str, Any]:
    """Do what the backup does not know of; return what was acknowledged."""
    drill.create("drill")
    early = drill.allocate("drill", 10)
    drill.change("drill", early[:2], "suspension", 1)
    drill.wait_for_mirror("drill-suspension", early[:2], 1)
    assert drill.touchstone("db", "backup", str(drill.backup)).returncode == 0
    late = drill.allocate("drill")
    drill.change("drill", late[:REVOKED], "revocation", 1)
    drill.change("drill", [early[0]], "suspension", 0)
    drill.change("drill", late[-1:], "suspension", 1)
    drill.create("younger")
    younger = drill.allocate("younger", 20)
    drill.change("younger", younger[:5], "revocation", 1)
    drill.wait_for_mirror(LIST, late[:REVOKED], 1)
    drill.wait_for_mirror("younger-revocation", younger[:5], 1)
    drill.wait_for_mirror("drill-suspension", [early[0]], 0)
    drill.wait_for_mirror("drill-suspension", late[-1:], 1)
    return {"early": early, "late": late, "younger": younger}


@pytest.mark.parametrize("is_lost", [False, True], ids=["old database there", "only the mirror left"])
def test_drill_no_index_twice_and_every_revocation_stays(drill: Drill, is_lost: bool) -> None:
    known = _act(drill)
    drill.server.kill()
    if is_lost:
        drill.lose_the_database()
    restored = drill.touchstone("db", "restore", str(drill.backup))
    assert restored.returncode == 0, restored.stderr
    stored = SqlitePlace(drill.path).query(
        f"SELECT body FROM list_forms WHERE list_id = '{LIST}' AND form = 'credential.json'"
    )
    drill.server.start()
    drill.create("next")
    later = drill.allocate("next")

    revoked, late, early = known["late"][:REVOKED], known["late"], known["early"]
    assert all(status_at(bits_of(stored[0][0]), index) for index in revoked), "before it is served"
    assert all(status_at(drill.served(LIST), index) for index in revoked)
    assert all(status_at(drill.served("younger-revocation"), index) for index in known["younger"][:5])
    suspended = drill.served("drill-suspension")
    assert [status_at(suspended, index) for index in (*early[:2], late[-1])] == [0, 1, 1]
    assert len(set(later)) == ALLOCATED
    for set_id in ("drill", "younger"):
        with pytest.raises(urllib.error.HTTPError, match="409"):
            drill.allocate(set_id, 1)
    drill.change("drill", late[-2:], "revocation", 1)  # Allocated after the backup, and still to be revoked.
    drill.change("younger", known["younger"][-1:], "revocation", 1)
    drill.server.terminate()
    checked = drill.touchstone("db", "check")
    assert (checked.returncode, checked.stdout.count("FAILED")) == (0, 0), checked.stdout
    assert bool(list(drill.path.parent.glob("*.before-restore-*"))) is not is_lost


def test_a_restore_that_is_run_twice_ends_as_one(drill: Drill) -> None:
    known = _act(drill)
    drill.server.terminate()
    drill.lose_the_database()
    first = drill.touchstone("db", "restore", str(drill.backup))
    again = drill.touchstone("db", "restore", str(drill.backup))
    in_place = drill.touchstone("db", "restore")
    drill.server.start()

    assert (first.returncode, again.returncode, in_place.returncode) == (0, 0, 0)
    assert f"revocations: {REVOKED + 5}" in first.stdout
    assert "revocations: 0" in in_place.stdout
    assert "closed sets: 0" in in_place.stdout
    assert all(status_at(drill.served(LIST), index) for index in known["late"][:REVOKED])


def test_a_crash_between_the_moves_is_healed_by_running_it_again(drill: Drill) -> None:
    """The old database is aside, the new one not yet in its place: nothing can be served, and nothing is lost."""
    known = _act(drill)
    drill.server.terminate()
    drill.path.rename(drill.path.with_name("touchstone.db.before-restore-20260101T000000.000000Z"))
    drill.path.with_name("touchstone.db.restoring").write_bytes(b"half of it")
    drill.mirror.rename(drill.server.directory / "gone")
    served = drill.touchstone("serve")
    restored = drill.touchstone("db", "restore", str(drill.backup))
    drill.server.start()

    assert served.returncode == 6
    assert restored.returncode == 0, restored.stderr
    assert all(status_at(drill.served(LIST), index) for index in known["late"][:REVOKED])
    assert [path.name for path in drill.path.parent.glob("*.restoring*")] == []


def test_a_restore_while_a_server_runs_is_refused(drill: Drill) -> None:
    drill.touchstone("db", "backup", str(drill.backup))
    before = drill.path.stat().st_ino
    refused = drill.touchstone("db", "restore", str(drill.backup))
    in_place = drill.touchstone("db", "restore")

    assert (refused.returncode, in_place.returncode) == (5, 5)
    assert "stop the server" in refused.stderr
    assert drill.path.stat().st_ino == before
    assert not list(drill.path.parent.glob("*restor*"))


def test_a_tampered_or_foreign_file_of_the_mirror_is_ignored_and_told(drill: Drill) -> None:
    """
    One set's lists are changed, another's stand in the place of a third: in all forms, since each tells of the
    revocations. A list that is lost for good is not served: verifiers refuse then, while zeros would tell them
    that nothing was revoked.
    """
    known = _act(drill)
    drill.server.terminate()
    drill.lose_the_database()
    lists = drill.mirror / "status-lists"
    for form in BITSTRING_FORMS:
        (lists / LIST / form).write_bytes((lists / LIST / form).read_bytes()[:-8])
        (lists / "younger-revocation" / form).write_bytes((lists / "drill-suspension" / form).read_bytes())
        (lists / "younger-suspension" / form).unlink()
    for form in TOKEN_FORMS:
        (lists / "younger" / form).write_bytes((lists / "drill" / form).read_bytes())
        (lists / "drill" / form).write_bytes((lists / "drill" / form).read_bytes()[:-8])
    restored = drill.touchstone("db", "restore", str(drill.backup))
    drill.server.start()

    assert restored.returncode == 0, restored.stderr
    assert restored.stderr.count("is ignored") == 8
    assert f"{LIST}: no published version was found" in restored.stderr
    assert not any(drill.served(LIST))
    assert status_at(drill.served("drill-suspension"), known["late"][-1]) == 1
    for lost in ("younger-revocation/credential.json", "younger/token.jwt", "younger/token.cwt"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            drill.server.get(f"/status-lists/{lost}")


def test_lists_in_another_directory_count_when_named(drill: Drill) -> None:
    known = _act(drill)
    drill.server.terminate()
    drill.lose_the_database()
    copied = drill.mirror.rename(drill.server.directory / "copied")
    restored = drill.touchstone("db", "restore", str(drill.backup), "--lists", str(copied))
    drill.server.start()

    assert restored.returncode == 0, restored.stderr
    assert all(status_at(drill.served(LIST), index) for index in known["late"][:REVOKED])


def test_a_backup_that_is_none_changes_nothing(drill: Drill) -> None:
    drill.server.terminate()
    drill.backup.write_bytes(b"no database" * 1_000)
    before = drill.path.read_bytes()
    refused = drill.touchstone("db", "restore", str(drill.backup))

    assert refused.returncode == 6
    assert "Traceback" not in refused.stderr
    assert drill.path.read_bytes() == before


def test_one_tenants_missing_key_file_withholds_its_lists_and_restores_the_others(drill: Drill) -> None:
    """And a restore that has the key brings them back, with what was revoked after the backup."""
    known = _act(drill)
    assert drill.touchstone("issuer", "add", "acme").returncode == 0
    ((locator,),) = SqlitePlace(drill.path).query(
        "SELECT locator FROM issuer_keys WHERE issuer_id = 'acme' AND state = 'active'"
    )
    (key,) = drill.path.parent.rglob(locator)
    drill.server.operator("", {"id": "hers", "issuerId": "acme", "purposes": ["revocation"]})
    entries = drill.allocate("hers")
    assert drill.touchstone("db", "backup", str(drill.path.parent / "late.db")).returncode == 0
    drill.change("hers", entries[:1], "revocation", 1)
    drill.wait_for_mirror("hers-revocation", entries[:1], 1)
    drill.server.terminate()
    aside = key.rename(key.with_suffix(".aside"))
    restored = drill.touchstone("db", "restore", str(drill.path.parent / "late.db"))
    drill.server.start()
    with pytest.raises(urllib.error.HTTPError, match=r"404|503"):
        drill.served("hers-revocation")
    ours = drill.served(LIST)
    drill.server.terminate()
    aside.rename(key)
    again = drill.touchstone("db", "restore")
    drill.server.start()

    assert restored.returncode == 0, restored.stderr
    assert "hers-revocation: not served, since the key of its issuer acme cannot be read" in restored.stderr
    assert all(status_at(ours, index) for index in known["late"][:REVOKED])
    assert again.returncode == 0, again.stderr
    assert status_at(drill.served("hers-revocation"), entries[0]) == 1


def test_after_two_rotations_the_mirror_alone_brings_back_every_list_and_every_key(tmp_path: Path) -> None:
    """With one key given up at the end; what the keys signed meanwhile counts, and none of them signs again."""
    drill = Drill(tmp_path, DID_DOCUMENT_TTL_SECONDS="5")
    drill.server.initialise()
    drill.server.start()
    try:
        drill.create("drill")
        entries = drill.allocate("drill", 10)
        first = drill.active_key()
        assert drill.touchstone("db", "backup", str(drill.backup)).returncode == 0
        for number in range(2):
            drill.change("drill", entries[number : number + 1], "revocation", 1)
            drill.rotate()
        second, third = list(drill.keys())[1], drill.active_key()
        assert drill.touchstone("issuer", "key", "compromised", "default", third).returncode == 0
        drill.change("drill", entries[2:3], "revocation", 1)
        drill.wait_for_mirror(LIST, entries[:3], 1)
        wait_until(lambda: list(drill.keys().values()).count("announced") == 1, "there is a spare key", 5)
        wait_until(
            lambda: last_in(drill.mirror / "issuer-keys/default.log") == drill.keys(), "the log says so", 5
        )
        keys = drill.keys()
        document = json.loads(drill.server.get("/.well-known/did.json"))
        drill.server.kill()
        drill.lose_the_database()
        restored = drill.touchstone("db", "restore", str(drill.backup))
        drill.server.start()

        assert restored.returncode == 0, restored.stderr
        assert "is ignored" not in restored.stderr
        assert f"the key {third} of default is compromised" in restored.stderr
        assert {name: state for name, state in drill.keys().items() if name in keys} == keys
        assert [keys[name] for name in (first, second, third)] == ["retired", "retired", "compromised"]
        assert json.loads(drill.server.get("/.well-known/did.json")) == document
        assert f"#{third}" not in json.dumps(document)
        assert all(status_at(drill.served(LIST), index) for index in entries[:3])
        signed = json.loads(drill.server.get(f"/status-lists/{LIST}/credential.json"))
        assert signed["proof"]["verificationMethod"].endswith(f"#{drill.active_key()}")
        assert drill.active_key() not in (first, second, third)
    finally:
        drill.server.kill()
