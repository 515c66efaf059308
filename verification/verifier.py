"""
May I rely on this credential now? Every verdict, in the one order in which each may be asked. Service.

Nothing of a credential is kept, and none of it is logged.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from credentials.claims import Claims
from credentials.errors import MalformedValue
from credentials.holding import NotHeld, check_held
from credentials.keys.finding import IssuerKeys
from credentials.keys.found import FoundKey
from credentials.secured import FORMER_SD_JWT, SD_JWT, Secured
from proofs import Canonicalize, ProofError
from registry.asking.evaluation import Evaluation, EvaluationRequest
from statuslist.checking.account import UNLIMITED, Account
from verification.apart import Apart, Turns
from verification.authenticity import Authentic, authenticity
from verification.explaining import steps_of
from verification.policies import Policy, may_rely
from verification.requests import VerifyBatch, VerifyOptions, VerifyRequest, moment_of
from verification.standing import Outcome, still_valid
from verification.timing import in_time
from verification.trusting import Asked, questions, requires_status, trusted
from verification.verdicts import (
    Name,
    Verdict,
    Verification,
    unknown_unless_authentic,
    verdict,
)
from wire import JsonError, format_utc

# An account that pays, and how stale a DID document may be, in seconds, to the keys that may be found so.
KeysFor = Callable[[Account, int], IssuerKeys]
IsCompromised = Callable[[object, int], bool]  # a key of the `cryptography` package, and a time
Trusted = Callable[[Sequence[EvaluationRequest]], Awaitable[Sequence[Evaluation]]]
# Status entries as they are, their credential's issuer, and a time, to what was found of each.
StatusOf = Callable[[Sequence[Any], str | None, FoundKey, int, Account], Awaitable[Sequence[Outcome]]]


class Verifier:
    """
    Args:
        keys_for: where keys are found; who pays for what strangers are asked.
        trusted: what the registry says.
        is_compromised: whether it knows a key to be compromised, whoever's it is.
        status_of: what status lists say, of entries, the issuer, the key that signed, and a time.
        clock: seconds since 1970.
        canonicalize_rdf: as `credentials.forms.with_proof`; None: proofs over RDF are not verified.
    """

    def __init__(
        self,
        *,
        keys_for: KeysFor,
        trusted: Trusted,
        is_compromised: IsCompromised,
        status_of: StatusOf,
        clock: Callable[[], float],
        canonicalize_rdf: Canonicalize | None = None,
    ) -> None:
        self._keys_for = keys_for
        self._trusted = trusted
        self._is_compromised = is_compromised
        self._status_of = status_of
        self._clock = clock
        self._canonicalize_rdf = canonicalize_rdf
        self._turns = Turns()

    async def verify(self, request: VerifyRequest, account: Account = UNLIMITED) -> Verification:
        """
        Look at one credential.

        Raises:
            MalformedBody, BadRequest: `at` is no time, or ahead.
            Refusal: the client has no tokens left for what strangers must be asked.
        """
        return await self._verify(request.credential, request, account, self._apart(account))

    async def verify_all(self, batch: VerifyBatch, account: Account = UNLIMITED) -> list[Verification]:
        """Look at several, one after the other; raises as `verify`."""
        apart = self._apart(account)
        told = []
        for credential in batch.credentials:
            told.append(await self._verify(credential, batch, account, apart))
            await asyncio.sleep(0)  # Where all is at hand, nothing else lets others in.
        return told

    def _apart(self, account: Account) -> Apart:
        return Apart(self._canonicalize_rdf, self._turns.of(account.client), account)

    async def _verify(
        self, credential: Any, options: VerifyOptions, account: Account, apart: Apart
    ) -> Verification:
        """
        1. Form, key and signature; without them nothing that the credential says is looked into.
        2. Its time.
        3. Whether its issuer is trusted for that.
        4. Its status.
        5. Whoever shows it, where that was asked.
        """
        now = int(self._clock() * 1_000_000)
        at, policy = moment_of(options, now), options.chosen()
        keys, fresh_at = self._keys_for(account, policy.stale_seconds), now / 1_000_000 - policy.stale_seconds
        found = await authenticity(credential, keys, at, apart, fresh_at=fresh_at)  # 1
        verdicts: dict[Name, Verdict] = {"authentic": found.verdict}
        if found.secured is None or found.claims is None or found.key is None:
            verdicts |= _nothing_known(options)
        else:
            verdicts |= await self._rest(found.secured, found.claims, found.key, options, policy, at, account)
        return _told(found, verdicts, options, policy, at=at, now=now)

    async def _rest(
        self,
        secured: Secured,
        claims: Claims,
        key: FoundKey,
        options: VerifyOptions,
        policy: Policy,
        at: int,
        account: Account,
    ) -> dict[Name, Verdict]:
        asked = await self._ask_registry(secured, claims, options, policy, at)
        outcomes = await self._status_of(claims.statuses, secured.issuer, key, at, account)
        verdicts: dict[Name, Verdict] = {
            "inTime": in_time(claims, at),  # 2
            "issuerTrusted": trusted(  # 3
                asked, is_compromised=self._is_compromised(key.public_key, at)
            ),
            "stillValid": still_valid(  # 4
                outcomes,
                is_required=requires_status(asked),
                is_full=options.evidence == "full",
                takes_stale=policy.stale_seconds > 0,
            ),
        }
        if options.nonce is not None and options.audience is not None:  # 5
            verdicts["held"] = _held(secured, options.nonce, options.audience, at)
        return verdicts

    async def _ask_registry(
        self, secured: Secured, claims: Claims, options: VerifyOptions, policy: Policy, at: int
    ) -> list[tuple[Asked, Evaluation]]:
        asked = questions(secured, claims, options, at=at, only_issuance=policy.trusted_at_issuance)
        answers = await self._trusted([each.request for each in asked])
        return list(zip(asked, answers, strict=True))


def _nothing_known(options: VerifyOptions) -> dict[Name, Verdict]:
    names: list[Name] = ["inTime", "issuerTrusted", "stillValid"]
    if options.asks_holder:
        names.append("held")
    return {name: unknown_unless_authentic(name) for name in names}


def _held(secured: Secured, nonce: str, audience: str, now: int) -> Verdict:
    if secured.form not in (SD_JWT, FORMER_SD_JWT):
        why = "who holds it can be asked of an SD-JWT VC alone"
        return verdict("held", "unsupported", why)
    try:
        check_held(secured, nonce=nonce, audience=audience, now=now)
    except NotHeld as error:
        return verdict("held", error.reason, error.detail)
    except (ProofError, MalformedValue, JsonError) as error:
        return verdict("held", "binding_not_valid", str(error))
    return verdict("held", "shown", "whoever has the key of the holder signed for this verifier")


def _told(
    found: Authentic,
    verdicts: dict[Name, Verdict],
    options: VerifyOptions,
    policy: Policy,
    *,
    at: int,
    now: int,
) -> Verification:
    secured = found.secured
    told = Verification(
        rely=may_rely(policy, verdicts),
        policy=policy.name,
        at=format_utc(at),
        checked_at=format_utc(now),
        verdicts=verdicts,
        format=secured.form if secured else None,
        legacy=secured is not None and secured.is_legacy,
        issuer=secured.issuer if secured else None,
        types=found.claims.types if found.claims else (),
    )
    return msgspec.structs.replace(told, steps=steps_of(told)) if options.explain else told
