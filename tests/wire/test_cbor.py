"""Strict CBOR: what is read, what is refused before it is decoded, and the one way in which it is written."""

import time
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.cbor import CborError, Tagged, count_items, read_cbor, write_cbor

# RFC 8949, appendix A: encodings and their values.
ACCEPTED: dict[str, Any] = {
    "00": 0,
    "17": 23,
    "1818": 24,
    "1903e8": 1000,
    "1bffffffffffffffff": 18446744073709551615,
    "20": -1,
    "3bffffffffffffffff": -18446744073709551616,
    "f4": False,
    "f5": True,
    "f6": None,
    "f93e00": 1.5,
    "fb3ff199999999999a": 1.1,
    "40": b"",
    "4401020304": b"\x01\x02\x03\x04",
    "62c3bc": "ü",
    "80": [],
    "8301820203820405": [1, [2, 3], [4, 5]],
    "a0": {},
    "a201020304": {1: 2, 3: 4},
    "a26161016162820203": {"a": 1, "b": [2, 3]},
    "1800": 0,  # longer than need be
    "5900020102": b"\x01\x02",
}


@pytest.mark.parametrize("encoded", ACCEPTED)
def test_well_formed_cbor_is_read(encoded: str) -> None:
    assert read_cbor(bytes.fromhex(encoded), max_bytes=100) == ACCEPTED[encoded]


