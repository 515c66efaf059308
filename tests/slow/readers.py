"""Readers that fetch lists and DID documents all the time, and a verifier that judges later what they saw."""

import asyncio
import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from statuslist.formats.forms import FormName
from tests.process import Server
from tests.verifying import fault_of

DOCUMENT_PATH = "/.well-known/did.json"
RESOLUTION_PATH = "/1.0/identifiers/"  # ... and a DID; as `application/did`, the document alone


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
    """
    One reader's connection to a node.

    Attributes:
        max_age: for how many seconds the last answer may be kept.
    """

    def __init__(self, node: Server) -> None:
        self.max_age = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)

    def get(self, path: str, accept: str = "*/*") -> bytes:
        self._connection.request("GET", path, headers={"Accept": accept})
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body)
        self.max_age = int(answer.headers["Cache-Control"].partition("max-age=")[2])
        return body

    def close(self) -> None:
        self._connection.close()


class Readers:
    """
    Threads that read both forms of a list in turn, on one node after another, and the document of their issuer.

    Attributes:
        seen: every list that was read.
        spans: by node, the documents that it served as a file and as a resolver, each in their order.
        kept_seconds: for how long such a document may be kept at most.
    """

    def __init__(
        self, nodes: list[Server], did: str, list_id: str, *, threads: int = 4, pause: float = 0.02
    ) -> None:
        self._nodes, self._list_id, self._pause = nodes, list_id, pause
        self._stop = threading.Event()
        self._turns = itertools.count()
        self.seen: list[Seen] = []
        self.spans: dict[tuple[int, str], list[Span]] = {
            (number, path): []
            for number in range(len(nodes))
            for path in (DOCUMENT_PATH, f"{RESOLUTION_PATH}{did}")
        }
        self.kept_seconds = 0
        self.failures: list[str] = []
        works = [partial(self._watch, *place) for place in self.spans] + [self._read_lists] * threads
        self._threads = [threading.Thread(target=self._guarded, args=(work,), daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                work()
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(repr(error))
                time.sleep(self._pause)

    def _read_lists(self) -> None:
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

    def _watch(self, number: int, path: str) -> None:
        spans = self.spans[number, path]
        while not self._stop.is_set():
            asked = time.monotonic()
            client = Client(self._nodes[number])  # A new connection may reach another worker.
            body = client.get(path, accept="application/did" if path != DOCUMENT_PATH else "*/*")
            client.close()
            self.kept_seconds = max(self.kept_seconds, client.max_age)
            if spans and spans[-1].body == body:
                spans[-1] = spans[-1]._replace(until=asked)
            else:
                spans.append(Span(body, asked, asked))
            time.sleep(self._pause)

    def documents(self) -> list[Span]:
        """Return every document that any node served."""
        return [span for spans in self.spans.values() for span in spans]

    def copies(self, at: float, age: float) -> set[bytes]:
        """Return every document that somebody may hold at `at` who keeps what he fetched for `age` seconds."""
        return {span.body for span in self.documents() if span.until >= at - age and span.since <= at}


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
