"""
How API keys are made, rotated and revoked. Service.

A key carries at most what its principal holds, and no more than whoever made it could hand on. It always ends.
"""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from operators.access.asking_for import change_of_key
from operators.access.key_bounds import latest_end, limits_of_new, limits_of_next
from operators.access.managing import Found, administered, managed, seen, told
from operators.access.views import (
    ApiKeyPage,
    ApiKeyView,
    AskedGrant,
    CreateKey,
    MadeKey,
    RotateKey,
    key_view,
    read_grants,
)
from operators.actors import key_store
from operators.actors.api_keys import ApiKey, new_api_key
from operators.actors.key_store import KeyRow
from operators.actors.principals import Principals
from operators.actors.schema import adopt_older
from operators.approvals.change import ApprovalView, Asks, Decided, Doer
from operators.approvals.rules import is_trusted_more
from operators.approvals.store import expire_asked
from operators.grants import NotSeen, Principal
from operators.needs import Need
from operators.noting import digest_of, note
from storage import Database, Transaction
from wire import BadRequest, Conflict, Forbidden, ResourceNotFound, format_utc, parse_utc

DAY = 86_400_000_000  # microseconds
DEFAULT_DAYS = 90
MAX_DAYS = 400
MAX_KEYS = 100  # of one principal, that work; and as many again, whose place another one has taken
_ABSENT = "there is no such API key"


