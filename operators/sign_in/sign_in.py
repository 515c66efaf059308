"""
From a token of the identity provider to the person who acts. Service.

A token is verified once: then a row stands for it until its end, on every process, and neither the provider nor a
write is needed any more. Beside it, one that was found good is believed for `BELIEVED_SECONDS`, as API keys are.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
from cachetools import TTLCache

from operators.actors.grant_store import load
from operators.actors.principals import BELIEVED_SECONDS, MAX_BELIEVED
from operators.grants import AuthorityOf, Grant, Principal, Scope, ScopeKind
from operators.noting import note
from operators.sign_in import store
from operators.sign_in.claims import ClaimRule, address_of, grants_of, shown_of
from operators.sign_in.key_sets import KeySet
from operators.sign_in.tokens import Accepted, Token, TokenRefused, read_token, verify_token
from storage import Database, DatabaseUnavailable, Transaction
from wire import Unauthenticated

LOG = logging.getLogger("touchstone.sign_in")


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """
    The identity provider, as the settings have it.

    Attributes:
        rules: what claims grant.
        name_claim, address_claim: the claims with a person's name and address.
    """

    accepted: Accepted
    rules: tuple[ClaimRule, ...]
    name_claim: str
    address_claim: str


class SignIn:
    """
    Args:
        keys: the provider's.
        clock: seconds since 1970.
        timer: monotonic seconds; how long a token is believed does not depend on the clock.

    Attributes:
        authority_of: which authority a scope means; the composition root fills it in.
    """

    def __init__(
        self,
        database: Database,
        provider: Provider,
        keys: KeySet,
        *,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._provider = provider
        self._keys = keys
        self._clock = clock
        self.authority_of: AuthorityOf = str
        self._believed: TTLCache[str, Principal] = TTLCache(MAX_BELIEVED, BELIEVED_SECONDS, timer=timer)
        # What was verified under other settings is verified again.
        self._settings = hashlib.sha256(msgspec.json.encode(provider)).digest()

    async def authenticate(self, token: str) -> Principal:
        """
        Return the person whose token this is, with the grants that it holds now.

        Raises:
            Unauthenticated: the token is not taken, or the person was deactivated.
            ProviderAway: a token that was not seen before, and no key of the provider is known.
        """
        digest = hashlib.sha256(self._settings + token.encode(errors="surrogatepass")).hexdigest()
        principal = self._believed.get(digest)
        if principal is None:
            principal = await self._known(digest) or await self._sign_in(digest, token)
            self._believed[digest] = principal
        return principal

    async def _known(self, digest: str) -> Principal | None:
        def read(tx: Transaction) -> Principal | None:
            principal_id = store.signed_in(tx, digest, self._now())
            return None if principal_id is None else self._active(tx, principal_id)

        return await self._database.read(read)

    async def _sign_in(self, digest: str, text: str) -> Principal:
        try:
            token = await self._verified(text)
        except TokenRefused as refused:
            LOG.debug("a token was refused: %s", refused)
            raise unauthenticated(refused.told) from None
        return await self._database.write(lambda tx: self._enter(tx, digest, token))

    async def _verified(self, text: str) -> Token:
        accepted = self._provider.accepted
        read = read_token(text, accepted)
        key = await self._keys.find(read.key_id)
        if key is None:
            raise TokenRefused("the provider has no key of its kid, or had none within the last minute")
        return verify_token(read, key, accepted, at=self._clock())

    def _enter(self, tx: Transaction, digest: str, token: Token) -> Principal:
        """
        Write down a token that was verified.

        1. The person, who may be new. 2. What the token says of it, if it is the newest. 3. The token. Of a person
        who was deactivated nothing of this stays: the refusal undoes it.
        """
        principal_id = self._person(tx, token)  # 1
        granted = self._tell(tx, principal_id, token)  # 2
        ends_at = token.ends_at * 1_000_000
        is_first = store.insert_sign_in(tx, digest, principal_id, ends_at)  # 3
        principal = self._active(tx, principal_id)
        if is_first:
            said = None if granted is None else sorted(map(str, granted))
            note(tx, principal, "sign-in", principal_id, at=self._now(), ends_at=token.ends_at, granted=said)
        return principal

    def _person(self, tx: Transaction, token: Token) -> str:
        issuer = self._provider.accepted.issuer
        if (known := store.person_of(tx, issuer, token.subject)) is not None:
            return known
        principal_id = store.insert_person(tx, issuer, token.subject, self._now())
        if principal_id is None:
            raise unauthenticated("another principal has the id that is this person's")
        note(
            tx,
            self._active(tx, principal_id),
            "principal.create",
            principal_id,
            at=self._now(),
            kind="person",
        )
        return principal_id

    def _tell(self, tx: Transaction, principal_id: str, token: Token) -> frozenset[Grant] | None:
        """Write what a token says of a person, and return what it grants; None where a newer token said it."""
        is_newest = store.tell_of(
            tx,
            principal_id,
            issuer=self._provider.accepted.issuer,
            subject=token.subject,
            name=shown_of(token.claims, self._provider.name_claim),
            address=address_of(token.claims, self._provider.address_claim),
            issued_at=token.issued_at * 1_000_000,
        )
        if not is_newest:
            return None
        said = grants_of(token.claims, self._provider.rules)
        granted = frozenset(map(self._with_authority, said))
        store.replace_grants(tx, principal_id, granted, ends_at=token.ends_at * 1_000_000, at=self._now())
        return granted

    def _with_authority(self, grant: Grant) -> Grant:
        """Return a grant by the id of its authority; one that the registry does not have yet stays as it is."""
        if grant.scope.kind is not ScopeKind.AUTHORITY:
            return grant
        with suppress(DatabaseUnavailable):
            found = self.authority_of(grant.scope.id) or grant.scope.id
            return Grant(Scope(ScopeKind.AUTHORITY, found), grant.role)
        return grant

    def _active(self, tx: Transaction, principal_id: str) -> Principal:
        """Return a person; raises Unauthenticated where it was deactivated."""
        principal = load(tx, principal_id, self._now())
        if principal is None:
            raise unauthenticated(f"{principal_id} was deactivated")
        return principal

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def unauthenticated(told: str) -> Unauthenticated:
    """Return the refusal of a token (RFC 6750, section 3.1); `told` is ASCII without quotation marks."""
    challenge = f'Bearer realm="touchstone operators", error="invalid_token", error_description="{told}"'
    return Unauthenticated(told, headers={"www-authenticate": challenge})
