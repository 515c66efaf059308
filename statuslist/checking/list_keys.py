"""
The key of a status list's issuer, where the list names him, and where only its credential does. Service.

A W3C list names its issuer. A token list need not (Token Status List, section 11.3): its key is then that of a
DID, by `kid`; or of a certificate, up to an anchor; or one of the issuer of the credential that refers to it.
"""

from collections.abc import Sequence

import msgspec

from credentials.keys.assertion_methods import find_did_key
from credentials.keys.finding import Anchors, IssuerKeys
from credentials.keys.found import FoundKey
from credentials.keys.issuer_metadata import IssuerMetadata
from credentials.secured import Secured
from resolver import Resolver
from statuslist.checking.account import Charge, charged


class Reliance(msgspec.Struct, frozen=True):
    """
    By what a list is judged that does not say itself whose it is.

    Attributes:
        issuer: of the credential; None: only certificates say who that is.
        anchors: DER of authorities, or of signers, that the caller trusts with statuses; () for those of the
            registry.
    """

    issuer: str | None = None
    anchors: tuple[bytes, ...] = ()

    @property
    def n_bytes(self) -> int:
        return len(self.issuer or "") + sum(map(len, self.anchors))


NOTHING = Reliance()


async def no_anchors(_chain: Sequence[bytes], _now: int) -> Sequence[bytes]:
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
        anchors: those of the registry for a chain of certificates.
    """

    def __init__(self, resolver: Resolver, metadata: IssuerMetadata, anchors: Anchors) -> None:
        self._resolver = resolver
        self._metadata = metadata
        self._anchors = anchors

    async def find(self, secured: Secured, reliance: Reliance, now: int, charge: Charge) -> FoundKey:
        """
        Return the key that shall have signed a list.

        Args:
            now: microseconds since 1970.
            charge: takes a token for each DID, or issuer's metadata, that must be asked for.

        Raises:
            ProofError, KeyNotKnown, ResolutionError: as `IssuerKeys.find`; or a key of a DID is not named by its
                DID URL.
        """

        async def by_metadata(named: Secured, at: int) -> FoundKey:
            if self._metadata.would_ask(named.issuer or ""):
                charge(1)
            return await self._metadata.find(named, at)

        async def anchors(chain: Sequence[bytes], at: int) -> Sequence[bytes]:
            return reliance.anchors or await self._anchors(chain, at)

        resolve, named = charged(self._resolver, charge), named_by(secured, reliance)
        if not named.certificates and (named.issuer or "").startswith("did:"):
            return await find_did_key(
                named, resolve, now
            )  # By its whole DID URL; no name relative to the issuer.
        keys = IssuerKeys(resolve=resolve, by_metadata=by_metadata, anchors=anchors)
        return await keys.find(named, now)


def named_by(secured: Secured, reliance: Reliance) -> Secured:
    """Return a list as that of the credential's issuer, where nothing in it says whose it is."""
    if secured.issuer is not None or secured.certificates:
        return secured
    return msgspec.structs.replace(secured, issuer=reliance.issuer)
