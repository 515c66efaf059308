"""
The chain of the audit log: the digest of each row covers it and all rows before it. Pure.

    digest(0) = 32 zero bytes
    digest(n) = SHA-256(digest(n - 1) || the row as JSON with its position, members sorted)

Whoever has the rows can compute it again (docs/audit.md). It shows a row that was changed, taken out or moved. It
does not show that the end was cut off, nor that somebody computed all of it anew: an anchor shows that, which is
the last digest, signed (`operators.audit`).
"""

import hashlib
from collections.abc import Iterable

import msgspec

from storage.audit import AuditRow

FIRST_DIGEST = bytes(32)


class SealedRow(msgspec.Struct, frozen=True):
    """An audit row at its position; `digest` covers it and all rows before it."""

    position: int
    digest: bytes
    row: AuditRow


class ChainBroken(Exception):
    """A sealed row is not what was sealed; somebody changed the rows past their rules. `position`: where."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"the audit log is not what was sealed, at position {position}: {reason}")
        self.position = position
        self.reason = reason


class Chain:
    """
    How far rows were verified: `digest` is that of the row at `position`.

    Rows are taken one by one, so that a log of any length is verified in the memory of one row.
    """

    def __init__(self, position: int = 0, digest: bytes = FIRST_DIGEST) -> None:
        self.position = position
        self.digest = digest

    def take(self, entry: SealedRow) -> None:
        """
        Go on to the next row.

        Raises:
            ChainBroken: it is not the next one, or does not have its digest.
        """
        expected = self.position + 1
        if entry.position > expected:
            raise ChainBroken(expected, f"the row is missing; the next one is at position {entry.position}")
        if entry.position < expected:
            raise ChainBroken(
                entry.position, f"the row comes once more, or late, after position {self.position}"
            )
        digest = next_digest(self.digest, expected, entry.row)
        if entry.digest != digest:
            raise ChainBroken(expected, "the row or its digest was changed")
        self.position, self.digest = expected, digest


def verify_chain(sealed: Iterable[SealedRow], digest: bytes = FIRST_DIGEST, after: int = 0) -> bytes:
    """
    Check that `sealed` follows on `digest`, the digest at position `after`; return the last digest.

    Raises:
        ChainBroken: as `Chain.take`.
    """
    chain = Chain(after, digest)
    for entry in sealed:
        chain.take(entry)
    return chain.digest


def next_digest(previous: bytes, position: int, row: AuditRow) -> bytes:
    """Return the digest of a row that follows on `previous`."""
    body = msgspec.json.encode({"position": position, **msgspec.structs.asdict(row)}, order="sorted")
    return hashlib.sha256(previous + body).digest()
