"""The worked examples of the Token Status List: lists of all widths byte for byte, and the two signed tokens."""

import base64
import zlib
from typing import Any

import cbor2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from proofs import verify_compact
from proofs.cose import verify_sign1
from statuslist.formats.token_bits import compressed, expanded, packed, value_at
from statuslist.formats.token_list import TokenList, token_list_of_cwt, token_list_of_jwt
from tests.vectors import vectors

LISTS = vectors("token-status-lists")
each_list = pytest.mark.parametrize("vector", LISTS, ids=[vector["id"] for vector in LISTS])
CAP = 2**20  # bytes: the list of 2^20 entries of 8 bits


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed_entries(vector: dict[str, Any]) -> bytes:
    return packed(vector["length"], vector["entries"], vector["bits"])


@each_list
def test_their_list_is_what_we_pack(vector: dict[str, Any]) -> None:
    lst = expanded(decoded(vector["lst"]), max_bytes=CAP)

    assert lst == packed_entries(vector)
    assert lst.hex().startswith(vector.get("bytes", ""))
    assert len(lst) * 8 == vector["length"] * vector["bits"]


@each_list
def test_their_list_has_their_statuses_and_no_others(vector: dict[str, Any]) -> None:
    bits, lst = vector["bits"], expanded(decoded(vector["lst"]), max_bytes=CAP)
    named = dict(vector["entries"])

    assert all(value_at(lst, index, bits) == status for index, status in named.items())
    assert sum(lst) == sum(status << index * bits % 8 for index, status in named.items())


@each_list
@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng compresses in another way at level 9")
def test_at_level_9_our_list_is_theirs_byte_for_byte(vector: dict[str, Any]) -> None:
    """We publish another compression (`compression.deflated`): the container and what is in it are theirs."""
    assert zlib.compress(packed_entries(vector), 9) == decoded(vector["lst"])


@each_list
def test_the_list_as_cbor_is_theirs_byte_for_byte(vector: dict[str, Any]) -> None:
    """Section 4.3: text keys, and the compressed bytes as bytes."""
    status_list = cbor2.dumps({"bits": vector["bits"], "lst": decoded(vector["lst"])}).hex()

    assert status_list == vector.get("cbor", status_list)
    assert status_list.startswith(vector.get("cbor_start", ""))


@each_list
def test_what_we_publish_is_the_same_list(vector: dict[str, Any]) -> None:
    ours = compressed(packed_entries(vector))

    assert zlib.decompress(ours) == zlib.decompress(decoded(vector["lst"]))


def published_key() -> ec.EllipticCurvePublicKey:
    """Return the key with which the examples of section 5 are signed; its `kid` is 12."""
    x, y = (
        int.from_bytes(decoded(part))
        for part in (
            "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
            "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
        )
    )
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


THEIR_LIST = TokenList(
    url="https://example.com/statuslists/1",
    issued_at=1_686_920_170_000_000,
    expires=2_291_720_170_000_000,
    ttl_ms=43_200_000,
    bits=1,
    lst=bytes.fromhex("78dadbb918000217015d"),
)


def test_the_signed_jwt_verifies_and_is_read() -> None:
    """Section 8.1, the body of the response. It has `iss` too."""
    token = (
        b"eyJhbGciOiJFUzI1NiIsImtpZCI6IjEyIiwidHlwIjoic3RhdHVzbGlzdCtqd3QifQ.e"
        b"yJleHAiOjIyOTE3MjAxNzAsImlhdCI6MTY4NjkyMDE3MCwiaXNzIjoiaHR0cHM6Ly9le"
        b"GFtcGxlLmNvbSIsInN0YXR1c19saXN0Ijp7ImJpdHMiOjEsImxzdCI6ImVOcmJ1UmdBQ"
        b"WhjQlhRIn0sInN1YiI6Imh0dHBzOi8vZXhhbXBsZS5jb20vc3RhdHVzbGlzdHMvMSIsI"
        b"nR0bCI6NDMyMDB9.2lKUUNG503R9htu4aHAYi7vjmr3sgApbfoDvPrl65N3URUO1EYqq"
        b"Ql45Jfzd-Av4QzlKa3oVALpLwOEUOq-U_g"
    )

    jws = verify_compact(token, published_key())

    assert jws.header == {"alg": "ES256", "kid": "12", "typ": "statuslist+jwt"}
    expected = msgspec.structs.replace(THEIR_LIST, issuer="https://example.com")
    assert token_list_of_jwt(jws, max_bytes=CAP) == expected


def test_the_signed_cwt_verifies_and_is_read() -> None:
    """Section 5.2."""
    token = bytes.fromhex(
        "d2845820a2012610781a6170706c69636174696f6e2f7374617475736c6973742b63"
        "7774a1044231325850a502782168747470733a2f2f6578616d706c652e636f6d2f73"
        "74617475736c697374732f31061a648c5bea041a8898dfea19fffe19a8c019fffda2"
        "646269747301636c73744a78dadbb918000217015d584093fa4d01032b18c35e2fe1"
        "101b77fd6cc9440022caa4694450c4e4e9feab4e99d1fa6d9772ce2bf3a12e0323de"
        "d7c982c5e101a5e67f0cbc1e2b6f57ce99c279"
    )

    found = verify_sign1(token, published_key())

    assert token_list_of_cwt(found, max_bytes=CAP) == THEIR_LIST


def test_the_statuses_of_the_signed_list() -> None:
    lst = expanded(THEIR_LIST.lst, max_bytes=CAP)

    assert [value_at(lst, index, 1) for index in range(16)] == [
        1,
        0,
        0,
        1,
        1,
        1,
        0,
        1,
        1,
        1,
        0,
        0,
        0,
        1,
        0,
        1,
    ]
