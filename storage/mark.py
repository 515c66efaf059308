"""
How far the processes of a node are with what they serve from memory: a number of each, in shared memory. Pure.

Over several processes a change that was just seen must not be absent again. So a process says which change it
serves *before* it serves it; another that has not looked at the rows since then is behind, and looks before it
answers. The number orders the changes of one subject: `changed_version` those of all lists, the version those of
the registry.

A slot is eight aligned bytes, written by one process and read by all. It stays where its process dies: what was
served was served.
"""

from mmap import mmap

SLOT_BYTES = 8
NOTHING = -1  # a number below that of every change


class ServedMark:
    """
    The mark of one process, for one subject.

    Args:
        memory: `SLOT_BYTES` for each process of the node, zeros at first; None: this one is alone.
        slot: that of this process.
    """

    def __init__(self, memory: mmap | bytearray | None = None, slot: int = 0) -> None:
        self._numbers = memoryview(bytearray(SLOT_BYTES) if memory is None else memory).cast("q")
        self._slot = slot
        self._reached = NOTHING
        self._compared = b""  # the memory as it was when we were last found not to be behind

    def is_behind(self) -> bool:
        """Tell whether another process may serve what this one has not looked for: 0.1 microseconds, mostly."""
        memory = self._numbers.tobytes()
        if memory == self._compared:
            return False
        if self.others() > self._reached:
            return True
        self._compared = memory
        return False

    def others(self) -> int:
        """Return the newest change that another process serves; to be asked before one looks at the rows."""
        return max(
            (number for slot, number in enumerate(self._numbers) if slot != self._slot), default=NOTHING
        )

    def has_looked(self, others: int) -> None:
        """Note that a look at the rows, begun after `others` was returned, is served now."""
        self._reached = max(self._reached, others)

    def will_serve(self, change: int) -> None:
        """Tell the others that this process is about to serve a change."""
        self._numbers[self._slot] = max(self._numbers[self._slot], change)
