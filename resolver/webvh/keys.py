"""
The keys that sign logs: Ed25519 multikeys, decoded and checked once. Pure.
"""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from resolver.errors import KeyRefused
from resolver.keys.multikey import decode_multikey

_MULTIKEY_CHARS = 48  # of every Ed25519 key in multibase base58btc


@lru_cache(maxsize=4_096)
def ed25519_of(multikey: str) -> Ed25519PublicKey | None:
    """Return the key of an Ed25519 multikey; None where it is none, or one of those that anybody can forge with."""
    if len(multikey) != _MULTIKEY_CHARS:
        return None
    try:
        key = decode_multikey(multikey).public_key
    except KeyRefused:
        return None
    return key if isinstance(key, Ed25519PublicKey) else None
