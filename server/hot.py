"""
Hot answers: the bytes of a GET, made once, and given again to whoever asks the same way.

The table is keyed by raw path and Accept header, exactly as sent. `server/front.py` alone fills it (from the
`Answer` that a route returned) and reads it; publishers evict by path through `evict`. An entry never outlives
`Answer.fresh_until`. Date is the server's; Age changes with the clock, so the header block that holds it is
made anew at most once a second per entry.
"""

from collections.abc import Callable

from cachetools import LRUCache

from server.http import ENCODED_CORS, encoded_headers, is_not_modified
from wire import Answer

MAX_KEY_BYTES = 2_048  # raw path and Accept together; longer requests take the ordinary way
ENTRY_OVERHEAD_BYTES = 1_024  # bytes of bookkeeping per entry, measured on did:key answers

Headers = list[tuple[bytes, bytes]]
Key = tuple[bytes, bytes]


class HotAnswer:
    """One answer and the header block in which it is sent this second."""

    __slots__ = ("_headers", "_second", "answer", "body_message", "etag")

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.etag = (answer.etag or "").encode("latin-1")
        self.body_message = {"type": "http.response.body", "body": answer.body}
        self._second = -1
        self._headers: Headers = []

    def headers(self, now: float) -> Headers:
        """Return the headers of a 200 at `now` (seconds since 1970); shared, so never to be changed."""
        if int(now) != self._second:
            length = (b"content-length", str(len(self.answer.body)).encode())
            self._headers = [*encoded_headers(self.answer, now), *ENCODED_CORS, length]
            self._second = int(now)
        return self._headers

    def matches(self, if_none_match: bytes | None) -> bool:
        """Tell whether a conditional request is answered 304."""
        if if_none_match is None:
            return False
        return if_none_match == self.etag or is_not_modified(self.answer, if_none_match.decode("latin-1"))

    def size(self) -> int:
        """Return about how many bytes of memory the entry holds."""
        return len(self.answer.body) + ENTRY_OVERHEAD_BYTES


class HotTable:
    """
    The table, bounded in bytes; the least recently used entry goes first.

    Attributes:
        purges: how often `purge` was called. An answer whose making began at another number must not be kept: it
            may say what was purged meanwhile.
    """

    def __init__(self, *, max_bytes: int, clock: Callable[[], float]) -> None:
        self._entries: LRUCache[Key, HotAnswer] = LRUCache(max_bytes, getsizeof=HotAnswer.size)
        self._clock = clock
        self.hits = 0
        self.purges = 0

    def find(self, raw_path: bytes, accept: bytes) -> HotAnswer | None:
        """Return the fresh answer for that path and Accept header, or None."""
        entry = self._entries.get((raw_path, accept))
        if entry is None:
            return None
        fresh_until = entry.answer.fresh_until
        if fresh_until is not None and fresh_until <= self._clock():
            self._entries.pop((raw_path, accept), None)
            return None
        self.hits += 1
        return entry

    def keep(self, raw_path: bytes, accept: bytes, answer: Answer) -> None:
        """Remember `answer` where it may be given again: a 200 with an ETag that is fresh or immutable."""
        if answer.status != 200 or answer.etag is None or len(raw_path) + len(accept) > MAX_KEY_BYTES:
            return
        if not answer.immutable and (answer.fresh_until is None or answer.fresh_until <= self._clock()):
            return
        entry = HotAnswer(answer)
        if entry.size() <= self._entries.maxsize:
            self._entries[raw_path, accept] = entry

    def evict(self, path_prefix: bytes) -> None:
        """Forget every answer whose raw path begins with `path_prefix`."""
        for key in [key for key in self._entries if key[0].startswith(path_prefix)]:
            self._entries.pop(key, None)

    def purge(self, path_prefix: bytes) -> None:
        """Forget every answer below `path_prefix` that may change, and those that are being made now."""
        self.purges += 1
        for key, entry in list(self._entries.items()):
            if key[0].startswith(path_prefix) and not entry.answer.immutable:
                self._entries.pop(key, None)

    @property
    def bytes_held(self) -> int:
        return int(self._entries.currsize)
