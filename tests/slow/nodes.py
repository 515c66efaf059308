"""Several nodes of one deployment, and readers that look at them all the time."""

import contextlib
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from statuslist.bitstring import expand_list
from tests.process import Server
from wire import read


@contextlib.contextmanager
def nodes_on(
    database_url: str, directory: Path, count: int = 3, workers: int = 1, **settings: str
) -> Iterator[list[Server]]:
    """Run nodes of one deployment: one database, one public URL, the same keys."""
    first = Server(directory, workers=workers, database_url=database_url, **settings)
    others = [
        Server(directory, workers=workers, database_url=database_url, public_url=first.url, **settings)
        for _ in range(count - 1)
    ]
    nodes = [first, *others]
    first.initialise("--sample")
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        for node in nodes:
            node.kill()


class Reader:
    """Reads one node's list all the time; remembers every version that it served, and since when."""

    def __init__(self, node: Server, path: str, pause: float = 0.01) -> None:
        self._node, self._path, self._pause = node, path, pause
        self._stop = threading.Event()
        self.bodies: list[bytes] = []
        self.seen: list[tuple[float, int]] = []
        self.failures: list[str] = []
        self.answers = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()

    def shown_at(self, index: int) -> float:
        """Return since when this node shows the bit."""
        bit = 1 << (131_071 - index)
        return next(at for at, bits in self.seen if bits & bit)

    def _work(self) -> None:
        etag = ""
        while not self._stop.is_set():
            request = urllib.request.Request(f"{self._node.url}{self._path}", headers={"If-None-Match": etag})
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    body, etag = answer.read(), answer.headers["ETag"]
                self.bodies.append(body)
                self.seen.append((time.monotonic(), _bits(body)))
            except urllib.error.HTTPError as error:
                if error.code != 304:
                    self.failures.append(f"HTTP {error.code}")
            except OSError as error:
                self.failures.append(repr(error))
            self.answers += 1
            time.sleep(self._pause)


def _bits(body: bytes) -> int:
    encoded = read(body, max_bytes=1_000_000)["credentialSubject"]["encodedList"]
    return int.from_bytes(expand_list(encoded, max_bytes=1_000_000), "big")
