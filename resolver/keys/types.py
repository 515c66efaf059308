"""
The table of key types: multicodec codes, lengths, what a key can do, and which types are experimental. Pure.

The multicodec table (multiformats/multicodec, 2026-04-17), which the tests hold against this one; lengths from
Controlled Identifiers v1.0, section 2.2.2, did:key v0.9, FIPS 203 to 205 and RFC 7748, 8032 and 8017.

A type is experimental where no document says what a did:key of it looks like: BLS12-381 (in did:key's examples, but
not in its table), SM2 (in Controlled Identifiers only), Ed448, X448 and BIP 340 (in the registry only), ML-KEM, and
SLH-DSA (drafts use one code of twelve). ML-DSA is not: FIPS 204 is final, the drafts of its suites say what its
multikeys are, and wallets have begun to use it.
"""

import msgspec

from resolver.encoding import encode_varint


class KeyType(msgspec.Struct, frozen=True):
    """
    A row of the multicodec table.

    Attributes:
        codec, code: its name and code in the table.
        prefix: the code as a varint; a multikey begins with it.
        size: bytes of the key after the prefix; None where it varies.
        curve: the curve's name in a JWK, or "" where there is none.
        agrees: for key agreement, not for signatures; what a jwk_jcs-pub is for stands in its JWK.
        has_jwk: we can write the key as a JWK.
        experimental: only with `enableExperimentalPublicKeyTypes`.
        is_post_quantum: written in base64url by its suites, and longer than other keys.
        unchecked: what of such a key we do not check, or "".
    """

    codec: str
    code: int
    prefix: bytes
    size: int | None
    curve: str = ""
    agrees: bool = False
    has_jwk: bool = False
    experimental: bool = False
    is_post_quantum: bool = False
    unchecked: str = ""


def _classical(codec: str, code: int, size: int | None, curve: str = "", *, agrees: bool = False) -> KeyType:
    return KeyType(codec, code, encode_varint(code), size, curve, agrees=agrees, has_jwk=True)


def _post_quantum(
    codec: str, code: int, size: int, *, agrees: bool = False, experimental: bool = False
) -> KeyType:
    return KeyType(
        codec, code, encode_varint(code), size, agrees=agrees, experimental=experimental, is_post_quantum=True
    )


def _experimental(codec: str, code: int, size: int, *, agrees: bool = False, unchecked: str = "") -> KeyType:
    return KeyType(
        codec, code, encode_varint(code), size, agrees=agrees, experimental=True, unchecked=unchecked
    )


SECP256K1 = _classical("secp256k1-pub", 0xE7, 33, "secp256k1")
X25519 = _classical("x25519-pub", 0xEC, 32, "X25519", agrees=True)
ED25519 = _classical("ed25519-pub", 0xED, 32, "Ed25519")
P256 = _classical("p256-pub", 0x1200, 33, "P-256")
P384 = _classical("p384-pub", 0x1201, 49, "P-384")
P521 = _classical("p521-pub", 0x1202, 67, "P-521")
RSA = _classical("rsa-pub", 0x1205, None)
JWK_JCS = _classical("jwk_jcs-pub", 0xEB51, None)

ML_DSA = tuple(
    _post_quantum(f"mldsa-{name}-pub", code, size)
    for name, code, size in ((44, 0x1210, 1_312), (65, 0x1211, 1_952), (87, 0x1212, 2_592))
)

BLS12_381_G1 = _experimental("bls12_381-g1-pub", 0xEA, 48)
BLS12_381_G2 = _experimental("bls12_381-g2-pub", 0xEB, 96)
BLS12_381_G1G2 = _experimental(
    "bls12_381-g1g2-pub", 0xEE, 144, unchecked="whether the two points are of one private key"
)
ED448 = _experimental("ed448-pub", 0x1203, 57)
X448 = _experimental("x448-pub", 0x1204, 56, agrees=True)
SM2 = _experimental("sm2-pub", 0x1206, 33)
BIP340 = _experimental("bip340-pub", 0x1340, 32)
ML_KEM = tuple(
    _post_quantum(f"mlkem-{name}-pub", code, size, agrees=True, experimental=True)
    for name, code, size in ((512, 0x120B, 800), (768, 0x120C, 1_184), (1024, 0x120D, 1_568))
)
SLH_DSA = tuple(
    _post_quantum(
        f"slhdsa-{family}-{level}{variant}-pub",
        0x1220 + 4 * row + 2 * (variant == "f") + (family == "shake"),
        size,
        experimental=True,
    )
    for row, (level, size) in enumerate(((128, 32), (192, 48), (256, 64)))
    for variant in "sf"
    for family in ("sha2", "shake")
)

KEY_TYPES = {
    kind.code: kind
    for kind in (
        *(SECP256K1, X25519, ED25519, P256, P384, P521, RSA, JWK_JCS, *ML_DSA),
        *(BLS12_381_G1, BLS12_381_G2, BLS12_381_G1G2, ED448, X448, SM2, BIP340, *ML_KEM, *SLH_DSA),
    )
}
BY_PREFIX = {kind.prefix: kind for kind in KEY_TYPES.values()}  # of two bytes, or three
BY_CURVE = {kind.curve: kind for kind in KEY_TYPES.values() if kind.curve}

# Public keys that we do not publish: sr25519 and Lamport (registered, in no suite), Falcon-512 and SQIsign-I
# (codes of the quantum-safe drafts that are not registered).
UNSUPPORTED_CODES = frozenset({0xEF, 0x1A14, 0x1A15, 0x1A16, 0x122C, 0x122E})
# Symmetric and private keys of the table; 0x130c and 0x130d are shares of BLS public keys.
SECRET_CODES = frozenset(
    {*range(0xA0, 0xA5), *range(0x1300, 0x131D), 0x1341, *range(0x1A24, 0x1A27), *range(0x1A34, 0x1A37)}
) - {0x130C, 0x130D}

MAX_POST_QUANTUM_CHARS = 4_800  # characters in either base; an ML-DSA-87 key has 3,544 in base58btc
POST_QUANTUM_PREFIXES = frozenset(kind.prefix for kind in KEY_TYPES.values() if kind.is_post_quantum)
SECRET_PREFIXES = frozenset(encode_varint(code) for code in SECRET_CODES)
