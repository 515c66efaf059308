"""
The highest verified version of each did:webvh log, so that no log can fork or be rolled back. Service.

A host that shows one log to one verifier and another to the next (did:webvh v1.0, security considerations: split
view) is found out by whoever remembers. The library remembers in memory; a server hands in a store that outlives
restarts and that its nodes share.
"""

from typing import Protocol


class LogHeads(Protocol):
    """What is remembered of logs: for a SCID the `versionId`, `<number>-<entry hash>`, of its highest version."""

    async def highest(self, scid: str) -> str | None:
        """Return the highest version seen; None where the log was never seen."""
        ...

    async def advance(self, scid: str, version_id: str) -> str:
        """
        Remember `version_id`, unless the same or a higher number is remembered already; return what then is.

        Atomic: of two versions of one number the first wins, and the other's caller is told by the answer.
        """
        ...


class MemoryHeads:
    """Remembers as long as the process lives, at most `max_logs` logs; the one used longest ago goes first."""

    def __init__(self, max_logs: int = 100_000) -> None:
        self._max_logs = max_logs
        self._heads: dict[str, str] = {}

    async def highest(self, scid: str) -> str | None:
        """Return the highest version seen."""
        return self._used(scid)

    async def advance(self, scid: str, version_id: str) -> str:
        """Remember a version; see `LogHeads.advance`."""
        known = self._used(scid)
        if known is not None and number_of(known) >= number_of(version_id):
            return known
        if known is None and len(self._heads) >= self._max_logs:
            self._heads.pop(next(iter(self._heads)))
        self._heads[scid] = version_id
        return version_id

    def _used(self, scid: str) -> str | None:
        """Return the highest version seen; the log becomes the last in the order."""
        known = self._heads.pop(scid, None)
        if known is not None:
            self._heads[scid] = known
        return known


def number_of(version_id: str) -> int:
    """Return the number in a `versionId` that was verified."""
    return int(version_id.partition("-")[0])
