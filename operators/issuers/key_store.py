"""
The rows of issuers' keys (`schema`). Store.
"""

import msgspec

from operators.issuers.keys import ALGORITHM_BEFORE_0_3, IssuerKey, KeyState
from operators.issuers.schema import ADOPT_OLDER
from operators.model import Issuer
from storage import Row, Transaction

SIGNED_STEP = 3_600_000_000  # microseconds; `signed_until` is rounded up to the hour, to be written seldom

_COLUMNS = IssuerKey.__struct_fields__
_VERSION = "(SELECT version FROM issuer_changes)"


def insert_key(tx: Transaction, key: IssuerKey) -> bool:
    """Insert a key; False where the issuer has one of that id."""
    names = ", ".join(_COLUMNS)
    values = ", ".join(f":{name}" for name in _COLUMNS)
    note_change(tx)
    inserted = tx.execute(
        f"INSERT INTO issuer_keys ({names}, version)"  # noqa: S608 (ours)
        f" VALUES ({values}, {_VERSION}) ON CONFLICT DO NOTHING",
        _values(key),
    )
    return inserted == 1


def put_key(tx: Transaction, key: IssuerKey) -> None:
    """Make the row of a key say `key`, whether there was one or not; a key never goes back (see the triggers)."""
    names = ", ".join(_COLUMNS)
    values = ", ".join(f":{name}" for name in _COLUMNS)
    changes = ", ".join(
        f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("issuer_id", "key_id")
    )
    note_change(tx)
    tx.execute(
        f"INSERT INTO issuer_keys ({names}, version) VALUES ({values}, {_VERSION})"  # noqa: S608 (ours)
        f" ON CONFLICT (issuer_id, key_id) DO UPDATE SET {changes}, version = excluded.version",
        _values(key),
    )
    _tell_older(tx, key.issuer_id)


def all_keys(tx: Transaction) -> list[IssuerKey]:
    """Return the keys of all issuers, by issuer, those of one in the order in which they were announced."""
    return [_key(row) for row in tx.all("SELECT * FROM issuer_keys ORDER BY issuer_id, announced_at, key_id")]


def older_keys(tx: Transaction) -> list[IssuerKey]:
    """Return the one key of each issuer of a database of a release before 0.3, which has the name of its file."""
    return [
        IssuerKey(
            issuer_id=row["id"],
            key_id=row["key_name"],
            custody="file",
            locator=f"{row['key_name']}.pem",
            state=KeyState.ACTIVE,
            announced_at=row["created_at"],
            activated_at=row["created_at"],
        )
        for row in tx.all("SELECT id, key_name, created_at FROM issuers WHERE key_name IS NOT NULL")
    ]


def has_keys(tx: Transaction) -> bool:
    """Tell whether a SQLite database that is as it was left has the table; of releases before 0.3 it has not."""
    return tx.one("SELECT name FROM sqlite_master WHERE name = 'issuer_keys'") is not None


def changed_keys(tx: Transaction, since: int) -> list[IssuerKey]:
    """Return every key of each issuer of which one changed after the version `since`, as `all_keys` does."""
    rows = tx.all(
        "SELECT * FROM issuer_keys WHERE issuer_id IN (SELECT issuer_id FROM issuer_keys WHERE version > :since)"
        " ORDER BY issuer_id, announced_at, key_id",
        {"since": since},
    )
    return [_key(row) for row in rows]


def certified_keys(tx: Transaction, since: int) -> list[IssuerKey]:
    """Return the keys with certificates that changed after the version `since`."""
    rows = tx.all(
        "SELECT * FROM issuer_keys WHERE version > :since AND certificates IS NOT NULL", {"since": since}
    )
    return [_key(row) for row in rows]


# Spare keys `s`, each beside the active key `a` of its issuer; and whether they are of one kind (`IssuerKey.kind`).
_SPARES = (
    " FROM issuer_keys s LEFT JOIN issuer_keys a ON a.issuer_id = s.issuer_id AND a.state = 'active'"
    " WHERE s.state = 'announced' AND s.activates_at IS NULL AND "
)
_OF_ONE_KIND = (
    "(a.custody = s.custody"
    f" AND COALESCE(a.algorithm, '{ALGORITHM_BEFORE_0_3}') = COALESCE(s.algorithm, '{ALGORITHM_BEFORE_0_3}'))"
)


