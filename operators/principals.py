"""
Principals and their API keys. Service.

A key that was found good is believed for `BELIEVED_SECONDS`, so that a burst of writes asks the database
once; that is also how long a revoked key may still work.
"""

import secrets
import time
from collections.abc import Callable

from cachetools import TTLCache

from operators import store
from operators.api_keys import is_same_digest, new_api_key, parse_api_key
from operators.model import Principal, Role, check_id, check_text
from storage import Database, Transaction, record
from wire import Conflict, ResourceNotFound, Unauthenticated

BELIEVED_SECONDS = 0.5  # seconds; on every node a change is seen within one
MAX_BELIEVED = 10_000  # keys
_CHALLENGE = {"www-authenticate": 'Bearer realm="touchstone operators"'}
_NO_DIGEST = "0" * 64  # compared with where there is no such key, so that both cases cost the same


class Principals:
    """
    Args:
        clock: seconds since 1970.
        timer: monotonic seconds; how long a key is believed does not depend on the clock.
        random_bytes: a source fit for secrets.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._random_bytes = random_bytes
        self._believed: TTLCache[str, Principal] = TTLCache(MAX_BELIEVED, BELIEVED_SECONDS, timer=timer)

    async def authenticate(self, authorization: str | None) -> Principal:
        """
        Return the principal of an Authorization header: `Bearer <API key>` (RFC 6750, section 2.1).

        Raises:
            Unauthenticated: no key, or one that is malformed, unknown, expired or revoked; all alike.
        """
        scheme, _, credentials = (authorization or "").partition(" ")
        presented = parse_api_key(credentials.strip()) if scheme.lower() == "bearer" else None
        if presented is None:
            raise Unauthenticated("expected Authorization: Bearer tsk_...", headers=_CHALLENGE)
        if (principal := self._believed.get(presented.digest)) is not None:
            return principal
        stored = await self._database.read(lambda tx: store.find_key(tx, presented.public_id))
        is_same = is_same_digest(stored.digest if stored else _NO_DIGEST, presented.digest)
        if stored is None or not is_same or not self._is_valid(stored):
            raise Unauthenticated("this API key is not valid", headers=_CHALLENGE)
        self._believed[presented.digest] = stored.principal
        return stored.principal

    async def principals(self) -> list[Principal]:
        """Return every principal, by id."""
        return await self._database.read(store.all_principals)

    async def keys(self, principal_id: str | None = None) -> list[store.KeyView]:
        """
        Return the API keys of a principal, or of all, the oldest first; revoked ones too.

        Raises:
            ResourceNotFound: there is no such principal.
        """

        def read(tx: Transaction) -> list[store.KeyView]:
            if principal_id is not None and not store.has_principal(tx, principal_id):
                raise ResourceNotFound(f"there is no principal {principal_id[:63]!r}")
            return store.all_keys(tx, principal_id)

        return await self._database.read(read)

    async def create_principal(
        self, principal_id: str, *, name: str, issuer_id: str | None, roles: frozenset[Role], actor: str
    ) -> Principal:
        """
        Add a principal.

        Raises:
            BadRequest: its id is not an LDH label, or its name no text for people.
            ResourceNotFound: there is no such issuer.
            Conflict: its id is taken.
        """
        check_text(name, pointer="/name")
        principal = Principal(id=check_id(principal_id), name=name, issuer_id=issuer_id, roles=roles)

        def create(tx: Transaction) -> None:
            if issuer_id is not None and store.find_issuer(tx, issuer_id) is None:
                raise ResourceNotFound(f"there is no issuer {issuer_id[:63]!r}")
            if not store.insert_principal(tx, principal, self._now()):
                raise Conflict(f"the principal {principal_id} is there already")
            detail = {"issuer": issuer_id, "roles": sorted(role.value for role in roles)}
            record(
                tx,
                actor=actor,
                action="principal.create",
                subject=principal.id,
                detail=detail,
                at=self._now(),
            )

        await self._database.write(create)
        return principal

    async def create_key(self, principal_id: str, *, actor: str, expires_at: int | None = None) -> str:
        """
        Make an API key for a principal and return it; it is stored as a digest and never shown again.

        `expires_at` is in microseconds since 1970.

        Raises:
            ResourceNotFound: there is no such principal.
        """
        key = new_api_key(self._random_bytes)

        def create(tx: Transaction) -> None:
            if not store.has_principal(tx, principal_id):
                raise ResourceNotFound(f"there is no principal {principal_id[:63]!r}")
            store.insert_key(
                tx,
                public_id=key.public_id,
                digest=key.digest,
                principal_id=principal_id,
                expires_at=expires_at,
                at=self._now(),
            )
            detail = {"principal": principal_id}
            record(tx, actor=actor, action="key.create", subject=key.public_id, detail=detail, at=self._now())

        await self._database.write(create)
        return key.text

    async def revoke_key(self, public_id: str, *, actor: str) -> None:
        """
        Revoke an API key; it stops working within `BELIEVED_SECONDS`.

        Raises:
            ResourceNotFound: there is no such key, or it is revoked already.
        """

        def revoke(tx: Transaction) -> None:
            if not store.revoke_key(tx, public_id, self._now()):
                raise ResourceNotFound("there is no such key, or it is revoked already")
            record(tx, actor=actor, action="key.revoke", subject=public_id, detail={}, at=self._now())

        await self._database.write(revoke)
        self._believed.clear()

    def _is_valid(self, stored: store.StoredKey) -> bool:
        is_expired = stored.expires_at is not None and stored.expires_at <= self._now()
        return stored.revoked_at is None and not is_expired

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
