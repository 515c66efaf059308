"""SIGTERM under load: what was accepted is answered, the process exits 0, and the next start keeps all state."""

import http.client
import threading
import time
import urllib.error

import pytest

from tests.process import Server
from tests.slow.watcher import watching

pytestmark = pytest.mark.slow

CLIENTS = 8
ROUNDS = 5
# No answer at all: the door was closed. An HTTP error would be an answer, and is not among these.
CLOSED = (urllib.error.URLError, ConnectionError, http.client.RemoteDisconnected)


class Allocators:
    """Clients that allocate one entry after another until the door is closed."""

    def __init__(self, server: Server, name: str) -> None:
        self._server, self._name = server, name
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(CLIENTS)]
        self.answered: list[int] = []
        self.errors: list[str] = []
        self.turned_away: list[int] = []
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _work(self, client: int) -> None:
        for request in range(100_000):
            key = f"{self._name}-{client}-{request}"
            try:
                self._server.operator("/sample/allocations", {}, key=key)
            except urllib.error.HTTPError as error:
                self.errors.append(f"{key}: {error.code}")
            except CLOSED:
                self.turned_away.append(client)
                return
            else:
                self.answered.append(client)


def test_sigterm_fails_no_accepted_request_and_the_next_start_keeps_all_state(server: Server) -> None:
    """A request was accepted where it had an effect: so rows and answers must come to the same number."""
    server.initialise("--sample")
    server.start()
    with watching([server]):
        for number in range(ROUNDS):
            before = server.operator("/sample")["allocated"]
            load = Allocators(server, f"round-{number}")
            time.sleep(0.3 + 0.03 * number)
            answered_before = len(load.answered)
            code = server.terminate()
            load.join()
            seconds = server.start()
            kept = server.operator("/sample")["allocated"] - before
            print(
                f"\n{answered_before} answers before SIGTERM, {len(load.answered) - answered_before} after it, "
                f"{len(load.turned_away)} clients turned away; the next start took {seconds:.2f} s"
            )

            assert code == 0
            assert load.errors == []
            assert answered_before > 0
            assert len(load.turned_away) == CLIENTS
            assert kept == len(load.answered)
            assert seconds < 2
