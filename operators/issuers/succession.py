"""
Which key comes after which: what is done whoever asked for it, and by itself as time passes. Service.
"""

from collections.abc import Callable

from operators.grants import Principal
from operators.issuers import key_store, rotation
from operators.issuers.custody import WhyNotListed
from operators.issuers.issuers import Issuers
from operators.issuers.keys import (
    FIRST_KIND,
    IssuerKey,
    active_key,
    as_spare,
    left_behind,
    signed_last,
    spare_keys,
    successors,
)
from operators.issuers.rotation import SignAnew
from operators.issuers.views import AddKey
from operators.model import Issuer
from storage import Database, Transaction


class KeySuccession:
    """
    Args:
        why_not_listed, sign_anew, clock: as `KeyChanges`, which has one of these.
    """

    def __init__(
        self,
        database: Database,
        issuers: Issuers,
        *,
        why_not_listed: WhyNotListed,
        sign_anew: SignAnew,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._issuers = issuers
        self._why_not_listed = why_not_listed
        self._sign_anew = sign_anew
        self._clock = clock

    async def make(self, issuer: Issuer, keys: list[IssuerKey], wanted: AddKey) -> IssuerKey:
        """
        Make a key of the kind of the one that signs, or signed last, but for what is `wanted`; it has no row yet.

        Raises:
            Conflict: the issuer's document has as many keys as fit.
            Refusal: no such key can be made.
        """
        rotation.require_room(keys, self._now())
        last = signed_last(keys)
        custody, algorithm = last.kind if last else FIRST_KIND
        return await self._issuers.make_key(
            issuer.id, wanted.custody or custody, wanted.algorithm or algorithm
        )

    def announce(self, tx: Transaction, issuer: Issuer, key: IssuerKey, *, actor: Principal, at: int) -> None:
        """
        Announce a key; of a hosted issuer that has no active key it is active at once.

        Raises:
            Conflict: as `make`.
        """
        rotation.require_room(key_store.keys_of(tx, issuer.id), at)
        key_store.insert_key(tx, key)
        rotation.note(tx, key, "issuer-key.add", actor=actor, at=at, is_new=True, custody=key.custody)
        if self._issuers.is_hosted(issuer) and key_store.signing_key(tx, issuer.id) is None:
            rotation.activate(tx, key, self._sign_anew, actor=actor, at=at)

    async def add_spare(self, issuer: Issuer, *, actor: Principal) -> bool:
        """
        Make a key and announce it for a hosted issuer that has no spare one of the kind of its active key.

        Returns:
            False where somebody was faster, and gave it one, or let a key of another kind sign.

        Raises:
            Conflict: its document has as many keys as fit.
            Refusal: no such key can be made.
        """
        keys = await self._database.read(lambda tx: key_store.keys_of(tx, issuer.id))
        key = as_spare(await self.make(issuer, keys, AddKey()))

        def add(tx: Transaction) -> bool:
            known = key_store.keys_of(tx, issuer.id)
            if spare_keys(known) or not spare_keys([*known, key]):
                return False
            self.announce(tx, issuer, key, actor=actor, at=self._now())
            return True

        return await self._database.write(add)

    async def withdraw_left_behind(self, issuer: Issuer, *, actor: Principal) -> None:
        """Take back the spare keys of the kind from which an issuer was moved; see `keys.left_behind`."""

        def withdraw(tx: Transaction) -> None:
            at = self._now()
            for key in left_behind(key_store.keys_of(tx, issuer.id)):
                key_store.withdraw(tx, key, at)
                rotation.note(tx, key, "issuer-key.retire", actor=actor, at=at)

        await self._database.write(withdraw)

    async def activate_due(self, *, actor: Principal, past: float) -> int:
        """
        Let the keys sign whose planned time has come, all of hosted issuers; return how many.

        Args:
            past: seconds since 1970 that are surely past, though somebody set the clock forward.
        """
        by = int(past * 1_000_000)
        due = await self._database.read(lambda tx: key_store.due_keys(tx, by))
        return sum([await self._activate(key, actor) for key in due])

    async def find_successor(self, issuer: Issuer, *, actor: Principal) -> bool:
        """
        Let an announced key sign for an issuer whose active one was given up: one that its document lists.

        Returns:
            Whether a key signs for it now.

        Raises:
            Refusal: the document of a foreign issuer cannot be asked for now.
        """
        keys = await self._database.read(lambda tx: key_store.keys_of(tx, issuer.id))
        if active_key(keys) is not None:
            return True
        for key in successors(keys, signed_last(keys)):
            if self._issuers.is_hosted(issuer) or not await self._why_not_listed(issuer, key):
                return await self._succeed(key, actor)
        return False

    async def _succeed(self, key: IssuerKey, actor: Principal) -> bool:
        """Let a key sign unless another one does, which an operator chose meanwhile."""

        def succeed(tx: Transaction) -> bool:
            signs = key_store.signing_key(tx, key.issuer_id) is not None
            return signs or rotation.activate(tx, key, self._sign_anew, actor=actor, at=self._now())

        return await self._database.write(succeed)

    async def _activate(self, key: IssuerKey, actor: Principal) -> bool:
        return await self._database.write(
            lambda tx: rotation.activate(tx, key, self._sign_anew, actor=actor, at=self._now())
        )

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
