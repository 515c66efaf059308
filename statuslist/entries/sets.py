"""
Status sets, entries and statuses, changed on behalf of a principal. Service.

Every change is one transaction (`changes.py`): the idempotency row, the rows themselves, the audit row, and for a
status the event and the list's next wanted version. It is acknowledged when that is durable; `on_changed` then
wakes the publisher.
"""

import asyncio
import base64
from collections.abc import Callable
from typing import TypeVar

from cachetools import LRUCache

from operators import Permission, Principal, Scope, issuer_scope, require
from operators.acting import act_once
from statuslist.entries import store
from statuslist.entries.allocation import KEY_BYTES
from statuslist.entries.changes import (
    CLOSED,
    change_statuses,
    check_allocated,
    create_set,
    own_set,
    take_entries,
)
from statuslist.entries.requests import (
    Allocate,
    Allocated,
    Changed,
    ChangeStatuses,
    CreateSet,
    EntryView,
    SetPage,
    SetView,
    StatusView,
)
from statuslist.entries.views import allocated_view, set_view
from statuslist.formats.forms import FORMS, POPULATION_PATHS, is_reserved, is_set_id
from statuslist.formats.purposes import check_purposes
from storage import Database, IdempotencyConflict, Transaction
from wire import BadRequest, Conflict, parse_utc

T = TypeVar("T")

SET_ID_BYTES = 10  # random bytes; 16 characters of base32
MAX_PAGE = 100  # sets
MAX_KNOWN_SETS = 10_000  # whose issuers are kept in memory
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
    ) -> None:
        self._database = database
        self._clock = clock
        self._random_bytes = random_bytes
        self._base_url = base_url
        self._on_changed = on_changed
        self._max_entries = max_entries_per_issuer
        self._was_published = was_published
        self._issuers: LRUCache[str, str] = LRUCache(MAX_KNOWN_SETS)  # Of each set that was asked for lately.

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
            BadRequest: `expires_at` is not a time.
        """
        expires_at = _read_time(request.expires_at)
        if request.reference == CLOSED:
            raise BadRequest(
                "this reference says that a restore closed the set; choose another", pointer="/reference"
            )
        # What allocation needs of the set never changes, so that it may be read ahead of the transaction.
        allocating = Permission.ALLOCATE
        status_set = await self._database.read(lambda tx: own_set(tx, principal, set_id, allocating))

        def take(tx: Transaction) -> int:
            return take_entries(tx, principal, status_set, request, expires_at=expires_at, at=self._now())

        # What is kept for a replay is the number: the entries follow from it, and can be megabytes.
        first = await self._once(principal, idempotency_key, ("allocate", set_id, request), take, int)
        return await asyncio.to_thread(
            allocated_view, status_set, first, request.count, FORMS[request.media_type], self._base_url
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
            NotAllocated: the index was never handed out.
            IrreversibleStatus: a revocation would be taken back.
        """

        def change(tx: Transaction) -> Changed:
            return change_statuses(tx, principal, set_id, request, at=self._now())

        changed = await self._once(principal, idempotency_key, ("change", set_id, request), change, Changed)
        if changed.changed:
            self._on_changed()
        return changed

    async def scope_of(self, set_id: str) -> Scope | None:
        """Return the scope that a set belongs to, for ever; None: there is no such set."""
        if (issuer_id := self._issuers.get(set_id)) is None:
            found = await self._database.read(lambda tx: store.find_set(tx, set_id))
            if found is None:
                return None
            issuer_id = self._issuers[set_id] = found.issuer_id
        return issuer_scope(issuer_id)

    async def get_entry(self, principal: Principal, set_id: str, index: int) -> EntryView:
        """
        Return the statuses of an entry as the rows have them.

        Raises:
            ResourceNotFound: as `get_set`.
            RangeError: the index lies outside the set.
            NotAllocated: the index was never handed out.
        """

        def read(tx: Transaction) -> EntryView:
            status_set = own_set(tx, principal, set_id)
            check_allocated(status_set, index)
            statuses = [
                StatusView(status_purpose=purpose, status=store.status_of(tx, set_id, purpose, index))
                for purpose in status_set.purposes
            ]
            return EntryView(status_list_index=str(index), statuses=tuple(statuses))

        return await self._database.read(read)

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
        )

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _only_issuer(principal: Principal) -> str | None:
    """Return the one issuer whose lists the principal may change; None: there is none, or several."""
    issuers = principal.issuers(Permission.EDIT)
    return next(iter(issuers)) if issuers is not None and len(issuers) == 1 else None


def _read_time(text: str | None) -> int | None:
    try:
        return parse_utc(text) if text is not None else None
    except ValueError as error:
        raise BadRequest(str(error), pointer="/expiresAt") from None
