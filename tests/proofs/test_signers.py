"""What every signer does, whatever holds its key: a file, or a PKCS#11 token."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from proofs import (
    MAX_JWS_BYTES,
    Algorithm,
    KeySigner,
    Signer,
    Transformation,
    add_proof,
    create_key_file,
    is_signature,
    proof_of,
    read_compact,
    read_key_file,
    sign_compact,
    verify_compact,
    verify_proof,
)
from proofs.certificates import certificate_request
from tests.proofs.documents import a_status_list
from tests.softhsm import SoftHsm

DID = "did:web:lists.example"
METHOD = f"{DID}#key-1"
NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
THREADS = 10


def in_file(algorithm: Algorithm, directory: Path) -> Signer:
    create_key_file(directory / "key.pem", algorithm)
    return KeySigner(read_key_file(directory / "key.pem"), METHOD, METHOD + "-jwk", (b"leaf",))


def in_token(algorithm: Algorithm, softhsm: SoftHsm) -> Signer:
    from proofs.pkcs11 import Token

    token = Token(softhsm.module, softhsm.label, softhsm.pin_file)
    key = token.create_key(algorithm, lambda _: "key-1")
    return token.signer(key.locator, METHOD, METHOD + "-jwk", (b"leaf",))


@pytest.fixture(params=Algorithm)
def algorithm(request: pytest.FixtureRequest) -> Algorithm:
    return Algorithm(request.param)


@pytest.fixture(params=["file", "token"])
def signer(request: pytest.FixtureRequest, algorithm: Algorithm, tmp_path: Path) -> Iterator[Signer]:
    if request.param == "file":
        yield in_file(algorithm, tmp_path)
    else:
        yield in_token(algorithm, request.getfixturevalue("softhsm"))


def test_a_signer_knows_its_method_its_controller_and_its_key(signer: Signer, algorithm: Algorithm) -> None:
    assert signer.algorithm is algorithm
    assert signer.verification_method == METHOD
    assert signer.jws_key_id == METHOD + "-jwk"
    assert signer.controller == DID
    assert signer.certificates == (b"leaf",)


@pytest.mark.parametrize("data", [b"", b"data", bytes(100_000)], ids=["nothing", "a little", "much"])
def test_its_signatures_are_raw_and_verify(signer: Signer, algorithm: Algorithm, data: bytes) -> None:
    signature = signer.sign(data)

    assert len(signature) == algorithm.signature_size
    assert is_signature(signer.public_key, signature, data)
    assert not is_signature(signer.public_key, signature, data + b"!")


def test_it_signs_tokens(signer: Signer, algorithm: Algorithm) -> None:
    token = sign_compact(b"payload", header={"typ": "vc+jwt"}, signer=signer)

    assert verify_compact(token, signer.public_key).payload == b"payload"
    header = read_compact(token, max_bytes=MAX_JWS_BYTES).header
    assert header == {"alg": algorithm.jose, "kid": METHOD + "-jwk", "typ": "vc+jwt"}


@pytest.mark.parametrize("transformation", ["rdfc", "jcs"])
def test_it_signs_documents(signer: Signer, transformation: Transformation) -> None:
    document = add_proof(a_status_list(), signer, transformation)

    verify_proof(document, signer.public_key, now=NOW)
    assert proof_of(document).verification_method == METHOD


@pytest.mark.parametrize("algorithm", [Algorithm.P256, Algorithm.P384], indirect=True)
def test_it_signs_requests_for_certificates(signer: Signer) -> None:
    request = x509.load_pem_x509_csr(certificate_request(signer, "CN=Lists"))

    assert request.is_signature_valid
    assert request.public_key() == signer.public_key


def test_ten_threads_sign_at_once(signer: Signer) -> None:
    data = [number.to_bytes(4) for number in range(100)]
    with ThreadPoolExecutor(THREADS) as threads:
        signatures = list(threads.map(signer.sign, data))

    assert all(map(is_signature, [signer.public_key] * len(data), signatures, data))


def test_it_shows_its_method_and_no_more(signer: Signer) -> None:
    assert repr(signer) == f"{type(signer).__name__}('{METHOD}')"
