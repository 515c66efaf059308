"""
Who is charged for what a check makes us do. Pure but for the resolver it is handed.

A token for each list, and each DID, that is fetched for it: a DID counts as one, though a did:webvh is two requests
(its log and its witnesses), as it does where it is resolved. Metadata of an issuer with an https URL are one, and a
key set that stands elsewhere another. A token of computation for each MiB of a list of ours that must be expanded;
short lists are too cheap to count. What is in memory costs none.
"""

from collections.abc import Callable
from typing import Protocol

from credentials.keys.assertion_methods import Resolve
from resolver import Resolved, Resolver


class Account(Protocol):
    """What one client may make us ask of strangers, and compute."""

    @property
    def client(self) -> str:
        """Whose it is; "" where nobody is told from others."""
        ...

    def pay(self, requests: int) -> None:
        """
        Take a token for each request that is about to be made.

        Raises:
            Refusal: there are too few; none is taken, and Retry-After tells when there are enough.
        """
        ...

    def owe(self, requests: int) -> None:
        """Take tokens for what turned out to be needed; where there are none, the client waits the longer later."""
        ...

    def compute(self, n_bytes: int) -> None:
        """
        Take a token of computation for each whole MiB that is about to be worked on.

        Raises: as `pay`.
        """
        ...

    def owe_computing(self, tokens: int) -> None:
        """Take tokens of computation for what turned out to take long, as `owe`."""
        ...


class Unlimited:
    """The account of whom nobody limits."""

    client = ""

    def compute(self, n_bytes: int) -> None: ...

    def pay(self, requests: int) -> None: ...

    def owe(self, requests: int) -> None: ...

    def owe_computing(self, tokens: int) -> None: ...


UNLIMITED = Unlimited()


Charge = Callable[[int], None]  # `Account.pay` or `Account.owe`


def charged(resolver: Resolver, charge: Charge) -> Resolve:
    """Return what resolves a DID, and charges a request before it asks a stranger."""

    async def resolve(did: str) -> Resolved:
        if resolver.would_ask(did):
            charge(1)
        return await resolver.resolve(did)

    return resolve
