"""
One call over all wings: may I rely on this credential now?
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.keys.crls import Crls
from credentials.keys.finding import IssuerKeys
from credentials.keys.found import FoundKey
from credentials.keys.issuer_metadata import IssuerMetadata
from credentials.times import CLOCK_SKEW
from proofs.certificates import Revocation
from proofs.suites import Canonicalize
from registry.trust import Trust
from resolver import Options, Resolved, Resolver, parse_did
from statuslist.checking.account import Account
from statuslist.checking.checker import Checker
from statuslist.checking.outcomes import Relying
from verification.standing import Outcome
from verification.verifier import Verifier


def open_verifier(
    resolver: Resolver,
    metadata: IssuerMetadata,
    trust: Trust,
    checker: Checker,
    crls: Crls,
    *,
    clock: Callable[[], float],
    canonicalize_rdf: Canonicalize | None,
) -> Verifier:
    """Return what verifies, with the keys, the registry and the lists of this process; `clock` is in seconds."""

    def keys_for(account: Account, stale_seconds: int) -> IssuerKeys:
        options = Options(max_stale=stale_seconds)

        async def resolve(did: str) -> Resolved:
            plan = resolver.planner.plan(parse_did(did), options)
            if resolver.may_fetch(plan):
                account.pay(1)
            return await resolver.find(plan)

        async def revocation(path: Sequence[x509.Certificate], at: int) -> Revocation | None:
            return await crls.revocation(path, at, account.pay)

        return IssuerKeys(
            resolve=resolve,
            by_metadata=partial(metadata.find, charge=account.pay, owe=account.owe),
            anchors=trust.anchors,
            revocation=revocation,
        )

    async def status_of(
        entries: Sequence[Any], issuer: str | None, key: FoundKey, at: int, account: Account
    ) -> Sequence[Outcome]:
        is_past = at < int(clock() * 1_000_000) - CLOCK_SKEW
        # Whoever has a name is looked up by it; only where certificates are all there is, theirs count for lists.
        anchors = _anchors_of(key) if issuer is None else ()
        relying = Relying(issuer=issuer, anchors=anchors, at=at if is_past else None)
        return await checker.check_held_entries(entries, relying, account)

    return Verifier(
        keys_for=keys_for,
        trusted=trust.weigh,
        is_compromised=trust.is_compromised,
        status_of=status_of,
        clock=clock,
        canonicalize_rdf=canonicalize_rdf,
    )


def _anchors_of(key: FoundKey) -> tuple[bytes, ...]:
    """Return who is trusted with the status of what certificates vouch for: the anchor of their path."""
    return () if key.path is None else (key.path.certificates[-1].public_bytes(Encoding.DER),)
