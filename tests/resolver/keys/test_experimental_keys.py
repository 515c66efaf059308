"""Ed448, X448, ML-KEM: published keys are taken, and what is no key is refused."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from hypothesis import given
from hypothesis import strategies as st

from resolver.keys.curve25519 import NotAPoint
from resolver.keys.experimental import check_ed448, check_ml_kem, check_x448

P448 = 2**448 - 2**224 - 1


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


@pytest.mark.parametrize("size", [800, 1_184, 1_568])
def test_an_ml_kem_key_is_taken_exactly_when_its_coefficients_are_reduced(size: int) -> None:
    check_ml_kem(bytes(size))
    check_ml_kem(bytes.fromhex("000dd0") * ((size - 32) // 3) + b"\xff" * 32)  # 0xd00 = 3,328 twice

    for bad in (b"\x01\x0d\x00", b"\x00\x10\xd0"):  # 0xd01 = 3,329, first and second
        with pytest.raises(NotAPoint, match="reduced"):
            check_ml_kem(bytes(size - 35) + bad + bytes(32))
