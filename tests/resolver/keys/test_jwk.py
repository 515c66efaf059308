"""JSON Web Keys: round trips, and the keys that are refused."""

from typing import Any

import pytest

from resolver.encoding import encode_base64url
from resolver.errors import KeyRefused, KeyTypeUnsupported
from resolver.keys.jwk import PRIVATE_MEMBERS, check_rsa, jwk_of, jwk_to_key
from tests.keys import KEYS


@pytest.mark.parametrize("codec", KEYS)
def test_a_jwk_reads_back_as_the_key_it_was_made_of(codec: str) -> None:
    assert jwk_to_key(jwk_of(KEYS[codec])) == KEYS[codec]


@pytest.mark.parametrize("bits", [2_047, 8_193])
def test_an_rsa_modulus_out_of_bounds_is_refused(bits: int) -> None:
    with pytest.raises(KeyRefused, match="modulus"):
        check_rsa((1 << (bits - 1)) + 1, 65_537)


def test_an_even_rsa_modulus_is_refused() -> None:
    with pytest.raises(KeyRefused, match="modulus"):
        check_rsa(1 << 2_047, 65_537)


@pytest.mark.parametrize("exponent", [1, 3, 65_535, 65_536, 65_538, 2**32, 2**32 + 1])
def test_an_rsa_exponent_out_of_bounds_is_refused(exponent: int) -> None:
    with pytest.raises(KeyRefused, match="exponent"):
        check_rsa((1 << 2_047) + 1, exponent)


@pytest.mark.parametrize("member", sorted(PRIVATE_MEMBERS))
@pytest.mark.parametrize("codec", ["p256-pub", "ed25519-pub", "rsa-pub"])
def test_a_private_member_is_refused_and_not_repeated(codec: str, member: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        jwk_to_key(jwk_of(KEYS[codec]) | {member: "c2VjcmV0LXZhbHVl"})

    assert "c2VjcmV0LXZhbHVl" not in str(refused.value)


@pytest.mark.parametrize(
    ("codec", "change"),
    [
        ("p256-pub", {"x": None}),
        ("p256-pub", {"x": 5}),
        ("p256-pub", {"x": ["AQ"]}),
        ("p256-pub", {"x": ""}),
        ("p256-pub", {"y": encode_base64url(bytes(32))}),
        ("p256-pub", {"y": encode_base64url(b"\xff" * 32)}),
        ("p256-pub", {"crv": "P-384"}),
        ("p256-pub", {"crv": None}),
        ("p256-pub", {"kty": None}),
        ("p256-pub", {"kty": ["EC"]}),
        ("ed25519-pub", {"x": encode_base64url(bytes(32))}),
        ("ed25519-pub", {"x": encode_base64url(b"\x02" + bytes(31))}),
        ("ed25519-pub", {"x": encode_base64url(bytes(31))}),
        ("x25519-pub", {"x": encode_base64url(bytes(32))}),
        ("rsa-pub", {"e": "AAEAAQ"}),
        ("rsa-pub", {"e": "Aw"}),
        ("rsa-pub", {"n": ""}),
        ("rsa-pub", {"n": "AQAB"}),
    ],
)
def test_a_jwk_that_is_no_key_of_its_type_is_refused(codec: str, change: dict[str, Any]) -> None:
    with pytest.raises(KeyRefused):
        jwk_to_key(jwk_of(KEYS[codec]) | change)


def test_padding_in_a_jwk_is_refused() -> None:
    jwk = jwk_of(KEYS["p256-pub"])

    with pytest.raises(KeyRefused):
        jwk_to_key(jwk | {"x": jwk["x"] + "="})


@pytest.mark.parametrize(("kty", "crv"), [("AKP", ""), ("OKP", "Ed448"), ("EC", "BP-256")])
def test_a_jwk_of_another_type_is_unsupported(kty: str, crv: str) -> None:
    with pytest.raises(KeyTypeUnsupported):
        jwk_to_key({"kty": kty, "crv": crv})
