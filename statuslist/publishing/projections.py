"""
The bits of sets that change often, advanced by what changed since: a cache of what the rows say. Pure.

A version is made of the rows, never of the bytes of the version before. To read all statuses of a list for each
change costs what the list has, so the bits are kept, and each later change of a status is applied to them, in the
order of the events. Whenever a list is signed anew the bits are made of all rows too, and where the two differ, the
rows win.
"""

from collections import OrderedDict
from collections.abc import Iterable

from statuslist.formats.bitstring import with_statuses
from statuslist.publishing.artefacts import content_of
from statuslist.publishing.set_versions import SetContent, Status

MAX_KEPT_BYTES = 268_435_456  # 256 MiB: 16,384 lists of 131,072 entries


class Projection:
    """
    The bits of a set at one time: those of each purpose, most significant bit first.

    Attributes:
        last_event: the last change of a status that they have.
    """

    def __init__(self, content: SetContent, statuses: Iterable[Status]) -> None:
        """Make the bits of all statuses that are not 0."""
        self.last_event = content.last_event
        self._digests: dict[str, str] = {}  # by list id; of these bits and no others
        self._bits = {purpose: bytearray(content.length // 8) for purpose in content.purposes}
        for purpose, bits in self._bits.items():
            bits[:] = with_statuses(content.length, ((i, v) for named, i, v in statuses if named == purpose))

    def advance(self, content: SetContent) -> None:
        """Apply the changes since `last_event`, which `content` has."""
        for purpose, index, value in content.changes:
            bits, mask = self._bits[purpose], 0x80 >> (index & 7)
            bits[index >> 3] = bits[index >> 3] | mask if value else bits[index >> 3] & ~mask
            self._digests.clear()
        self.last_event = content.last_event

    def bits_of(self, purpose: str) -> bytes:
        """Return the bits of the list for one purpose."""
        return bytes(self._bits[purpose])

    def digest_of(self, list_id: str, bits: bytes) -> str:
        """Return `content_of` the bits of a list that these are packed as: made once, until they change."""
        if list_id not in self._digests:
            self._digests[list_id] = content_of(bits)
        return self._digests[list_id]

    def is_like(self, other: "Projection") -> bool:
        return self._bits == other._bits

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        return sum(map(len, self._bits.values()))


class Projections:
    """The projections of the sets that were published last, of up to `max_bytes`; of the event loop."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._kept: OrderedDict[str, Projection] = OrderedDict()
        self._max_bytes = max_bytes
        self._bytes = 0

    def take(self, set_id: str) -> Projection | None:
        """Return what is kept of a set, which is not kept any more: whoever advances it has it alone."""
        kept = self._kept.pop(set_id, None)
        self._bytes -= kept.size if kept is not None else 0
        return kept

    def keep(self, set_id: str, projection: Projection) -> None:
        """Keep a projection, in the place of those that were published longest ago."""
        self._kept[set_id] = projection
        self._bytes += projection.size
        while self._bytes > self._max_bytes and self._kept:
            self._bytes -= self._kept.popitem(last=False)[1].size
