"""
Which lists were published, and the manifest that an issuer signed of its own last. Store.
"""

import msgspec

from operators.issuers.key_store import note_signed, signing_key
from storage import Transaction


class Held(msgspec.Struct, frozen=True):
    """The manifest of an issuer: the position that it is of, until when it holds, and the signed token."""

    issuer_id: str
    position: int
    valid_until: int
    token: str


class Standing(msgspec.Struct, frozen=True):
    """How far the lists of an issuer are, and its manifest; 0: it has none."""

    issuer_id: str
    position: int
    manifest_position: int
    valid_until: int


def last_position(tx: Transaction) -> int:
    """Return the position of what was published last, of all sets; 0: nothing was."""
    row = tx.one("SELECT coalesce(max(position), 0) AS last FROM set_versions")
    return 0 if row is None else int(row["last"])


def standings(tx: Transaction) -> list[Standing]:
    """Return how far each issuer is that has published lists; those that a restore withholds have none."""
    rows = tx.all(
        "SELECT s.issuer_id, max(v.position) AS position, coalesce(max(m.position), 0) AS manifest_position,"
        " coalesce(max(m.valid_until), 0) AS valid_until FROM set_versions v JOIN status_sets s ON s.id = v.set_id"
        " LEFT JOIN list_manifests m ON m.issuer_id = s.issuer_id"
        " WHERE v.published_version > 0 GROUP BY s.issuer_id ORDER BY s.issuer_id"
    )
    return [Standing(**{name: row[name] for name in Standing.__struct_fields__}) for row in rows]


def published_of(tx: Transaction, issuer_id: str) -> tuple[str | None, int, dict[str, int]]:
    """
    Return the key with which an issuer signs now (None: with none), its position, and of each of its lists the
    version that made what readers get.
    """
    rows = tx.all(
        "SELECT f.list_id, max(f.version) AS version, max(v.position) AS position FROM list_forms f"
        " JOIN set_versions v ON v.set_id = f.set_id JOIN status_sets s ON s.id = f.set_id"
        " WHERE s.issuer_id = :issuer_id GROUP BY f.list_id ORDER BY f.list_id",
        {"issuer_id": issuer_id},
    )
    position = max((row["position"] for row in rows), default=0)
    return signing_key(tx, issuer_id), position, {row["list_id"]: row["version"] for row in rows}


def keep_manifest(tx: Transaction, held: Held, key_id: str) -> bool:
    """Keep a manifest in the place of an older one; False where its issuer signs with another key by now."""
    if signing_key(tx, held.issuer_id) != key_id:
        return False
    note_signed(tx, held.issuer_id, key_id, until=held.valid_until)
    tx.execute(
        "INSERT INTO list_manifests (issuer_id, position, valid_until, token)"
        " VALUES (:issuer_id, :position, :valid_until, :token) ON CONFLICT (issuer_id) DO UPDATE SET"
        " position = excluded.position, valid_until = excluded.valid_until, token = excluded.token"
        " WHERE excluded.position >= list_manifests.position",
        msgspec.structs.asdict(held),
    )
    return True


def manifest_of(tx: Transaction, issuer_id: str) -> Held | None:
    """Return the manifest of an issuer; None: there is none yet."""
    row = tx.one("SELECT * FROM list_manifests WHERE issuer_id = :id", {"id": issuer_id})
    return None if row is None else Held(**{name: row[name] for name in Held.__struct_fields__})
