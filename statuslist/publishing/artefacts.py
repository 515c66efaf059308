"""
The lists of the sets, what each shall say, and the artefacts that were published. Store.

`changed_version` orders the changes of all lists: each takes the next number, and as writes are serial, a reader
who asks for what lies beyond the highest number that it saw misses nothing.

A list's `wanted_version` counts its changes, in the transaction of each change; `published_version` is the
one whose artefacts readers get. So a list is dirty while the two differ, and version v always says what the
rows said when `wanted_version` was v. `anew_version` is the last one wanted for its signature alone: while it is
`wanted_version`, nobody waits for what the list is to say. Releases before 0.3 leave it alone: what they want is a
change.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from operators.issuers.key_store import SIGNS_NOW, note_signed, signing_key
from storage import Row, Transaction


class ListVersions(msgspec.Struct, frozen=True):
    """
    What a list's rows say (`wanted`) and what its readers get (`published`; 0: nothing yet).

    `is_change`: what is wanted says something new. `changed` is the number of its last change among those of all
    lists; `length` is in entries, and stays.
    """

    list_id: str
    issuer_id: str
    wanted: int
    published: int
    is_change: bool
    changed: int
    length: int


class ListContent(msgspec.Struct, frozen=True, kw_only=True):
    """
    Everything that version `version` of a list says, from one snapshot.

    `key_id` is the key with which its issuer signs; None: it has none just now.
    """

    list_id: str
    version: int
    published_version: int
    issuer_id: str
    key_id: str | None
    purpose: str
    length: int
    statuses: tuple[tuple[int, int], ...]


class Artefact(msgspec.Struct, frozen=True, kw_only=True):
    """
    One form of one version of a list, as it is served.

    Attributes:
        valid_from, valid_until: microseconds since 1970.
        policy: digest of the settings that it was made under.
    """

    list_id: str
    version: int
    form: str
    media_type: str
    body: bytes
    etag: str
    valid_from: int
    valid_until: int
    policy: str


def want_fresh_signature(tx: Transaction, list_id: str, published: int) -> None:
    """Mark a list for publication unless it is marked, or newer than `published`, already."""
    tx.send(
        "UPDATE status_lists SET wanted_version = wanted_version + 1, anew_version = wanted_version + 1,"
        " changed_version = (SELECT max(changed_version) FROM status_lists) + 1"
        " WHERE id = :id AND published_version = :published AND wanted_version = :published",
        {"id": list_id, "published": published},
    )


def sign_anew(tx: Transaction, issuer_id: str) -> int | None:
    """
    Want a fresh signature of every list of an issuer; return when the last of what is published of them ends.

    That is in microseconds since 1970, and None where nothing is published. One that is dirty is wanted once more
    too, since the version under way may have been signed already; it stays a change where it was one.
    """
    tx.send(
        "UPDATE status_lists SET wanted_version = wanted_version + 1,"
        " anew_version = CASE WHEN wanted_version IN (published_version, anew_version) THEN wanted_version + 1"
        " ELSE anew_version END,"
        " changed_version = (SELECT max(changed_version) FROM status_lists) + 1"
        " WHERE set_id IN (SELECT id FROM status_sets WHERE issuer_id = :issuer_id)",
        {"issuer_id": issuer_id},
    )
    row = tx.one(
        "SELECT max(a.valid_until) AS ends FROM artefacts a JOIN status_lists l ON l.id = a.list_id"
        " JOIN status_sets s ON s.id = l.set_id WHERE s.issuer_id = :issuer_id",
        {"issuer_id": issuer_id},
    )
    return None if row is None or row["ends"] is None else int(row["ends"])


def changed_lists(tx: Transaction, after: int) -> list[ListVersions]:
    """
    Return both versions of every list that changed after the change number `after` (-1: of every list).

    Of one that a restore withholds (`statuslist.recovery.epoch`) nothing is wanted and nothing is served.
    """
    rows = tx.all(
        "SELECT l.id AS list_id, s.issuer_id, l.changed_version AS changed, s.length,"
        " CASE WHEN w.list_id IS NULL THEN l.wanted_version ELSE 0 END AS wanted,"
        " CASE WHEN w.list_id IS NULL THEN l.published_version ELSE 0 END AS published,"
        " l.wanted_version <> l.anew_version AS is_change"
        " FROM status_lists l JOIN status_sets s ON s.id = l.set_id LEFT JOIN withheld_lists w ON w.list_id = l.id"
        " WHERE l.changed_version > :after ORDER BY l.changed_version, l.id",
        {"after": after},
    )
    return [_versions(row) for row in rows]


def _versions(row: Row) -> ListVersions:
    values = {name: row[name] for name in ListVersions.__struct_fields__}
    return ListVersions(**values | {"is_change": bool(values["is_change"])})  # SQLite has no booleans.


def last_change(tx: Transaction) -> int:
    """Return the number of the last change of any list; -1: there are no lists."""
    row = tx.one("SELECT max(changed_version) AS last FROM status_lists")
    return -1 if row is None or row["last"] is None else int(row["last"])


def read_content(tx: Transaction, list_id: str) -> ListContent:
    """Return what the list's next version has to say; the list must exist (they are never deleted)."""
    row = tx.one(
        "SELECT l.*, s.issuer_id, s.length FROM status_lists l JOIN status_sets s ON s.id = l.set_id"
        " WHERE l.id = :id",
        {"id": list_id},
    )
    assert row is not None, f"{list_id} is not a list"
    statuses = tx.all(
        "SELECT entry_index, value FROM statuses WHERE set_id = :set_id AND purpose = :purpose"
        " ORDER BY entry_index",
        {"set_id": row["set_id"], "purpose": row["purpose"]},
    )
    return ListContent(
        list_id=list_id,
        version=row["wanted_version"],
        published_version=row["published_version"],
        issuer_id=row["issuer_id"],
        key_id=signing_key(tx, row["issuer_id"]),
        purpose=row["purpose"],
        length=row["length"],
        statuses=tuple((status["entry_index"], status["value"]) for status in statuses),
    )


