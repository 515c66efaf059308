"""
Who is charged for requests to strangers. Pure.

A check costs what it makes us do: a token for each list, and each DID document, that is fetched for it. What is
ours or in memory costs none.
"""

from typing import Protocol


class Account(Protocol):
    """What one client may make us ask of strangers."""

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


class Unlimited:
    """The account of whom nobody limits."""

    def pay(self, requests: int) -> None: ...

    def owe(self, requests: int) -> None: ...


UNLIMITED = Unlimited()
