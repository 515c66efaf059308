"""An identity provider in memory: keys of every kind that it may have, its JWK Set, tokens, honest and forged."""

import asyncio
import base64
import json
from functools import cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwcrypto import jwk, jws

from operators.sign_in.key_sets import ProviderAway
from operators.sign_in.keys import ProviderKey, read_keys
from operators.sign_in.tokens import Accepted, Token, read_token, verify_token
from resolver.keys.jwk import jwk_of, jwk_to_key

ISSUER = "https://id.example/realms/house"
AUDIENCE = "https://touchstone.example/operator"
CLIENT_ID = "touchstone-console"
ACCEPTED = Accepted(issuer=ISSUER, audience=AUDIENCE, client_id=CLIENT_ID)
NOW = 1_800_000_000
LEFT_OUT: Any = msgspec.UNSET  # a member that a token has not


@cache
def private_key(name: str) -> Any:
    """Return the provider's key for an algorithm; "other" is somebody else's RSA key."""
    if name == "EdDSA":
        return Ed25519PrivateKey.generate()
    curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1()}.get(name)
    return rsa.generate_private_key(65_537, 2_048) if curve is None else ec.generate_private_key(curve)


def jwk_named(name: str, **members: Any) -> dict[str, Any]:
    """Return the public JWK of a key: its `kid` is the algorithm's name."""
    given = {"kid": name, "alg": name, "use": "sig"} | members
    return jwk_of(private_key(name).public_key()) | {
        member: value for member, value in given.items() if value is not LEFT_OUT
    }


def jwks(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


@cache
def provider_keys() -> dict[str, ProviderKey]:
    names = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
    return read_keys(jwks(*map(jwk_named, names)), jwk_to_key)


def access_claims(**changed: Any) -> dict[str, Any]:
    """Return the claims of an access token as RFC 9068 has it (section 2.2)."""
    return _changed(
        {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "8c2d7a",
            "client_id": "touchstone-cli",
            "iat": NOW - 10,
            "exp": NOW + 300,
            "jti": "1",
        },
        changed,
    )


def id_claims(**changed: Any) -> dict[str, Any]:
    return _changed(
        {"iss": ISSUER, "aud": CLIENT_ID, "sub": "8c2d7a", "iat": NOW - 10, "exp": NOW + 300}, changed
    )


def _changed(claims: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (claims | changed).items() if value is not LEFT_OUT}


def access_token(*, by: str = "RS256", header: dict[str, Any] | None = None, **changed: Any) -> str:
    return signed(access_claims(**changed), by=by, header={"typ": "at+jwt"} | (header or {}))


def id_token(*, by: str = "RS256", header: dict[str, Any] | None = None, **changed: Any) -> str:
    return signed(id_claims(**changed), by=by, header=header)


def signed(claims: Any, *, by: str = "RS256", header: dict[str, Any] | None = None) -> str:
    """Sign with another library than we verify with; `claims` are JSON, or the bytes of the payload."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    protected = {"alg": by, "kid": by} | (header or {})
    token = jws.JWS(payload)
    token.allowed_algs = [protected["alg"]]
    token.add_signature(jwk.JWK.from_pyca(private_key(by)), None, json.dumps(protected), None)
    return str(token.serialize(compact=True))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assembled(header: Any, claims: Any, signature: bytes) -> str:
    """Put a token together as it never came from a provider."""
    return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(claims).encode()), b64(signature)])


def verified(token: str, *, accepted: Accepted = ACCEPTED, at: float = NOW) -> Token:
    """Read and verify a token with the provider's keys, as `SignIn` does."""
    read = read_token(token, accepted)
    return verify_token(read, provider_keys()[read.key_id], accepted, at=at)


class Provider:
    """
    The provider as `KeySet` asks it.

    Attributes:
        keys: the JWKs that it publishes now.
        is_down: it does not answer.
        hangs: it answers when this is set.
        asked: how often it was asked.
    """

    def __init__(self, *names: str) -> None:
        self.keys = [jwk_named(name) for name in names]
        self.is_down = False
        self.hangs: asyncio.Event | None = None
        self.asked = 0

    async def fetch(self) -> bytes:
        self.asked += 1
        if self.hangs is not None:
            await self.hangs.wait()
        if self.is_down:
            raise ProviderAway("down")
        return jwks(*self.keys)
