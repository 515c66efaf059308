"""
The key of a credential's issuer, in whichever way the credential names it. Service.

`iss`, `kid`, `x5c` and `issuer` may never speak of different parties: each way below refuses what the others are
for.
"""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from cryptography import x509

from credentials.errors import KeyNotIssuers, RevocationNotKnown
from credentials.keys.assertion_methods import Resolve, find_did_key
from credentials.keys.certificates import find_certificate_key
from credentials.keys.found import FoundKey
from credentials.secured import Secured
from proofs import CertificateInvalid, MalformedProof
from proofs.certificates import Revocation, Revoked, Unknown, ValidPath, read_certificate

ByMetadata = Callable[[Secured], Awaitable[FoundKey]]  # `issuer_metadata.IssuerMetadata.find`
Anchors = Callable[
    [Sequence[bytes], int], Awaitable[Sequence[bytes]]
]  # a chain in DER, a time: who may be above it

# A valid path, and a time, to what its CRLs say; None where it names none: `crls.Crls.revocation`.
RevocationOf = Callable[[Sequence[x509.Certificate], int], Awaitable[Revocation | None]]


class IssuerKeys(msgspec.Struct, frozen=True, kw_only=True):
    """
    Attributes:
        resolve: a DID to its resolution.
        by_metadata: the key of an issuer with an https URL.
        anchors: the trust anchors for a chain of certificates.
        revocation: whether certificates were revoked; None: that is not asked.
    """

    resolve: Resolve
    by_metadata: ByMetadata
    anchors: Anchors
    revocation: RevocationOf | None = None

    async def find(self, secured: Secured, now: int) -> FoundKey:
        """
        Return the key that shall have signed a credential; nobody is asked where its names contradict one another.

        1. Certificates in it, unless it names a key of a DID: their path to an anchor.
        2. An issuer who is a DID: a method of that DID's document, under assertionMethod. Certificates beside it
           must be of that key.
        3. An issuer with an https URL: the metadata there.

        Args:
            now: microseconds since 1970.

        Raises:
            ProofError: the key is not the issuer's.
            KeyNotKnown, ResolutionError, Refusal: it cannot be told now.
        """
        issuer = secured.issuer or ""
        names_did = (secured.key_id or "").startswith("did:")
        if secured.certificates and not (names_did and issuer.startswith("did:")):
            anchors = await self.anchors(secured.certificates, now)
            return find_certificate_key(secured, anchors, now=now)
        if issuer.startswith("did:"):
            key = await find_did_key(_with_did_url(secured), self.resolve, now)
            _check_same_key(secured, key)
            return key
        if issuer.startswith("https://"):
            if names_did:
                raise KeyNotIssuers("the issuer is an https URL, and the key one of a DID")
            return await self.by_metadata(secured)
        raise MalformedProof("expected the issuer as a DID or an https URL, or certificates of the key")

    async def not_revoked(self, key: FoundKey, now: int) -> FoundKey:
        """
        Return a key with what is known of the revocation of its certificates, if it has any.

        To be asked once the signature holds: nobody has CRLs fetched for a credential that nobody signed. That
        certificates name no CRL says nothing against them.

        Raises:
            CertificateInvalid: one of them was revoked.
            RevocationNotKnown: they name CRLs, and no such can be had that tells.
        """
        if key.path is None or self.revocation is None or len(key.path.certificates) == 1:
            return key
        status = await self.revocation(key.path.certificates, now)
        if isinstance(status, Revoked):
            raise CertificateInvalid(f"certificate {status.certificate} was revoked: {status.reason}")
        if isinstance(status, Unknown):
            raise RevocationNotKnown(status.why)
        known = status or Unknown(0, "the certificates name no CRL")
        return msgspec.structs.replace(key, path=ValidPath(key.path.certificates, known))


def _check_same_key(secured: Secured, key: FoundKey) -> None:
    """Refuse certificates beside a key of a DID that are of another key."""
    if secured.certificates and read_certificate(secured.certificates[0]).public_key() != key.public_key:
        raise KeyNotIssuers("the certificates are of another key than the one that kid names")


def _with_did_url(secured: Secured) -> Secured:
    """Return it with an absolute DID URL for a key that is named within its issuer's document."""
    if secured.key_id is None:
        raise MalformedProof("expected the header kid, the DID URL of the issuer's key")
    if secured.key_id.startswith("did:"):
        return secured
    fragment = secured.key_id.removeprefix("#")
    return msgspec.structs.replace(secured, key_id=f"{secured.issuer}#{fragment}")
