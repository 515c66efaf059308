"""Encodings: each value has one spelling, and the published libraries agree with ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiformats import multibase, varint

from resolver.encoding import (
    EncodingError,
    decode_base64url,
    decode_multibase,
    encode_base58btc,
    encode_base64url,
    encode_varint,
    leading_bytes,
    read_varint,
)


@given(st.binary(min_size=8, max_size=3_500).filter(lambda data: data[0] > 0 and data[2:5] != b"\xff" * 3))
def test_the_leading_bytes_are_found_without_decoding(data: bytes) -> None:
    assert leading_bytes(encode_base58btc(data)) == data[:2]


@pytest.mark.parametrize("size", [8, 100, 1_314, 2_594, 3_500])
def test_the_leading_bytes_are_found_before_zeros_and_after_ones(size: int) -> None:
    zeros, ones = encode_base58btc(b"\x90\x24" + bytes(size)), encode_base58btc(b"\x90\x24" + b"\xff" * size)

    assert leading_bytes(zeros) == b"\x90\x24"
    assert leading_bytes(ones) in (b"\x90\x24", b"\x90\x25")


@pytest.mark.parametrize("text", ["1" * 9, "zzzzzzzz0", "é" * 9, "zzzz zzzz"])
def test_what_does_not_begin_as_a_number_has_no_leading_bytes(text: str) -> None:
    assert leading_bytes(text) == b""


@given(st.binary(max_size=60))
def test_base64url_agrees_with_multiformats(data: bytes) -> None:
    text = encode_base64url(data)

    assert "u" + text == multibase.encode(data, "base64url")
    assert decode_base64url(text) == data


@pytest.mark.parametrize(
    "text", ["AQI=", "AQ==", "A", "AAAAA", "A+BB", "A/BB", "AQ\n", "AR", "AQJ", "AÀBB", " AQI"]
)
def test_base64url_that_is_padded_standard_or_has_spare_bits_is_refused(text: str) -> None:
    with pytest.raises(EncodingError):
        decode_base64url(text)


@given(st.text(st.sampled_from("AQIRZaz09-_"), max_size=9))
def test_base64url_has_one_spelling(text: str) -> None:
    try:
        data = decode_base64url(text)
    except EncodingError:
        return

    assert encode_base64url(data) == text


def test_base64url_is_capped() -> None:
    with pytest.raises(EncodingError):
        decode_base64url("A" * 12, max_chars=11)


@given(st.integers(0, 2**63 - 1), st.binary(max_size=4))
def test_varint_agrees_with_multiformats(number: int, rest: bytes) -> None:
    encoded = encode_varint(number)

    assert encoded == varint.encode(number)
    assert read_varint(encoded + rest) == (number, rest)


@given(st.binary(max_size=12))
def test_a_varint_that_is_read_was_in_its_shortest_form(data: bytes) -> None:
    try:
        number, rest = read_varint(data)
    except EncodingError:
        return

    assert encode_varint(number) + rest == data


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\xed\x81\x00", b"\xff" * 9 + b"\x01"])
def test_a_varint_that_is_long_or_has_no_end_is_refused(data: bytes) -> None:
    with pytest.raises(EncodingError):
        read_varint(data)


@given(st.binary(max_size=60))
def test_multibase_agrees_with_multiformats(data: bytes) -> None:
    assert decode_multibase(multibase.encode(data, "base58btc")) == data


@pytest.mark.parametrize("text", ["", "6Mk", "uAQI", "f0102", "Z6Mk", "m7QE"])
def test_another_base_is_refused(text: str) -> None:
    with pytest.raises(EncodingError):
        decode_multibase(text)
