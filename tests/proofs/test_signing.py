"""Signers: keys in memory."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proofs import Algorithm, KeySigner, ProofInvalid, Signer, is_signature
from tests.proofs.documents import KEYS, PRIVATE_KEY


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_signer_knows_its_method_its_controller_and_its_key(algorithm: Algorithm) -> None:
    signer: Signer = KeySigner(KEYS[algorithm], "did:web:a.example#k", certificates=(b"leaf",))

    assert signer.algorithm is algorithm
    assert signer.verification_method == signer.jws_key_id == "did:web:a.example#k"
    assert signer.controller == "did:web:a.example"
    assert signer.certificates == (b"leaf",)
    assert is_signature(signer.public_key, signer.sign(b"data"), b"data")


@pytest.mark.parametrize(
    "method", ["", "#k", "did:web:a.example", "did:web:a.example#", "https://a.example#k"]
)
def test_a_verification_method_that_is_no_did_url_with_a_fragment_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="DID URL with a fragment"):
        KeySigner(PRIVATE_KEY, method)


def test_a_key_on_another_curve_does_not_sign() -> None:
    with pytest.raises(ProofInvalid, match="expected a key on P-256 or P-384"):
        KeySigner(ec.generate_private_key(ec.SECP521R1()), "did:web:a.example#k")


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_signer_does_not_show_its_key(algorithm: Algorithm) -> None:
    key: Any = KEYS[algorithm]
    secret = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )[-32:]
    shown = repr(KeySigner(key, "did:web:a.example#k"))

    assert shown == "KeySigner('did:web:a.example#k')"
    assert secret.hex() not in shown
