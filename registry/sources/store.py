"""
The rows of standing sources. Store.

Losing them loses which lists are followed, and what was seen of each last. What they said is in the events.
"""

import msgspec

from registry.imports.lote.reading import Seen
from registry.sources.model import Source, SourceState
from storage import Row, Transaction


class SourceRow(msgspec.Struct, frozen=True):
    """A source, and what became of it."""

    source: Source
    state: SourceState


def all_sources(tx: Transaction) -> list[SourceRow]:
    """Return all sources, by id."""
    return [_row(row) for row in tx.all("SELECT body, state FROM registry_sources ORDER BY id")]


def find_source(tx: Transaction, source_id: str) -> SourceRow | None:
    """Return one source; None: there is no such one."""
    row = tx.one("SELECT body, state FROM registry_sources WHERE id = :id", {"id": source_id})
    return None if row is None else _row(row)


def put_source(tx: Transaction, source: Source, state: SourceState) -> None:
    """Write a new source."""
    tx.execute(
        "INSERT INTO registry_sources (id, body, state) VALUES (:id, :body, :state)",
        {"id": source.id, "body": _text(source), "state": _text(state)},
    )


def set_state(tx: Transaction, source_id: str, state: SourceState) -> None:
    """Write what became of a source, if it is still there."""
    tx.execute(
        "UPDATE registry_sources SET state = :state WHERE id = :id", {"id": source_id, "state": _text(state)}
    )


def drop_source(tx: Transaction, source_id: str) -> None:
    """Forget a source."""
    tx.execute("DELETE FROM registry_sources WHERE id = :id", {"id": source_id})


def changed_by_operators(tx: Transaction, source_id: str) -> frozenset[str]:
    """Return the ids of a source's grants that anybody but a source changed."""
    rows = tx.all(
        "SELECT DISTINCT e.fact_id FROM registry_events e JOIN registry_versions v ON v.version = e.version"
        " WHERE e.kind IN ('authorization', 'recognition') AND e.revision > 1 AND v.occasion <> 'source'"
        " AND e.body LIKE :body",
        {"body": f'%"source":"{source_id}"%'},
    )
    return frozenset(str(row["fact_id"]) for row in rows)


def newest_seen(tx: Transaction, source_id: str) -> Seen | None:
    """Return the newest version that was seen under this id, also of a source that is gone; None: none was."""
    row = tx.one("SELECT seen FROM registry_sources_seen WHERE id = :id", {"id": source_id})
    return None if row is None else msgspec.json.decode(row["seen"], type=Seen)


def note_seen(tx: Transaction, source_id: str, seen: Seen) -> None:
    """Write which version was seen, unless a newer one was."""
    newest = newest_seen(tx, source_id)
    if newest is None or newest.sequence < seen.sequence:
        tx.execute(
            "INSERT INTO registry_sources_seen (id, seen) VALUES (:id, :seen)"
            " ON CONFLICT (id) DO UPDATE SET seen = excluded.seen",
            {"id": source_id, "seen": _text(seen)},
        )


def _row(row: Row) -> SourceRow:
    source: Source = msgspec.json.decode(row["body"], type=Source)
    return SourceRow(source, msgspec.json.decode(row["state"], type=SourceState))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
