"""
The keys of an identity provider: one JSON Web Key to one key with its one algorithm, and signatures by it. Pure.

RFC 7517, 7518 and 8037. The key fixes the algorithm (RFC 8725, sections 3.1 and 3.2). A token signed with RSA is
verified here and nowhere else: identity providers sign so, and nobody whose credentials we judge may.
"""

from collections.abc import Callable
from typing import Any, TypeGuard

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from proofs import JsonObject, Jws, ProofInvalid, is_signature
from proofs.jose import ALGORITHMS, names_of
from wire import decode

# Returns the public key of a JWK, as the `cryptography` package has it; ValueError where it is none that we use.
LoadJwk = Callable[[JsonObject], object]

MAX_JWKS_BYTES = 65_536  # 64 KiB; 100 RSA keys of 2,048 bits
MAX_KEYS = 100  # keys of a set; what is beyond is not looked at
MAX_KEY_ID_CHARS = 256  # characters

# RFC 7518, sections 3.3 and 3.5: the salt is as long as the hash.
_RSA_PADDINGS: dict[str, AsymmetricPadding] = {
    "RS256": PKCS1v15(),
    "PS256": PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH),
}
PROVIDER_ALGORITHMS = ALGORITHMS | _RSA_PADDINGS.keys()


class ProviderKey(msgspec.Struct, frozen=True):
    """
    A key that signs tokens.

    Attributes:
        names: what `alg` of a header must be: one algorithm, which may have two names ("EdDSA", "Ed25519").
    """

    public_key: object
    names: tuple[str, ...]


class _JwkSet(msgspec.Struct, frozen=True):
    """RFC 7517, section 5; members beside `keys` say nothing to us."""

    keys: list[Any]


def read_keys(data: bytes, load: LoadJwk) -> dict[str, ProviderKey]:
    """
    Read a JWK Set: the keys that may sign, by `kid`.

    A key that we cannot use is left out, as RFC 7517 has it (section 5): without a `kid`, of another use or
    algorithm, too weak. Of two with one `kid` the first counts.

    Raises:
        JsonError: over `MAX_JWKS_BYTES`, not the strict JSON that we read, or no set at all.
    """
    keys: dict[str, ProviderKey] = {}
    for jwk in decode(data, _JwkSet, max_bytes=MAX_JWKS_BYTES).keys[:MAX_KEYS]:
        key_id = jwk.get("kid") if isinstance(jwk, dict) else None
        if is_key_id(key_id) and key_id not in keys and (key := _usable(jwk, load)) is not None:
            keys[key_id] = key
    return keys


def is_key_id(value: object) -> TypeGuard[str]:
    """Tell whether `value` can be a `kid`."""
    return isinstance(value, str) and 0 < len(value) <= MAX_KEY_ID_CHARS


def require_signature(jws: Jws, key: ProviderKey) -> None:
    """
    Verify a token that was read.

    Raises:
        ProofInvalid: `alg` is not the key's, or the signature does not verify.
    """
    if jws.algorithm not in key.names:
        raise ProofInvalid(f"the key needs alg {' or '.join(key.names)}, the header says {jws.algorithm}")
    if isinstance(key.public_key, RSAPublicKey):
        is_good = _is_rsa_signature(key.public_key, jws, _RSA_PADDINGS[key.names[0]])
    else:
        is_good = is_signature(key.public_key, jws.signature, jws.signing_input)
    if not is_good:
        raise ProofInvalid("the signature is not this key's over this token")


def _is_rsa_signature(key: RSAPublicKey, jws: Jws, padding: AsymmetricPadding) -> bool:
    try:
        key.verify(jws.signature, jws.signing_input, padding, SHA256())
    except InvalidSignature:
        return False
    return True


def _usable(jwk: JsonObject, load: LoadJwk) -> ProviderKey | None:
    if jwk.get("use", "sig") != "sig" or not _may_verify(jwk.get("key_ops", ["verify"])):
        return None
    try:
        key = load(jwk)
        names = _names_of(key)
    except (ValueError, ProofInvalid):
        return None
    if "alg" not in jwk:
        return ProviderKey(key, names[:1] if isinstance(key, RSAPublicKey) else names)
    return ProviderKey(key, (jwk["alg"],)) if jwk["alg"] in names else None


def _names_of(key: object) -> tuple[str, ...]:
    """Return the names that a JWK's `alg` may have; of RSA the first is meant where it has none, as OIDC does."""
    return tuple(_RSA_PADDINGS) if isinstance(key, RSAPublicKey) else names_of(key)


def _may_verify(operations: object) -> bool:
    return isinstance(operations, list) and "verify" in operations
