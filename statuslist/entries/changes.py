"""
Sets and allocations, each made in its one transaction: its rules checked, its rows, its audit row. Store.

A set of another issuer is `ResourceNotFound`, like one that does not exist.
"""

from collections.abc import Sequence

import msgspec

from operators import Permission, Principal, issuer_scope, require
from operators.issuers.key_store import find_key, signing_key
from operators.noting import note
from operators.store import find_issuer
from proofs import Algorithm
from statuslist.entries import store
from statuslist.entries.entry_store import insert_references
from statuslist.entries.requests import Allocate, ChangeSettings
from statuslist.errors import ListFull, ProfileNotMet, ReferenceTaken, SetClosed, TooManyEntries
from statuslist.formats.forms import is_reserved
from statuslist.formats.profiles import PROFILES, check_key
from storage import Transaction
from wire import Conflict, ResourceNotFound

ABSENT_SET = "there is no such status set"
CLOSED = "closed by a restore"  # reference of the allocation by which an epoch takes what is left of a set


def own_set(
    tx: Transaction, principal: Principal, set_id: str, permission: Permission = Permission.READ
) -> store.StatusSet:
    """
    Return the set.

    Raises:
        ResourceNotFound: there is none of that id that the principal may see.
        Forbidden: it has not the permission there.
    """
    found = store.find_set(tx, set_id)
    if found is None:
        raise ResourceNotFound(ABSENT_SET)
    require(principal, permission, issuer_scope(found.issuer_id), absent=ABSENT_SET)
    return found


def create_set(
    tx: Transaction, principal: Principal, status_set: store.StatusSet, *, max_entries: int, at: int
) -> None:
    """
    Insert a set and its lists.

    Raises:
        ResourceNotFound: the issuer is unknown.
        Conflict: the id is taken, or the issuer signs elsewhere, or with a key that the profile does not take.
        TooManyEntries: the issuer's lists would have more than `max_entries`, all of them together.
    """
    _check_issuer(tx, status_set)
    if not store.insert_set(tx, status_set):
        raise Conflict(f"the id {status_set.id} is taken", pointer="/id")
    _check_entries(tx, status_set.issuer_id, max_entries)
    after = {"issuer": status_set.issuer_id, "length": status_set.length, "purposes": status_set.purposes}
    note(tx, principal, "status_set.create", status_set.id, at=at, after=after, length=status_set.length)


def add_tokens(tx: Transaction, principal: Principal, set_id: str, *, at: int) -> store.StatusSet:
    """
    Give a set a token list, unless it has one; return it.

    Raises:
        ResourceNotFound, Forbidden: as `own_set`.
        Conflict: the list would have the URL of another set's list; or as `create_set`, of the issuer's key.
    """
    found = own_set(tx, principal, set_id, Permission.EDIT)
    if found.has_tokens:
        return found
    if is_reserved(set_id):
        raise Conflict("a set of that id cannot have a token list, whose URL means something else")
    _check_issuer(tx, found)
    store.insert_token_list(tx, set_id)
    note(tx, principal, "status_set.add_tokens", set_id, at=at)
    return own_set(tx, principal, set_id)


def change_settings(
    tx: Transaction, principal: Principal, set_id: str, request: ChangeSettings, *, at: int
) -> store.StatusSet:
    """
    Change the profile or the cadence of a set, unless they are so already; return it.

    Raises:
        ResourceNotFound, Forbidden: as `own_set`.
        Conflict: as `create_set`, of the issuer's key, where the profile changes.
    """
    found = own_set(tx, principal, set_id, Permission.EDIT)
    cadence_ms = request.cadence_seconds * 1_000 if request.cadence_seconds else found.cadence_ms
    wanted = msgspec.structs.replace(found, profile=request.profile or found.profile, cadence_ms=cadence_ms)
    if wanted == found:
        return found
    if wanted.profile != found.profile:
        _check_issuer(tx, wanted)
        store.change_profile(tx, set_id, wanted.profile)
    if wanted.cadence_ms != found.cadence_ms:
        store.change_cadence(tx, set_id, cadence_ms)
    before, after = ({"profile": one.profile, "cadence_ms": one.cadence_ms} for one in (found, wanted))
    note(tx, principal, "status_set.change_settings", set_id, at=at, before=before, after=after, **after)
    return own_set(tx, principal, set_id)


def take_entries(
    tx: Transaction,
    principal: Principal,
    status_set: store.StatusSet,
    request: Allocate,
    *,
    expires_at: int | None,
    at: int,
    digests: Sequence[bytes] = (),
) -> int:
    """
    Hand out the next entries of a set; return the number of the first.

    Args:
        digests: of the references of the entries; none, or one each.

    Raises:
        ListFull: fewer than were asked for are left; none is handed out.
        SetClosed: that ListFull, of a set that a restore closed.
        ReferenceTaken: a reference has an entry of that format in the set already.
    """
    first = store.take_numbers(tx, status_set.id, request.count)
    if first is None:
        raise _no_room(tx, status_set, request.count)
    taken = store.Allocation(
        set_id=status_set.id,
        first_number=first,
        count=request.count,
        reference=request.reference,
        expires_at=expires_at,
        actor=principal.id,
        at=at,
    )
    store.insert_allocation(tx, taken)
    taken_at = (
        insert_references(tx, status_set.id, first, request.wanted_format, digests) if digests else None
    )
    if taken_at is not None:
        raise ReferenceTaken(  # Its pointer tells which; a reference may be personal data, and is not repeated.
            f"an entry of this set, for {request.wanted_format}, has this reference already:"
            f" the {taken_at + 1}. of {len(digests)}",
            pointer=f"/references/{taken_at}",
        )
    after = {"first": first, "count": request.count}
    named = {"references": len(digests)} if digests else {}
    note(tx, principal, "status_set.allocate", status_set.id, at=at, after=after, **after, **named)
    return first


def _check_issuer(tx: Transaction, status_set: store.StatusSet) -> None:
    """Refuse a set whose lists its issuer could not sign today."""
    if find_issuer(tx, status_set.issuer_id) is None:
        raise ResourceNotFound("there is no such issuer")
    key_id = signing_key(tx, status_set.issuer_id)
    key = None if key_id is None else find_key(tx, status_set.issuer_id, key_id)
    if key is None:
        raise Conflict(
            "the issuer has no active key here: there is none to sign its lists with", pointer="/issuerId"
        )
    if key.algorithm is None:
        return  # Of a release before 0.3, and not read yet.
    try:
        profile = PROFILES[status_set.profile]
        check_key(profile, Algorithm(key.algorithm), has_certificates=key.certificates is not None)
    except ProfileNotMet as error:
        raise Conflict(str(error), pointer="/profile") from None


def _check_entries(tx: Transaction, issuer_id: str, most: int) -> None:
    """Refuse what was just added where the issuer's lists have more than `most` entries with it."""
    entries = store.entries_of(tx, issuer_id)
    if entries > most:
        raise TooManyEntries(
            f"the lists of this issuer would have {entries} entries in all, and may have {most}: ask for a shorter"
            " set, or for TOUCHSTONE_MAX_ENTRIES_PER_ISSUER to be raised"
        )


def _no_room(tx: Transaction, status_set: store.StatusSet, count: int) -> ListFull:
    if store.last_reference(tx, status_set.id) == CLOSED:
        return SetClosed("a restore closed this set, so that no index is given twice; create another set")
    return ListFull(f"fewer than {count} of {status_set.length} entries are left; create another set")
