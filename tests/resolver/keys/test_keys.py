"""Multikeys: the table of codes, round trips, and the keys that are refused."""

import secrets
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from multiformats import multibase, multicodec, varint

from resolver.encoding import encode_base58btc, encode_base64url
from resolver.errors import InvalidDidDocument, KeyRefused, KeyTypeUnsupported
from resolver.keys.jwk import CURVES, check_rsa
from resolver.keys.multikey import decode_multikey, jwk_of, jwk_to_key, multikey_of, public_key_of
from resolver.keys.types import KEY_TYPES, KeyType
from tests.keys import DEAR_DER, KEYS, RSA_2048
from wire import encode


def _multikey(code: int, raw: bytes) -> str:
    """Return the multikey of `raw`, made by the multiformats package."""
    return multibase.encode(varint.encode(code) + raw, "base58btc")


@pytest.mark.parametrize("codec", KEYS)
def test_a_multikey_reads_back_as_the_key_it_was_made_of(codec: str) -> None:
    text = multikey_of(KEYS[codec])

    multikey = decode_multikey(text)

    assert multikey.key_type.codec == codec
    assert multikey.public_key == KEYS[codec]
    assert multicodec.unwrap(multibase.decode(text)) == (multicodec.get(codec), multikey.raw)


@given(st.sampled_from(sorted(KEY_TYPES)), st.data())
def test_bytes_that_are_a_key_have_the_one_text_that_multiformats_gives_them(
    code: int, data: st.DataObject
) -> None:
    size = KEY_TYPES[code].size
    raw = data.draw(st.binary(max_size=60) if size is None else st.binary(min_size=size, max_size=size))
    for base in ("base58btc", "base64url"):
        text = multibase.encode(varint.encode(code) + raw, base)
        try:
            multikey = decode_multikey(text, experimental=True)
        except KeyRefused:
            continue

        assert (multikey.key_type.code, multikey.raw) == (code, raw)
        assert base == "base58btc" or multikey.key_type.is_post_quantum


@given(st.text(st.sampled_from("zu1269ADEFKLMNQSabcdefkmnopz-_="), max_size=80))
def test_a_text_that_is_a_key_is_what_multiformats_decodes(text: str) -> None:
    try:
        multikey = decode_multikey(text, experimental=True)
    except KeyRefused:
        return

    assert multibase.decode(text) == varint.encode(multikey.key_type.code) + multikey.raw


@given(st.sampled_from(sorted(CURVES)), st.integers(1, 2**255))
def test_every_ec_key_has_one_multikey_and_one_jwk(name: str, scalar: int) -> None:
    """Coordinates with leading zeros come up among them."""
    key = ec.derive_private_key(scalar, CURVES[name]).public_key()

    assert decode_multikey(multikey_of(key)).public_key == key
    assert jwk_to_key(jwk_of(key)) == key


@pytest.mark.parametrize("kind", [k for k in KEY_TYPES.values() if k.size], ids=lambda kind: kind.codec)
@pytest.mark.parametrize("delta", [-1, 1])
def test_a_key_of_another_length_is_refused_by_length(kind: KeyType, delta: int) -> None:
    assert kind.size is not None
    with pytest.raises(KeyRefused) as refused:
        decode_multikey(_multikey(kind.code, b"\x02" * (kind.size + delta)), experimental=True)

    assert refused.value.did_key_error == "invalidPublicKeyLength"


@pytest.mark.parametrize("codec", ["p256-pub", "p384-pub", "p521-pub", "secp256k1-pub"])
@pytest.mark.parametrize("tag", [0, 1, 4, 5, 6, 7, 0x82])
def test_a_point_that_is_not_compressed_is_refused(codec: str, tag: int) -> None:
    multikey = decode_multikey(multikey_of(KEYS[codec]))

    with pytest.raises(KeyRefused, match="compressed"):
        decode_multikey(_multikey(multikey.key_type.code, bytes([tag]) + multikey.raw[1:]))


@pytest.mark.parametrize("codec", ["p256-pub", "p384-pub", "p521-pub", "secp256k1-pub"])
def test_a_coordinate_beyond_the_field_is_refused(codec: str) -> None:
    """P-521's coordinates have spare bits as well."""
    multikey = decode_multikey(multikey_of(KEYS[codec]))

    with pytest.raises(KeyRefused, match="curve"):
        decode_multikey(_multikey(multikey.key_type.code, b"\x02" + b"\xff" * (len(multikey.raw) - 1)))


@pytest.mark.parametrize("code", [0xEF, 0x122C, 0x122E, 0x1A14])
@pytest.mark.parametrize("experimental", [False, True])
def test_a_public_key_that_is_not_ours_is_unsupported(code: int, experimental: bool) -> None:
    with pytest.raises(KeyTypeUnsupported) as refused:
        decode_multikey(_multikey(code, bytes(96)), experimental=experimental)

    assert refused.value.did_key_error == "unsupportedPublicKeyType"


