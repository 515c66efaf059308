"""Tokens and key sets of an identity provider: nothing is believed that it did not sign."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from operators.sign_in.keys import MAX_KEYS, PROVIDER_ALGORITHMS, read_keys
from operators.sign_in.tokens import TokenRefused, read_token, verify_token
from resolver.keys.jwk import jwk_to_key
from tests.operators.sign_in.provider import (
    ACCEPTED,
    NOW,
    access_claims,
    access_token,
    id_claims,
    id_token,
    jwk_named,
    jwks,
    provider_keys,
)
from wire import JsonError

_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
TOKENS = [token(by=name).encode() for name in _ALGORITHMS for token in (access_token, id_token)]
KEY_SETS = [jwks(*map(jwk_named, _ALGORITHMS))]


def sign_in_token(data: bytes) -> None:
    """A token that is taken has claims that the provider signed; the rest is refused in words."""
    try:
        read = read_token(data.decode("latin-1"), ACCEPTED)
        key = provider_keys().get(read.key_id)
        if key is None:
            return
        token = verify_token(read, key, ACCEPTED, at=NOW)
    except TokenRefused as refused:
        assert 0 < len(str(refused)) < 400
        assert 0 < len(refused.told) < 100 and refused.told.isascii()
        return
    assert token.claims in (access_claims(), id_claims())


def jwk_set(data: bytes) -> None:
    """A key of a set has one algorithm, which is one of its kind; the rest is left out, or refused in words."""
    try:
        keys = read_keys(data, jwk_to_key)
    except JsonError as error:
        assert 0 < len(str(error)) < 400
        return
    assert len(keys) <= MAX_KEYS
    for key in keys.values():
        assert key.names and set(key.names) <= PROVIDER_ALGORITHMS
        assert isinstance(key.public_key, RSAPublicKey) == (key.names[0] in ("RS256", "PS256"))
