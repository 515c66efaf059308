"""
Status sets, entries and statuses, changed on behalf of a principal. Service.

Every change is one transaction (`changes.py`, `entry_changes.py`): the idempotency row, the rows themselves, the
audit row, and for a status the event and the set's next wanted version. It is acknowledged when that is durable;
`on_changed` then wakes the publisher.
"""

import asyncio
import base64
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from cachetools import LRUCache

from operators import Permission, Principal, Scope, issuer_scope, require
from operators.acting import act_once
from statuslist.entries import entry_store, store
from statuslist.entries.allocation import KEY_BYTES
from statuslist.entries.changes import (
    ABSENT_SET,
    CLOSED,
    add_tokens,
    change_settings,
    create_set,
    own_set,
    take_entries,
)
from statuslist.entries.entry_changes import Call, change_together, release_entries
from statuslist.entries.finding import find_batch, find_reference, view_entry
from statuslist.entries.references import ReferenceKey
from statuslist.entries.referring import Referring
from statuslist.entries.remembered import without_names, without_references
from statuslist.entries.requests import (
    FORM_OF,
    Allocate,
    Allocated,
    Changed,
    ChangeSettings,
    ChangeStatuses,
    CreateSet,
    EntryView,
    FindEntries,
    FoundEntries,
    Released,
    ReleaseEntries,
    SetPage,
    SetView,
)
from statuslist.entries.views import allocated_view, set_view
from statuslist.errors import NoTokenList
from statuslist.formats.forms import POPULATION_PATHS, TOKEN_FORMS, is_reserved, is_set_id
from statuslist.formats.purposes import check_purposes
from storage import Database, IdempotencyConflict, Together, Transaction
from wire import BadRequest, Conflict, Refusal, ResourceNotFound, encode, format_utc, parse_utc

T = TypeVar("T")

SET_ID_BYTES = 10  # random bytes; 16 characters of base32
MAX_PAGE = 100  # sets
MAX_KNOWN_SETS = 10_000  # kept in memory
MAX_TOGETHER = 8  # changes of a request that is made in one with others
MAX_LATE = 60_000_000  # microseconds; as the clocks of two honest machines may differ
MAX_ENTRIES_PER_ISSUER = 2_147_483_648  # 2^31: 16,384 of the smallest lists, or 32 of the largest
OWN_ISSUER = "default"  # the service itself


