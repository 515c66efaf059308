"""Compact JWS, ours and other libraries'. jwcrypto is the oracle. Forgeries: `test_jose_forgeries.py`."""

import base64
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwcrypto import jwk, jws

from proofs import Algorithm, KeySigner, read_compact, sign_compact, verify_compact
from proofs.certificates.chains import MAX_CHAIN_BYTES
from tests.proofs.documents import KEYS, PRIVATE_KEY, PUBLIC_KEY, SIGNER, SIGNERS
from tests.proofs.tokens import P256, P384, PAYLOAD, our_token, signed_by_jwcrypto, signed_by_us


def test_our_token_verifies() -> None:
    token = verify_compact(our_token(), PUBLIC_KEY)

    assert token.payload == PAYLOAD
    assert token.header == {"alg": "EdDSA", "kid": SIGNER.verification_method, "typ": "vc+jwt", "cty": "vc"}


@pytest.mark.parametrize("algorithm", Algorithm)
def test_our_token_is_the_same_each_time(algorithm: Algorithm) -> None:
    assert our_token(SIGNERS[algorithm]) == our_token(SIGNERS[algorithm])


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [(Algorithm.ED25519, "EdDSA"), (Algorithm.P256, "ES256"), (Algorithm.P384, "ES384")],
    ids=str,
)
def test_our_token_verifies_in_another_library(algorithm: Algorithm, name: str) -> None:
    signer = SIGNERS[algorithm]
    token = jws.JWS()
    token.deserialize(our_token(signer).decode(), jwk.JWK.from_pyca(signer.public_key), alg=name)

    assert token.payload == PAYLOAD
    assert verify_compact(our_token(signer), signer.public_key).algorithm == name


@pytest.mark.parametrize(
    ("private_key", "algorithm"),
    [(PRIVATE_KEY, "EdDSA"), (P256, "ES256"), (P384, "ES384")],
    ids=("EdDSA", "ES256", "ES384"),
)
def test_a_token_of_another_library_verifies(private_key: Any, algorithm: str) -> None:
    token = signed_by_jwcrypto(private_key, algorithm)

    assert verify_compact(token, private_key.public_key()).payload == PAYLOAD


def test_the_new_name_of_ed25519_verifies() -> None:
    """RFC 9864, section 2.2."""
    assert verify_compact(signed_by_us(b'{"alg":"Ed25519"}'), PUBLIC_KEY).algorithm == "Ed25519"


def test_the_vector_of_rfc_8037_verifies() -> None:
    """RFC 8037, appendix A.4, with the key of appendix A.2."""
    key = Ed25519PublicKey.from_public_bytes(
        base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    )
    token = (
        b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6"
        b"dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )

    assert verify_compact(token, key).payload == b"Example of Ed25519 signing"


def test_the_caller_cannot_choose_the_algorithm() -> None:
    with pytest.raises(ValueError, match="alg"):
        sign_compact(PAYLOAD, header={"alg": "none"}, signer=SIGNER)


def test_the_caller_may_name_the_key() -> None:
    token = sign_compact(PAYLOAD, header={"kid": "did:web:a.example#other"}, signer=SIGNER)

    assert read_compact(token, max_bytes=10_000).header["kid"] == "did:web:a.example#other"


@pytest.mark.parametrize("certificates", [(b"leaf",), (b"leaf", b"intermediate")], ids=["one", "two"])
def test_certificates_that_name_the_key_are_in_the_header(certificates: tuple[bytes, ...]) -> None:
    """RFC 7515, section 4.1.6: an array, base64 with padding, the key's own first; and no other name of the key."""
    signer = KeySigner(KEYS[Algorithm.P256], "did:web:a.example#k", certificates=certificates)

    header = verify_compact(
        sign_compact(PAYLOAD, header={"typ": "JWT"}, signer=signer, key_name="certificates"),
        signer.public_key,
    ).header

    assert header.keys() == {"alg", "typ", "x5c"}
    assert [base64.b64decode(text, validate=True) for text in header["x5c"]] == list(certificates)


def test_a_key_that_has_certificates_is_named_by_its_did_url_unless_asked_otherwise() -> None:
    signer = KeySigner(KEYS[Algorithm.P256], "did:web:a.example#k", certificates=(b"leaf",))

    header = verify_compact(sign_compact(PAYLOAD, header={}, signer=signer), signer.public_key).header

    assert header == {"alg": "ES256", "kid": "did:web:a.example#k"}


def test_a_key_without_certificates_cannot_be_named_by_them() -> None:
    with pytest.raises(ValueError, match="has no certificates"):
        sign_compact(PAYLOAD, header={}, signer=SIGNER, key_name="certificates")


def test_the_longest_chain_that_is_imported_is_read_with_the_longest_kid() -> None:
    chain = tuple(bytes(MAX_CHAIN_BYTES // 4) for _ in range(4))
    signer = KeySigner(KEYS[Algorithm.P256], "did:web:a.example#k", certificates=chain)
    header = {"kid": "did:web:a.example:" + "x" * 4_096, "typ": "statuslist+jwt"}

    token = sign_compact(PAYLOAD, header=header, signer=signer, key_name="certificates")

    assert len(verify_compact(token, signer.public_key).header["x5c"]) == 4


def test_importing_proofs_does_not_load_rfc8785() -> None:
    code = "import proofs, sys; sys.exit(any(name in sys.modules for name in ('rfc8785', 'httpx')))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
