"""
What must be `yes` before anybody relies on a credential. Pure.

`strict` gives up nothing. Every other policy says what it gives up, for whoever chooses it.
"""

from collections.abc import Mapping

import msgspec

from verification.verdicts import NAMES, Name, Verdict


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """
    Attributes:
        asks_for: the verdicts that must be `yes`; `held` is among them only where the caller asked it.
        stale_seconds: how old a DID document may be past its freshness, where its origin does not answer.
        trusted_at_issuance: the issuer need only have been trusted when it says that it issued.
        gives_up: what whoever chooses it does not learn.
    """

    name: str
    asks_for: frozenset[Name]
    stale_seconds: int = 0
    trusted_at_issuance: bool = False
    gives_up: str


_ALL = frozenset(NAMES)
POLICIES: Mapping[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(name="strict", asks_for=_ALL, gives_up="nothing"),
        Policy(
            name="stale",
            asks_for=_ALL,
            stale_seconds=86_400,
            gives_up="a key that its issuer withdrew within the last day may still count, while its site is away",
        ),
        Policy(
            name="issued-while-trusted",
            asks_for=_ALL,
            trusted_at_issuance=True,
            gives_up="an issuer that is trusted no more can have written an earlier time into a new credential",
        ),
        Policy(
            name="any-issuer",
            asks_for=_ALL - {"issuerTrusted"},
            gives_up="anybody can have issued it: you know who, and decide yourself whether to trust him",
        ),
    )
}


def may_rely(policy: Policy, verdicts: Mapping[Name, Verdict]) -> bool:
    """Return whether every verdict that is asked for is `yes`."""
    return all(found.verdict == "yes" for name, found in verdicts.items() if name in policy.asks_for)
