"""
What the certificate of a signer must be, apart from the path that leads to it. Pure.

Our own policy for the end of a path, since the verifier's is that of web servers: it demands names and purposes
that signers of credentials and status lists do not have (ISO/IEC 18013-5, annex B; HAIP 1.0, section 6.1).
"""

from collections.abc import Set

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from proofs.algorithms import Algorithm, algorithm_of
from proofs.certificates.reading import extension, is_self_signed, name_of
from proofs.errors import CertificateInvalid, ProofInvalid

# The extensions that are looked at, here or by the verifier; another one must not be critical (RFC 5280, 4.2).
_UNDERSTOOD = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
}


def check_leaf(
    certificate: x509.Certificate, purposes: Set[str] | None, *, may_be_self_signed: bool = False
) -> None:
    """
    Refuse a certificate whose key may not sign credentials or status lists.

    1. Its key is on P-256 or P-384, the curve by name (RFC 5480, section 2.1.1) and the point uncompressed.
       Authorities certify no Ed25519 (HAIP 1.0 asks for ES256), and the parser takes points of it under which
       anybody's signature verifies.
    2. It is not self-signed (HAIP 1.0, section 6.1.1): nobody but itself vouches for it.
    3. It is no authority, and has no constraints for names below it (RFC 5280, sections 4.2.1.9 and 4.2.1.10).
    4. Its key usage, where it has one, allows signatures, and none of certificates (section 4.2.1.3).
    5. Its extended key usage, where it has one, names one of `purposes` or any (section 4.2.1.12).
    6. It has no critical extension that we do not understand (section 4.2).

    Args:
        certificate: as `reading.read_certificate` returned it.
        purposes: object identifiers in dotted form; None to accept a certificate for any purpose.
        may_be_self_signed: of a certificate that is trusted itself, so that nobody needs to vouch for it.

    Raises:
        CertificateInvalid: one of these does not hold; the message says which.
    """
    who = name_of(certificate)
    _check_key(certificate)
    if not may_be_self_signed and is_self_signed(certificate):
        raise CertificateInvalid(f"{who}: self-signed; have it signed by an authority that verifiers trust")
    basic = extension(certificate, x509.BasicConstraints)
    if basic is not None and basic.ca:
        raise CertificateInvalid(f"{who}: a certificate authority; expected the certificate of a signer")
    if extension(certificate, x509.NameConstraints) is not None:
        raise CertificateInvalid(f"{who}: only a certificate authority may have name constraints")
    usage = extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        raise CertificateInvalid(f"{who}: its key usage does not allow digitalSignature")
    if usage is not None and usage.key_cert_sign:
        raise CertificateInvalid(
            f"{who}: its key usage has keyCertSign, which is for certificate authorities"
        )
    _check_purposes(certificate, purposes)
    for found in certificate.extensions:
        if found.critical and found.oid not in _UNDERSTOOD:
            raise CertificateInvalid(f"{who}: critical extension {found.oid.dotted_string} is not understood")


def _check_key(certificate: x509.Certificate) -> None:
    who, key = name_of(certificate), certificate.public_key()
    try:
        algorithm = algorithm_of(key)
    except ProofInvalid as error:
        raise CertificateInvalid(f"{who}: {error}") from None
    if algorithm is Algorithm.ED25519:
        raise CertificateInvalid(f"{who}: expected a key on P-256 or P-384, found Ed25519")
    # The parser takes the numbers of a curve for its name, and a point in compressed form.
    if (
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        not in certificate.tbs_certificate_bytes
    ):
        raise CertificateInvalid(f"{who}: expected the name of a curve, and a point that is not compressed")


def _check_purposes(certificate: x509.Certificate, purposes: Set[str] | None) -> None:
    stated = extension(certificate, x509.ExtendedKeyUsage)
    if purposes is None or stated is None:
        return
    found = {purpose.dotted_string for purpose in stated}
    if not found & {*purposes, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string}:
        raise CertificateInvalid(f"{name_of(certificate)}: for other purposes: {', '.join(sorted(found))}")
