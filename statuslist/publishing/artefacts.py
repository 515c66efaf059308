"""
The bytes of published lists: those that readers get, and the digests of all that were ever served. Store.

A list keeps its bytes while its content is the same, under the version of its set that made them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from statuslist.formats.forms import FormName
from storage import Row, Transaction


class Artefact(msgspec.Struct, frozen=True, kw_only=True):
    """
    One form of a list, as it is served.

    Attributes:
        version: of the set, that made it.
        gzip: the body, compressed for whoever accepts that; None where it would not be smaller.
        content: `content_of` the bits that it says; "" where an earlier release made it.
        valid_from, valid_until: microseconds since 1970.
        policy: digest of the settings that it was made under.
    """

    list_id: str
    set_id: str
    version: int
    form: FormName
    media_type: str
    body: bytes
    gzip: bytes | None
    etag: str
    content: str
    valid_from: int
    valid_until: int
    policy: str


class ServedForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was published as a form of a version; times in microseconds since 1970, `digest` as `digest_of`."""

    version: int
    form: str
    digest: str
    valid_from: int
    valid_until: int


def content_of(bits: bytes) -> str:
    """Return the digest by which the bits of a list are compared: SHA-256, in hex."""
    return hashlib.sha256(bits).hexdigest()


def digest_of(body: bytes) -> str:
    """Return the digest by which a published form is known for ever: SHA-256, in hex."""
    return hashlib.sha256(body).hexdigest()


def insert_artefacts(tx: Transaction, made: Iterable[Artefact]) -> None:
    """Publish forms of lists, note them as served, and let go of the bytes that they replace."""
    rows = [msgspec.structs.asdict(artefact) for artefact in made]
    names = Artefact.__struct_fields__
    tx.execute_many(
        f"INSERT INTO list_forms ({', '.join(names)})"  # noqa: S608 (ours)
        f" VALUES ({', '.join(f':{name}' for name in names)})",
        rows,
    )
    _note_served(tx, "served_list_forms", rows)
    tx.execute_many(
        "DELETE FROM list_forms WHERE list_id = :list_id AND form = :form AND version < :version",
        [{name: row[name] for name in ("list_id", "form", "version")} for row in rows],
    )


def artefacts_of_set(tx: Transaction, set_id: str, *, after: int) -> list[Artefact]:
    """Return the current forms of a set's lists that were made by versions beyond `after`."""
    rows = tx.all(
        "SELECT * FROM list_forms WHERE set_id = :set_id AND version > :after ORDER BY list_id, form",
        {"set_id": set_id, "after": after},
    )
    return [_artefact(row) for row in rows]


def published_artefacts(tx: Transaction, list_id: str) -> list[Artefact]:
    """Return what readers get of a list, in the order of its forms."""
    rows = tx.all("SELECT * FROM list_forms WHERE list_id = :id ORDER BY form", {"id": list_id})
    return [_artefact(row) for row in rows]


def published_bodies(tx: Transaction, list_id: str) -> list[tuple[FormName, int, bytes]]:
    """Return form, version and bytes of what readers get of a list."""
    return [(found.form, found.version, found.body) for found in published_artefacts(tx, list_id)]


def older_bodies(tx: Transaction, list_id: str) -> list[tuple[FormName, int, bytes]]:
    """As `published_bodies`, of a database of a release before 0.3."""
    rows = tx.all(
        "SELECT a.form, a.version, a.body FROM artefacts a JOIN status_lists l"
        " ON l.id = a.list_id AND l.published_version = a.version WHERE l.id = :id ORDER BY a.form",
        {"id": list_id},
    )
    return [(row["form"], row["version"], row["body"]) for row in rows]


def published_list_ids(tx: Transaction) -> list[str]:
    """Return the id of every list that was published."""
    return [row["list_id"] for row in tx.all("SELECT DISTINCT list_id FROM list_forms ORDER BY list_id")]


def served_forms(tx: Transaction, list_id: str, *, after: int, limit: int) -> list[ServedForm]:
    """Return what was served of at most `limit` versions of a list beyond `after`, by version and form."""
    rows = tx.all(
        f"WITH served AS ({_SERVED}) SELECT * FROM served"  # noqa: S608 (ours)
        " WHERE version IN (SELECT DISTINCT version FROM served"
        " WHERE version > :after ORDER BY version LIMIT :limit) ORDER BY version, form",
        {"list_id": list_id, "after": after, "limit": limit},
    )
    return [ServedForm(**{name: row[name] for name in ServedForm.__struct_fields__}) for row in rows]


def served_digest(tx: Transaction, list_id: str, version: int, form: str) -> str | None:
    """Return the digest of what was published as a form by a version; None where nothing was."""
    row = tx.one(
        f"SELECT digest FROM ({_SERVED}) served WHERE version = :version AND form = :form",  # noqa: S608 (ours)
        {"list_id": list_id, "version": version, "form": form},
    )
    return None if row is None else str(row["digest"])


_SERVED = (
    "SELECT version, form, digest, valid_from, valid_until FROM served_list_forms WHERE list_id = :list_id"
    " UNION ALL SELECT version, form, digest, valid_from, valid_until FROM served_forms WHERE list_id = :list_id"
)


def reduce_superseded(tx: Transaction, *, after: str, limit: int) -> str | None:
    """
    Note what at most `limit` forms were that an earlier release published, and let their bytes go; return the list
    to go on from.

    None: nothing is left. What readers still get of them was taken over into other rows. Lists before `after` are
    not looked at again, so that a step costs the same however many lists there are.
    """
    found = tx.all(
        "SELECT * FROM artefacts WHERE list_id >= :after ORDER BY list_id, version, form LIMIT :limit",
        {"after": after, "limit": limit},
    )
    _note_served(
        tx, "served_forms", [{name: row[name] for name in ("body", *_SERVED_COLUMNS)} for row in found]
    )
    tx.execute_many(
        "DELETE FROM artefacts WHERE list_id = :list_id AND version = :version AND form = :form",
        [{name: row[name] for name in ("list_id", "version", "form")} for row in found],
    )
    return str(found[-1]["list_id"]) if found else None


_SERVED_COLUMNS = ("list_id", "version", "form", "valid_from", "valid_until")


def _note_served(tx: Transaction, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    tx.execute_many(
        f"INSERT INTO {table} (list_id, version, form, digest, valid_from, valid_until)"  # noqa: S608 (ours)
        " VALUES (:list_id, :version, :form, :digest, :valid_from, :valid_until)"
        " ON CONFLICT (list_id, version, form) DO NOTHING",
        [{"digest": digest_of(row["body"]), **{name: row[name] for name in _SERVED_COLUMNS}} for row in rows],
    )


def _artefact(row: Row) -> Artefact:
    return Artefact(**{name: row[name] for name in Artefact.__struct_fields__})