@pytest.mark.parametrize(
    "kind", [kind for kind in KEY_TYPES.values() if kind.experimental], ids=lambda kind: kind.codec
)
def test_an_experimental_key_is_unsupported_unless_asked_for(kind: KeyType) -> None:
    with pytest.raises(KeyTypeUnsupported, match="enableExperimentalPublicKeyTypes") as refused:
        decode_multikey(_multikey(kind.code, bytes(kind.size or 0)))

    assert refused.value.did_key_error == "unsupportedPublicKeyType"


@pytest.mark.parametrize(
    "code", [0xA2, 0x1300, 0x1301, 0x1302, 0x1305, 0x1306, 0x1310, 0x131C, 0x1341, 0x1A24]
)
@pytest.mark.parametrize("base", ["base58btc", "base64url"])
def test_a_private_key_is_refused_and_not_repeated(code: int, base: str) -> None:
    secret = secrets.token_bytes(32)
    text = multibase.encode(varint.encode(code) + secret, base)

    with pytest.raises(KeyRefused, match="private or symmetric") as refused:
        decode_multikey(text)

    assert not isinstance(refused.value, KeyTypeUnsupported)
    assert refused.value.did_key_error == "unsupportedPublicKeyType"
    assert text[5:] not in str(refused.value)


@pytest.mark.parametrize("code", [0x12, 0x55, 0x00, 0xFFFF])
def test_the_code_of_something_else_is_no_key(code: int) -> None:
    with pytest.raises(KeyRefused) as refused:
        decode_multikey(_multikey(code, bytes(32)))

    assert not isinstance(refused.value, KeyTypeUnsupported)
    assert refused.value.did_key_error == "unsupportedPublicKeyType"


@pytest.mark.parametrize("kind", [k for k in KEY_TYPES.values() if k.size], ids=lambda kind: kind.codec)
def test_base64url_is_for_post_quantum_keys_only(kind: KeyType) -> None:
    """Their suites write them so; any other key would have a second DID."""
    assert kind.size is not None
    text = multibase.encode(kind.prefix + bytes(kind.size), "base64url")

    if kind.is_post_quantum:
        assert decode_multikey(text, experimental=True).raw == bytes(kind.size)
    else:
        with pytest.raises(KeyRefused, match="base58btc") as refused:
            decode_multikey(text, experimental=True)
        assert refused.value.did_key_error is None


@pytest.mark.parametrize("bits", range(7_000, 8_193, 104))
def test_an_rsa_jwk_over_the_cap_is_refused_whatever_its_length(bits: int) -> None:
    """Some of them are as long as a post-quantum key, and are decoded before their type is known."""
    n = encode_base64url(((1 << bits) - 1).to_bytes(bits // 8))
    text = _multikey(0xEB51, encode({"e": "AQAB", "kty": "RSA", "n": n}))

    if len(text) > 1_537:
        with pytest.raises(KeyRefused):
            decode_multikey(text)
    else:
        assert decode_multikey(text)


@pytest.mark.parametrize("prefix", ["z", "u", "f", ""])
def test_a_multikey_over_every_cap_is_refused_without_decoding_it(prefix: str) -> None:
    began = time.process_time()
    with pytest.raises(KeyRefused):
        decode_multikey(prefix + "A" * 8_000)

    assert time.process_time() - began < 0.001


def test_a_code_that_is_not_a_minimal_varint_is_refused() -> None:
    raw = decode_multikey(multikey_of(KEYS["ed25519-pub"])).raw

    with pytest.raises(KeyRefused) as refused:
        decode_multikey(multibase.encode(b"\xed\x81\x00" + raw, "base58btc"))

    assert refused.value.did_key_error is None


@pytest.mark.parametrize("bits", [2_048, 8_192])
def test_an_rsa_modulus_at_its_bounds_is_taken_as_multikey_and_jwk(bits: int) -> None:
    key = check_rsa((1 << (bits - 1)) + 1, 2**32 - 1)

    assert decode_multikey(multikey_of(key)).public_key == key
    assert jwk_to_key(jwk_of(key)) == key


def test_rsa_der_that_does_not_come_out_equal_is_refused() -> None:
    raw = decode_multikey(multikey_of(RSA_2048)).raw

    for spoiled in (raw + b"\0", raw[:-1], b"", b"\x30\x83\x00" + raw[2:]):
        with pytest.raises(KeyRefused):
            decode_multikey(_multikey(0x1205, spoiled))


def test_another_key_in_the_place_of_rsa_is_refused_before_it_is_loaded() -> None:
    """OpenSSL tests the primes of a Diffie-Hellman key, and held the interpreter for 8 seconds."""
    dear = _multikey(0x1205, DEAR_DER)
    started = time.perf_counter()
    with pytest.raises(KeyRefused, match="RSAPublicKey"):
        decode_multikey(dear)

    assert time.perf_counter() - started < 1.0  # seconds; a hundredth of a millisecond is usual


def test_rsa_in_subject_public_key_info_is_refused() -> None:
    spki = RSA_2048.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    with pytest.raises(KeyRefused):
        decode_multikey(_multikey(0x1205, spki))


@pytest.mark.parametrize("codec", KEYS)
def test_the_canonical_jwk_is_a_key_under_jwk_jcs_pub(codec: str) -> None:
    canonical = encode(dict(sorted(jwk_of(KEYS[codec]).items())))

    assert decode_multikey(_multikey(0xEB51, canonical)).public_key == KEYS[codec]


@pytest.mark.parametrize("change", [{"kid": "a"}, {"alg": "ES256"}, {"use": "sig"}])
def test_a_jwk_with_more_than_its_required_members_is_not_canonical(change: dict[str, str]) -> None:
    jwk = jwk_of(KEYS["p256-pub"]) | change

    with pytest.raises(KeyRefused, match="canonical"):
        decode_multikey(_multikey(0xEB51, encode(dict(sorted(jwk.items())))))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'"a"', b'{"kty":"EC","kty":"EC"}', b"\xff", b"{}", b"1"])
