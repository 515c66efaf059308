"""
The key of a certificate that came along, once a valid path leads from it to an anchor. Pure.

RFC 7515, section 4.1.6 (`x5c`), RFC 9360 (`x5chain`); SD-JWT VC, section 2.5: the issuer is the subject of the
certificate. Where the credential names an issuer, too, the certificate must name the same.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cryptography import x509

from credentials.errors import KeyNotIssuers, KeyNotKnown
from credentials.keys.found import FoundKey
from credentials.secured import MDOC, Form, Secured
from proofs.certificates import (
    Unknown,
    ValidPath,
    is_authority,
    read_anchors,
    read_certificate,
    trust_signer,
    validate_path,
)

_SECOND = 1_000_000  # microseconds
# Which extended key usages a signer of a form may have, where his certificate has any; None: whichever they are.
_PURPOSES: Mapping[Form, Set[str]] = {
    MDOC: frozenset({"1.0.18013.5.1.2"})
}  # of an mdoc's signer (ISO/IEC 18013-5:2021, annex B.1.4)


def find_certificate_key(secured: Secured, anchors: Sequence[bytes], *, now: int) -> FoundKey:
    """
    Return the key of the first certificate. Whether it was revoked is another question: `IssuerKeys.not_revoked`.

    Args:
        anchors: DER of those that are trusted: authorities, or the signer's own.
        now: microseconds since 1970.

    Raises:
        KeyNotKnown: no anchor is known that the chain might lead to.
        KeyNotIssuers: the credential names its key in another way, too, or an issuer whom the certificate does not
            name.
        CertificateInvalid, MalformedCertificate: the chain leads to no anchor.
    """
    if secured.key_id is not None and secured.key_id.startswith("did:"):
        raise KeyNotIssuers(
            "the credential names its key by certificates and by a DID, which may be two keys"
        )
    signer = read_certificate(secured.certificates[0])
    if secured.issuer is not None and not is_named(signer, secured.issuer):
        raise KeyNotIssuers("the certificate does not name the issuer that the credential names")
    path = _path(
        secured.certificates,
        anchors,
        datetime.fromtimestamp(now // _SECOND, UTC),
        _PURPOSES.get(secured.form),
    )
    return FoundKey(
        public_key=signer.public_key(),
        id=identifier_of(secured.certificates[0]),
        by="x5c",
        ends=int(signer.not_valid_after_utc.timestamp()) * _SECOND,
        path=path,
    )


def identifier_of(der: bytes) -> str:
    """Return what names a certificate: `ni:///sha-256;` and its digest (RFC 6920)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    return f"ni:///sha-256;{digest}"


def _path(
    chain: Sequence[bytes],
    anchors: Sequence[bytes],
    at: datetime,
    purposes: Set[str] | None,
) -> ValidPath:
    if not anchors:
        raise KeyNotKnown("no trust anchor is known to which the certificates might lead")
    if chain[0] in anchors:
        signer = trust_signer(chain[0], at=at, purposes=purposes)
        return ValidPath((signer,), Unknown(0, "the certificate is trusted itself"))
    authorities = [der for der in anchors if is_authority(read_certificate(der))]
    between = [chain[0], *(der for der in chain[1:] if der not in authorities)]
    return validate_path(between, read_anchors(authorities), at=at, crls=(), purposes=purposes)


def is_named(certificate: x509.Certificate, issuer: str) -> bool:
    """Tell whether a certificate names an issuer: by its URI, or the host of an https URL by its DNS name."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    if issuer in names.get_values_for_type(x509.UniformResourceIdentifier):
        return True
    try:
        url = urlsplit(issuer)
    except ValueError:
        return False
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return url.scheme == "https" and url.hostname in hosts
