"""
Hot answers: the bytes of a GET, made once, and given again to whoever asks the same way.

The table is keyed by raw path and Accept header, exactly as sent, and by the coding (`hot_reads.chosen_by`).
`front.py` alone fills it (from the `Answer` of a route); `hot_reads.py` alone reads it; publishers evict by path
through `evict`. An entry never outlives `Answer.fresh_until`, and a timer sees to it that setting the clock back
prolongs no life. Date is the server's; Age changes with the clock, so the header block that holds it is made anew
at most once a second per entry.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from server.edge.answers import ENCODED_CORS, headers_of, is_not_modified
from server.edge.cycle import ready_head
from wire import Answer

MAX_KEY_BYTES = 2_048  # raw path and Accept together; longer requests take the ordinary way
ENTRY_OVERHEAD_BYTES = 1_024  # bytes of bookkeeping per entry, measured on did:key answers
NEW_SHARE = 8  # one of so many bytes of the table is kept for answers that were asked for once

_NEVER = float("inf")
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # what no header's value may hold (RFC 9110, section 5.5)
_OF_A_BODY = (b"content-type", b"content-length", b"content-encoding")

Headers = list[tuple[bytes, bytes]]
Key = tuple[bytes, bytes]


class HotAnswer:
    """
    One answer, and the headers with which it is sent this second: lists that are shared, so never to be changed.

    Attributes:
        headers: of a 200, all but Date and X-Request-ID; true after `refresh`.
        unmodified_headers: of a 304.
        head, unmodified_head: the same as they go over the wire, status line first, up to the request id.
        fresh_until: seconds since 1970; infinity for what can never change.
        ends_at: the same by the table's timer.
    """

    __slots__ = (
        "_made_at",
        "_until",
        "answer",
        "body_message",
        "ends_at",
        "etag",
        "fresh_until",
        "head",
        "headers",
        "unmodified_head",
        "unmodified_headers",
        "used_until",
    )

    def __init__(self, answer: Answer, ends_at: float = _NEVER) -> None:
        self.answer = answer
        self.ends_at = ends_at
        self.etag = (answer.etag or "").encode("latin-1")
        self.fresh_until = _NEVER if answer.fresh_until is None else answer.fresh_until
        self.body_message = {"type": "http.response.body", "body": answer.body}
        self._made_at = self._until = 0.0
        self.used_until = _NEVER if answer.immutable else 0.0
        self.headers: Headers = []
        self.unmodified_headers: Headers = []
        self.head = self.unmodified_head = b""

    def refresh(self, now: float) -> None:
        """Make the headers of this second (`now`: seconds since 1970), unless they are made already."""
        if not self._made_at <= now < self._until:
            self._render(now)

    def _render(self, now: float) -> None:
        length = (b"content-length", str(len(self.answer.body)).encode())
        self.headers = [*headers_of(self.answer, now), *ENCODED_CORS, length]
        self.unmodified_headers = [header for header in self.headers if header[0] not in _OF_A_BODY]
        self.head = ready_head(200, self.headers) + b"x-request-id: "
        self.unmodified_head = ready_head(304, self.unmodified_headers) + b"x-request-id: "
        self._made_at, self._until = int(now), _NEVER if self.answer.immutable else int(now) + 1.0

    def matches(self, if_none_match: bytes | None) -> bool:
        """Tell whether a conditional request is answered 304."""
        if if_none_match is None:
            return False
        return if_none_match == self.etag or is_not_modified(self.answer, if_none_match.decode("latin-1"))


class _New(msgspec.Struct, frozen=True):
    """An answer that was asked for once, and when it ends by the table's timer."""

    answer: Answer
    ends_at: float


Entry = TypeVar("Entry", HotAnswer, _New)


class _Segment(Generic[Entry]):
    """Entries in the order of their last use, and their bytes."""

    __slots__ = ("_keys", "bytes_held", "entries")

    def __init__(self) -> None:
        self.entries: OrderedDict[Key, Entry] = OrderedDict()
        self._keys: dict[bytes, tuple[Key, ...]] = {}  # of each path; most have one
        self.bytes_held = 0

    def put(self, key: Key, entry: Entry) -> None:
        self.entries[key] = entry
        self._keys[key[0]] = (*self._keys.get(key[0], ()), key)
        self.bytes_held += len(entry.answer.body) + ENTRY_OVERHEAD_BYTES

    def take(self, key: Key) -> Entry | None:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self._forget(key)
            self.bytes_held -= len(entry.answer.body) + ENTRY_OVERHEAD_BYTES
        return entry

    def _forget(self, key: Key) -> None:
        others = tuple(other for other in self._keys[key[0]] if other != key)
        if others:
            self._keys[key[0]] = others
        else:
            del self._keys[key[0]]

    def drop(self, raw_path: bytes) -> None:
        for key in self._keys.get(raw_path, ()):
            self.take(key)

    def drop_oldest(self) -> None:
        self.take(next(iter(self.entries)))

    def drop_below(self, path_prefix: bytes, *, spares_immutable: bool = False) -> None:
        below = [key for key in self.entries if key[0].startswith(path_prefix)]
        for key in below:
            if not (spares_immutable and self.entries[key].answer.immutable):
                self.take(key)


