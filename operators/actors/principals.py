"""
From the Authorization header of a request to the principal who acts. Service.

A key that was found good is believed for `BELIEVED_SECONDS`, so that a burst of writes asks the database
once; that is also how long a revoked key, or a grant that was taken away, may still work.
"""

import time
from collections.abc import Awaitable, Callable

from cachetools import TTLCache

from operators.actors import key_store
from operators.actors.api_keys import ApiKey, is_same_digest, parse_api_key
from operators.actors.grant_store import scopes_ever
from operators.actors.schema import adopt_older, is_any_waiting
from operators.grants import Principal, Scope
from storage import Database, Transaction
from wire import Unauthenticated

BELIEVED_SECONDS = 0.5  # seconds; on every node a change is seen within one
MAX_BELIEVED = 10_000  # keys
HOUR = 3_600_000_000  # microseconds; when a key was last used is kept to the hour
_CHALLENGE = {"www-authenticate": 'Bearer realm="touchstone operators"'}
_NO_DIGEST = "0" * 64  # compared with where there is no such key, so that both cases cost the same

_NOT_VALID = "this API key is not valid"

SignIn = Callable[[str], Awaitable[Principal]]  # the principal of a token; raises Unauthenticated


class KeyEnded(Unauthenticated):
    """The whole key is of a principal that is known, and not good any more; the answer does not tell it apart."""

    def __init__(self, principal: Principal) -> None:
        super().__init__(_NOT_VALID, headers=_CHALLENGE)
        self.principal = principal


class Principals:
    """
    Args:
        clock: seconds since 1970.
        timer: monotonic seconds; how long a key is believed does not depend on the clock.
        sign_in: whose tokens are taken beside API keys; None: nobody's.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        sign_in: SignIn | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sign_in = sign_in
        self._believed: TTLCache[str, key_store.StoredKey] = TTLCache(
            MAX_BELIEVED, BELIEVED_SECONDS, timer=timer
        )
        self._used: dict[str, int] = {}  # Public ids of keys, and the hour in which each was last used.
        self._kept: dict[str, int] = {}  # What of that is written.

    async def authenticate(self, authorization: str | None) -> Principal:
        """
        Return the principal of an Authorization header: `Bearer <API key or token>` (RFC 6750, section 2.1).

        Raises:
            Unauthenticated: no key, or one that is malformed or unknown. Or a token that is not taken.
            KeyEnded: one that is expired or revoked, or of a principal that was deactivated; all look alike.
        """
        scheme, _, credentials = (authorization or "").partition(" ")
        presented = credentials.strip() if scheme.lower() == "bearer" else ""
        if (key := parse_api_key(presented)) is not None:
            return await self._of_key(key)
        if self._sign_in is not None and presented.count(".") == 2:
            return await self._sign_in(presented)
        raise Unauthenticated("expected Authorization: Bearer tsk_...", headers=_CHALLENGE)

    async def scopes_ever(self, principal_id: str) -> frozenset[Scope]:
        """Return every scope in which a principal has a grant, or had one."""
        return await self._database.read(lambda tx: scopes_ever(tx, principal_id))

    def forget(self) -> None:
        """Believe no key that was found good; called after a change that takes something away."""
        self._believed.clear()

    async def adopt(self) -> None:
        """Take over what nodes of a release before 0.3 made since; a request that needs it does so at once."""
        if await self._database.read(is_any_waiting):
            await self._database.write(adopt_older)

    async def keep_uses(self) -> None:
        """Write which keys were used in an hour in which that was not written yet."""
        due = {key: at for key, at in self._used.items() if self._kept.get(key, 0) < at}
        if due:
            await self._database.write(lambda tx: key_store.note_use(tx, due))
        self._kept |= due
        self._used = {key: at for key, at in self._used.items() if due.get(key) != at}
        if len(self._kept) > MAX_BELIEVED:
            self._kept = due

    async def _of_key(self, key: ApiKey) -> Principal:
        stored = self._believed.get(key.digest) or await self._look_up(key)
        if not self._is_valid(stored):  # Its end is known, so that it is believed no longer than that.
            raise KeyEnded(stored.principal)
        self._believed.setdefault(key.digest, stored)
        self._used[key.public_id] = self._now() // HOUR * HOUR
        return stored.principal

    async def _look_up(self, key: ApiKey) -> key_store.StoredKey:
        def read(tx: Transaction) -> tuple[key_store.StoredKey | None, bool]:
            return key_store.find_key(tx, key.public_id, self._now()), key_store.is_waiting(tx, key.public_id)

        stored, is_waiting = await self._database.read(read)
        if is_waiting:
            await self._database.write(adopt_older)
            return await self._look_up(key)
        is_same = is_same_digest(stored.digest if stored else _NO_DIGEST, key.digest)
        if stored is None or not is_same:
            raise Unauthenticated(_NOT_VALID, headers=_CHALLENGE)
        return stored

    def _is_valid(self, stored: key_store.StoredKey) -> bool:
        is_expired = stored.expires_at is not None and stored.expires_at <= self._now()
        return stored.revoked_at is None and stored.is_active and not is_expired

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