def issuers_without_spare(tx: Transaction) -> list[Issuer]:
    """Return the issuers, hosted and foreign, that have no spare key as `keys.spare_keys` knows them, by id."""
    where = f"id NOT IN (SELECT s.issuer_id{_SPARES}(a.key_id IS NULL OR {_OF_ONE_KIND}))"
    return _issuers(tx, where)


def issuers_of_two_kinds(tx: Transaction) -> list[Issuer]:
    """Return the issuers for which we made a spare key that is of another kind than the active one, by id."""
    left = f"s.made_as_spare = 1 AND a.key_id IS NOT NULL AND NOT {_OF_ONE_KIND}"
    return _issuers(tx, f"id IN (SELECT s.issuer_id{_SPARES}{left})")


def _issuers(tx: Transaction, where: str) -> list[Issuer]:
    rows = tx.all(f"SELECT id, did, owner FROM issuers WHERE {where} ORDER BY id")  # noqa: S608 (ours)
    return [Issuer(id=row["id"], did=row["did"], owner=row["owner"]) for row in rows]


def issuers_without_active(tx: Transaction) -> list[Issuer]:
    """Return the issuers whose active key was given up, and that have announced ones, by id."""
    rows = tx.all(
        "SELECT id, did, owner FROM issuers i WHERE id IN (SELECT issuer_id FROM issuer_keys k"
        " WHERE k.state = 'announced') AND EXISTS (SELECT 1 FROM issuer_keys k WHERE k.issuer_id = i.id"
        " AND k.state = 'compromised' AND k.activated_at IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM issuer_keys k"
        " WHERE k.issuer_id = i.id AND k.state = 'active') ORDER BY id"
    )
    return [Issuer(id=row["id"], did=row["did"], owner=row["owner"]) for row in rows]


def keys_of(tx: Transaction, issuer_id: str) -> list[IssuerKey]:
    """Return the keys of an issuer, in the order in which they were announced."""
    rows = tx.all(
        "SELECT * FROM issuer_keys WHERE issuer_id = :id ORDER BY announced_at, key_id", {"id": issuer_id}
    )
    return [_key(row) for row in rows]


def find_key(tx: Transaction, issuer_id: str, key_id: str) -> IssuerKey | None:
    row = tx.one(
        "SELECT * FROM issuer_keys WHERE issuer_id = :issuer_id AND key_id = :key_id",
        {"issuer_id": issuer_id, "key_id": key_id},
    )
    return None if row is None else _key(row)


# For the statement of another store: whether the issuer :issuer_id signs with its key :key_id now; not with NULL.
SIGNS_NOW = (
    "EXISTS (SELECT 1 FROM issuer_keys"
    " WHERE issuer_id = :issuer_id AND key_id = :key_id AND state = 'active')"
)


def signing_key(tx: Transaction, issuer_id: str) -> str | None:
    """Return the id of the key with which an issuer signs now; None: it has none."""
    row = tx.one(
        "SELECT key_id FROM issuer_keys WHERE issuer_id = :id AND state = 'active'", {"id": issuer_id}
    )
    return None if row is None else str(row["key_id"])


