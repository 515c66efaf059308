"""
The chained audit log: each audit row gets a position and a digest after its commit. Store.

A row's id is given before its transaction commits, so on PostgreSQL a row with a lower id can appear after one
with a higher id was read: whoever pages by id loses it. Hence one sealer (under a lease) gives positions to the
rows that are visible, 1, 2, 3 ... without a gap; a position once given is final, and readers page by it.

`audit_unsealed` names the rows that wait; a row is put there in its own transaction (`record`).
"""

from itertools import accumulate, islice

import msgspec

from storage.audit import AuditRow, audit_row
from storage.chain import Chain, SealedRow, next_digest
from storage.database import Row, Transaction
from storage.migrations import ForbidWhile, Migration, forbid

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
    Migration(
        room="storage",
        number=4,
        name="audit rows wait until they are sealed",
        statements=(
            ForbidWhile(
                "audit_unsealed",
                "DELETE",
                "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.audit_id = OLD.audit_id)",
                "an audit row waits until it is sealed",
            ),
            forbid("audit_unsealed", "UPDATE", "an audit row waits until it is sealed"),
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


# A row is sealed once, whatever stands in the list of those that wait.
_WAITING = """
    FROM audit_unsealed u JOIN audit a ON a.id = u.audit_id
    WHERE NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.audit_id = u.audit_id)
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
    """
    Seal at most `limit` of the rows that wait, in the order of their ids; return how many.

    A row that cannot be sealed goes on to wait, and stops no other; `oldest_waiting` tells of it.
    """
    last = head(tx)
    digest, seals = last.digest, []
    for position, row in enumerate(_sealable(tx, limit), last.position + 1):
        digest = next_digest(digest, position, row)
        seals.append({"position": position, "audit_id": row.id, "digest": digest})
    if seals:
        tx.execute_many(
            "INSERT INTO audit_seals (position, audit_id, digest) VALUES (:position, :audit_id, :digest)",
            seals,
        )
        tx.execute(
            "DELETE FROM audit_unsealed WHERE audit_id <= :last AND EXISTS"
            " (SELECT 1 FROM audit_seals s WHERE s.audit_id = audit_unsealed.audit_id)",
            {"last": seals[-1]["audit_id"]},
        )
    return len(seals)


def oldest_waiting(tx: Transaction) -> int | None:
    """Return the lowest id of the rows that wait to be sealed; None: none does."""
    row = tx.one(f"SELECT a.id {_WAITING} ORDER BY a.id LIMIT 1")
    return None if row is None else int(row["id"])


def unsettled(tx: Transaction, *, after: int, limit: int) -> tuple[int, list[int]]:
    """
    Look at `limit` rows beyond the id `after`: are they sealed, or do they wait?

    Returns:
        The id of the last of them (`after`: there was none), and the ids of those that are neither. Past the rules,
        somebody took them out of what is sealed.
    """
    seen = tx.one(
        "SELECT max(id) AS last FROM (SELECT id FROM audit WHERE id > :after ORDER BY id LIMIT :limit) page",
        {"after": after, "limit": limit},
    )
    last = after if seen is None or seen["last"] is None else int(seen["last"])
    rows = tx.all(
        "SELECT a.id FROM audit a WHERE a.id > :after AND a.id <= :last"
        " AND NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.audit_id = a.id)"
        " AND NOT EXISTS (SELECT 1 FROM audit_unsealed u WHERE u.audit_id = a.id) ORDER BY a.id",
        {"after": after, "last": last},
    )
    return last, [row["id"] for row in rows]


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


def _sealable(tx: Transaction, limit: int) -> list[AuditRow]:
    """Return the next rows to be sealed, without those that were put there past `record` and cannot be read."""
    rows = _readable(tx, f"SELECT a.* {_WAITING} ORDER BY a.id LIMIT :limit", limit=limit)
    if rows is None:  # Then one by one, however many of them stand before the others.
        ids = tx.all(f"SELECT a.id {_WAITING} ORDER BY a.id")
        alone = (_readable(tx, "SELECT * FROM audit WHERE id = :id", id=found["id"]) for found in ids)
        rows = list(islice((row for found in alone if found is not None for row in found), limit))
    return list(map(audit_row, rows))


def _readable(tx: Transaction, sql: str, **parameters: int) -> list[Row] | None:
    """Return rows; None where one of them is text that is no UTF-8, which SQLite keeps, or has other types."""
    try:
        rows = tx.all(sql, parameters)
    except Exception:  # If it is the engine that fails, the next statement says so.
        return None
    return rows if all(map(_is_typed, rows)) else None


def _is_typed(row: Row) -> bool:
    """Tell whether the row has what its columns are for; SQLite keeps anything."""
    texts = (row["actor"], row["action"], row["subject"], row["detail"])
    return isinstance(row["at"], int) and all(isinstance(text, str) for text in texts)


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
