"""
Issuers, as operators add and see them. Service.
"""

import asyncio
from collections.abc import Callable

from operators.acting import act_once, done_before
from operators.grants import EVERYTHING, Permission, Principal, issuer_scope, require
from operators.issuers import key_store
from operators.issuers.custody import MadeKey, Surroundings
from operators.issuers.keys import FIRST_KIND, IssuerKey, KeyState, as_first, as_spare, key_id_of
from operators.issuers.views import CreateIssuer, IssuerKeyView, IssuerPage, IssuerView, issuer_view, key_view
from operators.model import Issuer, check_id, check_text, is_id
from operators.noting import note
from operators.store import all_issuers, find_issuer, insert_issuer, issuers_after
from storage import Database, Transaction
from wire import BadRequest, Conflict, ResourceNotFound

MAX_PAGE = 100  # issuers


class Issuers:
    """
    Args:
        surroundings: the server.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, surroundings: Surroundings, clock: Callable[[], float]) -> None:
        self._database = database
        self._surroundings = surroundings
        self._clock = clock

    async def find(self, issuer_id: str) -> Issuer | None:
        """Return an issuer, or None."""
        return await self._database.read(lambda tx: find_issuer(tx, issuer_id))

    async def all(self) -> list[Issuer]:
        """Return every issuer, by id."""
        return await self._database.read(all_issuers)

    def is_hosted(self, issuer: Issuer) -> bool:
        """Tell whether the issuer's DID document is ours to serve."""
        return issuer.did == self._surroundings.hosted_did(issuer.id)

    async def create(
        self, principal: Principal, wanted: CreateIssuer, *, idempotency_key: str | None = None
    ) -> IssuerView:
        """
        Add an issuer; one that we host gets its first key, which is active at once, and a spare one.

        Raises:
            Forbidden: `principal` does not administer everything.
            BadRequest: its id is no LDH label, or its owner no text for people; or it has a DID of its own, and
                keys are asked for.
            Refusal: its DID is none, or under our host; or no key can be made.
            Conflict: its id or its DID is taken.
        """
        require(principal, Permission.ADMINISTER, EVERYTHING)
        issuer = self._issuer(wanted)
        asked = ("create-issuer", wanted)
        # In this order: the same request may be done between the two looks, and is then found by the second.
        existing = await self.find(issuer.id)
        done = await done_before(self._database, principal, idempotency_key, asked, IssuerView)
        if done is not None:
            return done
        if existing is not None:
            raise Conflict(f"the issuer {issuer.id} or its DID is there already")
        keys = [] if wanted.did else await self._first_keys(wanted)

        def create(tx: Transaction) -> IssuerView:
            first_key = keys[0].key_id if keys else None
            if not insert_issuer(tx, issuer, self._now(), first_key=first_key):
                raise Conflict(f"the issuer {issuer.id} or its DID is there already")
            for key in keys:
                key_store.insert_key(tx, key)
            key_store.note_change(tx)
            view = self._view(issuer, key_store.keys_of(tx, issuer.id))
            detail = {"did": issuer.did, "keys": [key.key_id for key in keys]}
            note(tx, principal, "issuer.create", issuer.id, at=self._now(), after=view, **detail)
            return view

        return await act_once(
            self._database, principal, idempotency_key, asked, create, IssuerView, at=self._now()
        )

    async def show(self, principal: Principal, issuer_id: str) -> IssuerView:
        """
        Return an issuer and every key that it ever had.

        Raises:
            ResourceNotFound: there is no such issuer that `principal` may know of.
        """
        return await self._database.read(lambda tx: self._view(*issuer_and_keys(tx, principal, issuer_id)))

    async def page(self, principal: Principal, *, after: str = "", limit: int = MAX_PAGE) -> IssuerPage:
        """Return at most `limit` issuers with an id beyond `after`, of those that `principal` may see."""

        def read(tx: Transaction) -> IssuerPage:
            found = issuers_after(tx, after, limit, only=principal.issuers())
            views = tuple(self._view(issuer, key_store.keys_of(tx, issuer.id)) for issuer in found)
            return IssuerPage(issuers=views, next=found[-1].id if len(found) == limit else None)

        return await self._database.read(read)

    async def make_key(self, issuer_id: str, custody: str, algorithm: str) -> IssuerKey:
        """
        Make a key and return it as announced now; it has no row yet.

        Raises:
            Refusal: that custody cannot make such a key.
        """
        made = await asyncio.to_thread(self._surroundings.make_key, custody, algorithm)
        return announced(issuer_id, custody, made, self._now())

    def key_view(self, issuer: Issuer, key: IssuerKey) -> IssuerKeyView:
        return key_view(key, self._surroundings.methods_of(issuer, key))

    def _issuer(self, wanted: CreateIssuer) -> Issuer:
        check_id(wanted.id)
        check_text(wanted.owner, pointer="/owner")
        if wanted.did is not None:
            self._surroundings.check_foreign(wanted.did)
            _require_no_kind(wanted)
        did = wanted.did or self._surroundings.hosted_did(wanted.id)
        return Issuer(id=wanted.id, did=did, owner=wanted.owner)

    async def _first_keys(self, wanted: CreateIssuer) -> list[IssuerKey]:
        custody, algorithm = wanted.custody or FIRST_KIND[0], wanted.algorithm or FIRST_KIND[1]
        first, spare = [await self.make_key(wanted.id, custody, algorithm) for _ in range(2)]
        return [as_first(first), as_spare(spare)]

    def _view(self, issuer: Issuer, keys: list[IssuerKey]) -> IssuerView:
        views = tuple(self.key_view(issuer, key) for key in keys)
        return issuer_view(issuer, self.is_hosted(issuer), views)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _require_no_kind(wanted: CreateIssuer) -> None:
    for name in ("algorithm", "custody"):
        if getattr(wanted, name) is not None:
            raise BadRequest(
                f"an issuer with a DID of its own is added without keys; state {name} when you add one",
                pointer=f"/{name}",
            )


def announced(issuer_id: str, custody: str, made: MadeKey, at: int) -> IssuerKey:
    """Return the row of a key that was just made; `at` is now, in microseconds since 1970."""
    return IssuerKey(
        issuer_id=issuer_id,
        key_id=key_id_of(made.public_key),
        algorithm=made.algorithm,
        public_key=made.public_key,
        custody=custody,
        locator=made.locator,
        state=KeyState.ANNOUNCED,
        announced_at=at,
    )


def absent_issuer(issuer_id: str) -> str:
    """Return the words for an issuer that is not there, or not to be known of."""
    return f"there is no issuer {issuer_id[:63]!r}"


def issuer_and_keys(
    tx: Transaction, principal: Principal, issuer_id: str, permission: Permission = Permission.READ
) -> tuple[Issuer, list[IssuerKey]]:
    """
    Return an issuer and its keys.

    Raises:
        ResourceNotFound: there is no such issuer that `principal` may know of.
        Forbidden: it has not the permission there.
    """
    issuer = find_issuer(tx, issuer_id) if is_id(issuer_id) else None
    if issuer is None:
        raise ResourceNotFound(absent_issuer(issuer_id))
    require(principal, permission, issuer_scope(issuer_id), absent=absent_issuer(issuer_id))
    return issuer, key_store.keys_of(tx, issuer_id)
