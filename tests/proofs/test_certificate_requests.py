"""Requests for certificates: the key signs by asking its signer, whatever holds it."""

import copy

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import CertificateInvalid, KeySigner, MalformedCertificate, SignerAway
from proofs.algorithms import PublicKey, algorithm_of
from proofs.certificates import certificate_request
from proofs.certificates.requests import MAX_SUBJECT, _HeldKey
from tests.proofs.authorities import key

DID = "did:web:lists.example:issuers:acme"
SUBJECT = "CN=Transport Office,O=Ministry\\, of Roads,C=NO"


class Token:
    """A signer that holds its key elsewhere and draws a random number for each signature."""

    verification_method = jws_key_id = f"{DID}#key-1"
    controller = DID
    certificates = ()

    def __init__(self, private_key: ec.EllipticCurvePrivateKey, is_away: bool = False) -> None:
        self._private_key = private_key
        self._is_away = is_away
        self.algorithm = algorithm_of(private_key)
        self.public_key: PublicKey = private_key.public_key()

    def sign(self, data: bytes) -> bytes:
        if self._is_away:
            raise SignerAway("token: unplugged")
        return KeySigner(self._private_key, self.verification_method).sign(data)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()], ids=["P-256", "P-384"])
def test_a_request_is_signed_by_the_key_that_it_is_for(curve: ec.EllipticCurve) -> None:
    private_key = key("Acme", curve)

    request = x509.load_pem_x509_csr(certificate_request(Token(private_key), SUBJECT))

    assert request.is_signature_valid
    assert request.public_key() == private_key.public_key()


def test_a_request_names_the_subject_in_the_order_of_x500_and_the_did() -> None:
    request = x509.load_pem_x509_csr(certificate_request(Token(key("Acme")), SUBJECT))

    assert [(part.rfc4514_attribute_name, part.value) for part in request.subject] == [
        ("C", "NO"),
        ("O", "Ministry, of Roads"),
        ("CN", "Transport Office"),
    ]
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [DID]


def test_a_request_asks_for_signatures_and_nothing_else() -> None:
    request = x509.load_pem_x509_csr(certificate_request(Token(key("Acme")), SUBJECT))

    usage = request.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not usage.value.crl_sign


def test_a_token_that_is_away_is_told_of() -> None:
    with pytest.raises(SignerAway, match="unplugged"):
        certificate_request(Token(key("Acme"), is_away=True), SUBJECT)


@pytest.mark.parametrize(
    "subject", ["", "Transport Office", "CN=", "C=NOR", "CN=a,", "CN=" + "x" * MAX_SUBJECT]
)
def test_what_is_no_distinguished_name_is_refused(subject: str) -> None:
    with pytest.raises(MalformedCertificate, match="expected a subject"):
        certificate_request(Token(key("Acme")), subject)


def test_an_ed25519_key_is_refused() -> None:
    signer = KeySigner(Ed25519PrivateKey.from_private_bytes(bytes(32)), f"{DID}#key-1")

    with pytest.raises(CertificateInvalid, match="expected a key on P-256 or P-384, found Ed25519"):
        certificate_request(signer, SUBJECT)


def test_the_key_that_the_builder_sees_gives_nothing_away() -> None:
    held = _HeldKey(Token(key("Acme")))

    for attempt in (held.private_numbers, held.private_bytes, held.exchange):
        with pytest.raises(TypeError):
            attempt()
    assert copy.deepcopy(held) is copy.copy(held) is held


def test_the_key_that_the_builder_sees_signs_with_its_own_hash_alone() -> None:
    with pytest.raises(ValueError, match="own hash"):
        _HeldKey(Token(key("Acme"))).sign(b"data", ec.ECDSA(hashes.SHA384()))
