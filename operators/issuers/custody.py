"""
What issuers need of the server around them: where their documents are, and what makes and holds their keys. Pure.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from operators.issuers.keys import IssuerKey
from operators.model import Issuer

JsonObject = dict[str, Any]


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was just made: where it is, and its public half as SubjectPublicKeyInfo in DER."""

    locator: str
    algorithm: str
    public_key: bytes


WhyNotListed = Callable[[Issuer, IssuerKey], Awaitable[str | None]]  # None: the document lists the key


class Surroundings(Protocol):
    """The server, as issuers see it."""

    def hosted_did(self, issuer_id: str) -> str:
        """The DID under which we host an issuer of that id."""

    def check_foreign(self, did: str) -> None:
        """Refuse (with a Refusal) what is no DID, or one under our host, which nobody else can publish."""

    def make_key(self, custody: str, algorithm: str) -> MadeKey:
        """Make a key that is durable; blocks. Raises a Refusal where that custody cannot."""

    def methods_of(self, issuer: Issuer, key: IssuerKey) -> tuple[JsonObject, ...]:
        """The verification methods of a key; () while its public half is not known."""
