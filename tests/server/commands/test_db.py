"""`touchstone db` on either engine, beside a running server, and from one engine to the other."""

import hashlib
import json
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from statuslist.formats.bitstring import status_at
from tests.databases import Place, PostgresPlace, SqlitePlace
from tests.postgres import Cluster
from tests.process import Server
from tests.statuslist.wing import bits_of

pytestmark = pytest.mark.slow

LIST = "/status-lists/badges-revocation/credential.json"


def touchstone(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        cwd=server.directory,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def allocate(server: Server, count: int) -> list[int]:
    entries = server.operator("/badges/allocations", {"count": count})["entries"]
    return [int(entry["credentialStatus"][0]["statusListIndex"]) for entry in entries]


def revoke(server: Server, index: int) -> None:
    change = {"statusListIndex": str(index), "statusPurpose": "revocation", "status": 1}
    server.operator("/badges/statuses", {"changes": [change]})


@pytest.fixture
def server(place: Place, tmp_path: Path) -> Iterator[Server]:
    """A running server with a set `badges`."""
    server = Server(tmp_path, database_url=place.url)
    server.initialise("--sample")
    server.start()
    server.operator("", {"id": "badges", "purposes": ["revocation"]})
    yield server
    server.kill()


def test_check_passes_beside_a_running_server(server: Server) -> None:
    for index in allocate(server, 3):
        revoke(server, index)
    checked = touchstone(server, "db", "check")

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "FAILED" not in checked.stdout
    assert len(checked.stdout.splitlines()) == (12 if "sqlite" in server.settings["DATABASE_URL"] else 11)


def test_what_was_served_before_can_be_told_by_its_bytes(server: Server) -> None:
    bodies = []
    for index in allocate(server, 2):
        revoke(server, index)
        time.sleep(1)
        bodies.append(server.get(LIST))
    told = touchstone(server, "db", "served", "badges-revocation")
    unknown = touchstone(server, "db", "served", "nothing")

    rows = [line.split("\t") for line in told.stdout.splitlines()]
    digests = {row[2]: int(row[0]) for row in rows if row[1] == "credential.json"}
    versions = [digests[hashlib.sha256(body).hexdigest()] for body in bodies]
    assert versions == sorted(set(versions))
    assert (unknown.returncode, unknown.stdout) == (3, "")


def test_check_tells_what_is_wrong_by_line_and_exit_code(server: Server, place: Place) -> None:
    server.terminate()
    place.drop_rule("audit", "UPDATE")
    place.query("UPDATE audit SET actor = 'nobody' WHERE id = 2")
    place.query("INSERT INTO audit (at, actor, action, subject, detail) VALUES (1, 'a', 'x', 's', '{}')")
    ((lost,),) = place.query("SELECT max(id) FROM audit")
    checked = touchstone(server, "db", "check")

    assert checked.returncode == 1
    assert checked.stdout.count("FAILED") == 1
    assert "at position 2" in checked.stdout
    assert f"neither sealed nor waiting, by the ids of the rows: {lost} (1 in all)" in checked.stdout


def test_a_missing_migration_is_told_by_check_and_applied_by_migrate(place: Place, tmp_path: Path) -> None:
    server = Server(tmp_path, database_url=place.url)
    place.open().close()
    before = touchstone(server, "db", "check")
    applied = touchstone(server, "db", "migrate", "--reason", "the new release")
    again = touchstone(server, "db", "migrate")
    ((actor, detail),) = place.query("SELECT actor, detail FROM audit WHERE action = 'database.migrate'")

    assert before.returncode == 1
    assert "storage-1 is missing; run: touchstone db migrate" in before.stdout
    assert (actor, json.loads(detail)["why"]) == ("touchstone-cli", "the new release")
    assert json.loads(detail)["steps"] == applied.stdout.replace("applied ", "").splitlines()
    assert applied.returncode == 0
    assert "applied statuslist-1: status sets" in applied.stdout
    assert again.stdout == ""
    assert touchstone(server, "db", "check").returncode == 0


def test_backup_of_postgresql_names_what_does_it(postgres: Cluster, tmp_path: Path) -> None:
    server = Server(tmp_path, database_url=PostgresPlace(postgres).url)
    done = touchstone(server, "db", "backup", "copy.db")

    assert done.returncode == 1
    assert "pg_basebackup" in done.stderr
    assert "docs/operations.md" in done.stderr


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Server]:
    """A running server on SQLite."""
    server = Server(tmp_path)
    server.initialise("--sample")
    server.start()
    yield server
    server.kill()


