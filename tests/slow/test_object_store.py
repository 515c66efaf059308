"""Lists in an object store, put there by the real client: its readers get permanent URLs, and the truth."""

import asyncio
import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from statuslist.formats.forms import DATA_INTEGRITY, FORM_NAMES, JWT, TOKEN_FORMS, FormName
from tests.databases import PostgresPlace
from tests.machine import wait_until
from tests.postgres import Cluster
from tests.process import Server
from tests.slow.nodes import nodes_on
from tests.slow.object_store import Store, object_store
from tests.verifying import fault_of, said_by, set_in_token, verify_token

pytestmark = pytest.mark.slow

SET, LIST = "badges", "badges-revocation"
TYPES: dict[FormName, str] = {
    "credential.json": "application/ld+json",
    "credential.jwt": "application/vc+jwt",
    "token.jwt": "application/statuslist+jwt",
    "token.cwt": "application/statuslist+cwt",
}
VERSION = "x-amz-meta-listversion"
NOT_UPLOADED = 'touchstone_alarms{kind="lists-not-uploaded"}'


@pytest.fixture
def store() -> Iterator[Store]:
    with object_store() as opened:
        yield opened


@pytest.fixture
def server(store: Store, tmp_path: Path) -> Iterator[Server]:
    """A server with a set whose first entries are allocated, and in the bucket."""
    options = store.options(tmp_path / "store.toml")
    deployment = Server(
        tmp_path,
        public_url="https://status.example.com",
        PUBLISH_URL="s3://lists",
        PUBLISH_OPTIONS_FILE=str(options),
    )
    deployment.initialise("--sample")
    deployment.start()
    deployment.operator("", {"id": SET, "purposes": ["revocation"]})
    wait_until(lambda: version_of(store) > 0, "the first version to be in the bucket")
    yield deployment
    store.front.open_for = None
    deployment.kill()


def allocate(server: Server) -> dict[str, Any]:
    """Take an entry; return its `credentialStatus`."""
    entry: dict[str, Any] = server.operator(f"/{SET}/allocations", {"count": 1})["entries"][0]
    return entry["credentialStatus"][0]


def revoke(server: Server) -> int:
    """Take an entry and revoke it; return its index."""
    index = allocate(server)["statusListIndex"]
    server.operator(
        f"/{SET}/statuses",
        {"changes": [{"statusListIndex": index, "statusPurpose": "revocation", "status": 1}]},
    )
    return int(index)


def path_of(form: FormName) -> str:
    return f"/status-lists/{SET if form in TOKEN_FORMS else LIST}/{form}"


def version_of(store: Store, form: FormName = JWT) -> int:
    """Return which version is in the bucket; 0: none."""
    try:
        return int(store.get(path_of(form))[1][VERSION].partition(".")[0])
    except OSError:
        return 0


def shows(store: Store, *indices: int) -> Callable[[], bool]:
    """Tell whether all forms in the bucket have these entries set and no other."""
    return lambda: all(
        version_of(store, form) > 0 and set_in(form, store.get(path_of(form))[0]) == set(indices)
        for form in FORM_NAMES
    )


def set_in(form: FormName, body: bytes) -> set[int]:
    """Return the entries that are set in a list."""
    if form in TOKEN_FORMS:
        return set_in_token(form, body)
    return said_by(form, body)[1]


def metric(server: Server, name: str) -> float:
    with urllib.request.urlopen(f"{server.operator_url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")))


def verify(store: Store, server: Server, path: str, form: FormName) -> None:
    body, headers = store.get(path)
    document = server.get("/.well-known/did.json")
    if form in TOKEN_FORMS:
        verify_token(form, body, document)
    else:
        assert asyncio.run(fault_of(form, body, document)) is None
    assert headers["Content-Type"] == TYPES[form]


def test_a_plain_reader_of_the_bucket_gets_the_permanent_urls(store: Store, server: Server) -> None:
    named = urlsplit(allocate(server)["statusListCredential"]).path
    index = revoke(server)
    wait_until(shows(store, index), "the revocation to be in the bucket")

    assert named == path_of(DATA_INTEGRITY)
    for form in FORM_NAMES:
        verify(store, server, path_of(form), form)
        assert store.get(path_of(form))[0] == server.get(path_of(form))
        assert store.get(path_of(form))[1]["Cache-Control"] == "public, max-age=300"


def test_lists_that_are_signed_anew_are_replaced(store: Store, server: Server) -> None:
    index = revoke(server)
    wait_until(shows(store, index), "the revocation to be in the bucket")
    before = version_of(store)
    server.terminate()
    server.settings["LIST_TTL_SECONDS"] = "120"
    server.start()
    wait_until(lambda: min(version_of(store, form) for form in FORM_NAMES) > before, "the new signature")

    assert shows(store, index)()
    for form in FORM_NAMES:
        verify(store, server, path_of(form), form)
        assert store.get(path_of(form))[1]["Cache-Control"] == "public, max-age=120"