REFUSED = {
    "nothing": ("", "cut off"),
    "a head without its argument": ("19", "cut off"),
    "a head with half of its argument": ("1903", "cut off"),
    "bytes cut off": ("4401", "cut off"),
    "bytes that are all of memory": ("5b7fffffffffffffff", "cut off"),
    "an array cut off": ("8201", "cut off"),
    "a map without its last value": ("a101", "cut off"),
    "an array of everything": ("9bffffffffffffffff", "over 1000 items"),
    "a map of everything": ("bbffffffffffffffff", "over 1000 items"),
    "two items": ("0101", "bytes after the end"),
    "bytes after an array": ("80ff", "bytes after the end"),
    "indefinite bytes": ("5f4101ff", "indefinite"),
    "indefinite text": ("7f6161ff", "indefinite"),
    "an indefinite array": ("9f01ff", "indefinite"),
    "an indefinite map": ("bf0102ff", "indefinite"),
    "a reserved length": ("1c", "indefinite"),
    "a break alone": ("ff", "simple value"),
    "undefined": ("f7", "simple value"),
    "an unassigned simple value": ("e0", "simple value"),
    "a simple value in two bytes": ("f8ff", "simple value"),
    "text that is not UTF-8": ("61ff", "utf-8"),
    "half a surrogate": ("63eda080", "utf-8"),
    "a date": ("c074323031332d30332d32315432303a30343a30305a", "tag"),
    "a big number": ("c249010000000000000000", "tag"),
    "a tag within an array": ("8101c1".replace("8101", "81") + "00", "tag"),
    "a regular expression": ("d8236161", "tag"),
    "a shared reference": ("d81c80", "tag"),
    "CBOR in CBOR's own tag": ("d9d9f700", "tag"),
    "a key twice": ("a201020103", "Duplicate"),
    "a key twice, once longer": ("a20102180103", "Duplicate"),
    "true beside 1": ("a20102f503", "Duplicate"),
    "1.0 beside 1": ("a20102f93c0003", "Duplicate"),
    "true as a key": ("a1f503", "neither integer, text nor bytes"),
    "1.0 as a key": ("a1f93c0003", "neither integer, text nor bytes"),
    "null as a key": ("a1f603", "neither integer, text nor bytes"),
    "an array as a key": ("a18003", "neither integer, text nor bytes"),
    "a map as a key": ("a1a003", "neither integer, text nor bytes"),
    "such a key within": ("81a101a1f503", "neither integer, text nor bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_here_is_refused_with_the_reason(name: str) -> None:
    encoded, reason = REFUSED[name]

    with pytest.raises(CborError, match=reason):
        read_cbor(bytes.fromhex(encoded), max_bytes=100)


def test_a_tag_that_is_allowed_is_kept_as_it_stands() -> None:
    date = bytes.fromhex("c074323031332d30332d32315432303a30343a30305a")
    nested = b"\x82" + date + bytes.fromhex("d81841a0")

    found = read_cbor(nested, max_bytes=100, tags=(0, 24))

    assert found == [Tagged(0, "2013-03-21T20:04:00Z"), Tagged(24, b"\xa0")]
    assert count_items(nested, max_items=5, tags=(0, 24)) == 5
    with pytest.raises(CborError, match="the tag 24 is not"):
        read_cbor(nested, max_bytes=100, tags=(0,))
    with pytest.raises(CborError, match="over 4 items"):
        read_cbor(nested, max_bytes=100, max_items=4, tags=(0, 24))
    with pytest.raises(CborError, match="depth"):
        read_cbor(b"\xc0" * 17 + b"\x00", max_bytes=100, tags=(0,))
    with pytest.raises(CborError, match="neither integer, text nor bytes"):
        read_cbor(b"\xa1" + date + b"\x00", max_bytes=100, tags=(0,))


@pytest.mark.parametrize("encoded", ["d8", "d818", "dc00", "df00"])
def test_a_tag_that_is_cut_off_or_has_no_number_is_refused(encoded: str) -> None:
    with pytest.raises(CborError):
        read_cbor(bytes.fromhex(encoded), max_bytes=100, tags=(0, 24))


def test_bytes_items_and_levels_are_capped() -> None:
    data = write_cbor([[1, 2], [3, 4]])

    assert read_cbor(data, max_bytes=len(data), max_items=7, max_depth=2) == [[1, 2], [3, 4]]
    with pytest.raises(CborError, match="the limit is 4"):
        read_cbor(data, max_bytes=4)
    with pytest.raises(CborError, match="over 6 items"):
        read_cbor(data, max_bytes=100, max_items=6)
    with pytest.raises(CborError, match="depth"):
        read_cbor(data, max_bytes=100, max_depth=1)


def test_a_hundred_thousand_levels_are_refused() -> None:
    """CVE-2026-26209: cbor2 before 5.9 ended the process."""
    with pytest.raises(CborError, match="over 1000 items"):
        read_cbor(b"\x81" * 100_000 + b"\x01", max_bytes=1_000_000)


def test_bytes_of_any_length_are_passed_over_and_not_looked_through() -> None:
    """A list of 16 MiB costs what its copies cost, and not a step for each byte."""
    data = write_cbor([b"x" * 2**24])
    before = time.process_time()
    read_cbor(data, max_bytes=len(data))

    assert time.process_time() - before < 1.0


def test_keys_are_written_in_the_order_of_their_encoding() -> None:
    """RFC 8949, section 4.2.1: 10, 100, -1, "z", "aa"; cbor2's own order is that of RFC 7049."""
    written = write_cbor({"aa": 1, "z": 2, -1: 3, 100: 4, 10: 5})

    assert written.hex() == "a50a0518640420036" + "17a0262616101"


def test_maps_within_are_written_in_order_too() -> None:
    assert write_cbor([{2: {b"b": 1, b"a": 2}, 1: ()}]).hex() == "81a2018002a2416102416201"


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.integers(-100, 100) | st.text(max_size=5) | st.binary(max_size=5), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read_again_and_is_the_same_in_any_order(value: Any) -> None:
    written = write_cbor(value)

    assert read_cbor(written, max_bytes=100_000) == value
    assert write_cbor(_backwards(value)) == written


def _backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _backwards(value[key]) for key in reversed(value)}
    return list(map(_backwards, value)) if isinstance(value, list) else value


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_words_or_read_as_cbor2_reads_them(data: bytes) -> None:
    try:
        value = read_cbor(data, max_bytes=60)
    except CborError as error:
        assert str(error)
        return

    assert repr(value) == repr(cbor2.loads(data))


@pytest.mark.parametrize("value", [2**64, -(2**64) - 1, {1, 2}, [b"x", {"a": 2**64}], {True: 1}, {None: 1}])
def test_what_is_not_read_is_not_written(value: object) -> None:
    with pytest.raises(CborError, match=r"a tag|neither integer, text nor bytes"):
        write_cbor(value)
