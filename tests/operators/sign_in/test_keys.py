"""The JWK Set of an identity provider: which keys sign, and with what; the others are left out."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from operators.sign_in.keys import MAX_JWKS_BYTES, MAX_KEYS, read_keys
from resolver.keys.jwk import jwk_of, jwk_to_key
from tests.operators.sign_in.provider import LEFT_OUT, b64, jwk_named, jwks
from wire import JsonError


def names_of(*keys: Any) -> dict[str, tuple[str, ...]]:
    return {key_id: key.names for key_id, key in read_keys(jwks(*keys), jwk_to_key).items()}


def rsa_jwk(bits: int, exponent: int = 65_537) -> dict[str, Any]:
    """Return an RSA key of a size, or an exponent, that no library makes."""
    modulus = (1 << (bits - 1)) | 1
    return {"kty": "RSA", "kid": "weak", "n": _uint(modulus), "e": _uint(exponent)}


def _uint(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8))


@pytest.mark.parametrize("name", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_a_key_signs_with_the_algorithm_that_it_names(name: str) -> None:
    assert names_of(jwk_named(name)) == {name: (name,)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("RS256", ("RS256",)), ("ES256", ("ES256",)), ("ES384", ("ES384",)), ("EdDSA", ("EdDSA", "Ed25519"))],
)
def test_a_key_that_names_no_algorithm_has_one(name: str, expected: tuple[str, ...]) -> None:
    """Entra ID names none. RSA is RS256 then, as OpenID Connect has it by default, and never PS256 too."""
    assert names_of(jwk_named(name, alg=LEFT_OUT, use=LEFT_OUT)) == {name: expected}


@pytest.mark.parametrize(
    "members",
    [
        {"alg": "RS512"},
        {"alg": "RSA-OAEP"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": None},
        {"alg": ["RS256"]},
        {"use": "enc"},
        {"use": None},
        {"key_ops": ["sign"]},
        {"key_ops": ["encrypt", "wrapKey"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"kid": LEFT_OUT},
        {"kid": ""},
        {"kid": 7},
        {"kid": "k" * 257},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "unknown"},
        {"d": "AQAB"},
        {"n": "AQAB"},
        {"e": None},
    ],
    ids=str,
)
def test_a_key_that_may_not_verify_is_left_out(members: dict[str, Any]) -> None:
    good = jwk_named("ES256")

    assert names_of(jwk_named("RS256", **members), good) == {"ES256": ("ES256",)}


WEAK = {
    "1,024 bits": rsa_jwk(1_024),
    "2,047 bits": rsa_jwk(2_047),
    "8,193 bits": rsa_jwk(8_193),
    "e = 3": rsa_jwk(2_048, 3),
    "e is even": rsa_jwk(2_048, 65_538),
    "e over 2^32": rsa_jwk(2_048, 2**32 + 1),
    "P-521": jwk_of(ec.generate_private_key(ec.SECP521R1()).public_key()) | {"kid": "weak"},
    "secp256k1": jwk_of(ec.generate_private_key(ec.SECP256K1()).public_key()) | {"kid": "weak"},
    "X25519": jwk_of(X25519PrivateKey.generate().public_key()) | {"kid": "weak"},
    "small order": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": "weak"},
    "a text": "no key",
    "null": None,
    "a list": [],
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weak_or_foreign_key_is_left_out(name: str) -> None:
    assert names_of(WEAK[name], jwk_named("ES256")) == {"ES256": ("ES256",)}


def test_rsa_keys_of_8192_bits_are_taken() -> None:
    assert names_of(rsa_jwk(8_192), rsa_jwk(2_048, 2**32 - 1) | {"kid": "b"}) == {
        "weak": ("RS256",),
        "b": ("RS256",),
    }


def test_the_first_key_of_an_id_counts() -> None:
    assert names_of(jwk_named("ES256", kid="a"), jwk_named("ES384", kid="a")) == {"a": ("ES256",)}


def test_what_is_beyond_the_cap_is_not_looked_at() -> None:
    keys = [jwk_named("EdDSA", kid=str(number)) for number in range(MAX_KEYS + 1)]

    assert len(names_of(*keys)) == MAX_KEYS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"<html>",
        b'{"keys":{}}',
        b'{"keys":null}',
        b'{"keys":[],"keys":[]}',
        b'{"keys":[' + b" " * MAX_JWKS_BYTES + b"]}",
    ],
    ids=lambda data: str(data[:30]),
)
def test_what_is_no_key_set_is_refused(data: bytes) -> None:
    with pytest.raises(JsonError):
        read_keys(data, jwk_to_key)
