"""
What a published list says, taken over into rows that may be older, or newer. Store.

A revocation counts wherever it was found. A suspension comes and goes, so that the newer of the two counts.
"""

from collections.abc import Set

from statuslist.entries import store
from statuslist.entries.entry_store import Change, write_changes
from statuslist.formats.forms import TOKEN_FORMS
from statuslist.formats.purposes import REVOCATION
from statuslist.publishing.artefacts import digest_of, published_artefacts
from statuslist.recovery.found_lists import FoundList, set_indexes
from storage import Transaction


def take_over(
    tx: Transaction, list_id: str, newest: FoundList, actor: str, at: int
) -> tuple[int, str | None]:
    """Make the statuses of a list what `newest` says, as far as it may; return how many changed, and a note."""
    status_set = store.find_set(tx, newest.set_id)
    assert status_set is not None, "those that were lost have been made"
    if (status_set.issuer_id, status_set.length) != (newest.issuer_id, newest.length):
        return 0, f"{list_id} was found with another issuer or length; it is ignored"
    if newest.purpose not in status_set.purposes and newest.form in TOKEN_FORMS:
        return 0, None  # It has a value for what its set has no list for.
    if newest.purpose not in status_set.purposes:
        return 0, f"{list_id} was found, but the set has no list of that purpose; it is ignored"
    if newest.purpose != REVOCATION and not _is_newer(tx, newest):
        return 0, None
    rows = _indexes_with_status(tx, newest)
    wanted = set_indexes(newest.bits) | rows & set_indexes(newest.hidden)
    cleared: Set[int] = frozenset() if newest.purpose == REVOCATION else rows - wanted
    write_changes(
        tx,
        [
            _change(newest, index, value, actor, at)
            for value, indexes in ((1, wanted - rows), (0, cleared))
            for index in sorted(indexes)
        ],
    )
    return len(wanted - rows) + len(cleared), None


def _is_newer(tx: Transaction, newest: FoundList) -> bool:
    """
    Tell whether a published list is newer than the rows: its version is beyond what they know.

    Of one whose version is not known the time tells. Times are whole seconds, so that two versions can have the
    same; but the rows know every version before them.
    """
    if newest.version is not None:
        return newest.version > _known_version(tx, newest)
    own = published_artefacts(tx, newest.source_id)
    if own and newest.valid_from < own[0].valid_from:
        return False
    asked = {
        "list_id": newest.source_id,
        "form": newest.form,
        "body": newest.body,
        "digest": digest_of(newest.body),
    }
    known = tx.one(
        "SELECT version FROM artefacts WHERE list_id = :list_id AND form = :form AND body = :body"
        " UNION ALL SELECT version FROM list_forms WHERE list_id = :list_id AND form = :form AND body = :body"
        " UNION ALL SELECT version FROM served_forms"
        " WHERE list_id = :list_id AND form = :form AND digest = :digest"
        " UNION ALL SELECT version FROM served_list_forms"
        " WHERE list_id = :list_id AND form = :form AND digest = :digest",
        asked,
    )
    return known is None


def _known_version(tx: Transaction, newest: FoundList) -> int:
    """
    Return the last version of which the rows know all that it says, 0: of none.

    That is the last that was begun, published or not; but the published one where a jump waits to be published,
    since what was found may be between the two. Of a set whose lists are all of a release before 0.3 it is that of
    the list: lists had versions of their own then, and the set has its first since a moment ago.
    """
    row = tx.one(
        "SELECT (SELECT max(version) FROM list_forms WHERE list_id = :list_id) AS of_list,"
        " CASE WHEN floor_version > published_version THEN published_version ELSE begun_version END AS of_set,"
        " EXISTS (SELECT 1 FROM list_forms WHERE set_id = :set_id)"
        " AND NOT EXISTS (SELECT 1 FROM list_forms f"
        " JOIN served_list_forms s ON s.list_id = f.list_id AND s.version = f.version"
        " WHERE f.set_id = :set_id) AS is_older FROM set_versions WHERE set_id = :set_id",
        {"list_id": newest.source_id, "set_id": newest.set_id},
    )
    assert row is not None, "each set has a version"
    return max(row["of_list"] or 0, 0 if row["is_older"] else row["of_set"])


def _indexes_with_status(tx: Transaction, newest: FoundList) -> set[int]:
    rows = tx.all(
        "SELECT entry_index FROM statuses WHERE set_id = :set_id AND purpose = :purpose",
        {"set_id": newest.set_id, "purpose": newest.purpose},
    )
    return {row["entry_index"] for row in rows}


def _change(newest: FoundList, index: int, value: int, actor: str, at: int) -> Change:
    return Change(
        set_id=newest.set_id,
        purpose=newest.purpose,
        entry_index=index,
        value=value,
        reason="restored from the published list",
        actor=actor,
        at=at,
    )
