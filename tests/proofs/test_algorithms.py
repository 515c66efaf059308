"""What belongs to each algorithm, and raw signatures: vectors of RFC 6979, and what is not taken for one."""

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from proofs import Algorithm, ProofInvalid, algorithm_of, is_signature, sign_with
from tests.proofs.documents import KEYS

each_algorithm = pytest.mark.parametrize("algorithm", Algorithm)

# RFC 6979, appendix A.2.5 (P-256 with SHA-256) and A.2.6 (P-384 with SHA-384): private key, message, r and s.
KEY_OF_A_2_5 = ec.derive_private_key(
    0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
)
KEY_OF_A_2_6 = ec.derive_private_key(
    0x6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5,
    ec.SECP384R1(),
)
RFC_6979 = [
    (
        KEY_OF_A_2_5,
        b"sample",
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ),
    (
        KEY_OF_A_2_5,
        b"test",
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
        "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
    ),
    (
        KEY_OF_A_2_6,
        b"sample",
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
        "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8",
    ),
    (
        KEY_OF_A_2_6,
        b"test",
        "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB0542A7F0812998DA8F1DD3CA3CF023DB",
        "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E06A739F040649A667BF3B828246BAA5A5",
    ),
]


@pytest.mark.parametrize(("key", "message", "r", "s"), RFC_6979, ids=lambda value: str(value)[:12])
def test_the_vectors_of_rfc_6979(key: ec.EllipticCurvePrivateKey, message: bytes, r: str, s: str) -> None:
    signature = sign_with(key, message)

    assert signature.hex().upper() == r + s
    assert is_signature(key.public_key(), signature, message)


@each_algorithm
def test_a_signature_is_the_same_each_time_and_of_the_size_of_its_algorithm(algorithm: Algorithm) -> None:
    signatures = {sign_with(KEYS[algorithm], b"data") for _ in range(5)}

    assert [len(signature) for signature in signatures] == [algorithm.signature_size]


@each_algorithm
def test_numbers_with_leading_zeros_keep_their_width(algorithm: Algorithm) -> None:
    """One signature in some 128 has R or S with a leading zero byte; its width stays."""
    signatures = [sign_with(KEYS[algorithm], str(number).encode()) for number in range(600)]
    half = algorithm.signature_size // 2

    assert {len(signature) for signature in signatures} == {algorithm.signature_size}
    assert any(0 in (signature[0], signature[half]) for signature in signatures)
    assert all(
        is_signature(KEYS[algorithm].public_key(), signature, str(number).encode())
        for number, signature in enumerate(signatures)
    )


@each_algorithm
def test_public_and_private_key_are_of_one_algorithm(algorithm: Algorithm) -> None:
    assert algorithm_of(KEYS[algorithm]) is algorithm_of(KEYS[algorithm].public_key()) is algorithm


@each_algorithm
def test_the_digest_has_the_size_that_the_suite_says(algorithm: Algorithm) -> None:
    assert hashlib.new(algorithm.hash_name).digest_size == {"P-384": 48}.get(algorithm, 32)


@each_algorithm
def test_another_message_or_key_or_bit_does_not_verify(algorithm: Algorithm) -> None:
    key = KEYS[algorithm].public_key()
    good = sign_with(KEYS[algorithm], b"data")
    flipped = [bytes((*good[:at], good[at] ^ 1, *good[at + 1 :])) for at in range(len(good))]

    assert not is_signature(key, good, b"Data")
    assert not any(is_signature(key, bad, b"data") for bad in flipped)
    assert not any(
        is_signature(other.public_key(), good, b"data")
        for name, other in KEYS.items()
        if name is not algorithm
    )


@each_algorithm
def test_a_signature_of_another_size_or_coding_does_not_verify(algorithm: Algorithm) -> None:
    key = KEYS[algorithm].public_key()
    good = sign_with(KEYS[algorithm], b"data")
    half = algorithm.signature_size // 2
    padded = bytes(1) + good[:half] + bytes(1) + good[half:]

    for bad in (b"", good[:-1], good + b"\0", padded, bytes(len(good)), b"\xff" * len(good)):
        assert not is_signature(key, bad, b"data")


@pytest.mark.parametrize("algorithm", [Algorithm.P256, Algorithm.P384])
def test_a_signature_in_der_does_not_verify(algorithm: Algorithm) -> None:
    """X.509 writes ECDSA so; JOSE, COSE and Data Integrity do not."""
    key: Any = KEYS[algorithm]
    hash_algorithm = ec.hashes.SHA384() if algorithm is Algorithm.P384 else ec.hashes.SHA256()

    assert not is_signature(key.public_key(), key.sign(b"data", ec.ECDSA(hash_algorithm)), b"data")


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate(),
        b"secret",
        None,
    ],
    ids=["RSA", "P-521", "secp256k1", "X25519", "bytes", "None"],
)
def test_a_key_of_another_kind_is_of_no_algorithm(key: object) -> None:
    with pytest.raises(ProofInvalid, match="expected"):
        algorithm_of(key)
    with pytest.raises(ProofInvalid, match="expected"):
        is_signature(key, bytes(64), b"data")
