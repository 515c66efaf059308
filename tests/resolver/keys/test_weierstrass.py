"""Compressed points: what we take is what `cryptography` loads, and what the published curves contain."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from resolver.keys.curve25519 import NotAPoint
from resolver.keys.jwk import CURVES as LOADED
from resolver.keys.weierstrass import CURVES, check_compressed, check_x

# The base point of SM2's curve (GB/T 32918.5-2017, section 5) and of secp256k1 (SEC 2 v2, section 2.4.1).
SM2_GENERATOR = "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
SECP256K1_GENERATOR = "79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798"


def _is_taken(name: str, point: bytes) -> bool:
    try:
        check_compressed(point, CURVES[name])
    except NotAPoint:
        return False
    return True


def _is_loaded(name: str, point: bytes) -> bool:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(LOADED[name], point)
    except ValueError:
        return False
    return True


@given(st.sampled_from(sorted(LOADED)), st.data())
def test_a_point_is_taken_exactly_when_cryptography_loads_it(name: str, data: st.DataObject) -> None:
    size, p = (LOADED[name].key_size + 7) // 8, CURVES[name].p
    x = data.draw(st.integers(0, p - 1) | st.integers(0, 99) | st.integers(p - 99, p + 99))
    tag = data.draw(st.sampled_from([2, 3]) | st.integers(0, 255))
    point = bytes([tag]) + (x % (1 << 8 * size)).to_bytes(size)

    assert _is_taken(name, point) == _is_loaded(name, point)


@given(st.sampled_from(sorted(LOADED)), st.integers(1, 2**255))
def test_a_generated_key_is_taken(name: str, scalar: int) -> None:
    numbers = ec.derive_private_key(scalar, LOADED[name]).public_key().public_numbers()
    size = (LOADED[name].key_size + 7) // 8

    check_compressed(bytes([2 + numbers.y % 2]) + numbers.x.to_bytes(size), CURVES[name])


@pytest.mark.parametrize(("curve", "x"), [("SM2", SM2_GENERATOR), ("secp256k1", SECP256K1_GENERATOR)])
def test_a_published_base_point_is_taken_and_half_of_its_neighbours_are_not(curve: str, x: str) -> None:
    first = int(x, 16)
    check_x(first.to_bytes(32), CURVES[curve])

    taken = [_is_taken(curve, b"\x02" + number.to_bytes(32)) for number in range(first, first + 200)]

    assert 60 < sum(taken) < 140
