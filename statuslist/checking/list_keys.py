"""
The key of a status list's issuer, where the list names him, and where only its credential does. Service.

A W3C list names its issuer. A token list need not (Token Status List, section 11.3): its key is then that of a
DID, by `kid`; or of a certificate, up to an anchor; or one of the issuer of the credential that refers to it.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec

from credentials.keys.assertion_methods import find_did_key
from credentials.keys.certificates import is_named
from credentials.keys.finding import IssuerKeys
from credentials.keys.found import FoundKey
from credentials.keys.issuer_metadata import IssuerMetadata
from credentials.secured import Secured
from proofs.certificates import read_certificate
from resolver import Resolver
from statuslist.checking.account import Charge, charged

# A party, a chain in DER, a time in microseconds since 1970: which certificates of his may be above it.
AnchorsOf = Callable[[str, Sequence[bytes], int], Awaitable[Sequence[bytes]]]


class Reliance(msgspec.Struct, frozen=True):
    """
    By what a list is judged that does not say itself whose it is.

    Attributes:
        issuer: of the credential; None: only certificates say who that is.
        anchors: DER of authorities, or of signers, that the caller trusts with statuses; () for those that the
            registry has of whoever the list's certificate names.
        list_issuers: who may be named there besides `issuer`.
    """

    issuer: str | None = None
    anchors: tuple[bytes, ...] = ()
    list_issuers: tuple[str, ...] = ()

    @property
    def n_bytes(self) -> int:
        return sum(map(len, (self.issuer or "", *self.list_issuers, *self.anchors)))

    @property
    def trusted(self) -> tuple[str, ...]:
        return (*(() if self.issuer is None else (self.issuer,)), *self.list_issuers)


NOTHING = Reliance()


async def no_anchors(_party: str, _chain: Sequence[bytes], _now: int) -> Sequence[bytes]:
    """The anchors of whoever has none."""
    return ()


def needs_reliance(secured: Secured) -> bool:
    """Tell whether the key of a list depends on who asks."""
    return secured.issuer is None or bool(secured.certificates)


class ListKeys:
    """
    Finds the keys of lists.

    Args:
        resolver: for issuers that are DIDs.
        metadata: for issuers with an https URL.
        anchors_of: those that the registry has of a party.
    """

    def __init__(self, resolver: Resolver, metadata: IssuerMetadata, anchors_of: AnchorsOf) -> None:
        self._resolver = resolver
        self._metadata = metadata
        self._anchors_of = anchors_of

    async def find(self, secured: Secured, reliance: Reliance, now: int, charge: Charge) -> FoundKey:
        """
        Return the key that shall have signed a list.

        Args:
            now: microseconds since 1970.
            charge: takes a token for each DID, issuer's metadata and key set that must be asked for.

        Raises:
            ProofError, KeyNotKnown, ResolutionError: as `IssuerKeys.find`; or a key of a DID is not named by its
                DID URL.
        """

        async def anchors(chain: Sequence[bytes], at: int) -> Sequence[bytes]:
            return reliance.anchors or await self._registered(chain, at, reliance)

        resolve, named = charged(self._resolver, charge), named_by(secured, reliance)
        if not named.certificates and (named.issuer or "").startswith("did:"):
            return await find_did_key(
                named, resolve, now
            )  # By its whole DID URL; no name relative to the issuer.
        keys = IssuerKeys(
            resolve=resolve,
            by_metadata=partial(self._metadata.find, charge=charge, owe=charge),
            anchors=anchors,
        )
        return await keys.find(named, now)

    async def _registered(self, chain: Sequence[bytes], at: int, reliance: Reliance) -> Sequence[bytes]:
        """
        Return the registry's anchors of the trusted party whom a certificate names, or of the credential's issuer.

        An authority vouches for whoever registered it, whatever names it writes into certificates.
        """
        signer = read_certificate(chain[0])
        named = (party for party in reliance.trusted if is_named(signer, party))
        party = next(named, reliance.issuer)
        return () if party is None else await self._anchors_of(party, chain, at)


def named_by(secured: Secured, reliance: Reliance) -> Secured:
    """Return a list as that of the credential's issuer, where nothing in it says whose it is."""
    if secured.issuer is not None or secured.certificates:
        return secured
    return msgspec.structs.replace(secured, issuer=reliance.issuer)
