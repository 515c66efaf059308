"""
Certificate authorities of the tests: certificates and CRLs with whatever is right or wrong about them.

Keys are derived from names, so that a certificate's key is the same in each run. Names are single commonNames.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import overload

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Extensions = Mapping[type[x509.ExtensionType], tuple[x509.ExtensionType, bool] | None]

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)


def key(name: str, curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    """Return the key of that name, on P-256 unless another curve is given."""
    secret = int.from_bytes(hashlib.sha256(name.encode()).digest()[:31])
    return ec.derive_private_key(secret, curve or ec.SECP256R1())


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def usage(**claims: bool) -> x509.KeyUsage:
    """Return a key usage with the named bits alone."""
    bits = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    )
    bits += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{bit: claims.get(bit, False) for bit in bits})


class Authority:
    """
    A certificate authority that signs what it is told to.

    Args:
        text: its commonName, and the seed of its key.
        issuer: who signs its certificate; itself where None.
        extensions: what its certificate has instead of, or (None) without, the usual extensions.
    """

    def __init__(
        self,
        text: str,
        issuer: "Authority | None" = None,
        *,
        private_key: PrivateKey | None = None,
        extensions: Extensions = {},  # noqa: B006
        path_length: int | None = None,
        not_before: datetime = NOW - YEAR,
        not_after: datetime = NOW + YEAR,
    ) -> None:
        self.name = name(text)
        self.private_key = private_key or key(text)
        usual: dict[type[x509.ExtensionType], tuple[x509.ExtensionType, bool]] = {
            x509.BasicConstraints: (x509.BasicConstraints(ca=True, path_length=path_length), True),
            x509.KeyUsage: (usage(key_cert_sign=True, crl_sign=True), True),
        }
        self.certificate = (issuer or self).issue(
            self.name,
            self.private_key,
            extensions={**usual, **extensions},
            not_before=not_before,
            not_after=not_after,
        )

    @property
    def der(self) -> bytes:
        return der(self.certificate)

    def issue(
        self,
        subject: x509.Name,
        private_key: PrivateKey,
        *,
        extensions: Extensions,
        not_before: datetime = NOW - 30 * DAY,
        not_after: datetime = NOW + 30 * DAY,
    ) -> x509.Certificate:
        """Sign a certificate for `private_key`; its serial number follows from its content."""
        present = {kind: value for kind, value in extensions.items() if value is not None}
        seed = f"{subject} {self.name} {present} {not_before} {not_after}".encode()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(private_key.public_key())
            .serial_number(int.from_bytes(hashlib.sha256(seed).digest()[:8]) | 1)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
        )
        for value, is_critical in present.values():
            builder = builder.add_extension(value, is_critical)
        return _signed(builder, self.private_key)

    def crl(
        self,
        *revoked: x509.RevokedCertificate,
        begins: datetime = NOW - DAY,
        ends: datetime = NOW + DAY,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        signed_by: PrivateKey | None = None,
    ) -> bytes:
        """Sign a CRL, in DER; `signed_by` is another key than the authority's."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(begins).next_update(ends)
        for value, is_critical in extensions:
            builder = builder.add_extension(value, is_critical)
        for entry in revoked:
            builder = builder.add_revoked_certificate(entry)
        return _signed(builder, signed_by or self.private_key).public_bytes(Encoding.DER)

    def leaf(
        self,
        text: str = "Signer",
        *,
        private_key: PrivateKey | None = None,
        extensions: Extensions = {},  # noqa: B006
        not_before: datetime = NOW - 30 * DAY,
        not_after: datetime = NOW + 30 * DAY,
    ) -> x509.Certificate:
        """Sign the certificate of a signer: digitalSignature, and no CA."""
        usual: dict[type[x509.ExtensionType], tuple[x509.ExtensionType, bool]] = {
            x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True),
            x509.KeyUsage: (usage(digital_signature=True), True),
        }
        return self.issue(
            name(text),
            private_key or key(text),
            extensions={**usual, **extensions},
            not_before=not_before,
            not_after=not_after,
        )


def entry(
    certificate: x509.Certificate,
    reason: x509.ReasonFlags | None = None,
    *,
    since: datetime = NOW - DAY,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> x509.RevokedCertificate:
    """Return the entry of a certificate in a CRL."""
    builder = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(since)
    if reason is not None:
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    for value, is_critical in extensions:
        builder = builder.add_extension(value, is_critical)
    return builder.build()


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def content_of(value: bytes) -> bytes:
    """Return what is in a value in DER, without its tag and its length."""
    return value[2 + (value[1] & 0x7F if value[1] & 0x80 else 0) :]


@overload
def _signed(builder: x509.CertificateBuilder, private_key: PrivateKey) -> x509.Certificate: ...
@overload
def _signed(
    builder: x509.CertificateRevocationListBuilder, private_key: PrivateKey
) -> x509.CertificateRevocationList: ...
def _signed(
    builder: x509.CertificateBuilder | x509.CertificateRevocationListBuilder, private_key: PrivateKey
) -> x509.Certificate | x509.CertificateRevocationList:
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        return builder.sign(private_key, hashes.SHA256(), ecdsa_deterministic=True)
    is_ed25519 = isinstance(private_key, ed25519.Ed25519PrivateKey)
    return builder.sign(private_key, None if is_ed25519 else hashes.SHA256())
