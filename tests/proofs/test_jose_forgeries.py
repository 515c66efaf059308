"""Compact JWS that must not verify: other algorithms, other keys, other spellings."""

import hashlib
import hmac
import itertools
import json
from contextlib import nullcontext
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from proofs import MalformedProof, ProofInvalid, read_compact, sign_compact, verify_compact
from proofs.jose import MAX_HEADER_BYTES
from tests.proofs.documents import OTHER_KEY, PRIVATE_KEY, PUBLIC_KEY, SIGNER
from tests.proofs.tokens import P256, P384, PAYLOAD, b64, our_token, signed_by_jwcrypto, signed_by_us


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "HS256", "HS384", "RS256", "PS256", "ES512", "ES256K"]
)
def test_an_algorithm_that_is_not_on_the_list_is_refused(algorithm: str) -> None:
    token = signed_by_us(json.dumps({"alg": algorithm}).encode())

    with pytest.raises(MalformedProof, match="alg"):
        verify_compact(token, PUBLIC_KEY)


def test_a_token_without_a_signature_is_refused() -> None:
    unsigned = b64(b'{"alg":"EdDSA"}') + b"." + b64(PAYLOAD) + b"."

    with pytest.raises(ProofInvalid):
        verify_compact(unsigned, PUBLIC_KEY)


@pytest.mark.parametrize("public_key", [PUBLIC_KEY, P256.public_key()], ids=["Ed25519", "P-256"])
@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA", "ES256"])
@pytest.mark.parametrize("form", ["PEM", "DER", "raw"])
def test_a_mac_keyed_with_the_public_key_is_refused(public_key: Any, algorithm: str, form: str) -> None:
    """The classic confusion: HMAC with the bytes of a public key that everyone has."""
    encoding = {"PEM": serialization.Encoding.PEM, "DER": serialization.Encoding.DER}.get(form)
    if encoding is not None:
        secret = public_key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        secret = b64(public_key.public_bytes_raw()) if public_key is PUBLIC_KEY else b"x"
    signing_input = b64(json.dumps({"alg": algorithm}).encode()) + b"." + b64(PAYLOAD)
    token = signing_input + b"." + b64(hmac.digest(secret, signing_input, hashlib.sha256))

    with pytest.raises((MalformedProof, ProofInvalid)):
        verify_compact(token, public_key)


KEYS: dict[str, Any] = {"EdDSA": PRIVATE_KEY, "ES256": P256, "ES384": P384}


@pytest.mark.parametrize(("named", "used"), list(itertools.permutations(KEYS, 2)))
def test_a_key_verifies_no_algorithm_but_its_own(named: str, used: str) -> None:
    """The header names the algorithm of one key, the signature verifies under another key."""
    good = signed_by_jwcrypto(KEYS[used], used)
    forged = b64(json.dumps({"alg": named}).encode()) + good[good.index(b".") :]

    with pytest.raises(ProofInvalid, match="the key needs alg"):
        verify_compact(forged, KEYS[used].public_key())


@pytest.mark.parametrize(
    "public_key",
    [
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        b"secret",
        None,
    ],
    ids=["RSA", "P-521", "secp256k1", "bytes", "None"],
)
def test_a_key_of_another_kind_verifies_nothing(public_key: object) -> None:
    with pytest.raises(ProofInvalid, match="expected"):
        verify_compact(our_token(), public_key)


def test_another_key_does_not_verify() -> None:
    with pytest.raises(ProofInvalid):
        verify_compact(our_token(), OTHER_KEY.public_key())


def test_a_key_carried_in_the_header_is_not_used() -> None:
    mine = {"kty": "OKP", "crv": "Ed25519", "x": b64(PUBLIC_KEY.public_bytes_raw()).decode()}
    token = signed_by_us(json.dumps({"alg": "EdDSA", "jwk": mine}).encode())

    with pytest.raises(ProofInvalid):
        verify_compact(token, OTHER_KEY.public_key())


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_with_any_part_changed_is_refused(part: int) -> None:
    parts = our_token().split(b".")
    other = sign_compact(b'{"id":"https://lists.example/other"}', header={"typ": "JWT"}, signer=SIGNER).split(
        b"."
    )
    parts[part] = other[part]

    with pytest.raises(ProofInvalid):
        verify_compact(b".".join(parts), PUBLIC_KEY)


