"""
Keys follow one another three times, and one is given up, while others revoke and read: every list that is served
verifies, with the DID document of that moment and with any that a cache may still hold.
"""

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import PostgresPlace
from tests.process import Server
from tests.slow.nodes import nodes_on
from tests.slow.published import published, set_bits
from tests.slow.readers import Readers, Seen, Verifier
from tests.slow.watcher import watching
from tests.verifying import said_by

pytestmark = pytest.mark.slow

REVOCATIONS = 500
READS = 5_000
TTL_SECONDS = 5
GIVEN_UP_SECONDS = 5.0  # by when nobody is shown a key that was given up; a loaded machine keeps it too
PATIENCE_SECONDS = 60.0
SETTINGS = {"PUBLIC_URL": "https://status.example", "DID_DOCUMENT_TTL_SECONDS": str(TTL_SECONDS)}


@pytest.fixture(params=["two nodes over PostgreSQL", "two workers over SQLite"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Server]]:
    if "SQLite" in request.param:
        with nodes_on("", tmp_path, 1, 2, **SETTINGS) as alone:
            yield alone
        return
    place = PostgresPlace(request.getfixturevalue("postgres"))
    with nodes_on(place.url, tmp_path, 2, **SETTINGS) as both:
        yield both


class Keys:
    """The keys of the default issuer, through the operator API of the last node."""

    def __init__(self, nodes: list[Server]) -> None:
        self._node = nodes[-1]

    def all(self) -> dict[str, dict[str, Any]]:
        return {key["key"]: key for key in self._ask("GET", "")["keys"]}

    def active(self) -> str:
        return next(key["key"] for key in self.all().values() if key["state"] == "active")

    def spare(self) -> str | None:
        """Return the announced key that nobody has planned to activate."""
        waiting = [
            key for key in self.all().values() if key["state"] == "announced" and "activatesAt" not in key
        ]
        return waiting[0]["key"] if waiting else None

    def add(self, algorithm: str) -> str:
        return str(self._ask("POST", "/keys", {"algorithm": algorithm})["key"])

    def activate(self, key: str) -> None:
        self._ask("POST", f"/keys/{key}/activate")

    def give_up(self, key: str) -> None:
        self._ask("POST", f"/keys/{key}/compromised", {})

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._node.operator_key}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self._node.operator_url}/operator/issuers/default{path}",
            method=method,
            headers=headers if body is not None else headers | {"Content-Length": "0"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


class Revoker:
    """A thread that revokes one entry after another, on one node after another, until it is told to stop."""

    def __init__(self, nodes: list[Server], set_id: str, indexes: list[str], *, pause: float = 0.05) -> None:
        self._nodes, self._set_id, self._indexes, self._pause = nodes, set_id, indexes, pause
        self._stop = threading.Event()
        self.revoked: list[int] = []
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        for number, index in enumerate(self._indexes):
            if self._stop.is_set():
                return
            change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
            node = self._nodes[number % len(self._nodes)]
            node.operator(f"/{self._set_id}/statuses", {"changes": [change]})
            self.revoked.append(int(index))
            time.sleep(self._pause)


def until(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)


@contextlib.contextmanager
def under_load(nodes: list[Server]) -> Iterator[tuple[Readers, Revoker]]:
    """Revoke and read in the meantime, and for as long as it takes to have done that often enough."""
    nodes[0].operator("", {"id": "rotating", "issuerId": "default", "purposes": ["revocation"]})
    entries = nodes[-1].operator("/rotating/allocations", {"count": 20 * REVOCATIONS})["entries"]
    time.sleep(1)  # A new list is published within a second.
    readers = Readers(nodes, "did:web:status.example", "rotating-revocation")
    indexes = [entry["credentialStatus"][0]["statusListIndex"] for entry in entries]
    revoker = Revoker(nodes, "rotating", indexes)
    try:
        yield readers, revoker
        until(lambda: len(revoker.revoked) >= REVOCATIONS and len(readers.seen) >= READS)
        revoker.finish()
        time.sleep(1.5)  # A change is published within a second.
    finally:
        revoker.finish()
        readers.finish()


def is_signed_by(readers: Readers, nodes: list[Server], key: str) -> bool:
    """Tell whether each node was seen to serve a list that this key signed."""
    last = {seen.node: seen for seen in readers.seen[-40:]}
    return len(last) == len(nodes) and all(said_by(seen.form, seen.body)[0] == key for seen in last.values())


def rotate(nodes: list[Server], readers: Readers, keys: Keys) -> list[str]:
    """Let three other keys sign, one of P-256 among them; return all four in their order."""
    first, spare = keys.active(), keys.spare()
    assert spare is not None
    order = [spare, keys.add("P-256"), keys.add("Ed25519")]
    for key in order:
        keys.activate(key)
        until(lambda key=key: is_signed_by(readers, nodes, key))
        time.sleep(2)
    return [first, *order]


def faults_of(verifier: Verifier, readers: Readers, lists: list[Seen]) -> list[str]:
    """Verify lists with the document of the moment, and with each that may still be in a cache."""
    return [
        fault
        for seen in lists
        for fault in verifier.faults(seen, {seen.document, *readers.copies(seen.answered, TTL_SECONDS)})
    ]


def test_every_list_verifies_while_keys_rotate_and_after(nodes: list[Server]) -> None:
    keys, verifier = Keys(nodes), Verifier()
    with watching(nodes), under_load(nodes) as (readers, revoker):
        order = rotate(nodes, readers, keys)
    shown = [set_bits(published(node, "rotating-revocation")) for node in nodes]
    states = [keys.all()[key]["state"] for key in order]
    lists = {(seen.form, seen.body) for seen in readers.seen}
    signers = {said_by(*one)[0] for one in lists}
    documents = {span.body for span in readers.documents()}
    faults = faults_of(verifier, readers, readers.seen)
    last = {spans[-1].body for spans in readers.spans.values()}
    later = [fault for seen in readers.seen for fault in verifier.faults(seen, last)]
    print(
        f"\n{len(revoker.revoked)} revocations and {len(readers.seen)} reads on {len(nodes)} nodes:"
        f" {len(lists)} lists signed by {len(signers)} keys, {len(documents)} documents,"
        f" {verifier.pairs} pairs of them verified"
    )

    assert readers.failures == []
    assert faults == []
    assert readers.kept_seconds == TTL_SECONDS
    assert later == []  # All that was signed is valid for a day.
    assert len(readers.seen) >= READS
    assert signers == set(order)
    assert len(set(order)) == 4
    assert states == ["retired", "retired", "retired", "active"]
    assert {seen.form for seen in readers.seen} == {"credential.json", "credential.jwt"}
    assert (
        len(documents) >= 6
    )  # The first, one with the keys that were added, one with the next spare key; twice.
    assert len(revoker.revoked) >= REVOCATIONS
    assert shown == [set(revoker.revoked)] * len(nodes)


def test_a_key_that_is_given_up_is_shown_to_nobody_and_another_signs_at_once(nodes: list[Server]) -> None:
    keys, verifier = Keys(nodes), Verifier()
    lost, spare = keys.active(), keys.spare()
    assert spare is not None
    with under_load(nodes) as (readers, revoker):
        time.sleep(2 * TTL_SECONDS)
        asked = time.monotonic()
        keys.give_up(lost)
        acknowledged = time.monotonic()
        until(lambda: is_signed_by(readers, nodes, spare))
    shown = [set_bits(published(node, "rotating-revocation")) for node in nodes]
    by = {(seen.form, seen.body): said_by(seen.form, seen.body)[0] for seen in readers.seen}
    before = [seen for seen in readers.seen if seen.answered < asked]
    signed_anew = [seen for seen in readers.seen if by[seen.form, seen.body] == spare]
    last_list = max(seen.answered for seen in readers.seen if by[seen.form, seen.body] == lost) - acknowledged
    listing = [span for span in readers.documents() if f"#{lost}".encode() in span.body]
    last_document = max(span.until for span in listing) - acknowledged
    states = {key["key"]: key["state"] for key in keys.all().values()}
    print(
        f"\n{len(nodes)} nodes, {len(readers.seen)} reads: the last document that lists the key given up was asked"
        f" for {last_document * 1000:.0f} ms after the acknowledgement, the last list that it signed came"
        f" {last_list * 1000:.0f} ms after it"
    )

    assert readers.failures == []
    assert faults_of(verifier, readers, before) == []
    assert faults_of(verifier, readers, signed_anew) == []
    assert len(before) > 100
    assert len(signed_anew) > 100
    assert set(by.values()) == {lost, spare}
    assert max(last_list, last_document) < GIVEN_UP_SECONDS
    assert (states[lost], states[spare]) == ("compromised", "active")
    assert keys.spare() is not None
    assert shown == [set(revoker.revoked)] * len(nodes)
