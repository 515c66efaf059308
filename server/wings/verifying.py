"""
One call over all wings: may I rely on this credential now?
"""

from collections.abc import Callable, Sequence
from typing import Any

from credentials.keys.finding import IssuerKeys
from credentials.keys.issuer_metadata import IssuerMetadata
from proofs.suites import Canonicalize
from registry.trust import Trust
from resolver import Options, Resolved, Resolver
from statuslist.checking.account import Account
from statuslist.checking.checker import Checker
from statuslist.checking.requests import EntryCheck
from verification.standing import Outcome
from verification.verifier import Verifier
from wire import Refusal


def open_verifier(
    resolver: Resolver,
    metadata: IssuerMetadata,
    trust: Trust,
    checker: Checker,
    *,
    clock: Callable[[], float],
    canonicalize_rdf: Canonicalize | None,
) -> Verifier:
    """Return what verifies, with the keys, the registry and the lists of this process; `clock` is in seconds."""

    def keys_for(account: Account, stale_seconds: int) -> IssuerKeys:
        options = Options(max_stale=stale_seconds)

        async def resolve(did: str) -> Resolved:
            if resolver.would_ask(did):
                account.pay(1)
            return await resolver.resolve(did, options)

        return IssuerKeys(resolve=resolve, by_metadata=metadata.find, anchors=trust.anchors)

    async def status_of(
        entries: Sequence[Any], issuer: str | None, _at: int, account: Account
    ) -> Sequence[Outcome]:
        return [await _outcome(checker, entry, issuer, account) for entry in entries]

    return Verifier(
        keys_for=keys_for,
        trusted=trust.weigh,
        status_of=status_of,
        clock=clock,
        canonicalize_rdf=canonicalize_rdf,
    )


async def _outcome(checker: Checker, entry: Any, issuer: str | None, account: Account) -> Outcome:
    try:
        found = await checker.check_entries(EntryCheck(credential_status=entry, issuer=issuer or ""), account)
    except Refusal as error:
        return error
    return found.results[0]