class HotTable:
    """
    The table, bounded in bytes, in two segments: what was asked for once, and what was asked for again.

    What is new goes first where room is needed, so that a flood of answers that nobody asks for twice (a did:key
    can be made up by the million) leaves what is hot where it is.

    Args:
        clock: seconds since 1970.
        timer: monotonic seconds.
        on_used: told the raw path of an answer that may change, once in each second in which it is given: whoever
            made it does not see these uses otherwise.

    Attributes:
        purges: how often `purge` was called. An answer whose making began at another number must not be kept: it
            may say what was purged meanwhile.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        on_used: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._on_used = on_used
        self._max_bytes = max_bytes
        self._clock = clock
        self._timer = timer
        self._new: _Segment[_New] = _Segment()  # Most are never asked for again: no more is made of them.
        self._kept: _Segment[HotAnswer] = _Segment()
        self.hits = 0
        self.purges = 0

    def find(self, key: Key, now: float) -> HotAnswer | None:
        """Return the answer for that raw path, Accept header and coding that is fresh at `now`, or None."""
        entries = self._kept.entries
        entry = entries.get(key)
        if entry is not None:
            entries.move_to_end(key)
        else:
            new = self._new.take(key)
            if new is None:
                return None
            entry = HotAnswer(new.answer, new.ends_at)
            self._kept.put(key, entry)
        if entry.fresh_until <= now or entry.ends_at <= self._timer():
            self._kept.take(key)
            return None
        if entry.used_until <= now:
            entry.used_until = now + 1.0
            self._on_used(key[0])
        self.hits += 1
        return entry

    def keep(self, raw_path: bytes, chosen_by: bytes, answer: Answer) -> None:
        """Remember `answer` where it may be given again: a 200 with an ETag that is fresh or immutable."""
        if answer.status != 200 or answer.etag is None or not answer.may_be_kept:
            return
        if len(raw_path) + len(chosen_by) > MAX_KEY_BYTES:
            return
        if answer.headers and any(_BREAKS.search(value) for _, value in answer.headers):
            return  # Nobody would check them any more; the ordinary way refuses them.
        ends_at = _NEVER
        if not answer.immutable:
            left = 0.0 if answer.fresh_until is None else answer.fresh_until - self._clock()
            if left <= 0:
                return
            ends_at = self._timer() + left
        key = (raw_path, chosen_by)
        self._new.take(key)
        if self._kept.take(key) is not None:
            self._kept.put(key, HotAnswer(answer, ends_at))
        else:
            self._new.put(key, _New(answer, ends_at))
        while self._new.bytes_held + self._kept.bytes_held > self._max_bytes:
            self._make_room()

    def _make_room(self) -> None:
        if self._new.bytes_held > self._max_bytes // NEW_SHARE or not self._kept.entries:
            self._new.drop_oldest()
        else:
            self._kept.drop_oldest()

    def evict(self, raw_paths: Iterable[bytes]) -> None:
        """Forget every answer of these paths; a microsecond each, however large the table is."""
        for raw_path in raw_paths:
            self._new.drop(raw_path)
            self._kept.drop(raw_path)

    def evict_below(self, path_prefix: bytes) -> None:
        """Forget every answer whose raw path begins with `path_prefix`; as long as the table is large."""
        self._new.drop_below(path_prefix)
        self._kept.drop_below(path_prefix)

    def purge(self, path_prefix: bytes) -> None:
        """Forget every answer below `path_prefix` that may change, and those that are being made now."""
        self.purges += 1
        self._new.drop_below(path_prefix, spares_immutable=True)
        self._kept.drop_below(path_prefix, spares_immutable=True)

    @property
    def bytes_held(self) -> int:
        return self._new.bytes_held + self._kept.bytes_held
