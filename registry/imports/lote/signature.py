"""
Who signed a list: a compact JAdES signature, baseline B, verified up to a configured anchor. Pure.

ETSI TS 119 182-1 v1.2.1 (JAdES), on top of RFC 7515. The key is that of the first certificate in `x5c`. Of the
header `alg`, `crit`, `x5c`, the time of signing and the digest of the certificate are looked at; whatever else it
has counts for nothing, and must not be critical.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from proofs import CertificateInvalid, MalformedCertificate, MalformedProof, ProofError, ProofInvalid
from proofs.canonical import JsonObject
from proofs.certificates import (
    TrustAnchors,
    decode_x5c,
    is_authority,
    read_anchors,
    read_certificate,
    trust_signer,
    validate_path,
)
from proofs.jose import check_signature, read_compact
from proofs.pem import read_pem
from registry.errors import ListNotTrusted
from wire import parse_utc

MAX_LIST_BYTES = 16 * 1_048_576  # 16 MiB of the signed token; house rule for imports
MAX_HEADER_BYTES = 131_072  # 128 KiB: five certificates of the largest size, twice encoded
MAX_AHEAD_SECONDS = 60  # what a signer's clock may be ahead of ours
MAX_ANCHOR_BYTES = 256 * 1024  # 256 KiB of PEM

# Authorities certify keys on P-256 and P-384 alone here (`proofs.certificates.leaf`).
_ALGORITHMS = frozenset({"ES256", "ES384"})
_UNDERSTOOD = frozenset({"sigT", "iat", "x5t#o"})
_DIGESTS = {"S256": "sha256", "S384": "sha384", "S512": "sha512"}  # TS 119 182-1, section 5.2.2.2


class ListAnchors(msgspec.Struct, frozen=True):
    """
    Whose signature counts.

    Attributes:
        authorities: those that certify signers of lists; None: no authority does.
        signers: DER of certificates of signers that are trusted themselves.
    """

    authorities: TrustAnchors | None
    signers: frozenset[bytes]


class SignedList(msgspec.Struct, frozen=True):
    """
    A list that is from whom it should be.

    Attributes:
        payload: the bytes that were signed.
        countries, organisations: what the signer's certificate says of the signer.
    """

    payload: bytes
    countries: frozenset[str]
    organisations: frozenset[str]


def read_list_anchors(pem: bytes) -> ListAnchors:
    """
    Read the anchors of a list: certificates in PEM, of authorities and of signers.

    Raises:
        MalformedCertificate: over `MAX_ANCHOR_BYTES`, no PEM, a block that is no certificate, or as
            `proofs.certificates.read_anchors`.
    """
    if len(pem) > MAX_ANCHOR_BYTES:
        raise MalformedCertificate(f"the anchors have {len(pem)} bytes; the limit is {MAX_ANCHOR_BYTES}")
    try:
        blocks = read_pem(pem)
    except ValueError as error:
        raise MalformedCertificate(f"expected certificates in PEM: {error}") from None
    if any(label != "CERTIFICATE" for label, _ in blocks):
        raise MalformedCertificate("expected CERTIFICATE blocks alone")
    ders = dict.fromkeys(der for _, der in blocks)
    authorities = [der for der in ders if is_authority(read_certificate(der))]
    return ListAnchors(
        authorities=read_anchors(authorities) if authorities else None,
        signers=frozenset(ders.keys() - set(authorities)),
    )


def verify_list(token: bytes, anchors: ListAnchors, *, now: int) -> SignedList:
    """
    Return what was signed, if one of the anchors answers for the signer.

    1. Read the header, and refuse what baseline B does not have.
    2. Compare the certificate with the digest that the header has of it, and the time of signing with ours.
    3. Find the path from the signer's certificate to an anchor, as of now: nothing shows when it was really signed.
    4. Verify the signature.

    Args:
        now: microseconds since 1970.

    Raises:
        ListNotTrusted: one of these does not hold; the message says which.
    """
    try:
        jws = read_compact(
            token.strip(b"\r\n"),
            max_bytes=MAX_LIST_BYTES,
            algorithms=_ALGORITHMS,
            understood=_UNDERSTOOD,
            max_header_bytes=MAX_HEADER_BYTES,
        )
        chain = _chain(jws.header)  # 1.
        _check_digests(jws.header, chain[0])  # 2.
        _check_time(jws.header, now)
        signer = _signer(chain, anchors, datetime.fromtimestamp(now // 1_000_000, UTC))  # 3.
        check_signature(jws, signer.public_key())  # 4.
    except ProofError as error:
        raise ListNotTrusted(f"the signature of the list: {error.detail}") from None
    return SignedList(
        jws.payload, _said(signer, NameOID.COUNTRY_NAME), _said(signer, NameOID.ORGANIZATION_NAME)
    )


def _chain(header: JsonObject) -> tuple[bytes, ...]:
    if "sigD" in header:
        raise MalformedProof("the header has sigD: expected the list in the token, not beside it")
    chain = header.get("x5c")
    if not isinstance(chain, list):
        raise MalformedProof("expected the header x5c with the certificates of the signer")
    return decode_x5c(chain)


def _check_digests(header: JsonObject, der: bytes) -> None:
    found: list[tuple[str, object]] = []
    if "x5t#S256" in header:
        found.append(("S256", header["x5t#S256"]))
    if "x5t#o" in header:
        other = header["x5t#o"]
        name = other.get("digAlg") if isinstance(other, dict) else None
        if not isinstance(name, str) or name not in _DIGESTS:
            raise MalformedProof(f"expected the header x5t#o with digAlg {', '.join(_DIGESTS)}")
        found.append((name, other.get("digVal")))
    for name, digest in found:
        if digest != _base64url(hashlib.new(_DIGESTS[name], der).digest()):
            raise ProofInvalid("the digest in the header is not that of the first certificate in x5c")


def _check_time(header: JsonObject, now: int) -> None:
    """Refuse a list that was signed in the future, or does not say when: `iat` since 2025-07-15, `sigT` before."""
    match header.get("iat"), header.get("sigT"):
        case int(seconds), None if not isinstance(seconds, bool):
            signed_at = seconds * 1_000_000
        case None, str(text):
            signed_at = _time(text)
        case _:
            raise MalformedProof("expected one of the headers iat and sigT: when the list was signed")
    if signed_at > now + MAX_AHEAD_SECONDS * 1_000_000:
        raise ProofInvalid("the list was signed in the future")


def _time(text: str) -> int:
    try:
        return parse_utc(text)
    except ValueError as error:
        raise MalformedProof(f"the header sigT: {error}") from None


def _signer(chain: Sequence[bytes], anchors: ListAnchors, at: datetime) -> x509.Certificate:
    if chain[0] in anchors.signers:
        return trust_signer(chain[0], at=at, purposes=None)
    if anchors.authorities is None:
        raise CertificateInvalid(
            "the signer's certificate is none of the anchors, and no anchor is an authority"
        )
    roots = {der for der in chain[1:] if read_certificate(der) in anchors.authorities.certificates}
    between = [der for der in chain[1:] if der not in roots]
    path = validate_path([chain[0], *between], anchors.authorities, at=at, crls=(), purposes=None)
    return path.certificates[0]


def _said(certificate: x509.Certificate, of: x509.ObjectIdentifier) -> frozenset[str]:
    return frozenset(str(each.value) for each in certificate.subject.get_attributes_for_oid(of))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
