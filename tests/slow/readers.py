"""Readers that fetch lists and DID documents all the time, and a verifier that judges later what they saw."""

import asyncio
import http.client
import itertools
import threading
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from statuslist.formats.forms import FormName
from tests.process import Server
from tests.verifying import fault_of

DOCUMENT_PATH = "/.well-known/did.json"


class Seen(NamedTuple):
    """A list as a node served it, and the document that some node served right after; monotonic seconds."""

    node: int
    form: FormName
    body: bytes
    answered: float
    document: bytes


class Span(NamedTuple):
    """A document that a node served, from the first to the last time that it was asked; monotonic seconds."""

    body: bytes
    since: float
    until: float


class Client:
    """One reader's connection to a node."""

    def __init__(self, node: Server) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body)
        return body

    def close(self) -> None:
        self._connection.close()


class Readers:
    """
    Threads that read both forms of a list in turn, on one node after another, and each node's document.

    Attributes:
        seen: every list that was read.
        spans: by node, the documents that it served, in their order.
    """

    def __init__(self, nodes: list[Server], list_id: str, *, threads: int = 4, pause: float = 0.02) -> None:
        self._nodes, self._list_id, self._pause = nodes, list_id, pause
        self._stop = threading.Event()
        self._turns = itertools.count()
        self.seen: list[Seen] = []
        self.spans: list[list[Span]] = [[] for _ in nodes]
        self.failures: list[str] = []
        watchers = [(self._watch, number) for number in range(len(nodes))]
        works = [*watchers, *((self._read_lists, number) for number in range(threads))]
        self._threads = [threading.Thread(target=self._guarded, args=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Any, number: int) -> None:
        while not self._stop.is_set():
            try:
                work(number)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(repr(error))
                time.sleep(self._pause)

    def _read_lists(self, _: int) -> None:
        clients = [Client(node) for node in self._nodes]
        while not self._stop.is_set():
            turn = next(self._turns)
            node, form = turn % len(clients), ("credential.json", "credential.jwt")[turn // len(clients) % 2]
            body = clients[node].get(f"/status-lists/{self._list_id}/{form}")
            answered = time.monotonic()
            document = clients[turn // 4 % len(clients)].get(DOCUMENT_PATH)
            self.seen.append(Seen(node, form, body, answered, document))
            time.sleep(self._pause)
        for client in clients:
            client.close()

    def _watch(self, number: int) -> None:
        spans = self.spans[number]
        while not self._stop.is_set():
            asked, client = (
                time.monotonic(),
                Client(self._nodes[number]),
            )  # A new connection may reach another worker.
            body = client.get(DOCUMENT_PATH)
            client.close()
            if spans and spans[-1].body == body:
                spans[-1] = spans[-1]._replace(until=asked)
            else:
                spans.append(Span(body, asked, asked))
            time.sleep(self._pause)

    def copies(self, at: float, age: float) -> set[bytes]:
        """Return every document that somebody may hold at `at` who keeps what he fetched for `age` seconds."""
        return {
            span.body for spans in self.spans for span in spans if span.until >= at - age and span.since <= at
        }


class Verifier:
    """Verifies each list with each document once, past all caches: each time with a resolver of its own."""

    def __init__(self) -> None:
        self._faults: dict[tuple[FormName, bytes, bytes], str | None] = {}

    def fault(self, seen: Seen, document: bytes) -> str | None:
        """Return why a list does not verify; None: it does."""
        asked = (seen.form, seen.body, document)
        if asked not in self._faults:
            self._faults[asked] = asyncio.run(fault_of(*asked))
        return self._faults[asked]

    def faults(self, seen: Seen, documents: Iterable[bytes]) -> list[str]:
        found = (self.fault(seen, document) for document in documents)
        return [f"node {seen.node}, {seen.form}: {fault}" for fault in found if fault is not None]

    @property
    def pairs(self) -> int:
        """How many lists were verified with how many documents, each pair once."""
        return len(self._faults)
