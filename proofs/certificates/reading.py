"""
Certificates as bytes, read within limits, and what can be told of one alone. Pure.

X.509 v3 in the profile of RFC 5280. The limits come before whatever is dear: the size before the parser, the kind
of the key before its loading (a Diffie-Hellman key may cost OpenSSL seconds), its size before any signature.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import PublicKeyAlgorithmOID

from proofs.errors import CertificateInvalid, MalformedCertificate

MAX_CERTIFICATE_BYTES = 16 * 1024  # 16 KiB; those of issuers have about 1 KiB
MAX_CERTIFICATE_CHARS = -(-MAX_CERTIFICATE_BYTES // 3) * 4  # the same in base64
MAX_X5C = 5  # the signer's, three between (`paths.MAX_INTERMEDIATES`), and the anchor, which some send too
# Alternative names, and subtrees of name constraints, in one certificate. Each of a certificate's names is compared
# with each subtree above it: without a limit 16 KiB of each cost the verifier 134 ms.
MAX_NAMES = 16
RSA_BITS = range(2_048, 8_192 + 1)
RSA_EXPONENTS = range(65_537, 1 << 32)  # FIPS 186-5, section A.1.1; the end bounds what a check costs

# Everything that the parser raises; three of them are no ValueErrors.
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
E = TypeVar("E", bound=x509.ExtensionType)
_KEY_KINDS = {
    PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5,  # rsaEncryption
    PublicKeyAlgorithmOID.EC_PUBLIC_KEY,
    PublicKeyAlgorithmOID.ED25519,
}


def read_certificate(der: bytes) -> x509.Certificate:
    """
    Read one certificate; its signature is not checked.

    Raises:
        MalformedCertificate: over `MAX_CERTIFICATE_BYTES`, not one X.509 v3 certificate in DER, an extension twice
            or malformed, over `MAX_NAMES`, or a key other than P-256, P-384, P-521, Ed25519 and RSA of 2,048 to
            8,192 bits with an odd exponent from 65,537 to 2^32.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise MalformedCertificate(
            f"the certificate has {len(der)} bytes; the limit is {MAX_CERTIFICATE_BYTES}"
        )
    try:
        certificate = x509.load_der_x509_certificate(der)
        if certificate.version is not x509.Version.v3:
            raise MalformedCertificate(f"{name_of(certificate)}: expected X.509 v3")
        # The parser is lazy: what is malformed shows when it is looked at.
        _ = certificate.subject, certificate.issuer
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        _check_names(certificate)
        _check_key(certificate)
    except UNREADABLE:
        # The parser's own message may quote what it read.
        raise MalformedCertificate("expected an X.509 certificate in DER") from None
    return certificate


def decode_x5c(chain: Sequence[str]) -> tuple[bytes, ...]:
    """
    Return the DER of a chain as the header `x5c` has it, the signer's first (RFC 7515, section 4.1.6).

    Raises:
        MalformedCertificate: none, over `MAX_X5C`, or one is too long, no text, or not base64; its place is told,
            from 0.
    """
    if not 1 <= len(chain) <= MAX_X5C:
        raise MalformedCertificate(f"expected 1 to {MAX_X5C} certificates, found {len(chain)}")
    return tuple(_decode(place, text) for place, text in enumerate(chain))


def _decode(place: int, text: object) -> bytes:
    try:
        if isinstance(text, str) and len(text) <= MAX_CERTIFICATE_CHARS:
            return base64.b64decode(text, validate=True)
    except ValueError:
        pass
    raise MalformedCertificate(
        f"certificate {place}: expected the base64 of its DER, at most {MAX_CERTIFICATE_CHARS} characters"
    )


def name_of(certificate: x509.Certificate) -> str:
    """Return the subject (RFC 4514) for messages, at most 160 characters of it."""
    return (certificate.subject.rfc4514_string() or "a certificate without a subject")[:160]


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Tell whether its own key signed it; that it names itself as the issuer is not enough."""
    return is_signed_by(certificate, certificate)


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether it names `issuer` and the key of `issuer` signed it; whether that one may is not asked."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether it may certify others (RFC 5280, section 4.2.1.9)."""
    basic = extension(certificate, x509.BasicConstraints)
    return basic is not None and basic.ca


def key_ids(certificate: x509.Certificate) -> tuple[bytes | None, bytes | None]:
    """
    Return the identifiers of its key and of its authority's key, if it says them (RFC 5280, 4.2.1.1 and 4.2.1.2).

    Whoever makes a certificate chooses both: they find certificates, and show nothing.
    """
    own = extension(certificate, x509.SubjectKeyIdentifier)
    authority = extension(certificate, x509.AuthorityKeyIdentifier)
    return own.digest if own else None, authority.key_identifier if authority else None


def check_period(certificate: x509.Certificate, at: datetime) -> None:
    """
    Refuse a certificate at a time outside its validity, both ends of which are inside (RFC 5280, section 4.1.2.5).

    Raises:
        CertificateInvalid: it is not valid yet, or has expired.
    """
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at < begins:
        raise CertificateInvalid(f"{name_of(certificate)}: not valid before {begins:%Y-%m-%dT%H:%M:%SZ}")
    if at > ends:
        raise CertificateInvalid(f"{name_of(certificate)}: expired at {ends:%Y-%m-%dT%H:%M:%SZ}")


def extension(
    holder: x509.Certificate | x509.CertificateRevocationList | x509.RevokedCertificate, kind: type[E]
) -> E | None:
    """Return the extension of that kind, None where there is none."""
    try:
        return holder.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _check_names(certificate: x509.Certificate) -> None:
    names = extension(certificate, x509.SubjectAlternativeName)
    constraints = extension(certificate, x509.NameConstraints)
    subtrees = constraints and (
        *(constraints.permitted_subtrees or ()),
        *(constraints.excluded_subtrees or ()),
    )
    for count in (len(list(names or ())), len(subtrees or ())):
        if count > MAX_NAMES:
            raise MalformedCertificate(f"{name_of(certificate)}: {count} names; the limit is {MAX_NAMES}")


def _check_key(certificate: x509.Certificate) -> None:
    if certificate.public_key_algorithm_oid not in _KEY_KINDS:
        raise MalformedCertificate(f"{name_of(certificate)}: expected an elliptic, Ed25519 or RSA key")
    key = certificate.public_key()
    if isinstance(key, RSAPublicKey):
        exponent = key.public_numbers().e
        if key.key_size not in RSA_BITS or exponent not in RSA_EXPONENTS or exponent % 2 == 0:
            raise MalformedCertificate(
                f"{name_of(certificate)}: expected RSA of 2,048 to 8,192 bits with an odd exponent from 65,537 "
                f"to 2^32, found {key.key_size} bits"
            )
    elif isinstance(key, EllipticCurvePublicKey) and not isinstance(
        key.curve, SECP256R1 | SECP384R1 | SECP521R1
    ):
        raise MalformedCertificate(
            f"{name_of(certificate)}: expected P-256, P-384 or P-521, found {key.curve.name}"
        )
