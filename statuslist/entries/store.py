"""
Status sets and their allocations. Store.

A *status set* owns one index space and is published as one list per purpose.
"""

import msgspec

from statuslist.formats.forms import list_id_of
from statuslist.formats.profiles import ProfileName
from storage import Row, Transaction, one_of


class StatusSet(msgspec.Struct, frozen=True, kw_only=True):
    """
    A status set; `next_number` entries are allocated. `permutation_key` tells the age of every index.

    Attributes:
        profile: one of `PROFILES`.
        cadence_ms: milliseconds between two of its versions.
        has_tokens: whether there is a token list beside the lists of the W3C.
        version: the one that readers get; `wanted_version`: the one that says all that was changed.
    """

    id: str
    issuer_id: str
    length: int
    purposes: tuple[str, ...]
    permutation_key: bytes
    next_number: int
    created_at: int
    profile: ProfileName
    cadence_ms: int
    has_tokens: bool
    version: int
    wanted_version: int


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """One call's numbers: `first_number` up to `first_number + count`."""

    set_id: str
    first_number: int
    count: int
    reference: str | None
    expires_at: int | None
    actor: str
    at: int


def insert_set(tx: Transaction, status_set: StatusSet) -> bool:
    """Insert a set and its lists, wanted but not yet published; False where the id is taken."""
    inserted = tx.execute(
        "INSERT INTO status_sets (id, issuer_id, length, permutation_key, next_number, created_at)"
        " VALUES (:id, :issuer_id, :length, :permutation_key, :next_number, :created_at)"
        " ON CONFLICT (id) DO NOTHING",
        {name: getattr(status_set, name) for name in _SET_COLUMNS},
    )
    if inserted == 0:
        return False
    tx.execute_many(
        "INSERT INTO status_lists (id, set_id, purpose) VALUES (:id, :set_id, :purpose)",
        [
            {"id": list_id_of(status_set.id, purpose), "set_id": status_set.id, "purpose": purpose}
            for purpose in status_set.purposes
        ],
    )
    tx.execute(
        "INSERT INTO set_versions (set_id, profile, cadence_ms, has_tokens, changed_version)"
        " SELECT :id, :profile, :cadence_ms, :has_tokens, coalesce(max(changed_version), 0) + 1 FROM set_versions",
        {
            "id": status_set.id,
            "profile": status_set.profile,
            "cadence_ms": status_set.cadence_ms,
            "has_tokens": int(status_set.has_tokens),
        },
    )
    return True


_SET_COLUMNS = ("id", "issuer_id", "length", "permutation_key", "next_number", "created_at")


def insert_token_list(tx: Transaction, set_id: str) -> None:
    """Have a set published with a token list from its next version on."""
    tx.send(
        "UPDATE set_versions SET has_tokens = 1, wanted_version = wanted_version + 1,"
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1"
        " WHERE set_id = :id AND has_tokens = 0",
        {"id": set_id},
    )


def change_cadence(tx: Transaction, set_id: str, cadence_ms: int) -> None:
    """Have a set published in another cadence, also what waits already."""
    tx.send(
        "UPDATE set_versions SET cadence_ms = :cadence_ms,"
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1 WHERE set_id = :id",
        {"id": set_id, "cadence_ms": cadence_ms},
    )


def change_profile(tx: Transaction, set_id: str, profile: ProfileName) -> None:
    """Have the lists of a set signed anew, under another profile; as `publishing.set_versions.sign_anew`."""
    tx.send(
        "UPDATE set_versions SET profile = :profile, wanted_version = wanted_version + 1,"
        " floor_version = wanted_version + 1, anew_version = CASE WHEN wanted_version IN"
        " (published_version, anew_version) THEN wanted_version + 1 ELSE anew_version END,"
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1 WHERE set_id = :id",
        {"id": set_id, "profile": profile},
    )


def entries_of(tx: Transaction, issuer_id: str) -> int:
    """Return how many entries all lists of an issuer have, allocated or not."""
    row = tx.one(
        "SELECT coalesce(sum(s.length), 0) AS entries FROM status_sets s"
        " JOIN status_lists l ON l.set_id = s.id WHERE s.issuer_id = :issuer_id",
        {"issuer_id": issuer_id},
    )
    return int(row["entries"]) if row is not None else 0


def find_set(tx: Transaction, set_id: str) -> StatusSet | None:
    """Return the set, whoever owns it."""
    return next(iter(_sets_of(tx.all(f"{_SETS} WHERE s.id = :id ORDER BY l.purpose", {"id": set_id}))), None)


def list_sets(tx: Transaction, issuers: frozenset[str] | None, *, after: str, limit: int) -> list[StatusSet]:
    """Return sets of some issuers (None: of all) with an id beyond `after`, in the order of their ids."""
    condition, values = one_of("issuer_id", issuers)
    wanted = f"SELECT id FROM status_sets WHERE id > :after AND {condition}"  # noqa: S608 (ours)
    rows = tx.all(
        f"{_SETS} WHERE s.id IN ({wanted} ORDER BY id LIMIT :limit) ORDER BY s.id, l.purpose",
        {"after": after, "limit": limit, **values},
    )
    return _sets_of(rows)


# A row per list.
_SETS = (
    "SELECT s.*, l.purpose, v.profile, v.cadence_ms, v.has_tokens, v.published_version AS version, v.wanted_version"
    " FROM status_sets s JOIN status_lists l ON l.set_id = s.id JOIN set_versions v ON v.set_id = s.id"
)


def take_numbers(tx: Transaction, set_id: str, count: int) -> int | None:
    """
    Take the next `count` numbers of a set; return the first of them, or None where so many are not left.

    One statement reads and moves the counter, so no two transactions can get the same number.
    """
    row = tx.one(
        "UPDATE status_sets SET next_number = next_number + :count"
        " WHERE id = :id AND next_number + :count <= length RETURNING next_number",
        {"id": set_id, "count": count},
    )
    return row["next_number"] - count if row is not None else None


def last_reference(tx: Transaction, set_id: str) -> str | None:
    """Return the reference of the allocation that took the highest numbers of a set; None: there is none."""
    row = tx.one(
        "SELECT reference FROM allocations WHERE set_id = :set_id ORDER BY first_number DESC LIMIT 1",
        {"set_id": set_id},
    )
    return row["reference"] if row is not None else None


def insert_allocation(tx: Transaction, allocation: Allocation) -> None:
    """Record who took which numbers."""
    tx.send(
        "INSERT INTO allocations (set_id, first_number, count, reference, expires_at, actor, at)"
        " VALUES (:set_id, :first_number, :count, :reference, :expires_at, :actor, :at)",
        msgspec.structs.asdict(allocation),
    )


def _sets_of(rows: list[Row]) -> list[StatusSet]:
    """Return the sets of `_SETS`; a set has a list per purpose from the moment it is made."""
    purposes: dict[str, list[str]] = {}
    for row in rows:
        purposes.setdefault(row["id"], []).append(row["purpose"])
    first = {row["id"]: row for row in reversed(rows)}
    return [
        StatusSet(
            **{name: first[set_id][name] for name in StatusSet.__struct_fields__ if name not in _MADE},
            purposes=tuple(found),
            has_tokens=bool(first[set_id]["has_tokens"]),
        )
        for set_id, found in purposes.items()
    ]


_MADE = ("purposes", "has_tokens")
