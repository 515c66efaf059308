"""
The chained audit log: each audit row gets a position and a digest after its commit. Store.

A row's id is given before its transaction commits, so on PostgreSQL a row with a lower id can appear after one
with a higher id was read: whoever pages by id loses it. Hence one sealer (under a lease) gives positions to the
rows that are visible, 1, 2, 3 ... without a gap; a position once given is final, and readers page by it.

`audit_unsealed` names the rows that wait; a row is put there in its own transaction (`record`).
"""

from itertools import accumulate

import msgspec

from storage.audit import audit_row
from storage.chain import Chain, SealedRow, next_digest
from storage.database import Row, Transaction
from storage.migrations import Migration, forbid

MIGRATIONS = (
    Migration(
        room="storage",
        number=3,
        name="positions and digests of audit rows",
        statements=(
            "CREATE TABLE audit_unsealed (audit_id {bigint} PRIMARY KEY REFERENCES audit (id))",
            """
            CREATE TABLE audit_seals (
                position {bigint} PRIMARY KEY,
                audit_id {bigint} NOT NULL UNIQUE REFERENCES audit (id),
                digest {blob} NOT NULL
            )
            """,
            "INSERT INTO audit_unsealed (audit_id) SELECT id FROM audit",
            forbid("audit_seals", "UPDATE", "a seal is final"),
            forbid("audit_seals", "DELETE", "a seal is final"),
        ),
    ),
)

PAGE_ROWS_LOOKED_AT = 5_000  # rows; what a page costs where none of them is wanted
PAGE_BYTES = 1_048_576  # 1 MiB of details; a row that has more stands alone


_WANTED = """
    FROM audit_seals s JOIN audit a ON a.id = s.audit_id
    WHERE s.position > :after AND s.position <= :end
    AND (:actor = '' OR a.actor = :actor) AND (:action = '' OR a.action = :action)
    AND (:subject = '' OR a.subject = :subject) AND a.at >= :since AND a.at <= :until
    ORDER BY s.position LIMIT :limit
"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which rows to return: those that are alike in every text that is not "".

    Attributes:
        since, until: rows of that time, both included; microseconds since 1970.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: int = 0
    until: int = 2**62


class Page(msgspec.Struct, frozen=True):
    """
    Sealed rows in the order of their positions.

    Attributes:
        head: the position of the newest sealed row; 0 where there is none.
        next: after which position to look on; None: the end is reached.
    """

    rows: list[SealedRow]
    head: int
    next: int | None


def seal(tx: Transaction, *, limit: int) -> int:
    """Seal at most `limit` of the rows that wait, in the order of their ids; return how many."""
    waiting = tx.all(
        "SELECT a.* FROM audit_unsealed u JOIN audit a ON a.id = u.audit_id ORDER BY a.id LIMIT :limit",
        {"limit": limit},
    )
    last = head(tx)
    digest, seals = last.digest, []
    for position, row in enumerate(map(audit_row, waiting), last.position + 1):
        digest = next_digest(digest, position, row)
        seals.append({"position": position, "audit_id": row.id, "digest": digest})
    if seals:
        tx.execute_many(
            "INSERT INTO audit_seals (position, audit_id, digest) VALUES (:position, :audit_id, :digest)",
            seals,
        )
        tx.execute_many("DELETE FROM audit_unsealed WHERE audit_id = :audit_id", seals)
    return len(seals)


def head(tx: Transaction) -> Chain:
    """Return where the chain ends, as it is stored: nothing is verified."""
    last = tx.one("SELECT position, digest FROM audit_seals ORDER BY position DESC LIMIT 1")
    return Chain(last["position"], bytes(last["digest"])) if last else Chain()


def read_sealed(tx: Transaction, *, after: int = 0, limit: int = 100) -> list[SealedRow]:
    """Return at most `limit` sealed rows beyond the position `after`; nothing ever appears before what was read."""
    rows = tx.all(
        "SELECT s.position, s.digest, a.* FROM audit_seals s JOIN audit a ON a.id = s.audit_id"
        " WHERE s.position > :after ORDER BY s.position LIMIT :limit",
        {"after": after, "limit": limit},
    )
    return list(map(_sealed, rows))


def read_page(tx: Transaction, wanted: Wanted, *, after: int, limit: int) -> Page:
    """
    Return at most `limit` of the wanted rows beyond the position `after`.

    Bounded in the rows that it looks at, and in bytes: a page may have no row, and go on.
    """
    last = head(tx).position
    end = min(after + PAGE_ROWS_LOOKED_AT, last)
    asked = {"after": after, "end": end, "limit": limit, **msgspec.structs.asdict(wanted)}
    sizes = tx.all(f"SELECT s.position, length(a.detail) AS size {_WANTED}", asked)
    fits = _fitting([(row["position"], row["size"]) for row in sizes])
    if len(fits) < len(sizes) or len(sizes) == limit:
        end = fits[-1]
    rows = tx.all(f"SELECT s.position, s.digest, a.* {_WANTED}", asked | {"end": end}) if fits else []
    return Page(list(map(_sealed, rows)), last, end if end < last else None)


def _sealed(row: Row) -> SealedRow:
    return SealedRow(row["position"], bytes(row["digest"]), audit_row(row))


def _fitting(sizes: list[tuple[int, int]]) -> list[int]:
    """Return the positions of the rows that fit into a page: the first of them in any case."""
    sums = accumulate(size for _, size in sizes)
    return [
        at
        for number, ((at, _), total) in enumerate(zip(sizes, sums, strict=True))
        if not number or total <= PAGE_BYTES
    ]