def note_signed(tx: Transaction, issuer_id: str, key_id: str, until: int) -> None:
    """Note that a key signed what is valid until `until`, in microseconds since 1970."""
    tx.send(
        "UPDATE issuer_keys SET signed_until = :until WHERE issuer_id = :issuer_id AND key_id = :key_id"
        " AND (signed_until IS NULL OR signed_until < :until)",
        {"issuer_id": issuer_id, "key_id": key_id, "until": -(-until // SIGNED_STEP) * SIGNED_STEP},
    )


def due_keys(tx: Transaction, now: int) -> list[IssuerKey]:
    """Return the announced keys that shall be active by `now`, in microseconds since 1970."""
    rows = tx.all(
        "SELECT * FROM issuer_keys WHERE state = 'announced' AND activates_at <= :now ORDER BY activates_at",
        {"now": now},
    )
    return [_key(row) for row in rows]


def adopt_older(tx: Transaction) -> bool:
    """Make rows of the keys that nodes of a release before 0.3 gave to new issuers; False: there is none."""
    adopted = tx.execute(ADOPT_OLDER)
    if adopted:
        note_change(tx)
    return adopted > 0


def fill_public_key(tx: Transaction, key: IssuerKey, algorithm: str, public_key: bytes) -> bool:
    """Say what a key of a release before 0.3 is; False where somebody was faster."""
    return _update(
        tx,
        key,
        "algorithm = :algorithm, public_key = :public_key",
        "public_key IS NULL",
        algorithm=algorithm,
        public_key=public_key,
    )


def plan_activation(tx: Transaction, key: IssuerKey, at: int) -> bool:
    return _update(tx, key, "activates_at = :at", "state = 'announced'", at=at)


def activate(tx: Transaction, key: IssuerKey, at: int) -> bool:
    """Make an announced key the one that signs, and the one before it a retired one; False: it is not announced."""
    note_change(tx)
    tx.execute(
        f"UPDATE issuer_keys SET state = 'retired', retired_at = :at, version = {_VERSION}"  # noqa: S608 (ours)
        " WHERE issuer_id = :id AND state = 'active'"
        " AND EXISTS (SELECT 1 FROM issuer_keys k WHERE k.issuer_id = :id AND k.key_id = :key_id"
        " AND k.state = 'announced')",
        {"id": key.issuer_id, "key_id": key.key_id, "at": at},
    )
    activated = _update(tx, key, "state = 'active', activated_at = :at", "state = 'announced'", at=at)
    _tell_older(tx, key.issuer_id)
    return activated


def withdraw(tx: Transaction, key: IssuerKey, at: int) -> bool:
    """Retire an announced key, which signed nothing; False: it is not announced."""
    return _update(tx, key, "state = 'retired', retired_at = :at", "state = 'announced'", at=at)


def compromise(tx: Transaction, key: IssuerKey, since: int, at: int) -> bool:
    """Believe nothing that a key signed from `since` on; False where it is known since then, or before."""
    given_up = _update(
        tx,
        key,
        "state = 'compromised', compromised_since = :since, compromised_at = :at",
        "(compromised_since IS NULL OR compromised_since > :since)",
        since=since,
        at=at,
    )
    _tell_older(tx, key.issuer_id)
    return given_up


def keep_certificates(tx: Transaction, key: IssuerKey, certificates: str) -> bool:
    return _update(tx, key, "certificates = :certificates", "1 = 1", certificates=certificates)


def _tell_older(tx: Transaction, issuer_id: str) -> None:
    """
    Name the key that signs where a node of a release before 0.3 looks for it at its start; none: it signs nothing.

    So nobody signs again with a key that was given up by going back to such a release.
    """
    tx.send(
        "UPDATE issuers SET key_name = (SELECT key_id FROM issuer_keys k"
        " WHERE k.issuer_id = issuers.id AND k.state = 'active' AND k.custody = 'file') WHERE id = :id",
        {"id": issuer_id},
    )


def version(tx: Transaction) -> tuple[int, int]:
    """Return what is another one after each change; nodes of a release before 0.3 add issuers without a word."""
    row = tx.one("SELECT version, (SELECT count(*) FROM issuers) AS issuers FROM issuer_changes")
    assert row is not None, "the migration made it, and nothing deletes it"
    return row["version"], row["issuers"]


def note_change(tx: Transaction) -> None:
    tx.send("UPDATE issuer_changes SET version = version + 1")


def _update(tx: Transaction, key: IssuerKey, what: str, where: str, **values: object) -> bool:
    note_change(tx)
    changed = tx.execute(
        f"UPDATE issuer_keys SET {what}, version = {_VERSION}"  # noqa: S608 (ours)
        f" WHERE issuer_id = :issuer_id AND key_id = :key_id AND {where}",
        {"issuer_id": key.issuer_id, "key_id": key.key_id, **values},
    )
    return changed == 1


def _values(key: IssuerKey) -> dict[str, object]:
    return msgspec.structs.asdict(key) | {"state": key.state.value, "made_as_spare": int(key.made_as_spare)}


def _key(row: Row) -> IssuerKey:
    values = {name: row[name] for name in _COLUMNS}
    public_key = values["public_key"]
    return IssuerKey(
        **values
        | {
            "state": KeyState(values["state"]),
            "public_key": None if public_key is None else bytes(public_key),
            "made_as_spare": bool(values["made_as_spare"]),
        }
    )
