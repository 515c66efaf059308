"""
Certificates that are registered with their identifiers. Pure.
"""

import base64

from cryptography import x509

from proofs import MalformedCertificate
from proofs.certificates import key_ids, read_certificate
from registry.identifiers import certificate_identifier


def certificate_fault(identifier: str, certificate: str) -> str | None:
    """
    Return why a certificate is not the one that an identifier names, or None where it is.

    Args:
        certificate: base64 of its DER.
    """
    try:
        der = base64.b64decode(certificate, validate=True)
    except ValueError:
        return "expected base64"
    if certificate_identifier(der) != identifier:
        return "expected the certificate that the identifier is the digest of"
    try:
        read_certificate(der)
    except MalformedCertificate as error:
        return error.detail
    return None


def key_id_of(certificate: str) -> str | None:
    """
    Return the key identifier by which those whom a certificate certifies may be found; None: it cannot be read.

    As it says itself in hex, or where it says none, the usual one (RFC 5280, section 4.2.1.2, method 1).
    """
    try:
        read = read_certificate(base64.b64decode(certificate, validate=True))
    except (MalformedCertificate, ValueError):
        return None
    own = key_ids(read)[0] or x509.SubjectKeyIdentifier.from_public_key(read.public_key()).digest
    return own.hex()
