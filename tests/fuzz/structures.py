"""
Cases made rather than changed: keys of every codec with fresh bytes in them, and whole requests for them. Half of
what a byte mutator makes of a did:key dies in base58; these get as far as the key. Pure, given their randomness.
"""

import base64
from collections.abc import Callable
from hashlib import sha256
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519

from resolver.encoding import encode_base58btc, encode_varint
from resolver.keys.jwk import CURVES, jwk_of
from resolver.keys.multikey import multikey_of
from tests.fuzz.mutation import Mutator
from tests.fuzz.seeds import ACCEPTS, WORDS, jwks, seeds
from wire import encode

Make = Callable[[], bytes]

_CODES = (
    (0xE7, 33), (0xEC, 32), (0xED, 32), (0x1200, 33), (0x1201, 49), (0x1202, 67), (0x1205, 270),
    (0xEB51, 180), (0xEA, 48), (0xEB, 96), (0xEE, 144), (0x1203, 57), (0x1210, 1_312), (0x1211, 1_952),
    (0x1212, 2_592), (0x1300, 32), (0x1340, 32), (0x12, 32), (0x00, 32),
)  # fmt: skip


def maker(target: str, random: Random) -> Make:
    """Return what makes cases for `target`: the mutator, and for some targets a generator in half of the cases."""
    mutate = Mutator(seeds(target), WORDS, random).case
    made = {
        "multikey": lambda: fresh_multikey(random).encode(),
        "jwk": lambda: fresh_jwk(random),
        "request": lambda: fresh_request(random),
    }.get(target)
    return mutate if made is None else lambda: made() if random.random() < 0.5 else mutate()


def fresh_multikey(random: Random) -> str:
    """Return a multikey: one in three a good one, the others of random bytes, often of the right length."""
    if random.random() < 0.3:
        return multikey_of(_public_key(random))
    code, size = random.choice(_CODES)
    size = max(0, size + random.choice((0, 0, 0, 0, 1, -1)))
    raw = bytearray(random.randbytes(size))
    if code in (0xE7, 0x1200, 0x1201, 0x1202) and raw:
        raw[0] = random.choice((2, 2, 2, 3, 3, 4, 0))
    if random.random() < 0.05:
        raw[:] = random.choice((bytes(size), b"\xff" * size))
    if code == 0xEB51:
        raw = bytearray(Mutator(jwks(), WORDS, random).case()[:1_000])
    return random.choice("zzzzzzzzuf") + encode_base58btc(encode_varint(code) + bytes(raw))


def fresh_jwk(random: Random) -> bytes:
    """Return the JWK of a good key, often with something done to it."""
    good = encode(jwk_of(_public_key(random)))
    return good if random.random() < 0.2 else Mutator([good], WORDS, random).json_case(good)


def fresh_request(random: Random) -> bytes:
    """Return a request (`tests/fuzz/answers.py`) for a key that nobody has seen, in any of the ways to ask."""
    did = random.choice((_did_key, _did_key, _did_jwk, _did_peer_2, _did_peer_4))(random)
    did += random.choice(("", "", "", "#0", "#" + did[8:], "?service=x", "/a"))
    query = random.choice(("", "", "", "noCache=true", "publicKeyFormat=JsonWebKey", "expandRelativeUrls=1"))
    if random.random() < 0.3:
        did = did.replace(":", "%3A").replace("#", "%23").replace("?", "%3F").replace("/", "%2F")
    return "\n".join((did, query, random.choice(ACCEPTS), "", "")).encode()


def _did_key(random: Random) -> str:
    return f"did:key:{fresh_multikey(random)}"


def _did_jwk(random: Random) -> str:
    return "did:jwk:" + _base64url(fresh_jwk(random))


def _did_peer_2(random: Random) -> str:
    """Keys and spoiled services; one in ten has so many of one that the whole is long."""
    elements = [
        random.choice("AEVID") + fresh_multikey(random) for _ in range(random.choice((0, 1, 1, 2, 4)))
    ]
    service = b'{"t":"dm","s":{"uri":"https://x.example/","a":["didcomm/v2"],"r":["did:x:y#z"]}}'
    elements += ["S" + _base64url(Mutator([service], WORDS, random).case()[:3_000])]
    random.shuffle(elements)
    return "did:peer:2" + "".join(f".{text}" for text in elements * random.choice((1,) * 9 + (30,)))


def _did_peer_4(random: Random) -> str:
    """A spoiled document, nearly always behind its right hash."""
    documents = [text.replace(b'"id": "did:web:issuer.example", ', b"", 1) for text in seeds("document")]
    document = Mutator(documents, WORDS, random).case()[:6_000]
    encoded = "z" + encode_base58btc(encode_varint(0x0200) + document)
    digest = sha256(encoded.encode() if random.random() < 0.95 else document).digest()
    return f"did:peer:4z{encode_base58btc(bytes((0x12, 0x20)) + digest)}:{encoded}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _public_key(
    random: Random,
) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey:
    kind = random.choice(("Ed25519", "Ed25519", "X25519", *CURVES))
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(random.randbytes(32)).public_key()
    if kind == "X25519":
        return x25519.X25519PrivateKey.from_private_bytes(random.randbytes(32)).public_key()
    return ec.derive_private_key(random.getrandbits(240) + 1, CURVES[kind]).public_key()
