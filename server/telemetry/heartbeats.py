"""
The heartbeats of a node's processes: each writes its own once a second, from its event loop, in shared memory.

So a beat tells that the loop turns. It says with it how the process's database does. Times are monotonic, the same
clock in all processes of a machine, which stands still while the machine is suspended.
"""

import mmap
import struct
import time
from collections.abc import Callable

import msgspec

_BEAT = struct.Struct("<dBBxxxxxx")  # when (0: not yet), has its database failed, do writes fail
_COUNT = struct.Struct("<Q")

BEAT_SECONDS = 1.0  # seconds between two beats


class Beat(msgspec.Struct, frozen=True):
    """
    What a process last said of itself.

    Attributes:
        at: monotonic seconds; 0 before its first beat.
        has_failed: its database needs a new process.
        writes_fail: a write of its failed, and none was committed since.
    """

    at: float = 0.0
    has_failed: bool = False
    writes_fail: bool = False


class Heartbeats:
    """Made before the processes are forked. Each writes its slot alone; the supervisor counts replacements."""

    def __init__(self, slots: int = 1, timer: Callable[[], float] = time.monotonic) -> None:
        self.slots = slots
        self._timer = timer
        self._memory = mmap.mmap(-1, slots * _BEAT.size + _COUNT.size)

    def beat(self, slot: int, *, has_failed: bool = False, writes_fail: bool = False) -> None:
        """Say that the process of a slot answers, and how its database does."""
        self._put(slot, _BEAT.pack(self._timer(), has_failed, writes_fail))

    def clear(self, slot: int) -> None:
        """Forget the beat of a slot, for a process that is to be started there."""
        self._put(slot, _BEAT.pack(0.0, False, False))

    def of(self, slot: int) -> Beat:
        """Return the last beat of a slot."""
        at, has_failed, writes_fail = _BEAT.unpack_from(self._memory, slot * _BEAT.size)
        return Beat(at, bool(has_failed), bool(writes_fail))

    @property
    def oldest_age(self) -> float:
        """Seconds since the process that is silent the longest has beaten; those that just start do not count."""
        now = self._timer()
        return max((now - beat.at for beat in self._beats() if beat.at), default=0.0)

    @property
    def writes_fail(self) -> bool:
        """Whether writes of any process fail."""
        return any(beat.writes_fail or beat.has_failed for beat in self._beats())

    @property
    def replaced(self) -> int:
        """How many processes were started in the place of others."""
        return int(_COUNT.unpack_from(self._memory, self.slots * _BEAT.size)[0])

    def count_replaced(self) -> None:
        """Count one; for the supervisor."""
        _COUNT.pack_into(self._memory, self.slots * _BEAT.size, self.replaced + 1)

    def _beats(self) -> list[Beat]:
        return [self.of(slot) for slot in range(self.slots)]

    def _put(self, slot: int, beat: bytes) -> None:
        self._memory[slot * _BEAT.size : (slot + 1) * _BEAT.size] = beat