def test_a_deployment_moves_to_postgresql_and_back(first: Server, postgres: Cluster, tmp_path: Path) -> None:
    """The same rows, the same lists in the same bytes, and allocations that go on."""
    first.operator("", {"id": "badges", "purposes": ["revocation"]})
    revoked, *others = allocate(first, 50)
    revoke(first, revoked)
    _wait_until_served(first, revoked)
    body = first.get(LIST)
    running = touchstone(first, "db", "copy", "sqlite:///var/touchstone.db", "sqlite:///copy.db")
    first.terminate()

    there = PostgresPlace(postgres).url
    out = touchstone(first, "db", "copy", "sqlite:///var/touchstone.db", there, "--reason", "moves")
    back = touchstone(first, "db", "copy", there, "sqlite:///back.db")
    again = touchstone(first, "db", "copy", "sqlite:///var/touchstone.db", there)
    moved = Server(tmp_path, database_url=there, public_url=first.url)
    moved.start()
    try:
        served = moved.get(LIST)
        more = allocate(moved, 50)
        revoke(moved, more[0])
    finally:
        moved.kill()

    assert running.returncode == 5
    assert (out.returncode, back.returncode) == (0, 0), out.stderr + back.stderr
    assert _but_of_the_trail(out.stdout) == _but_of_the_trail(back.stdout) != []
    assert again.returncode == 5
    assert "rows in" in again.stderr
    assert served == body
    assert not {revoked, *others} & set(more)
    there_and_back = SqlitePlace(tmp_path / "back.db")
    assert there_and_back.query("SELECT count(*) FROM allocations") == [(2,)]
    copies = there_and_back.query("SELECT detail FROM audit WHERE action = 'database.copy' ORDER BY id")
    assert [json.loads(detail).get("why") for (detail,) in copies] == ["moves", None]


def _but_of_the_trail(printed: str) -> list[str]:
    """Return the tables, without those to which each copy adds the row that says so."""
    return [line for line in printed.splitlines() if line.split()[0] not in ("audit", "audit_unsealed")]


def _wait_until_published(server: Server) -> None:
    began = time.monotonic()
    while not (server.directory / "var/published/status-lists/badges-revocation").exists():
        assert time.monotonic() - began < 5, "the list is not published"
        time.sleep(0.02)


def _is_served(server: Server, index: int) -> bool:
    try:
        return bool(status_at(bits_of(server.get(LIST)), index))
    except urllib.error.HTTPError:  # Its first version is not published yet.
        return False


def _wait_until_served(server: Server, index: int) -> None:
    began = time.monotonic()
    while not _is_served(server, index):
        assert time.monotonic() - began < 5, "the revocation is not served"
        time.sleep(0.02)


def test_a_recovered_postgresql_is_made_safe_in_place(postgres: Cluster, tmp_path: Path) -> None:
    """Recovered to before the revocations: what the mirror has of them is taken over, and sets are closed."""
    place = PostgresPlace(postgres)
    server = Server(tmp_path, database_url=place.url, workers=2)
    server.initialise()
    server.start()
    try:
        server.operator("", {"id": "badges", "purposes": ["revocation"]})
        revoked = allocate(server, 20)
        _wait_until_published(server)
        server.terminate()
        earlier = PostgresPlace(postgres)
        postgres.drop_database(earlier.name)
        postgres.create_database(earlier.name, template=place.name)
        server.start()
        for index in revoked:
            revoke(server, index)
        _wait_until_served(server, revoked[-1])
        refused = touchstone(server, "db", "restore")
        server.terminate()
        server.settings["DATABASE_URL"] = earlier.url
        restored = touchstone(server, "db", "restore")
        server.start()
        bits = bits_of(server.get(LIST))
        with pytest.raises(urllib.error.HTTPError, match="409"):
            allocate(server, 1)
    finally:
        server.kill()

    assert refused.returncode == 5
    assert (restored.returncode, "revocations: 20" in restored.stdout) == (0, True), restored.stderr
    assert all(status_at(bits, index) for index in revoked)


def test_a_sqlite_that_several_workers_serve_is_in_use(tmp_path: Path) -> None:
    """Even while no process has the publisher's lease, as right after its holder died."""
    server = Server(tmp_path, workers=2)
    server.initialise()
    server.start()
    try:
        assert touchstone(server, "db", "backup", "copy.db").returncode == 0
        (tmp_path / "var/touchstone.db.publisher").unlink()  # Whoever asks for it now gets another one.
        refused = touchstone(server, "db", "restore", "copy.db")
    finally:
        server.kill()

    assert refused.returncode == 5
