"""
DIDs of the method key that nobody has seen before, of every type that resolvers know.
"""

import random
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256K1,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from resolver.encoding import encode_base58btc


def _edwards(code: bytes, new: Callable[[], Any]) -> Callable[[], bytes]:
    return lambda: code + new().public_key().public_bytes_raw()


def _weierstrass(code: bytes, curve: EllipticCurve) -> Callable[[], bytes]:
    def new() -> bytes:
        public_key = generate_private_key(curve).public_key()
        return code + public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    return new


# The multicodec code as a varint, and the raw key.
KINDS: dict[str, Callable[[], bytes]] = {
    "ed25519": _edwards(b"\xed\x01", Ed25519PrivateKey.generate),
    "p256": _weierstrass(b"\x80\x24", SECP256R1()),
    "secp256k1": _weierstrass(b"\xe7\x01", SECP256K1()),
    "p384": _weierstrass(b"\x81\x24", SECP384R1()),
    "p521": _weierstrass(b"\x82\x24", SECP521R1()),
    "x25519": _edwards(b"\xec\x01", X25519PrivateKey.generate),
}


def new_did(kind: str) -> str:
    """Return a did:key of one of `KINDS`."""
    return f"did:key:z{encode_base58btc(KINDS[kind]())}"


def new_dids(count: int, *kinds: str) -> list[str]:
    """Return so many DIDs, of `kinds` in turn."""
    return [new_did(kind) for kind, _ in zip(cycle(kinds), range(count), strict=False)]


def write_paths(file: Path, dids: Iterator[str] | list[str]) -> Path:
    """Write the paths that resolve `dids` into `file`, one a line, for `benchmarks.load`."""
    file.write_text("".join(f"/1.0/identifiers/{did}\n" for did in dids))
    return file


def drawn(dids: list[str], count: int) -> Iterator[str]:
    """Draw so many of `dids` at random, each time of all; the same in every run."""
    return iter(random.Random(1).choices(dids, k=count))
