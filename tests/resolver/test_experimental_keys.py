"""Ed448, X448, BLS12-381, ML-KEM: published keys are taken, and what is no key is refused."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from hypothesis import given
from hypothesis import strategies as st

from resolver import experimental_keys
from resolver.curve25519 import NotAPoint
from resolver.experimental_keys import (
    check_bls12_381_g1,
    check_bls12_381_g1g2,
    check_bls12_381_g2,
    check_ed448,
    check_ml_kem,
    check_x448,
)

P448 = 2**448 - 2**224 - 1
P381 = experimental_keys._P381
# The generators of G1 and G2, compressed (draft-irtf-cfrg-pairing-friendly-curves-11, section 4.2.1).
G1 = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
)
G2 = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)


def _is_taken(check: Callable[[bytes], None], key: bytes) -> bool:
    try:
        check(key)
    except NotAPoint:
        return False
    return True


@given(st.binary(min_size=57, max_size=57))
def test_a_generated_ed448_key_is_taken(seed: bytes) -> None:
    check_ed448(Ed448PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


@given(st.binary(min_size=56, max_size=56))
def test_a_generated_x448_key_is_taken(seed: bytes) -> None:
    check_x448(X448PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def test_about_half_of_all_y_are_on_the_curve_of_ed448() -> None:
    assert 60 < sum(_is_taken(check_ed448, y.to_bytes(57, "little")) for y in range(2, 202)) < 140


@pytest.mark.parametrize("y", [0, 1, P448 - 1])
@pytest.mark.parametrize("sign", [0, 0x80])
def test_an_ed448_key_of_small_order_is_refused(y: int, sign: int) -> None:
    with pytest.raises(NotAPoint, match="small order"):
        check_ed448(y.to_bytes(56, "little") + bytes([sign]))


@pytest.mark.parametrize("key", [P448.to_bytes(57, "little"), bytes([2]) + bytes(55) + b"\x01", b"\xff" * 57])
def test_an_ed448_key_that_is_not_canonical_is_refused(key: bytes) -> None:
    with pytest.raises(NotAPoint, match="canonical"):
        check_ed448(key)


@pytest.mark.parametrize("u", [0, 1, P448 - 1])
def test_an_x448_key_that_gives_a_zero_secret_is_refused(u: int) -> None:
    key = u.to_bytes(56, "little")
    with pytest.raises(ValueError, match=r".*"):
        X448PrivateKey.from_private_bytes(b"\x42" * 56).exchange(X448PublicKey.from_public_bytes(key))

    with pytest.raises(NotAPoint, match="small order"):
        check_x448(key)


@pytest.mark.parametrize("u", [P448, P448 + 5, 2**448 - 1])
def test_an_x448_key_that_is_not_canonical_is_refused(u: int) -> None:
    with pytest.raises(NotAPoint, match="canonical"):
        check_x448(u.to_bytes(56, "little"))


def test_the_generators_of_bls12_381_are_taken() -> None:
    check_bls12_381_g1(G1)
    check_bls12_381_g2(G2)
    check_bls12_381_g1g2(G1 + G2)


@pytest.mark.parametrize(("check", "key"), [(check_bls12_381_g1, G1), (check_bls12_381_g2, G2)])
def test_the_flags_of_a_bls12_381_point_are_checked(check: Callable[[bytes], None], key: bytes) -> None:
    with pytest.raises(NotAPoint, match="compressed"):
        check(bytes([key[0] & 0x7F]) + key[1:])
    with pytest.raises(NotAPoint, match="infinity"):
        check(b"\xc0" + bytes(len(key) - 1))
    with pytest.raises(NotAPoint, match="canonical"):
        check(b"\x9f" + b"\xff" * (len(key) - 1))
    check(bytes([key[0] ^ 0x20]) + key[1:])  # The other root is the negative point.


def test_a_second_coordinate_beyond_the_field_is_refused() -> None:
    with pytest.raises(NotAPoint, match="canonical"):
        check_bls12_381_g2(G2[:48] + P381.to_bytes(48))


def test_about_half_of_all_x_are_on_the_curves_of_bls12_381() -> None:
    g1 = [_is_taken(check_bls12_381_g1, b"\x80" + x.to_bytes(47)) for x in range(200)]
    g2 = [_is_taken(check_bls12_381_g2, b"\x80" + bytes(47) + x.to_bytes(48)) for x in range(200)]

    assert 60 < sum(g1) < 140
    assert 60 < sum(g2) < 140


def test_a_norm_tells_the_squares_of_the_extension() -> None:
    """Of (a + b i)^2 each is taken as a right-hand side; of a non-square times it none is."""

    def norm_is_square(real: int, imaginary: int) -> bool:
        return pow(real * real + imaginary * imaginary, (P381 - 1) // 2, P381) == 1

    for a, b in ((3, 5), (7, 11), (2, P381 - 1)):
        real, imaginary = a * a - b * b, 2 * a * b
        assert norm_is_square(real, imaginary)
        # 1 + i is no square: its norm is 2, which is none modulo p.
        assert not norm_is_square(real - imaginary, real + imaginary)


@pytest.mark.parametrize("size", [800, 1_184, 1_568])
def test_an_ml_kem_key_is_taken_exactly_when_its_coefficients_are_reduced(size: int) -> None:
    check_ml_kem(bytes(size))
    check_ml_kem(bytes.fromhex("000dd0") * ((size - 32) // 3) + b"\xff" * 32)  # 0xd00 = 3,328 twice

    for bad in (b"\x01\x0d\x00", b"\x00\x10\xd0"):  # 0xd01 = 3,329, first and second
        with pytest.raises(NotAPoint, match="reduced"):
            check_ml_kem(bytes(size - 35) + bad + bytes(32))
