"""
The rows of the registry. Store.

`registry_facts` has one open row for each fact (kind and key), its value as JSON in `body`;
`registry_version` has the one number that every process polls, raised in the transaction of every change.
Losing them is losing the registry; nothing here can be rebuilt from elsewhere.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from registry.model import Authority, Entity, Facts, Grant
from storage import Row, Transaction

FactKey: TypeAlias = tuple[str, str]  # kind, JSON array of what identifies the fact
Bodies: TypeAlias = dict[FactKey, str]


class FactChanges(msgspec.Struct, frozen=True):
    """How a new set of facts differs from the old: the keys of each kind of difference."""

    added: tuple[FactKey, ...]
    changed: tuple[FactKey, ...]
    removed: tuple[FactKey, ...]
    unchanged: int

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


def bodies_of(facts: Facts) -> Bodies:
    """
    Return each fact as the key and body of its row.

    A grant is identified by what it is about and when it begins: moving `valid_from` makes another grant.
    """
    bodies: Bodies = {}
    for authority in facts.authorities:
        bodies["authority", _json([authority.id])] = _json(authority)
    for entity in facts.entities:
        bodies["entity", _json([entity.id])] = _json(entity)
    for grant in facts.grants:
        bodies[grant.kind, _json(_grant_key(grant))] = _json(grant)
    return bodies


def read_version(tx: Transaction) -> int:
    """Return the registry's version; 0: nothing was ever imported."""
    return _the_version(tx.one("SELECT version FROM registry_version WHERE id = 1"))


def read_facts(tx: Transaction) -> Facts:
    """Return what the registry says now."""
    rows = tx.all("SELECT kind, body FROM registry_facts WHERE closed_version IS NULL ORDER BY id")
    return Facts(
        authorities=tuple(_AUTHORITY.decode(row["body"]) for row in rows if row["kind"] == "authority"),
        entities=tuple(_ENTITY.decode(row["body"]) for row in rows if row["kind"] == "entity"),
        grants=tuple(
            _GRANT.decode(row["body"]) for row in rows if row["kind"] in ("authorization", "recognition")
        ),
    )


def replace_facts(tx: Transaction, wanted: Bodies, now: int) -> tuple[int, FactChanges]:
    """
    Make `wanted` all that the registry says; return its version after that, and what changed.

    Only rows that differ are touched, and where none does the version stays.
    """
    version = _lock_version(tx)
    open_rows = _open_rows(tx)
    changes = _compare({key: body for key, (_, body) in open_rows.items()}, wanted)
    if changes.is_empty:
        return version, changes
    version = _raise_version(tx, now)
    closed = [open_rows[key][0] for key in (*changes.changed, *changes.removed)]
    tx.execute_many(
        "UPDATE registry_facts SET closed_version = :version, closed_at = :now WHERE id = :id",
        [{"id": row_id, "version": version, "now": now} for row_id in closed],
    )
    tx.execute_many(
        "INSERT INTO registry_facts (kind, fact_key, body, version, recorded_at)"
        " VALUES (:kind, :fact_key, :body, :version, :now)",
        [
            {"kind": key[0], "fact_key": key[1], "body": wanted[key], "version": version, "now": now}
            for key in (*changes.added, *changes.changed)
        ],
    )
    return version, changes


def _open_rows(tx: Transaction) -> dict[FactKey, tuple[int, str]]:
    rows = tx.all("SELECT id, kind, fact_key, body FROM registry_facts WHERE closed_version IS NULL")
    return {(row["kind"], row["fact_key"]): (row["id"], row["body"]) for row in rows}


def _compare(old: Mapping[FactKey, str], new: Mapping[FactKey, str]) -> FactChanges:
    return FactChanges(
        added=tuple(key for key in new if key not in old),
        changed=tuple(key for key in new if key in old and new[key] != old[key]),
        removed=tuple(key for key in old if key not in new),
        unchanged=sum(new[key] == body for key, body in old.items() if key in new),
    )


def _lock_version(tx: Transaction) -> int:
    """Return the version, locking its row: on PostgreSQL that keeps two imports apart."""
    return _the_version(
        tx.one("UPDATE registry_version SET version = version WHERE id = 1 RETURNING version")
    )


def _raise_version(tx: Transaction, now: int) -> int:
    return _the_version(
        tx.one(
            "UPDATE registry_version SET version = version + 1, changed_at = :now WHERE id = 1"
            " RETURNING version",
            {"now": now},
        )
    )


def _the_version(row: Row | None) -> int:
    assert row is not None, "the first migration made the row, and a trigger keeps it"
    return int(row["version"])


def _grant_key(grant: Grant) -> list[str | int]:
    return [grant.authority_id, grant.action, grant.resource, grant.entity_id, grant.valid_from]


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


_AUTHORITY = msgspec.json.Decoder(Authority)
_ENTITY = msgspec.json.Decoder(Entity)
_GRANT = msgspec.json.Decoder(Grant)