def publish(tx: Transaction, content: ListContent, made: Iterable[Artefact]) -> bool:
    """
    Publish a version, if the one before still is the published one, and the key that signed it still the one that
    its issuer signs with; False, and nothing written, if not.

    The compare-and-set comes first: it locks the list, so that a version has the artefacts of one publisher. The
    bytes of the versions before are let go with it. Writes are serial, so that no key changes in between.
    """
    if content.key_id is None:
        return False
    won = tx.execute(
        "UPDATE status_lists SET published_version = :version,"  # noqa: S608 (ours)
        " changed_version = (SELECT max(changed_version) FROM status_lists) + 1"
        " WHERE id = :id AND published_version = :previous AND published_version < :version"
        f" AND {SIGNS_NOW}",
        {
            "id": content.list_id,
            "version": content.version,
            "previous": content.published_version,
            "issuer_id": content.issuer_id,
            "key_id": content.key_id,
        },
    )
    if won:
        rows = [msgspec.structs.asdict(artefact) for artefact in made]
        tx.execute_many(
            "INSERT INTO artefacts"
            " (list_id, version, form, media_type, body, etag, valid_from, valid_until, policy) VALUES"
            " (:list_id, :version, :form, :media_type, :body, :etag, :valid_from, :valid_until, :policy)",
            rows,
        )
        _note_served(tx, rows)
        note_signed(tx, content.issuer_id, content.key_id, until=max(row["valid_until"] for row in rows))
        tx.send(
            "DELETE FROM artefacts WHERE list_id = :id AND version < :version"
            " AND EXISTS (SELECT 1 FROM served_forms s WHERE s.list_id = artefacts.list_id"
            " AND s.version = artefacts.version AND s.form = artefacts.form)",
            {"id": content.list_id, "version": content.version},
        )
    return won > 0


def reduce_superseded(tx: Transaction, *, after: str, limit: int) -> str | None:
    """
    Note what at most `limit` superseded forms were, and let their bytes go; return the list to go on from.

    None: nothing is left.

    Earlier releases kept the bytes of every version, and may still run beside this one. Lists before `after` are
    not looked at again, so that a step costs the same however many lists there are.
    """
    found = tx.all(
        "SELECT a.* FROM artefacts a JOIN status_lists l ON l.id = a.list_id"
        " WHERE a.list_id >= :after AND a.version < l.published_version"
        " ORDER BY a.list_id, a.version, a.form LIMIT :limit",
        {"after": after, "limit": limit},
    )
    rows = [{name: row[name] for name in Artefact.__struct_fields__} for row in found]
    _note_served(tx, rows)
    tx.execute_many(
        "DELETE FROM artefacts WHERE list_id = :list_id AND version = :version AND form = :form",
        [{name: row[name] for name in ("list_id", "version", "form")} for row in rows],
    )
    return str(rows[-1]["list_id"]) if rows else None


def _note_served(tx: Transaction, rows: Iterable[Mapping[str, Any]]) -> None:
    names = ("list_id", "version", "form", "valid_from", "valid_until")
    tx.execute_many(
        "INSERT INTO served_forms (list_id, version, form, digest, valid_from, valid_until)"
        " VALUES (:list_id, :version, :form, :digest, :valid_from, :valid_until)"
        " ON CONFLICT (list_id, version, form) DO NOTHING",
        [{"digest": digest_of(row["body"]), **{name: row[name] for name in names}} for row in rows],
    )


def digest_of(body: bytes) -> str:
    """Return the digest by which a published form is known for ever: SHA-256, in hex."""
    return hashlib.sha256(body).hexdigest()


class ServedForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was published as a form of a version; times in microseconds since 1970, `digest` as `digest_of`."""

    version: int
    form: str
    digest: str
    valid_from: int
    valid_until: int


def served_forms(tx: Transaction, list_id: str, *, after: int, limit: int) -> list[ServedForm]:
    """Return what was served of at most `limit` versions of a list beyond `after`, by version and form."""
    rows = tx.all(
        "SELECT version, form, digest, valid_from, valid_until FROM served_forms WHERE list_id = :list_id"
        " AND version IN (SELECT DISTINCT version FROM served_forms WHERE list_id = :list_id"
        " AND version > :after ORDER BY version LIMIT :limit) ORDER BY version, form",
        {"list_id": list_id, "after": after, "limit": limit},
    )
    return [ServedForm(**{name: row[name] for name in ServedForm.__struct_fields__}) for row in rows]


def served_digest(tx: Transaction, list_id: str, version: int, form: str) -> str | None:
    """Return the digest of what was published as a form of a version; None where nothing was."""
    row = tx.one(
        "SELECT digest FROM served_forms WHERE list_id = :list_id AND version = :version AND form = :form",
        {"list_id": list_id, "version": version, "form": form},
    )
    return None if row is None else str(row["digest"])


def published_artefacts(tx: Transaction, list_id: str) -> list[Artefact]:
    """Return the artefacts of a list's published version, in the order of their forms."""
    rows = tx.all(
        "SELECT a.* FROM artefacts a JOIN status_lists l"
        " ON l.id = a.list_id AND l.published_version = a.version WHERE l.id = :id ORDER BY a.form",
        {"id": list_id},
    )
    return [Artefact(**{name: row[name] for name in Artefact.__struct_fields__}) for row in rows]
