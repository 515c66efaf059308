"""
Whether a DID is whose the change set says: a fresh text, signed with a key of the DID. Service.

1. For each DID that a change set adds, a text is made that names the DID, the change set and this service, with a
   random value; it is good for ten minutes.
2. Whoever controls the DID signs it with a key under `assertionMethod`: a compact JWS (RFC 7515) whose payload is
   the text and whose `kid` is the key's DID URL.
3. The DID is resolved anew, and the signature verified. What is kept is which key it was, and when.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from operators import Principal
from operators.noting import note
from proofs import ProofError, read_compact, verify_compact
from registry.editing import challenge_store as store
from registry.editing.challenge_store import Challenge
from registry.editing.errors import ChallengeNotMet
from registry.editing.shapes import MAX_JWS_BYTES, ChallengePage, ChallengeView, Met
from registry.identifiers import key_identifier
from resolver import Dereferenced, Options, ResolutionError, public_key_of
from resolver.keys.jwk import jwk_of
from storage import Database, Transaction
from wire import Conflict, ResourceNotFound, format_exact

VALID_SECONDS = 600  # seconds; long enough for a person with a token in a drawer
MAX_WAITING = 2_000  # challenges of one change set that nobody has met yet
MET = "the challenge was met already; ask for a new one"
FRESH = Options(no_cache=True, verification_relationship="assertionMethod")

Dereference = Callable[[str, Options], Awaitable[Dereferenced]]


class Challenges:
    """
    Challenges, and whether they were met.

    Args:
        dereference: a DID URL, as `Resolver.dereference`.
        audience: our own DID; a text that was signed for another service says so.
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, dereference: Dereference, audience: str, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._dereference = dereference
        self._audience = audience
        self._clock = clock

    async def make(self, change_set: int, identifiers: Iterable[str]) -> ChallengePage:
        """
        Return a new challenge for each identifier.

        Raises:
            Conflict: more than `MAX_WAITING` would wait.
        """
        now = self._now()
        made = [self._challenge(change_set, each, now) for each in identifiers]

        def work(tx: Transaction) -> None:
            store.forget(tx, change_set, now)
            if store.waiting(tx, change_set) + len(made) > MAX_WAITING:
                raise Conflict(
                    f"at most {MAX_WAITING} challenges of a change set wait at a time, for {VALID_SECONDS} seconds"
                )
            for challenge in made:
                store.add(tx, challenge)

        await self._database.write(work)
        return ChallengePage(tuple(map(_view, made)))

    async def meet(self, principal: Principal, change_set: int, challenge_id: str, jws: str) -> Met:
        """
        Note that a challenge was met.

        Raises:
            ResourceNotFound: the change set has no such challenge.
            Conflict: it was met already.
            ChallengeNotMet: it is too late, or the JWS is not one of a key of the DID over the text.
        """
        challenge = await self._database.read(
            partial(store.find, change_set=change_set, challenge_id=challenge_id)
        )
        if challenge is None:
            raise ResourceNotFound("the change set has no such challenge")
        if challenge.met_at is not None:
            raise Conflict(MET)
        self._require_in_time(challenge)
        key = await self._key_that_signed(challenge, jws.encode(errors="replace"))
        await self._database.write(partial(self._note, principal, challenge, key))
        return Met(identifier=challenge.identifier, key=key, met_at=format_exact(self._now()))

    async def met(self, change_set: int) -> dict[str, Challenge]:
        """Return what was met, by the identifier."""
        return await self._database.read(partial(store.met, change_set=change_set))

    def _challenge(self, change_set: int, identifier: str, now: int) -> Challenge:
        value = secrets.token_urlsafe(32)
        return Challenge(
            challenge_id=secrets.token_urlsafe(12),
            change_set=change_set,
            identifier=identifier,
            text=f"I control {identifier}. Change set {change_set} of {self._audience}, {value}",
            expires_at=now + VALID_SECONDS * 1_000_000,
        )

    async def _key_that_signed(self, challenge: Challenge, jws: bytes) -> str:
        try:
            named = read_compact(jws, max_bytes=MAX_JWS_BYTES)
            method = await self._method(challenge.identifier, named.header.get("kid"))
            public_key = public_key_of(method)
            signed = verify_compact(jws, public_key, max_bytes=MAX_JWS_BYTES)
            if signed.payload != challenge.text.encode():
                raise ChallengeNotMet("what was signed is not the text of this challenge")
            return key_identifier(jwk_of(public_key))
        except ProofError as error:
            raise ChallengeNotMet(error.detail) from None
        except ResolutionError as error:
            raise ChallengeNotMet(f"{challenge.identifier}: {error.detail}") from None

    async def _method(self, identifier: str, kid: object) -> dict[str, object]:
        if not isinstance(kid, str) or not kid.startswith(f"{identifier}#"):
            raise ChallengeNotMet(f"expected the header `kid`: the DID URL of the key, {identifier}#...")
        method = (await self._dereference(kid, FRESH)).content
        if method is None:
            raise ChallengeNotMet(f"{identifier} is deactivated")
        return method

    def _note(self, principal: Principal, challenge: Challenge, key: str, tx: Transaction) -> None:
        at = self._now()
        self._require_in_time(challenge)  # To fetch the DID document took a while.
        if not store.meet(tx, challenge.challenge_id, key=key, at=at):
            raise Conflict(MET)
        about = {"identifier": challenge.identifier, "signed_by": key}
        note(tx, principal, "registry.control-shown", str(challenge.change_set), at=at, **about)

    def _require_in_time(self, challenge: Challenge) -> None:
        if self._now() >= challenge.expires_at:
            raise ChallengeNotMet("the challenge has expired; ask for a new one")

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _view(challenge: Challenge) -> ChallengeView:
    return ChallengeView(
        id=challenge.challenge_id,
        identifier=challenge.identifier,
        challenge=challenge.text,
        expires_at=format_exact(challenge.expires_at),
    )