def test_a_server_killed_between_two_forms_makes_up_for_it(store: Store, server: Server) -> None:
    before = version_of(store)
    store.front.open_for = 3
    index = revoke(server)
    assert store.front.waiting.wait(timeout=20)
    server.kill()
    store.front.is_down, store.front.open_for = True, None  # What waited never reaches the store.
    wait_until(lambda: not store.front.waiting.is_set(), "the held write to end")
    store.front.is_down = False
    mixed = sorted(version_of(store, form) for form in FORM_NAMES)
    server.start()
    for form in FORM_NAMES:
        verify(store, server, path_of(form), form)
    wait_until(shows(store, index), "all forms to be of one version")

    assert mixed == [before, before + 1, before + 1, before + 1]


def test_a_store_that_is_away_is_an_alarm_and_made_up_for(store: Store, server: Server) -> None:
    store.front.is_down = True
    indices = [revoke(server) for _ in range(3)]
    wait_until(
        lambda: set_in(JWT, server.get(path_of(JWT))) == set(indices), "readers of the server to see it"
    )
    in_the_bucket = set_in(JWT, store.get(path_of(JWT))[0])
    wait_until(lambda: metric(server, NOT_UPLOADED) == 1, "the alarm", seconds=60)
    assert metric(server, "touchstone_upload_waiting") == 2, "two lists, of a set"
    assert metric(server, "touchstone_upload_failed") > 1
    store.front.is_down = False
    store.front.writes.clear()
    wait_until(shows(store, *indices), "what waited", seconds=90)
    wait_until(lambda: metric(server, NOT_UPLOADED) == 0, "the alarm to end")

    assert in_the_bucket == set()
    assert len(store.front.writes) == len(FORM_NAMES), "the newest version only"
    assert metric(server, "touchstone_upload_waiting") == 0


def test_a_node_that_was_held_up_overwrites_nothing(store: Store, server: Server) -> None:
    """Its write is on its way when another one puts a newer version there."""
    store.front.open_for = 0
    revoke(server)
    assert store.front.waiting.wait(timeout=20)
    newer = f"{version_of(store) + 1000}.{'0' * 64}"
    for form in FORM_NAMES:
        store.put(path_of(form), b"newer", {"Content-Type": "text/plain", VERSION: newer})
    store.front.open_for = None
    wait_until(lambda: bool(store.front.refused), "the write to be refused")
    wait_until(lambda: metric(server, "touchstone_upload_failed") > 0, "that to be noticed")

    assert {store.get(path_of(form))[0] for form in FORM_NAMES} == {b"newer"}


def test_an_older_database_overwrites_nothing(store: Store, server: Server, tmp_path: Path) -> None:
    server.terminate()
    shutil.copy(tmp_path / "var/touchstone.db", tmp_path / "older.db")
    server.start()
    index = revoke(server)
    wait_until(shows(store, index), "the revocation to be in the bucket")
    server.terminate()
    shutil.copy(tmp_path / "older.db", tmp_path / "var/touchstone.db")
    for left in ("touchstone.db-wal", "touchstone.db-shm"):
        (tmp_path / "var" / left).unlink(missing_ok=True)
    server.settings["MIRROR_DIR"] = "off"
    server.start()
    wait_until(lambda: metric(server, "touchstone_upload_failed") > 0, "that to be noticed")

    assert shows(store, index)()
    wait_until(lambda: metric(server, NOT_UPLOADED) == 1, "the alarm", seconds=60)
    told = urllib.request.Request(
        f"{server.operator_url}/operator/alarms", headers={"Authorization": f"Bearer {server.operator_key}"}
    )
    with urllib.request.urlopen(told, timeout=10) as answer:
        (alarm,) = json.load(answer)["alarms"]
    assert (alarm["kind"], alarm["subject"]) == ("lists-not-uploaded", "s3://lists")
    assert "which is newer than ours" in alarm["reason"]


def test_of_two_nodes_the_one_that_is_left_goes_on(store: Store, postgres: Cluster, tmp_path: Path) -> None:
    options = store.options(tmp_path / "store.toml")
    place = PostgresPlace(postgres)
    settings = {"PUBLISH_URL": "s3://lists", "PUBLISH_OPTIONS_FILE": str(options)}
    with nodes_on(place.url, tmp_path, 2, **settings) as (first, second):
        first.operator("", {"id": SET, "purposes": ["revocation"]})
        by_one = [revoke(first), revoke(second)]
        wait_until(shows(store, *by_one), "what two nodes revoked to be in the bucket")
        refused = list(store.front.refused)
        first.kill()
        by_other = revoke(second)
        wait_until(shows(store, *by_one, by_other), "what the other one revoked", seconds=60)

    assert refused == [], "one at a time uploads"
