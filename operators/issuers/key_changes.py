"""
What operators do with the keys of issuers: add, activate, retire, give up, certify. Service.

Each is one transaction with its audit row. A key is made before it: one that has no row is never used. Whether a
foreign document lists a key is looked at before it as well; what goes wrong later raises an alarm.
"""

from collections.abc import Callable
from contextlib import suppress

from operators.acting import act_once, done_before
from operators.approvals.change import ApprovalView, Asks, Change, Decided, Doer
from operators.grants import Permission, Principal, issuer_scope
from operators.issuers import key_store, rotation
from operators.issuers.custody import WhyNotListed
from operators.issuers.issuers import Issuers, issuer_and_keys
from operators.issuers.keys import IssuerKey, KeyState, active_key, successors
from operators.issuers.rotation import SignAnew, known_key, next_key
from operators.issuers.succession import KeySuccession
from operators.issuers.views import AddKey, CompromiseKey, IssuerKeyView
from operators.model import Issuer
from storage import Database, Transaction
from wire import BadRequest, Conflict, Refusal, parse_utc

ACTIVATE = "issuer-key.activate"


class KeyChanges:
    """
    Every method raises Forbidden where `principal` does not administer the issuer, and
    ResourceNotFound where there is no such issuer that it may know of, or it never had that key.

    Args:
        document_ttl_seconds: how long others may keep a DID document that we host.
        why_not_listed: looks at the document of a foreign issuer as it is now, past all caches.
        sign_anew: called in the transaction that lets another key sign, with the id of the issuer.
        approvals: who knows whether another person must agree.
        clock: seconds since 1970.

    Attributes:
        succession: what follows by itself.
    """

    def __init__(
        self,
        database: Database,
        issuers: Issuers,
        *,
        document_ttl_seconds: int,
        why_not_listed: WhyNotListed,
        sign_anew: SignAnew,
        approvals: Asks,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._issuers = issuers
        self._document_ttl_seconds = document_ttl_seconds
        self._why_not_listed = why_not_listed
        self._sign_anew = sign_anew
        self._approvals = approvals
        self._clock = clock
        self.succession = KeySuccession(
            database, issuers, why_not_listed=why_not_listed, sign_anew=sign_anew, clock=clock
        )

    def doers(self) -> dict[str, Doer]:
        """Return what makes each change that can be approved."""
        return {
            ACTIVATE: lambda author, asked, decided: self.activate(
                author, asked["issuer"], asked["key"], decided=decided
            )
        }

    async def add(
        self, principal: Principal, issuer_id: str, wanted: AddKey, *, idempotency_key: str | None = None
    ) -> IssuerKeyView:
        """
        Make a key and announce it; of a hosted issuer that has no active key it is active at once.

        Raises:
            Conflict: its document has as many keys as fit.
            Refusal: no such key can be made.
        """
        issuer, keys = await self._read(principal, issuer_id)
        asked = ("add-key", issuer_id, wanted)
        if (done := await self._done(principal, idempotency_key, asked)) is not None:
            return done
        key = await self.succession.make(issuer, keys, wanted)

        def add(tx: Transaction, at: int) -> IssuerKeyView:
            self.succession.announce(tx, issuer, key, actor=principal, at=at)
            return self._view(tx, issuer, key)

        return await self._once(principal, idempotency_key, asked, add)

    async def activate(
        self,
        principal: Principal,
        issuer_id: str,
        key_id: str | None,
        *,
        idempotency_key: str | None = None,
        decided: Decided | None = None,
    ) -> IssuerKeyView | ApprovalView:
        """
        Let an announced key sign: now, or as soon as verifiers can know it. `key_id` None: see `next_key`.

        The key before it is retired, and the issuer's lists are signed anew. Another person may have to agree.

        Raises:
            Conflict: it is not announced, or only keys of another kind are; or the issuer is foreign, and its
                document does not list the key.
        """
        issuer, keys = await self._read(principal, issuer_id)
        asked = ("activate-key", issuer_id, key_id)
        if (done := await self._done(principal, idempotency_key, asked)) is not None:
            return done
        if waits := await self._approvals.asked_before(principal, idempotency_key, asked):
            return waits
        chosen = next_key(keys, key_id)
        await self._require_listed(issuer, chosen)
        if decided is None:
            change = _activation(issuer_id, chosen, keys)
            if pending := await self._approvals.ask(principal, change, idempotency_key, asked):
                return pending

        def activate(tx: Transaction, at: int) -> IssuerKeyView:
            known = key_store.keys_of(tx, issuer_id)
            if decided is not None:
                decided(tx, _activation(issuer_id, chosen, known))
            key = next_key(known, chosen.key_id)
            ready = self._ready_at(issuer, key, known, at)
            if ready <= at:
                rotation.activate(tx, key, self._sign_anew, actor=principal, at=at)
            else:
                key_store.plan_activation(tx, key, ready)
                rotation.note(tx, key, "issuer-key.plan", actor=principal, at=at, activates_at=ready)
            return self._view(tx, issuer, key)

        return await self._once(principal, idempotency_key, asked, activate)

    async def retire(
        self, principal: Principal, issuer_id: str, key_id: str, *, idempotency_key: str | None = None
    ) -> IssuerKeyView:
        """
        Let an announced key go; it leaves the document, as it signed nothing.

        Raises:
            Conflict: it is active (the next one retires it), or signs no more.
        """
        issuer, _ = await self._read(principal, issuer_id)

        def retire(tx: Transaction, at: int) -> IssuerKeyView:
            key = known_key(key_store.keys_of(tx, issuer_id), key_id)
            if key.state is KeyState.ACTIVE:
                raise Conflict(
                    f"{key_id} signs for {issuer_id}; activate another key, which retires this one"
                )
            if not key_store.withdraw(tx, key, at):
                raise Conflict(f"{key_id} is {key.state} already")
            rotation.note(tx, key, "issuer-key.retire", actor=principal, at=at)
            return self._view(tx, issuer, key)

        return await self._once(principal, idempotency_key, ("retire-key", issuer_id, key_id), retire)

    async def compromise(
        self,
        principal: Principal,
        issuer_id: str,
        key_id: str,
        wanted: CompromiseKey,
        *,
        idempotency_key: str | None = None,
    ) -> IssuerKeyView:
        """
        Give a key up: it leaves the document at once, and where it was active the spare signs at once.

        Of a foreign issuer the next key is one that its document lists. It is looked for when the key is given up:
        a web server that is slow, or in the hands of the thief, delays nothing. Where none is found, upkeep goes on
        looking (`find_successor`).

        Raises:
            BadRequest: `since` is no time, before 1970, or in the future.
            Conflict: it is known to be compromised since then, or before.
        """
        since = self._since(wanted)
        issuer, _ = await self._read(principal, issuer_id)
        was_active = False

        def compromise(tx: Transaction, at: int) -> IssuerKeyView:
            nonlocal was_active
            keys = key_store.keys_of(tx, issuer_id)
            key = known_key(keys, key_id)
            was_active = key.state is KeyState.ACTIVE
            if not rotation.compromise(tx, key, since, self._sign_anew, actor=principal, at=at):
                raise Conflict(f"{key_id} is known to be compromised since then, or before")
            if was_active and self._issuers.is_hosted(issuer):
                for successor in successors(keys, key)[:1]:
                    rotation.activate(tx, successor, self._sign_anew, actor=principal, at=at)
            return self._view(tx, issuer, key)

        asked = ("compromise-key", issuer_id, key_id, wanted)
        done = await self._once(principal, idempotency_key, asked, compromise)
        if was_active and not self._issuers.is_hosted(issuer):
            # Where its origin cannot be asked now, the key is given up all the same.
            with suppress(Refusal):
                await self.succession.find_successor(issuer, actor=principal)
        return done

    async def certify(
        self,
        principal: Principal,
        issuer_id: str,
        key_id: str,
        certificates: str,
        *,
        idempotency_key: str | None = None,
    ) -> IssuerKeyView:
        """Keep the certificate chain of a key, PEM, which the caller has checked to fit it."""
        issuer, _ = await self._read(principal, issuer_id)

        def keep(tx: Transaction, at: int) -> IssuerKeyView:
            key = known_key(key_store.keys_of(tx, issuer_id), key_id)
            key_store.keep_certificates(tx, key, certificates)
            rotation.note(tx, key, "issuer-key.certify", actor=principal, at=at)
            return self._view(tx, issuer, key)

        asked = ("certify-key", issuer_id, key_id, certificates)
        return await self._once(principal, idempotency_key, asked, keep)

    async def _read(self, principal: Principal, issuer_id: str) -> tuple[Issuer, list[IssuerKey]]:
        return await self._database.read(
            lambda tx: issuer_and_keys(tx, principal, issuer_id, Permission.ADMINISTER)
        )

    async def _done(
        self, principal: Principal, key: str | None, asked: tuple[object, ...]
    ) -> IssuerKeyView | None:
        return await done_before(self._database, principal, key, asked, IssuerKeyView)

    async def _once(
        self,
        principal: Principal,
        key: str | None,
        asked: tuple[object, ...],
        make: Callable[[Transaction, int], IssuerKeyView],
    ) -> IssuerKeyView:
        at = self._now()
        return await act_once(
            self._database, principal, key, asked, lambda tx: make(tx, at), IssuerKeyView, at=at
        )

    def _view(self, tx: Transaction, issuer: Issuer, key: IssuerKey) -> IssuerKeyView:
        return self._issuers.key_view(issuer, known_key(key_store.keys_of(tx, issuer.id), key.key_id))

    def _since(self, wanted: CompromiseKey) -> int:
        try:
            since = self._now() if wanted.since is None else parse_utc(wanted.since)
        except ValueError as error:
            raise BadRequest(str(error), pointer="/since") from None
        if not 0 <= since <= self._now():
            raise BadRequest("expected a time since 1970 that has been", pointer="/since")
        return since

    async def _require_listed(self, issuer: Issuer, key: IssuerKey) -> None:
        if self._issuers.is_hosted(issuer):
            return
        why_not = await self._why_not_listed(issuer, key)
        if why_not is not None:
            raise Conflict(
                f"{key.key_id} cannot sign for {issuer.id} yet: {why_not}; `touchstone issuer document"
                f" {issuer.id}` prints what its DID document must list"
            )

    def _ready_at(self, issuer: Issuer, key: IssuerKey, keys: list[IssuerKey], now: int) -> int:
        """Of a foreign document nobody here knows how long it is kept: that it lists the key is looked at."""
        if not self._issuers.is_hosted(issuer):
            return 0
        return rotation.ready_at(key, keys, self._document_ttl_seconds, now)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _activation(issuer_id: str, key: IssuerKey, keys: list[IssuerKey]) -> Change:
    """Return what somebody else approves: that one key takes the place of the one that signs now."""
    signs = active_key(keys)
    request = {"issuer": issuer_id, "key": key.key_id, "replaces": signs and signs.key_id}
    subject = f"{issuer_id}#{key.key_id}"
    return Change(action=ACTIVATE, scope=issuer_scope(issuer_id), subject=subject, request=request)