def test_what_is_no_jwk_under_jwk_jcs_pub_is_refused(raw: bytes) -> None:
    with pytest.raises(KeyRefused):
        decode_multikey(_multikey(0xEB51, raw))


@pytest.mark.parametrize("codec", KEYS)
@pytest.mark.parametrize("kind", ["Multikey", "JsonWebKey", "JsonWebKey2020"])
def test_a_verification_method_gives_its_key(kind: str, codec: str) -> None:
    material = {"publicKeyMultibase": multikey_of(KEYS[codec]), "publicKeyJwk": jwk_of(KEYS[codec])}

    assert public_key_of({"type": kind, **material}) == KEYS[codec]


def test_the_suites_of_2020_are_bound_to_their_key_type() -> None:
    signing = {"type": "Ed25519VerificationKey2020", "publicKeyMultibase": multikey_of(KEYS["ed25519-pub"])}
    agreement = {"type": "X25519KeyAgreementKey2020", "publicKeyMultibase": multikey_of(KEYS["x25519-pub"])}

    assert public_key_of(signing) == KEYS["ed25519-pub"]
    assert public_key_of(agreement) == KEYS["x25519-pub"]
    with pytest.raises(InvalidDidDocument):
        public_key_of(agreement | {"type": signing["type"]})


def test_the_suites_of_2018_have_the_key_in_base58() -> None:
    signing, agreement = KEYS["ed25519-pub"], KEYS["x25519-pub"]
    kinds = {"Ed25519VerificationKey2018": signing, "X25519KeyAgreementKey2019": agreement}
    for kind, key in kinds.items():
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)

        assert public_key_of({"type": kind, "publicKeyBase58": encode_base58btc(raw)}) == key
        for bad in (raw[1:], raw + b"\0", bytes(32), multibase.decode(multikey_of(key))):
            with pytest.raises(InvalidDidDocument):
                public_key_of({"type": kind, "publicKeyBase58": encode_base58btc(bad)})


@pytest.mark.parametrize(
    "method",
    [
        {},
        {"type": ["Multikey"]},
        {"type": "Multikey"},
        {"type": "Multikey", "publicKeyMultibase": 1},
        {"type": "Multikey", "publicKeyMultibase": "z6Mk"},
        {"type": "Multikey", "publicKeyJwk": jwk_of(KEYS["p256-pub"])},
        {"type": "JsonWebKey", "publicKeyMultibase": multikey_of(KEYS["p256-pub"])},
        {"type": "JsonWebKey", "publicKeyJwk": {"kty": "oct", "k": "AQ"}},
        {"type": "JsonWebKey", "publicKeyJwk": "a"},
        {"type": "Ed25519VerificationKey2018", "publicKeyBase58": "a"},
        {"type": "Ed25519VerificationKey2018", "publicKeyBase58": "0"},
        {"type": "Ed25519VerificationKey2018", "publicKeyBase58": "z" * 5_000},
        {"type": "Ed25519VerificationKey2018", "publicKeyMultibase": multikey_of(KEYS["ed25519-pub"])},
    ],
)
def test_a_verification_method_without_a_key_we_take_is_refused(method: dict[str, Any]) -> None:
    with pytest.raises(InvalidDidDocument):
        public_key_of(method)
