"""
Whether the rows of this room agree with one another and with what was published; changes nothing. Store.

Each check returns its faults as sentences, the first `MAX_FAULTS` of them; none means that it holds. Each list and
each set is looked at in a transaction of its own, so that no snapshot stays open for long beside a running server.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from credentials.errors import CredentialError
from statuslist.entries.allocation import number_of
from statuslist.formats.bitstring import MAX_LIST_BYTES, expand_list
from statuslist.formats.bitstring_credential import read_status_list_credential
from statuslist.formats.forms import BITSTRING_FORMS, DATA_INTEGRITY, MAX_FORM_BYTES, TOKEN_FORMS
from statuslist.formats.purposes import REVOCATION
from statuslist.publishing.artefacts import published_artefacts
from statuslist.recovery.found_lists import set_indexes
from statuslist.recovery.kept_bytes import kept_fault
from storage import Database, Transaction
from wire import JsonError, read

T = TypeVar("T")

MAX_FAULTS = 10
PAGE_ROWS = 2_000  # statuses looked at in one transaction; 15 microseconds each

Progress = Callable[[int, int], None]  # done, of how many


def silent(_done: int, _all: int) -> None:
    """Tell nobody."""


async def forms_faults(database: Database, on_progress: Progress = silent) -> list[str]:
    """Every published list has every form, as it was published, and nothing else is there."""

    def look(tx: Transaction, list_id: str) -> list[str]:
        row = tx.one(
            "SELECT v.published_version FROM set_versions v"
            " LEFT JOIN status_lists l ON l.set_id = v.set_id AND l.id = :id"
            " WHERE l.id = :id OR (v.set_id = :id AND v.has_tokens = 1)",
            {"id": list_id},
        )
        there = published_artefacts(tx, list_id)
        wanted = BITSTRING_FORMS if _is_of_the_w3c(tx, list_id) else TOKEN_FORMS
        is_published = row is not None and row["published_version"] > 0
        missing = sorted(set(wanted) - {found.form for found in there}) if is_published else []
        return [
            *(f"{list_id}: there is no {form}" for form in missing),
            *(f"{list_id}: it has no {found.form}" for found in there if found.form not in wanted),
            *(f"{list_id}: {found.form} {fault}" for found in there if (fault := kept_fault(tx, found))),
        ]

    strays = await database.read(_stray_lists)
    return [*strays, *await _over_lists(database, look, on_progress)][:MAX_FAULTS]


async def revocation_faults(database: Database, on_progress: Progress = silent) -> list[str]:
    """Where a revocation list is published as it is wanted, it says exactly what the rows say."""
    return await _over_lists(database, _unlike_the_rows, on_progress)


async def status_faults(database: Database, on_progress: Progress = silent) -> list[str]:
    """Statuses are set at indexes only that were handed out."""
    faults: list[str] = []
    sets = await database.read(lambda tx: tx.all("SELECT id FROM status_sets ORDER BY id"))
    for done, row in enumerate(sets):
        on_progress(done, len(sets))
        faults += await _statuses_of_set(database, row["id"])
    return faults[:MAX_FAULTS]


async def count_faults(database: Database) -> list[str]:
    """The numbers that a set has handed out are those of its allocations."""
    rows = await database.read(
        lambda tx: tx.all(
            "SELECT s.id, s.next_number, coalesce(sum(a.count), 0) AS allocated"
            " FROM status_sets s LEFT JOIN allocations a ON a.set_id = s.id GROUP BY s.id, s.next_number"
            " HAVING s.next_number <> coalesce(sum(a.count), 0) ORDER BY s.id"
        )
    )
    return [
        f"{row['id']}: {row['next_number']} numbers are gone, its allocations have {row['allocated']}"
        for row in rows[:MAX_FAULTS]
    ]


def _stray_lists(tx: Transaction) -> list[str]:
    rows = tx.all(
        "SELECT DISTINCT list_id FROM list_forms WHERE list_id NOT IN (SELECT id FROM status_lists)"
        " AND list_id NOT IN (SELECT set_id FROM set_versions WHERE has_tokens = 1) ORDER BY list_id"
    )
    return [f"{row['list_id']}: there is no such list, and there are forms of it" for row in rows]


async def _over_lists(
    database: Database, look: Callable[[Transaction, str], list[str]], on_progress: Progress
) -> list[str]:
    rows = await database.read(
        lambda tx: tx.all(
            "SELECT id FROM status_lists"
            " UNION ALL SELECT set_id AS id FROM set_versions WHERE has_tokens = 1 ORDER BY id"
        )
    )
    faults: list[str] = []
    for done, row in enumerate(rows):
        on_progress(done, len(rows))
        faults += await _read(database, look, row["id"])
    return faults[:MAX_FAULTS]


async def _read(database: Database, look: Callable[[Transaction, str], T], name: str) -> T:
    return await database.read(lambda tx: look(tx, name))


def _is_of_the_w3c(tx: Transaction, list_id: str) -> bool:
    return tx.one("SELECT 1 AS found FROM status_lists WHERE id = :id", {"id": list_id}) is not None


def _unlike_the_rows(tx: Transaction, list_id: str) -> list[str]:
    row = tx.one(
        "SELECT l.set_id, l.purpose, v.wanted_version, v.published_version FROM status_lists l"
        " JOIN set_versions v ON v.set_id = l.set_id WHERE l.id = :id",
        {"id": list_id},
    )
    if row is None or row["purpose"] != REVOCATION or row["wanted_version"] != row["published_version"]:
        return []
    bodies = [found.body for found in published_artefacts(tx, list_id) if found.form == DATA_INTEGRITY]
    if not bodies:
        return []  # `forms_faults` tells of it.
    statuses = tx.all(
        "SELECT entry_index FROM statuses WHERE set_id = :set_id AND purpose = :purpose",
        {"set_id": row["set_id"], "purpose": row["purpose"]},
    )
    return _differences(list_id, {status["entry_index"] for status in statuses}, bodies[0])


def _differences(list_id: str, revoked: set[int], body: bytes) -> list[str]:
    try:
        credential = read_status_list_credential(read(body, max_bytes=MAX_FORM_BYTES))
        shown = set_indexes(expand_list(credential.encoded_list, max_bytes=MAX_LIST_BYTES))
    except (JsonError, CredentialError) as error:
        return [f"{list_id}: the published version cannot be read ({error})"]
    faults = []
    if hidden := revoked - shown:
        faults.append(f"{list_id}: {len(hidden)} revocations are not published, such as index {min(hidden)}")
    if extra := shown - revoked:
        faults.append(f"{list_id}: {len(extra)} are published that no row has, such as index {min(extra)}")
    return faults


async def _statuses_of_set(database: Database, set_id: str) -> list[str]:
    found = await database.read(
        lambda tx: tx.one("SELECT length, permutation_key FROM status_sets WHERE id = :id", {"id": set_id})
    )
    assert found is not None, "sets are never deleted"
    faults: list[str] = []
    purposes = await database.read(
        lambda tx: tx.all("SELECT purpose FROM status_lists WHERE set_id = :id", {"id": set_id})
    )
    for purpose in (row["purpose"] for row in purposes):
        after = -1
        while indexes := await _page_of_statuses(database, set_id, purpose, after):
            after = indexes[-1]
            # The counter is read after the statuses: an index handed out meanwhile is no fault.
            handed_out = await database.read(lambda tx: _next_number(tx, set_id))
            strays = await asyncio.to_thread(
                _not_below, indexes, handed_out, found["length"], bytes(found["permutation_key"])
            )
            faults += [
                f"{set_id}: {purpose} at index {index}, which was never handed out" for index in strays
            ]
    return faults


async def _page_of_statuses(database: Database, set_id: str, purpose: str, after: int) -> list[int]:
    rows = await database.read(
        lambda tx: tx.all(
            "SELECT entry_index FROM statuses WHERE set_id = :set_id AND purpose = :purpose"
            " AND entry_index > :after ORDER BY entry_index LIMIT :limit",
            {"set_id": set_id, "purpose": purpose, "after": after, "limit": PAGE_ROWS},
        )
    )
    return [row["entry_index"] for row in rows]


def _next_number(tx: Transaction, set_id: str) -> int:
    row = tx.one("SELECT next_number FROM status_sets WHERE id = :id", {"id": set_id})
    return int(row["next_number"]) if row is not None else 0


def _not_below(indexes: Sequence[int], handed_out: int, length: int, key: bytes) -> list[int]:
    return [
        index
        for index in indexes
        if not 0 <= index < length or number_of(index, length=length, key=key) >= handed_out
    ]
