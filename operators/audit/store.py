"""
The rows of anchors and of what a collector has. Store.
"""

import msgspec

from operators.audit.heads import Keys, signed_head
from proofs import ProofError
from storage import Row, Transaction

RESTORE = "database.restore"  # the action of a restore; its detail names anchors of what was lost


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """
    A head of the chain that was signed, or shall be.

    Attributes:
        digest: as it stands in the row at `position`; nothing is verified.
        note: signed; None: not yet, as its key and its time (microseconds since 1970).
    """

    position: int
    digest: bytes
    note: str | None
    note_key: str | None
    signed_at: int | None

    def is_signed(self, keys: Keys) -> bool:
        """Tell whether its key, being one of `keys`, signed the note over the digest that the row has now."""
        own = [key for key in keys() if key.text == self.note_key]
        try:
            said = signed_head((self.note or "").encode(), own)
        except ProofError:
            return False
        return (said.position, said.digest) == (self.position, self.digest)


class _Restore(msgspec.Struct, frozen=True):
    """What of the detail of a restore is read again."""

    anchors: tuple[str, ...] = ()

    @classmethod
    def anchors_in(cls, detail: str) -> tuple[str, ...]:
        try:
            return msgspec.json.decode(detail, type=cls).anchors
        except msgspec.MsgspecError:  # Not as a restore writes it; it excuses nothing.
            return ()


_ANCHORS = (
    "SELECT n.position, n.note, n.note_key, n.signed_at, s.digest"
    " FROM audit_anchors n JOIN audit_seals s ON s.position = n.position"
)


def ask_anchor(tx: Transaction, position: int, at: int) -> None:
    """Have the head at `position` signed; nothing happens where it is, or was asked for."""
    tx.execute(
        "INSERT INTO audit_anchors (position, asked_at) VALUES (:position, :at) ON CONFLICT DO NOTHING",
        {"position": position, "at": at},
    )


def anchors_asked(tx: Transaction) -> list[Anchor]:
    """Return the heads that nobody has signed yet, in the order of their positions."""
    return list(map(_anchor, tx.all(f"{_ANCHORS} WHERE n.note IS NULL ORDER BY n.position")))


def newest_asked(tx: Transaction) -> tuple[int, int] | None:
    """Return the last position whose head was asked for, and when; None: none was. Of positions that there are."""
    row = tx.one(
        "SELECT n.position, n.asked_at FROM audit_anchors n JOIN audit_seals s ON s.position = n.position"
        " ORDER BY n.position DESC LIMIT 1"
    )
    return None if row is None else (row["position"], row["asked_at"])


def newest_signed(tx: Transaction) -> Anchor | None:
    row = tx.one(f"{_ANCHORS} WHERE n.note IS NOT NULL ORDER BY n.position DESC LIMIT 1")
    return None if row is None else _anchor(row)


def signed_before(tx: Transaction, position: int) -> Anchor | None:
    """Return the last signed head below `position`."""
    row = tx.one(
        f"{_ANCHORS} WHERE n.position < :position AND n.note IS NOT NULL ORDER BY n.position DESC LIMIT 1",
        {"position": position},
    )
    return None if row is None else _anchor(row)


def signed_after(tx: Transaction, position: int, limit: int) -> list[Anchor]:
    """Return at most `limit` signed heads beyond `position`."""
    rows = tx.all(
        f"{_ANCHORS} WHERE n.position > :position AND n.note IS NOT NULL ORDER BY n.position LIMIT :limit",
        {"position": position, "limit": limit},
    )
    return list(map(_anchor, rows))


def find_anchor(tx: Transaction, position: int) -> Anchor | None:
    row = tx.one(f"{_ANCHORS} WHERE n.position = :position", {"position": position})
    return None if row is None else _anchor(row)


def digest_at(tx: Transaction, position: int) -> bytes | None:
    """Return the digest of the row at a position, as it is stored."""
    row = tx.one("SELECT digest FROM audit_seals WHERE position = :position", {"position": position})
    return None if row is None else bytes(row["digest"])


def restored_past(tx: Transaction) -> set[str]:
    """Return the names of the files that contradicted the rows when a backup was put back, as the trail says."""
    rows = tx.all("SELECT detail FROM audit WHERE action = :action", {"action": RESTORE})
    return {name for row in rows for name in _Restore.anchors_in(row["detail"])}


def put_anchor(tx: Transaction, position: int, *, note: str, note_key: str, at: int) -> None:
    """Write what was signed; where another process was faster, its note stays."""
    tx.execute(
        "UPDATE audit_anchors SET note = :note, note_key = :note_key, signed_at = :at"
        " WHERE position = :position AND note IS NULL",
        {"position": position, "note": note, "note_key": note_key, "at": at},
    )


def pushed_to(tx: Transaction, collector: str) -> int:
    """Return the position up to which a collector has everything; 0: it has nothing."""
    row = tx.one("SELECT position FROM audit_pushes WHERE collector = :collector", {"collector": collector})
    return 0 if row is None else int(row["position"])


def put_pushed(tx: Transaction, collector: str, position: int, at: int) -> None:
    """Write that a collector has everything up to `position`; one that is further stays there."""
    tx.execute(
        "INSERT INTO audit_pushes (collector, position, at) VALUES (:collector, :position, :at)"
        " ON CONFLICT (collector) DO UPDATE SET position = excluded.position, at = excluded.at"
        " WHERE audit_pushes.position < excluded.position",
        {"collector": collector, "position": position, "at": at},
    )


def _anchor(row: Row) -> Anchor:
    return Anchor(
        position=row["position"],
        digest=bytes(row["digest"]),
        note=row["note"],
        note_key=row["note_key"],
        signed_at=row["signed_at"],
    )
