"""
A server that is killed while it pushes its audit rows: the collector gets each row, and can tell which came twice.

After it, what lies beside the mirror is whole, and the collector's own copy is verified with it.
"""

import http.client
import threading
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from operators.audit.heads import Verification, read_head
from operators.audit.views import AuditLine, read_line
from proofs.notes import read_note_key, verify_note
from tests.machine import wait_until
from tests.process import Server, free_port

pytestmark = pytest.mark.slow

ROUNDS = 6
CLOSED = (urllib.error.URLError, ConnectionError, http.client.RemoteDisconnected)


class Taker(ThreadingHTTPServer):
    """A collector that kills the server, where it is told to, when it has rows and before it says so."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Taking)
        self.lines: list[AuditLine] = []
        self.before_answer = threading.Event()
        self.victim: Server | None = None


class _Taking(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Taker

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.lines += [read_line(line) for line in body.splitlines()]
        if self.server.before_answer.is_set() and self.server.victim is not None:
            self.server.before_answer.clear()
            self.server.victim.kill()
            return
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Tell nothing."""


@contextmanager
def taking(port: int) -> Iterator[Taker]:
    taker = Taker(port)
    thread = threading.Thread(target=taker.serve_forever, daemon=True)
    thread.start()
    try:
        yield taker
    finally:
        taker.shutdown()
        taker.server_close()
        thread.join()


def test_a_collector_has_every_row_of_a_server_that_is_killed_while_it_pushes(server: Server) -> None:
    port = free_port()
    server.settings["AUDIT_PUSH_URL"] = f"http://127.0.0.1:{port}/rows"
    server.initialise("--sample")
    allocations = 0
    with taking(port) as taker:
        taker.victim = server
        for number in range(ROUNDS):
            server.start()
            taker.before_answer.set()
            allocations += _allocate_until_it_dies(server, f"round-{number}")
        server.start()
        wait_until(
            lambda: _count(taker) >= allocations, "every acknowledged allocation is with the collector"
        )
        time.sleep(1.5)  # For what is pushed after it; the last head, too, is signed and written.
        server.terminate()
    known: dict[int, AuditLine] = {}
    twice = 0
    for line in taker.lines:
        twice += line.position in known
        assert known.setdefault(line.position, line) == line, "the same position, and another row"
    place = server.directory / "var/published/audit"
    keys = [read_note_key(path.read_text()) for path in place.glob("*.key")]
    heads = [read_head(verify_note(path.read_bytes(), keys)) for path in place.glob("*.note")]
    verification = Verification(heads)
    for position in sorted(known):
        verification.take(known[position].sealed())
    verification.end()

    assert allocations <= _count(taker) <= allocations + ROUNDS, "the last of each round was not acknowledged"
    assert twice >= ROUNDS, "each time it was killed, rows came again"
    assert heads


def _allocate_until_it_dies(server: Server, name: str) -> int:
    """Return how many allocations were acknowledged."""
    for number in range(100_000):
        try:
            server.operator("/sample/allocations", {}, key=f"{name}-{number}")
        except CLOSED:
            return number
    raise AssertionError("it was not killed")


def _count(taker: Taker) -> int:
    return len({line.position for line in taker.lines if line.action == "status_set.allocate"})