class ApiKeys:
    """
    Every method raises ResourceNotFound where there is no such principal or key that the caller may know of.

    Args:
        principals: what believes keys, and forgets them after a change.
        approvals: who knows whether another person must agree.
        clock: seconds since 1970.
        random_bytes: a source fit for secrets.
    """

    def __init__(
        self,
        database: Database,
        principals: Principals,
        approvals: Asks,
        *,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._principals = principals
        self._approvals = approvals
        self._clock = clock
        self._random_bytes = random_bytes

    def doers(self) -> dict[str, Doer]:
        """Return what makes each change that can be approved."""
        return {"key.create": self._insert_approved}

    async def let_in(self, principal: Principal, public_id: str, _need: Need) -> None:
        """Let `principal` ask for a change of a key; as `PrincipalChanges.let_in`."""
        await self._principals.adopt()
        await self._database.read(lambda tx: self._own_or_administered(tx, principal, public_id))

    async def page(self, principal: Principal, principal_id: str) -> ApiKeyPage:
        """Return the keys of a principal, the oldest first; those that ended too."""

        def read(tx: Transaction) -> ApiKeyPage:
            seen(tx, principal, principal_id, self._now())
            keys = key_store.keys_of(tx, principal_id)
            return ApiKeyPage(tuple(key_view(_as_seen(principal, key)) for key in keys))

        return await self._database.read(read)

    async def create(self, principal: Principal, principal_id: str, wanted: CreateKey) -> MadeKey:
        """
        Make an API key for a principal; its text is in the answer, and nowhere else.

        A person's key that another one makes is as good as a person: another person may have to agree, and the key
        works from then on. So it is for the key of one with the role break-glass.

        Raises:
            Forbidden: the caller neither is that principal nor administers all its scopes; or its own key is
                narrowed, and the new one would not be.
            BadRequest: the end is no time, past, or beyond 400 days; or a scope is none.
            Conflict: the principal has too many.
        """
        made = new_api_key(self._random_bytes)
        asked = None if wanted.grants is None else read_grants(wanted.grants)

        def decide(tx: Transaction) -> tuple[Found, KeyRow]:
            found = self._made_for(tx, principal, principal_id)
            key = self._row(tx, principal, found, made, wanted.expires_at)
            return found, msgspec.structs.replace(key, limits=limits_of_new(principal, found, asked))

        def create(tx: Transaction) -> ApiKeyView:
            return self._insert(tx, principal, decide(tx)[1], made.digest)

        if principal.id != principal_id:
            found, key = await self._database.write(decide)
            if _is_trusted_more(found) and (pending := await self._ask(principal, found, key, made)):
                return MadeKey(api_key=made.text, key=key_view(key), approval=pending)
        return MadeKey(api_key=made.text, key=await self._database.write(create))

    async def rotate(self, principal: Principal, public_id: str, wanted: RotateKey) -> MadeKey:
        """
        Make a key in the place of another, narrowed alike; the old one ends after the overlap.

        The person behind it is who rotates, since that one has its text.

        Raises:
            Conflict: it is revoked, has ended, or another one took its place; or it is a person's, or of one with
                the role break-glass, and the caller somebody else.
            Forbidden, BadRequest: as `create`.
        """
        made = new_api_key(self._random_bytes)

        def rotate(tx: Transaction) -> ApiKeyView:
            old = self._own_or_managed(tx, principal, public_id)
            if old.replaced_by is not None or _is_over(old, self._now()):
                raise Conflict("this key is over, or another one took its place; make a new key")
            found = seen(tx, principal, old.principal_id, self._now())
            is_own = old.principal_id == principal.id
            if is_own and principal.limits is not None and public_id != principal.key:
                raise Forbidden("your own API key is narrowed: it rotates itself, and no other")
            if not is_own and _is_trusted_more(found):
                raise Conflict(
                    f"only {old.principal_id} rotates this key: make a new key, which may need an approval, and"
                    " revoke this one"
                )
            key = self._row(tx, principal, found, made, wanted.expires_at)
            key = msgspec.structs.replace(key, limits=limits_of_next(principal, found, old.limits))
            self._require_fewer(tx, old.principal_id, 2 * MAX_KEYS)
            key_store.insert_key(tx, key, made.digest)
            ends = self._now() + wanted.overlap_seconds * 1_000_000
            ends = ends if old.expires_at is None else min(ends, old.expires_at)
            key_store.replace_key(tx, public_id, by=key.public_id, ends_at=ends)
            view = key_view(key)
            replaced = key_store.find_key_row(tx, public_id)
            assert replaced is not None, "a key stays known"
            note(
                tx,
                principal,
                "key.rotate",
                public_id,
                at=self._now(),
                before=key_view(old),
                after=key_view(replaced),
                of=old.principal_id,
                new=key.public_id,
                new_digest=digest_of(view),
            )
            return view

        view = await self._database.write(rotate)
        return MadeKey(api_key=made.text, key=view)

    async def revoke(self, principal: Principal, public_id: str) -> ApiKeyView:
        """
        Revoke an API key; it stops working within half a second.

        With it go the keys of its principal that were made with it, since a thief makes himself another at once.
        Its successor goes on, and so does the key with which this is asked.

        Raises:
            Conflict: it is revoked already.
        """

        def revoke(tx: Transaction) -> ApiKeyView:
            key = self._own_or_managed(tx, principal, public_id)
            if key.revoked_at is not None:
                raise Conflict("this key is revoked already")
            also = _made_with(key_store.keys_of(tx, key.principal_id), key, principal.key)
            for one in also:
                self._revoke(tx, principal, one, made_with=one.made_with)
            self._revoke(tx, principal, key)
            shown = key_view(_as_seen(principal, msgspec.structs.replace(key, revoked_at=self._now())))
            return msgspec.structs.replace(shown, also_revoked=tuple(one.public_id for one in also))

        revoked = await self._database.write(revoke)
        self._principals.forget()
        return revoked

    def _revoke(self, tx: Transaction, principal: Principal, key: KeyRow, **detail: object) -> None:
        key_store.revoke_key(tx, key.public_id, self._now())
        expire_asked(tx, self._now(), key=key.public_id)
        note(
            tx,
            principal,
            "key.revoke",
            key.public_id,
            at=self._now(),
            before=key_view(key),
            after=key_view(msgspec.structs.replace(key, revoked_at=self._now())),
            of=key.principal_id,
            **detail,
        )

    def _made_for(self, tx: Transaction, principal: Principal, principal_id: str) -> Found:
        if principal.id == principal_id:
            return seen(tx, principal, principal_id, self._now())
        return managed(tx, principal, principal_id, self._now())

    def _own_or_managed(self, tx: Transaction, principal: Principal, public_id: str) -> KeyRow:
        """As `_own_or_administered`, for a change; what a node of 0.2 made since is adopted."""
        adopt_older(tx)
        return self._own_or_administered(tx, principal, public_id)

    def _own_or_administered(self, tx: Transaction, principal: Principal, public_id: str) -> KeyRow:
        """Return a key that the caller may replace or revoke: that it came with, its own, or one it administers."""
        key = key_store.find_key_row(tx, public_id)
        if key is None:
            raise ResourceNotFound(_ABSENT)
        if public_id == principal.key or (key.principal_id == principal.id and principal.limits is None):
            return key
        try:
            administered(tx, principal, key.principal_id, self._now())
        except NotSeen:
            raise NotSeen(_ABSENT) from None
        return key

    def _row(
        self, tx: Transaction, principal: Principal, found: Found, made: ApiKey, ends: str | None
    ) -> KeyRow:
        return KeyRow(
            public_id=made.public_id,
            principal_id=found.actor.id,
            made_by=principal.id,
            made_with=principal.key,
            created_at=self._now(),
            person=_behind(tx, principal),
            expires_at=self._end(ends, latest_end(tx, principal, found)),
        )

    def _end(self, text: str | None, latest: int | None) -> int:
        if text is None:
            usual = self._now() + DEFAULT_DAYS * DAY
            return usual if latest is None else min(usual, latest)
        try:
            at = parse_utc(text)
        except ValueError as error:
            raise BadRequest(str(error), pointer="/expiresAt") from None
        if not self._now() < at <= self._now() + MAX_DAYS * DAY:
            raise BadRequest(f"expected a time within {MAX_DAYS} days from now", pointer="/expiresAt")
        if latest is not None and at > latest:
            raise Forbidden(
                f"your own API key ends on {format_utc(latest)}, and so does what it makes for you; for more, ask"
                " an administrator of all your scopes"
            )
        return at

    async def _ask(
        self, principal: Principal, found: Found, key: KeyRow, made: ApiKey
    ) -> ApprovalView | None:
        return await self._approvals.ask(principal, change_of_key(found.scopes, key, made.digest))

    async def _insert_approved(
        self, author: Principal, asked: dict[str, Any], decided: Decided
    ) -> ApiKeyView:
        public_id, digest, grants = asked["key"], asked["digest"], asked.get("grants")
        limits = None if grants is None else read_grants(msgspec.convert(grants, tuple[AskedGrant, ...]))

        def insert(tx: Transaction) -> ApiKeyView:
            found = managed(tx, author, asked["principal"], self._now())
            key = KeyRow(
                public_id=public_id,
                principal_id=found.actor.id,
                made_by=author.id,
                made_with=author.key,
                created_at=self._now(),
                person=_behind(tx, author),
                limits=limits_of_new(author, found, limits),
                expires_at=parse_utc(asked["expiresAt"]),
            )
            decided(tx, change_of_key(found.scopes, key, digest))
            return self._insert(tx, author, key, digest)

        return await self._database.write(insert)

    def _insert(self, tx: Transaction, principal: Principal, key: KeyRow, digest: str) -> ApiKeyView:
        self._require_fewer(tx, key.principal_id, MAX_KEYS)
        key_store.insert_key(tx, key, digest)
        view = key_view(key)
        note(
            tx,
            principal,
            "key.create",
            key.public_id,
            at=self._now(),
            after=view,
            of=key.principal_id,
        )
        return view

    def _require_fewer(self, tx: Transaction, principal_id: str, most: int) -> None:
        now = self._now()
        if sum(not _is_over(one, now) for one in key_store.keys_of(tx, principal_id)) >= most:
            raise Conflict(f"{principal_id} has {most} API keys that work; revoke one first")

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _is_trusted_more(found: Found) -> bool:
    return is_trusted_more(found.actor.kind, (grant.role for grant in found.grants))


def _is_over(key: KeyRow, now: int) -> bool:
    return key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now)


def _behind(tx: Transaction, principal: Principal) -> str | None:
    """
    Return the person behind a key that `principal` makes.

    Who comes with a key that another person made may be that one, and so is the key that is made with it.
    """
    used = None if principal.key is None else key_store.find_key_row(tx, principal.key)
    return principal.person if used is None else used.person or principal.person


def _made_with(keys: list[KeyRow], stolen: KeyRow, used: str | None) -> list[KeyRow]:
    """Return those of a principal's `keys` that were made with one of them, or with one of these; and so on."""
    found: list[KeyRow] = []
    makers = [stolen.public_id]
    while makers:
        maker = makers.pop()
        made = [
            key for key in keys if key.made_with == maker and key.public_id not in (stolen.replaced_by, used)
        ]
        makers += [key.public_id for key in made]
        found += [key for key in made if key.revoked_at is None]
    return found


def _as_seen(principal: Principal, key: KeyRow) -> KeyRow:
    """Return a key with those of its limits that `principal` may know of."""
    if key.limits is None:
        return key
    limits = frozenset(told(principal, key.principal_id, key.limits))
    return msgspec.structs.replace(key, limits=limits)
