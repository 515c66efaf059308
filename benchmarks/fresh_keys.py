"""
Resolutions of did:key that were never seen before, in process, beside a yardstick.

The yardstick: `cryptography` loads the key from its raw bytes, and msgspec encodes the finished result. Loading
computes the point of a P-256 key, of which we compute only whether it exists, and checks only the length of an
Ed25519 key; checking that point, and deriving its X25519 key (did:key v0.9), are ours on top, as are parsing,
base58, building the document and the ETag. With gmpy2 (decision 0015) these cost a third. The one without
derivation is measured without HTTP's part, `resolve_local` and JSON, as libraries are.
Both are counted in CPU time of this process, so that a neighbour on the machine does not count.
"""

import time
from collections.abc import Callable, Sequence

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.result import Result, compared
from resolver import Options, Resolver
from resolver.binding.answering import answer_now
from resolver.binding.request import read_request
from resolver.encoding import encode_base58btc
from resolver.keys.arithmetic import HAS_GMPY2

ROUNDS = 5
KEYS = 1_000  # per round and kind
RIVAL = "cryptography loads the key, msgspec encodes the same result" + (
    "; gmpy2 is there" if HAS_GMPY2 else "; gmpy2 is not there"
)
_NOT_DERIVED = Options(enable_encryption_key_derivation=False)
_BASE = b"/1.0/identifiers/"
_ED25519, _P256 = b"\xed\x01", b"\x80\x24"  # multicodec codes as varints


def measure() -> list[Result]:
    """Return resolutions a second for Ed25519, with its X25519 key and without, and for P-256."""
    load = Ed25519PublicKey.from_public_bytes
    return [
        _kind("fresh_did_key_ed25519", _ED25519, _new_ed25519, load),
        _kind("fresh_did_key_ed25519_not_derived", _ED25519, _new_ed25519, load, _NOT_DERIVED),
        _kind("fresh_did_key_p256", _P256, _new_p256, _load_p256),
    ]


def _kind(
    name: str,
    code: bytes,
    new: Callable[[], bytes],
    load: Callable[[bytes], object],
    options: Options | None = None,
) -> Result:
    resolver = Resolver()
    ours, theirs = [], []
    for number in range(ROUNDS + 1):
        keys = [new() for _ in range(KEYS)]
        paths = [_path(code, key) for key in keys]
        bodies: list[bytes] = []
        our_rate = _rate(lambda paths=paths, bodies=bodies: _resolve(resolver, paths, options, bodies))  # type: ignore[misc]
        results = [msgspec.json.decode(body) for body in bodies]
        their_rate = _rate(lambda keys=keys, results=results: _bound(load, keys, results))  # type: ignore[misc]
        if number:  # The first round only warms up.
            ours.append(our_rate)
            theirs.append(their_rate)
    return compared(name, ours, theirs, "resolutions/CPU s", RIVAL)


def _resolve(
    resolver: Resolver, paths: Sequence[bytes], options: Options | None, bodies: list[bytes]
) -> None:
    for path in paths:
        if options is not None:
            bodies.append(msgspec.json.encode(resolver.resolve_local(path[len(_BASE) :].decode(), options)))
            continue
        answer = answer_now(resolver, read_request(resolver.planner, path, b"", None))
        assert answer is not None and answer.status == 200, path
        bodies.append(answer.body)


def _bound(load: Callable[[bytes], object], keys: Sequence[bytes], results: Sequence[object]) -> None:
    encode = msgspec.json.Encoder().encode
    for key, result in zip(keys, results, strict=True):
        load(key)
        encode(result)


def _rate(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return KEYS / (time.process_time() - began)


def _path(code: bytes, key: bytes) -> bytes:
    return _BASE + f"did:key:z{encode_base58btc(code + key)}".encode()


def _new_ed25519() -> bytes:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()


def _new_p256() -> bytes:
    public_key = generate_private_key(SECP256R1()).public_key()
    return public_key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _load_p256(key: bytes) -> object:
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key)
