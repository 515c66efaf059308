"""
Requests for certificates, PKCS#10 (RFC 2986), by whatever signs for us. Pure.
"""

from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from proofs.algorithms import HASHES, in_der
from proofs.errors import CertificateInvalid, MalformedCertificate
from proofs.signing import Signer

MAX_SUBJECT = 1_024  # characters


def certificate_request(signer: Signer, subject: str) -> bytes:
    """
    Ask an authority, in PEM, to certify the key of `signer`.

    It asks for the key usage digitalSignature, and for the DID of the key's controller as an alternative name
    (a URI), so that a verifier may compare the certificate with the issuer of a credential.

    Args:
        signer: of P-256 or P-384; the private key may lie in a token.
        subject: a distinguished name (RFC 4514), such as "CN=Transport Office,O=Ministry,C=NO".

    Raises:
        MalformedCertificate: `subject` is empty, too long, or no distinguished name.
        CertificateInvalid: the key is of another algorithm: authorities of credentials certify no Ed25519.
        SignerAway: what holds the key cannot sign just now.
    """
    algorithm = HASHES.get(signer.algorithm)
    if algorithm is None:
        raise CertificateInvalid(f"expected a key on P-256 or P-384, found {signer.algorithm}")
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    alternative = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(signer.controller)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(_read_name(subject))
    builder = builder.add_extension(usage, critical=True).add_extension(alternative, critical=False)
    return builder.sign(_HeldKey(signer), algorithm).public_bytes(serialization.Encoding.PEM)


def _read_name(subject: str) -> x509.Name:
    if not 0 < len(subject) <= MAX_SUBJECT:
        raise MalformedCertificate(f"expected a subject of 1 to {MAX_SUBJECT} characters")
    try:
        return x509.Name.from_rfc4514_string(subject)
    except (ValueError, TypeError):
        raise MalformedCertificate(
            'expected a subject as RFC 4514 writes it, such as "CN=Transport Office,O=Ministry,C=NO"'
        ) from None


class _HeldKey(ec.EllipticCurvePrivateKey):
    """What `cryptography` takes for a private key: it signs by asking the signer, and gives nothing away."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        public_key = signer.public_key
        if not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise TypeError(f"expected an elliptic key, found {type(public_key).__name__}")
        self._public_key = public_key

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def sign(self, data: object, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Sign with the one hash of the key's algorithm, which is the one that the builder was given."""
        hashed = signature_algorithm.algorithm
        if isinstance(hashed, Prehashed) or hashed.name != HASHES[self._signer.algorithm].name:
            raise ValueError(f"{self._signer.algorithm} signs with its own hash alone")
        return in_der(self._signer.sign(bytes(data)))  # type: ignore[call-overload]

    def exchange(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a signer's key signs, and does nothing else")

    def private_numbers(self) -> NoReturn:
        raise TypeError("a signer's key cannot be read")

    def private_bytes(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a signer's key cannot be read")

    def __copy__(self) -> "_HeldKey":
        return self

    def __deepcopy__(self, memo: object) -> "_HeldKey":
        return self
