"""
The certificates of a key of ours, as an authority sends them back: a PEM file, checked and put in order. Pure.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import SignatureAlgorithmOID

from proofs.algorithms import Algorithm, PublicKey, algorithm_of
from proofs.certificates.leaf import check_leaf
from proofs.certificates.paths import MAX_INTERMEDIATES, read_anchors, validate_path
from proofs.certificates.reading import check_period, is_self_signed, name_of, read_certificate
from proofs.errors import CertificateInvalid, MalformedCertificate
from proofs.pem import read_pem

MAX_FILE_BYTES = 128 * 1024  # 128 KiB: five certificates of the largest size, and words between them
# 12 KiB, of what is sent: with a DID URL of 4 KiB it fits the headers that `cose.read_sign1` takes.
MAX_CHAIN_BYTES = 12 * 1024
_SHA1 = {SignatureAlgorithmOID.ECDSA_WITH_SHA1, SignatureAlgorithmOID.RSA_WITH_SHA1}


def read_chain(pem: bytes, public_key: PublicKey, *, now: datetime) -> tuple[bytes, ...]:
    """
    Return the certificates of `public_key` in DER, as they go into `x5c` and `x5chain`: its own first, each signed
    by the next one, without the anchor (HAIP 1.0, section 6.1.1).

    1. Read the file: only CERTIFICATE blocks, in any order; text between them is skipped (RFC 7468, section 2).
    2. Find the one certificate of the key, and refuse it if it may not sign now.
    3. Find the path from it to the last certificate, which is left out if it is self-signed.
    4. Refuse certificates that are not on the path: they would be sent to each verifier for nothing.

    Raises:
        MalformedCertificate: over `MAX_FILE_BYTES`, no PEM, a block that is no certificate, too many, over
            `MAX_CHAIN_BYTES`, or as `reading.read_certificate`.
        CertificateInvalid: the key is not on P-256 or P-384, none or several are of this key, or as
            `leaf.check_leaf` and `paths.validate_path`.
    """
    if algorithm_of(public_key) is Algorithm.ED25519:
        raise CertificateInvalid("expected a key on P-256 or P-384: authorities certify no Ed25519")
    now = now.replace(microsecond=0)  # as `paths.validate_path`
    certificates = _read_file(pem)  # 1.
    leaf = _certificate_of(public_key, certificates)  # 2.
    check_leaf(leaf, purposes=None)
    check_period(leaf, now)
    others = [certificate for certificate in certificates if certificate != leaf]
    path = (leaf, *_path(leaf, others, now))  # 3.
    for certificate in certificates:  # 4.
        if certificate not in path:
            raise CertificateInvalid(
                f"{name_of(certificate)}: not on the path of {name_of(leaf)}; take it out of the file"
            )
    sent = tuple(_der(certificate) for certificate in path if not _is_root(certificate))
    if (size := sum(map(len, sent))) > MAX_CHAIN_BYTES:
        raise MalformedCertificate(f"the certificates have {size} bytes; the limit is {MAX_CHAIN_BYTES}")
    return sent


def chain_ends(chain: Sequence[bytes]) -> int:
    """
    Return when the first one to expire of a chain does so, in microseconds since 1970.

    Raises:
        MalformedCertificate: as `reading.read_certificate`.
        ValueError: the chain is empty.
    """
    ends = min(read_certificate(der).not_valid_after_utc for der in chain)
    return int(ends.timestamp()) * 1_000_000


def _path(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], now: datetime
) -> tuple[x509.Certificate, ...]:
    """Return what certifies the leaf, from its issuer up; () where the file has nothing but the leaf."""
    if not others:
        return ()
    # A link certificate has one name for two keys, so its own does not count.
    tops = [c for c in others if _is_root(c) or c.issuer not in {o.subject for o in others if o is not c}]
    if not tops:
        raise CertificateInvalid("the certificates of the file sign one another in a circle")
    anchors = read_anchors([_der(certificate) for certificate in tops])
    middle = [certificate for certificate in others if certificate not in anchors.certificates]
    if len(middle) > MAX_INTERMEDIATES:
        raise MalformedCertificate(f"expected at most {MAX_INTERMEDIATES} intermediates, found {len(middle)}")
    chain = [_der(certificate) for certificate in (leaf, *middle)]
    return validate_path(chain, anchors, at=now, crls=(), purposes=None).certificates[1:]


def _is_root(certificate: x509.Certificate) -> bool:
    """Tell whether it is self-signed; with SHA-1 its name says so, since no verifier looks at such a signature."""
    is_old = certificate.signature_algorithm_oid in _SHA1 and certificate.issuer == certificate.subject
    return is_old or is_self_signed(certificate)


def _read_file(pem: bytes) -> list[x509.Certificate]:
    if len(pem) > MAX_FILE_BYTES:
        raise MalformedCertificate(f"the file has {len(pem)} bytes; the limit is {MAX_FILE_BYTES}")
    try:
        blocks = read_pem(pem)
    except ValueError as error:
        raise MalformedCertificate(f"no file of CERTIFICATE blocks: {error}") from None
    for label, _ in blocks:
        if label != "CERTIFICATE":
            raise MalformedCertificate(f"expected CERTIFICATE blocks alone, found {label}")
    read = [read_certificate(der) for _, der in blocks]
    return list(dict.fromkeys(read))  # A certificate that is there twice counts once.


def _certificate_of(public_key: PublicKey, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    found = [certificate for certificate in certificates if certificate.public_key() == public_key]
    if len(found) != 1:
        raise CertificateInvalid(
            f"expected one certificate of this key, found {len(found)}; have the request of this very key "
            "certified, and leave one certificate of it in the file"
        )
    return found[0]


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
