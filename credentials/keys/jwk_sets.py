"""
The keys of a JWK Set that may have signed a credential, and which of them did. Pure.

RFC 7517, section 5. A key that we cannot use is passed over, as that section has it: another key type or use,
members missing, a private key. The key fixes the algorithm (RFC 8725, section 3.1), and its `alg` must agree.
"""

from collections.abc import Sequence

import msgspec

from credentials.errors import KeyNotIssuers
from proofs import Algorithm, JsonObject, ProofInvalid
from proofs.algorithms import algorithm_of
from proofs.jose import names_of
from resolver.errors import KeyRefused
from resolver.keys.jwk import jwk_to_key

MAX_KEYS = 64  # keys of a set; each costs up to 0.2 ms to read


class SetKey(msgspec.Struct, frozen=True):
    """A key of a set; `id` is its `kid`, None where it has none."""

    id: str | None
    algorithm: Algorithm
    public_key: object


def read_key_set(value: object) -> tuple[SetKey, ...]:
    """
    Return the keys of a set that may verify a signature; perhaps none.

    Raises:
        ValueError: it is no JWK Set, or has over `MAX_KEYS`.
    """
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise ValueError(f"expected a JWK Set, an object with at most {MAX_KEYS} keys")
    found = (_read_key(jwk) for jwk in keys if isinstance(jwk, dict))
    return tuple(key for key in found if key is not None)


def choose_key(keys: Sequence[SetKey], key_id: str | None, algorithm: Algorithm) -> SetKey:
    """
    Return the one key of that `kid`, and of that algorithm; without a `kid`, the only one of the algorithm.

    Two keys may share a `kid` where their types differ (RFC 7517, section 4.5). Nothing is tried: of several that
    fit, none is taken.

    Raises:
        KeyNotIssuers: there is none, or more than one.
    """
    named = [key for key in keys if key_id in (None, key.id)]
    fitting = [key for key in named if key.algorithm is algorithm]
    if len(fitting) != 1:
        which = "that the token names" if key_id is not None else "that fits the token, which names none"
        raise KeyNotIssuers(
            f"expected one key for {algorithm} {which} in the issuer's key set, found {len(fitting)}"
        )
    return fitting[0]


def _read_key(jwk: JsonObject) -> SetKey | None:
    key_id, operations = jwk.get("kid"), jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        public_key = jwk_to_key(jwk)
        if jwk.get("alg", names_of(public_key)[0]) not in names_of(public_key):
            return None
        algorithm = algorithm_of(public_key)
    except (KeyRefused, ProofInvalid):
        return None
    return SetKey(key_id if isinstance(key_id, str) else None, algorithm, public_key)