class StatusSets:
    """
    The operators' side of the status lists.

    Args:
        clock: seconds since 1970.
        random_bytes: a source fit for keys, such as `secrets.token_bytes`.
        base_url: the public URL, without a slash at its end.
        on_changed: called on the event loop once a change that must be published is durable.
        max_entries_per_issuer: in all lists of an issuer; every process keeps them in memory as published.
        was_published: tells whether lists of a set of that id were published before there is one; it blocks.
        reference_key: under which references of entries are kept.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        base_url: str,
        on_changed: Callable[[], None],
        max_entries_per_issuer: int = MAX_ENTRIES_PER_ISSUER,
        was_published: Callable[[str], bool] = lambda _: False,
        reference_key: ReferenceKey | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._random_bytes = random_bytes
        self._base_url = base_url
        self._on_changed = on_changed
        self._max_entries = max_entries_per_issuer
        self._was_published = was_published
        self._referring = Referring(database, reference_key or ReferenceKey(None))
        # Those that were asked for lately. What of them can change is read anew.
        self._sets: LRUCache[str, store.StatusSet] = LRUCache(MAX_KNOWN_SETS)

    async def create_set(
        self, principal: Principal, request: CreateSet, *, idempotency_key: str | None = None
    ) -> SetView:
        """
        Make a status set; its lists, all zeros, are published within a second.

        Raises:
            Forbidden: the principal may read the issuer's lists, and not change them.
            BadRequest: the id is not an LDH label, or is reserved.
            UnknownPurpose: a purpose twice.
            ResourceNotFound: the issuer is unknown, or not the principal's.
            Conflict: the id is taken, or was before a restore, or the issuer signs elsewhere.
            IdempotencyConflict: the key was used with another request, or where the same one meant another issuer.
            TooManyEntries: the issuer's lists would be too large, all of them together.
        """
        status_set = self._new_set(principal, request)
        require(
            principal, Permission.EDIT, issuer_scope(status_set.issuer_id), absent="there is no such issuer"
        )

        def create(tx: Transaction) -> SetView:
            create_set(tx, principal, status_set, max_entries=self._max_entries, at=self._now())
            if self._was_published(status_set.id):  # Its entries would be given out a second time.
                raise Conflict(
                    f"lists of a set {status_set.id} were published before, and a restore lost them:"
                    " run `touchstone db restore`, or choose another id",
                    pointer="/id",
                )
            return set_view(status_set, self._base_url)

        created = await self._once(principal, idempotency_key, ("create", request), create, SetView)
        if created.issuer_id != status_set.issuer_id:
            # Whoever names no issuer means another one with another key, and may not see the set of before.
            raise IdempotencyConflict("this Idempotency-Key was used for a set of another issuer")
        self._on_changed()
        return created

    async def list_sets(self, principal: Principal, *, after: str = "", limit: int = MAX_PAGE) -> SetPage:
        """Return the principal's sets with an id beyond `after`, at most `limit` of them (up to 100)."""
        limit = max(1, min(limit, MAX_PAGE))
        issuers = principal.issuers()
        sets = await self._database.read(
            lambda tx: store.list_sets(tx, issuers, after=after, limit=limit + 1)
        )
        more = sets[limit - 1].id if len(sets) > limit else None
        return SetPage(sets=tuple(set_view(found, self._base_url) for found in sets[:limit]), next=more)

    async def get_set(self, principal: Principal, set_id: str) -> SetView:
        """
        Return a set.

        Raises:
            ResourceNotFound: there is none of that id that the principal may see.
        """
        found = await self._database.read(lambda tx: own_set(tx, principal, set_id))
        return set_view(found, self._base_url)

    async def add_tokens(
        self, principal: Principal, set_id: str, *, idempotency_key: str | None = None
    ) -> SetView:
        """
        Give a set of an earlier release all forms: a token list beside its lists of the W3C.

        Raises:
            Forbidden: the principal may read the set, and not change it.
            ResourceNotFound: as `get_set`.
            Conflict: the id of the set ends as that of a list does.
        """

        def add(tx: Transaction) -> SetView:
            return set_view(add_tokens(tx, principal, set_id, at=self._now()), self._base_url)

        view = await self._once(principal, idempotency_key, ("add tokens", set_id), add, SetView)
        self._on_changed()
        return view

    async def change_settings(
        self,
        principal: Principal,
        set_id: str,
        request: ChangeSettings,
        *,
        idempotency_key: str | None = None,
    ) -> SetView:
        """
        Change the profile of a set, whose lists are then signed anew at once, or its cadence.

        Raises:
            Forbidden: the principal may read the set, and not change it.
            ResourceNotFound: as `get_set`.
            Conflict: the issuer signs elsewhere, or with a key that the profile does not take.
        """

        def change(tx: Transaction) -> SetView:
            return set_view(change_settings(tx, principal, set_id, request, at=self._now()), self._base_url)

        asked = ("change settings", set_id, request)
        view = await self._once(principal, idempotency_key, asked, change, SetView)
        self._on_changed()
        return view

    async def allocate(
        self, principal: Principal, set_id: str, request: Allocate, *, idempotency_key: str | None = None
    ) -> Allocated:
        """
        Hand out entries at indexes that nobody can predict, each once and for ever.

        Nothing is published: an allocation changes no list (section 6.1 warns of lists that show issuance).

        Raises:
            Forbidden: the principal may read the set, and not allocate.
            ResourceNotFound: as `get_set`.
            ListFull: fewer entries than `count` are left; none is handed out.
            SetClosed: that ListFull, of a set that a restore closed.
            BadRequest: `expires_at` is not a time, or over a minute in the past.
            NoTokenList: the format needs a token list, and the set has none.
            ReferenceTaken: a reference has an entry of that format in the set already.
            ReferencesUnavailable: references cannot be taken just now.
        """
        expires_at = _read_time(request.expires_at)
        if request.reference == CLOSED:
            raise BadRequest(
                "this reference says that a restore closed the set; choose another", pointer="/reference"
            )
        # What allocation needs of the set never goes away, so that it may be read ahead of the transaction.
        allocating = Permission.ALLOCATE
        status_set = await self._database.read(lambda tx: own_set(tx, principal, set_id, allocating))
        if FORM_OF[request.wanted_format] in TOKEN_FORMS and not status_set.has_tokens:
            raise NoTokenList(
                f"the set has no token list, which {request.wanted_format} needs; ask for it once with"
                f" POST /operator/status-lists/{set_id}/forms"
            )
        digests = await self._referring.digests_of(status_set.issuer_id, request.references or ())
        kept = tuple(digests.values())

        def take(tx: Transaction) -> int:
            if kept:
                self._referring.check(entry_store.keep_fingerprint(tx, self._referring.fingerprint))
            now = self._now()
            _require_ahead(expires_at, now)  # Here, since a replay may come later.
            return take_entries(
                tx, principal, status_set, request, expires_at=expires_at, at=now, digests=kept
            )

        # What is kept for a replay is the number: the entries follow from it, and can be megabytes.
        asked = ("allocate", set_id, without_references(request, digests))
        first = await self._once(principal, idempotency_key, asked, take, int)
        return await asyncio.to_thread(
            allocated_view, status_set, first, request.count, request.wanted_format, self._base_url
        )

    async def set_statuses(
        self,
        principal: Principal,
        set_id: str,
        request: ChangeStatuses,
        *,
        idempotency_key: str | None = None,
    ) -> Changed:
        """
        Make the changes, all or none. A status that is so already is no change: no event, no new version.

        Raises:
            Forbidden: the principal may read the set, and not change it.
            ResourceNotFound: as `get_set`.
            UnknownPurpose: the set has no list of that purpose.
            RangeError: the index lies outside the set.
            NotAllocated: the index was never handed out; no entry of the set has the reference.
            EntryReleased: the entry was released.
            IrreversibleStatus: a revocation would be taken back.
            ReferencesUnavailable: nothing can be found by a reference just now.
        """
        status_set = await self._known(principal, set_id, Permission.EDIT)
        digests = await self._referring.digests_in(status_set.issuer_id, request.changes)
        nameless = msgspec.structs.replace(request, changes=without_names(request.changes, digests))
        call = Call(
            principal=principal,
            status_set=status_set,
            request=request,
            digests=digests,
            key=idempotency_key,
            asked=encode(("change", set_id, nameless)) if idempotency_key is not None else b"",
        )
        change = Together(self._change_together, call)
        is_small = len(request.changes) <= MAX_TOGETHER
        changed = await self._database.write(change if is_small else change.__call__)
        if changed.changed:
            self._on_changed()
        return changed

    async def release(
        self,
        principal: Principal,
        set_id: str,
        request: ReleaseEntries,
        *,
        idempotency_key: str | None = None,
    ) -> Released:
        """
        Release entries whose credentials were never issued, all or none: no status of theirs can be set any more.

        No list changes, and no index is given again. One that is released already is no change.

        Raises:
            Forbidden: the principal may read the set, and not change it.
            ResourceNotFound: as `get_set`.
            RangeError, NotAllocated, ReferencesUnavailable: as `set_statuses`.
            EntryInUse: an entry has a status, or had one.
        """
        status_set = await self._known(principal, set_id, Permission.EDIT)
        digests = await self._referring.digests_in(status_set.issuer_id, request.entries)

        def release(tx: Transaction) -> Released:
            return release_entries(tx, principal, status_set, request, digests, at=self._now())

        asked = ("release", set_id, ReleaseEntries(entries=without_names(request.entries, digests)))
        return await self._once(principal, idempotency_key, asked, release, Released)

    async def find(self, principal: Principal, request: FindEntries) -> FoundEntries:
        """
        Return the entries of a reference, or of a place in a batch, in all sets of an issuer.

        Raises:
            ResourceNotFound: the issuer is unknown, or not the principal's.
            ReferencesUnavailable: nothing can be found by a reference just now.
        """
        issuer_id = request.issuer_id or _only_issuer(principal, Permission.READ) or OWN_ISSUER
        require(principal, Permission.READ, issuer_scope(issuer_id), absent="there is no such issuer")
        if request.reference is None:
            return await self._database.read(lambda tx: find_batch(tx, issuer_id, request))
        digests = await self._referring.digests_of(issuer_id, [request.reference])
        return await self._database.read(lambda tx: find_reference(tx, issuer_id, *digests.values()))

    async def scope_of(self, set_id: str) -> Scope | None:
        """Return the scope that a set belongs to, for ever; None: there is no such set."""
        found = await self._find(set_id)
        return issuer_scope(found.issuer_id) if found is not None else None

    async def get_entry(self, principal: Principal, set_id: str, index: int) -> EntryView:
        """
        Return the statuses of an entry as the rows have them.

        Raises:
            ResourceNotFound: as `get_set`.
            RangeError: the index lies outside the set.
            NotAllocated: the index was never handed out.
        """

        def read(tx: Transaction) -> EntryView:
            return view_entry(tx, own_set(tx, principal, set_id), index)

        return await self._database.read(read)

    def _change_together(self, tx: Transaction, calls: Sequence[Call]) -> list[Changed | Refusal]:
        return change_together(tx, calls, at=self._now())

    async def _known(self, principal: Principal, set_id: str, permission: Permission) -> store.StatusSet:
        """Return a set as `own_set`, as it was at some time."""
        found = await self._find(set_id)
        if found is None:
            raise ResourceNotFound(ABSENT_SET)
        require(principal, permission, issuer_scope(found.issuer_id), absent=ABSENT_SET)
        return found

    async def _find(self, set_id: str) -> store.StatusSet | None:
        found = self._sets.get(set_id)
        if found is None:
            found = await self._database.read(lambda tx: store.find_set(tx, set_id))
            if found is not None:
                self._sets[set_id] = found
        return found

    async def _once(
        self,
        principal: Principal,
        key: str | None,
        request: tuple[object, ...],
        make: Callable[[Transaction], T],
        result_type: type[T],
    ) -> T:
        """Change the rows by `make`, or return what it returned for the same key and request."""
        return await act_once(self._database, principal, key, request, make, result_type, at=self._now())

    def _new_set(self, principal: Principal, request: CreateSet) -> store.StatusSet:
        set_id = request.id
        if set_id is None:
            set_id = base64.b32encode(self._random_bytes(SET_ID_BYTES)).decode().lower()
        if not is_set_id(set_id):
            raise BadRequest("expected lower-case letters, digits, and hyphens inside", pointer="/id")
        if is_reserved(set_id):
            names = ", ".join(POPULATION_PATHS)
            raise BadRequest(f"a set's id is none of {names}, nor does it end in a purpose", pointer="/id")
        return store.StatusSet(
            id=set_id,
            issuer_id=request.issuer_id or _only_issuer(principal) or OWN_ISSUER,
            length=request.length,
            purposes=check_purposes(request.purposes),
            permutation_key=self._random_bytes(KEY_BYTES),
            next_number=0,
            created_at=self._now(),
            profile=request.profile,
            cadence_ms=request.cadence_seconds * 1_000,
            has_tokens=True,
            version=0,
            wanted_version=1,
        )

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _only_issuer(principal: Principal, permission: Permission = Permission.EDIT) -> str | None:
    """Return the one issuer in whose scope the principal has a permission; None: there is none, or several."""
    issuers = principal.issuers(permission)
    return next(iter(issuers)) if issuers is not None and len(issuers) == 1 else None


def _read_time(text: str | None) -> int | None:
    try:
        return parse_utc(text) if text is not None else None
    except ValueError as error:
        raise BadRequest(str(error), pointer="/expiresAt") from None


def _require_ahead(expires_at: int | None, now: int) -> None:
    if expires_at is not None and expires_at < now - MAX_LATE:
        raise BadRequest(
            f"expected a time that is at most a minute in the past; here it is {format_utc(now)},"
            f" found {format_utc(expires_at)}",
            pointer="/expiresAt",
        )