def test_every_single_bit_of_the_token_matters() -> None:
    token = sign_compact(b"1", header={}, signer=SIGNER)

    for position in range(len(token) * 8):
        flipped = bytearray(token)
        flipped[position >> 3] ^= 1 << (position & 7)
        with pytest.raises((MalformedProof, ProofInvalid)):
            verify_compact(bytes(flipped), PUBLIC_KEY)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"EdDSA","crit":["exp"],"exp":1}',
        b'{"alg":"EdDSA","crit":[]}',
        b'{"alg":"EdDSA","b64":false}',
        b'{"alg":"EdDSA","b64":true}',
        b'{"alg":"HS256","alg":"EdDSA"}',
        b'{"alg":["EdDSA"]}',
        b'{"alg":{"EdDSA":1}}',
        b'{"alg":null}',
        b"{}",
        b"[]",
        b'"EdDSA"',
        b"",
        b"{",
        b'\xef\xbb\xbf{"alg":"EdDSA"}',
        b'{"alg":"EdDSA"}\xff',
        b'{"alg":"EdDSA","x":"' + b"x" * MAX_HEADER_BYTES + b'"}',
        b'{"alg":"EdDSA","x":' + b"[" * 100 + b"]" * 100 + b"}",
    ],
    ids=lambda header: str(header[:40]),
)
def test_a_header_that_we_do_not_read_exactly_is_refused(header: bytes) -> None:
    with pytest.raises(MalformedProof):
        verify_compact(signed_by_us(header), PUBLIC_KEY)


@pytest.mark.parametrize(
    ("critical", "is_read"),
    [
        (["sigT"], True),
        (["sigT", "sigT"], False),
        (["sigT", "sigPl"], False),
        (["sigD"], False),
        (["alg"], False),
        ([["sigT"]], False),
        ("sigT", False),
        ([], False),
        (None, False),
    ],
)
def test_critical_extensions_are_those_that_the_caller_understands(critical: object, is_read: bool) -> None:
    header = {"alg": "EdDSA", "sigT": "2026-01-01T00:00:00Z", "sigPl": {}, "crit": critical}
    token = signed_by_us(msgspec.json.encode(header))

    with nullcontext() if is_read else pytest.raises(MalformedProof, match="crit"):
        read_compact(token, max_bytes=10_000, understood=frozenset({"sigT", "sigD"}))
    with pytest.raises(MalformedProof, match="crit"):
        read_compact(token, max_bytes=10_000)


def test_a_payload_that_is_not_encoded_is_refused_whatever_is_understood() -> None:
    token = signed_by_us(b'{"alg":"EdDSA","b64":true,"crit":["b64"]}')

    with pytest.raises(MalformedProof, match="b64"):
        read_compact(token, max_bytes=10_000, understood=frozenset({"b64"}))


def test_a_token_has_three_parts() -> None:
    header, payload, signature = our_token().split(b".")

    for token in (b"", header, header + b"." + payload, our_token() + b".", our_token() + b"." + signature):
        with pytest.raises(MalformedProof):
            read_compact(token, max_bytes=10_000)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("junk", [b"=", b"==", b" ", b"\n", b"+", b"/", b"\x00", b"\xc3\xa9", b"A" * 5])
def test_each_part_is_base64url_without_padding_or_junk(part: int, junk: bytes) -> None:
    parts = our_token().split(b".")
    parts[part] += junk

    with pytest.raises((MalformedProof, ProofInvalid)):
        verify_compact(b".".join(parts), PUBLIC_KEY)


def test_unused_bits_of_the_signature_are_zero() -> None:
    """64 bytes leave four bits in the last character: 16 spellings of one signature, of which one is read."""
    token = our_token()
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spellings = [token[:-1] + bytes((letter,)) for letter in alphabet]

    accepted = 0
    for spelling in spellings:
        try:
            verify_compact(spelling, PUBLIC_KEY)
        except (MalformedProof, ProofInvalid):
            continue
        accepted += 1

    assert accepted == 1


def test_a_token_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(MalformedProof, match="limit is 50"):
        read_compact(our_token(), max_bytes=50)
