"""Strict JSON: capped before it is parsed, one meaning for every document."""

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import JsonError, decode, encode, read
from wire.json import pointer_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    parts: list[dict[str, int]] = []


@given(JSON)
def test_what_is_written_is_read_as_it_was(value: object) -> None:
    assert read(encode(value), max_bytes=1_000_000) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"nul",
        b"NaN",
        b"[1e999]",
        b"01",
        b'{"a":1}x',
        b'\xef\xbb\xbf{"a":1}',
        b'"\xff"',
        b'"\\ud800"',
        b"[1,]",
        b"{'a':1}",
        b"[" + b"9" * 5_000 + b"]",
    ],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(JsonError):
        read(data, max_bytes=100_000)


@pytest.mark.parametrize("data", [b'{"a":1,"a":1}', b'[{"b":{"a":1,"c":2,"a":3}}]', b'{"\\u0061":1,"a":2}'])
def test_a_member_that_occurs_twice_is_refused(data: bytes) -> None:
    with pytest.raises(JsonError, match="twice"):
        read(data, max_bytes=1_000)


def test_depth_counts_brackets_and_not_what_stands_in_strings() -> None:
    inside = b"[" * 32 + b"]" * 32
    read(inside, max_bytes=1_000)
    read(b'["' + b"[" * 500 + b'"]', max_bytes=1_000)

    with pytest.raises(JsonError, match="32 levels"):
        read(b"[" + inside + b"]", max_bytes=1_000)


def test_one_byte_over_the_cap_is_refused() -> None:
    read(b'"' + b"a" * 8 + b'"', max_bytes=10)

    with pytest.raises(JsonError, match="limit of 10"):
        read(b'"' + b"a" * 9 + b'"', max_bytes=10)


@pytest.mark.parametrize("unit", [b"[", b'"', b'\\"', b'"\\', b'{"a":', b'"a",', b"[]", b"\\"])
def test_hostile_bytes_cost_no_more_than_their_length(unit: bytes) -> None:
    def seconds(count: int) -> float:
        data = (unit * count)[:count]
        best = 1.0
        for _ in range(3):
            began = time.perf_counter()
            with pytest.raises(JsonError):
                read(data, max_bytes=1_000_000)
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(256_000) < 40 * max(seconds(32_000), 0.0005)


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (b"{}", ""),
        (b'{"name":1}', "/name"),
        (b'{"name":"x","parts":[{},3]}', "/parts/1"),
        (b'{"name":"x","other":1}', ""),
    ],
)
def test_a_wrong_shape_is_named_by_its_pointer(data: bytes, pointer: str) -> None:
    with pytest.raises(JsonError) as refused:
        decode(data, Thing, max_bytes=1_000)

    assert refused.value.pointer == pointer


def test_a_pointer_ends_where_msgspec_stops_telling() -> None:
    assert pointer_of(".parts[1][...]") == "/parts/1"
    assert pointer_of("") == ""
