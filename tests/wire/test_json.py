"""Strict JSON: caps before parsing, no duplicates, one encoding, hostile input in linear time."""

import json
import struct
import time
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import JsonError, decode, encode, read, read_again
from wire.json import MAX_DEPTH, MAX_REASON_CHARS, pointer_of

KIB = 1_024


class Name(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    names: list[Name] = []
    extra: dict[str, int] = {}


def read_small(data: bytes) -> Any:
    return read(data, max_bytes=64 * KIB)


def decode_small(data: bytes) -> Issuer:
    return decode(data, Issuer, max_bytes=64 * KIB)


def test_members_are_kept_as_received() -> None:
    value = read_small(b' {"b": 1, "a": [null, true, 1.5, "\\u00fc\\ud83d\\ude00"], "": {}} ')

    assert value == {"b": 1, "a": [None, True, 1.5, "ü😀"], "": {}}
    assert list(value) == ["b", "a", ""]


def test_a_body_becomes_its_struct() -> None:
    assert decode_small(b'{"id":"uni","names":[{"text":"University"}]}') == Issuer(
        "uni", [Name("University")]
    )


def test_the_byte_cap_is_inclusive() -> None:
    assert read(b'"abc"', max_bytes=5) == "abc"
    with pytest.raises(JsonError, match="6 bytes are over the limit of 5"):
        read(b'"abcd"', max_bytes=5)


@pytest.mark.parametrize(
    ("data", "values"),
    [(b"1", 1), (b"[]", 1), (b"[1,2,3]", 4), (b'{"a":1,"b":[{}]}', 4), (b'["a,[{,b", "\\",["]', 3)],
)
def test_the_cap_on_values_counts_no_strings_and_is_inclusive(data: bytes, values: int) -> None:
    """Empty lists and objects may count as one more than they have."""
    read(data, max_bytes=KIB, max_values=values + 2)
    with pytest.raises(JsonError, match=f"over {values - 1} values"):
        read(data, max_bytes=KIB, max_values=values - 1)


@pytest.mark.parametrize("number", ["9" * 309, "-" + "9" * 309, "0." + "9" * 309 + "e" + "0" * 308 + "1"])
def test_the_cap_on_digits_is_inclusive_and_counts_no_strings(number: str) -> None:
    """Integers are read and written in quadratic time: 4,300 digits, Python's own limit, take 0.2 ms."""
    read(f'["{number}9", {number}]'.encode(), max_bytes=2 * KIB)
    with pytest.raises(JsonError, match="a number of over 309 digits"):
        read(f"[{number.replace('999', '9999', 1)}]".encode(), max_bytes=2 * KIB)


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_the_depth_cap_is_inclusive(pair: tuple[bytes, bytes]) -> None:
    opening, closing = pair

    read_small(opening * (MAX_DEPTH - 1) + b"[]" + closing * (MAX_DEPTH - 1))
    with pytest.raises(JsonError, match="deeper than 32"):
        read_small(opening * MAX_DEPTH + b"[]" + closing * MAX_DEPTH)


def test_the_depth_is_counted_across_kinds_and_siblings() -> None:
    assert read(b'[[], {"a": []}, [[]]]', max_bytes=100, max_depth=3) == [[], {"a": []}, [[]]]
    with pytest.raises(JsonError, match="deeper than 2"):
        read(b'[[], {"a": []}]', max_bytes=100, max_depth=2)


@pytest.mark.parametrize("text", ["[" * 99, "\\\\[" * 40, '\\"[[' * 40, '\\\\\\"{' * 40, "]}" * 40])
def test_brackets_in_strings_do_not_nest(text: str) -> None:
    encoded = b'["' + text.encode() + b'", []]'

    assert read_small(encoded)[1] == []


def test_a_string_that_ends_in_a_backslash_hides_no_brackets() -> None:
    with pytest.raises(JsonError, match="deeper than 32"):
        read_small(b'["\\\\",' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b',"\\\\"]')


@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":1}', b'{"a":1,"b":{},"\\u0061":2}', b'[{"x":{"":1,"":2}}]', b'{"\xc3\xbc":1,"\\u00FC":2}'],
)
def test_duplicate_members_are_refused_at_any_depth_and_in_any_spelling(data: bytes) -> None:
    with pytest.raises(JsonError, match="occurs twice in one object"):
        read_small(data)
    with pytest.raises(JsonError, match="occurs twice in one object"):
        decode(data, dict[str, Any] | list[Any], max_bytes=100)  # type: ignore[arg-type]


def test_one_name_in_two_objects_is_no_duplicate() -> None:
    assert read_small(b'[{"a":{"a":1}},{"a":2}]') == [{"a": {"a": 1}}, {"a": 2}]


NOT_JSON = {
    "nothing": b"",
    "white space": b" \n",
    "two values": b"{}{}",
    "a rest": b"[] x",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"id":"x"}'.encode("utf-16-le"),
    "invalid UTF-8": b'{"id":"\xff"}',
    "overlong UTF-8": b'{"id":"\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"id":"\xed\xa0\x80"}',
    "NaN": b'{"id":NaN}',
    "infinity": b"[-Infinity]",
    "a number beyond a double": b"[1e400]",
    "an integer of 5,000 digits": b"[" + b"1" * 5_000 + b"]",
    "a leading zero": b"[01]",
    "a plus sign": b"[+1]",
    "a bare point": b"[1.]",
    "hexadecimal": b"[0x1]",
    "a trailing comma": b"[1,]",
    "a comment": b"[1/**/]",
    "single quotes": b"{'id':'x'}",
    "a control character": b'["a\nb"]',
    "NUL": b'["a\x00b"]',
    "an unknown escape": b'["\\x41"]',
    "a lone high surrogate": b'["\\ud800 "]',
    "a lone low surrogate": b'["\\udc00 "]',
    "a lone surrogate in a name": b'{"\\ud800 ":1}',
    "two high surrogates": b'["\\ud83d\\ud83d"]',
    "an open string": b'["abc',
    "an open string after a backslash": b'["abc\\',
    "an open array": b"[1",
    "brackets that do not match": b"[1}",
    "a backslash outside a string": b"\\[]",
    "Python's None": b"[None]",
}


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_json_is_refused(data: bytes) -> None:
    with pytest.raises(JsonError):
        read_small(data)
    with pytest.raises(JsonError):
        decode_small(data)


@pytest.mark.parametrize("text", ['"\\ud800"', '{"a":"\\udc00"}', '["\\ud83d\\ud83d"]', '["\\\\\\ud800"]'])
def test_half_a_surrogate_pair_is_called_so(text: str) -> None:
    with pytest.raises(JsonError, match="half of a surrogate pair"):
        read_small(text.encode())


@pytest.mark.parametrize("text", ['["\\ud83d\\ude00", ]', '["\\\\ud800", ]'])
def test_a_whole_pair_is_not_blamed(text: str) -> None:
    with pytest.raises(JsonError, match="malformed"):
        read_small(text.encode())


@pytest.mark.parametrize(
    ("mark", "encoding"), [("EF BB BF", "utf-8"), ("FF FE", "utf-16-le"), ("FE FF", "utf-16-be")]
)
def test_the_byte_order_mark_of_any_encoding_is_named(mark: str, encoding: str) -> None:
    with pytest.raises(JsonError, match=rf"byte order mark \({mark}\)"):
        read_small(bytes.fromhex(mark) + '{"a":[1]}'.encode(encoding))


def test_a_byte_order_mark_is_named() -> None:
    with pytest.raises(JsonError, match="byte order mark"):
        read_small(b'\xef\xbb\xbf{"a":1}')
    with pytest.raises(JsonError, match="byte order mark"):
        decode_small(b'\xef\xbb\xbf{"text":"a"}')


# Numbers at the edges of a double, and what they are: RFC 8785, appendix B, and some that are hard to round.
EDGES = {
    "5e-324": "0000000000000001",
    "-5e-324": "8000000000000001",
    "1.7976931348623157e308": "7fefffffffffffff",
    "-1.7976931348623157e308": "ffefffffffffffff",
    "9007199254740992.0": "4340000000000000",
    "295147905179352830000.0": "4430000000000000",
    "9.999999999999997e22": "44b52d02c7e14af5",
    "1e23": "44b52d02c7e14af6",
    "1.0000000000000001e23": "44b52d02c7e14af7",
    "999999999999999700000.0": "444b1ae4d6e2ef4e",
    "1e+21": "444b1ae4d6e2ef50",
    "9.999999999999997e-7": "3eb0c6f7a0b5ed8c",
    "0.000001": "3eb0c6f7a0b5ed8d",
    "333333333.3333332": "41b3de4355555553",
    "2.4703282292062327208e-324": "0000000000000000",
    "2.4703282292062327209e-324": "0000000000000001",
    "0.0": "0000000000000000",
    "-0.0": "8000000000000000",
}


@pytest.mark.parametrize("spelling", EDGES)
def test_a_number_is_the_double_nearest_to_it(spelling: str) -> None:
    (number,) = read_small(f"[{spelling}]".encode())

    assert struct.pack(">d", number).hex() == EDGES[spelling]
    assert read_again(encode({"a": number})) == {"a": number}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_python_reads_it(number: float) -> None:
    assert read_small(f"[{number!r}]".encode()) == [number]


def test_a_number_beyond_a_double_is_refused_wherever_it_stands() -> None:
    for data in (b"[1e309]", b'{"a":{"b":-1e999}}', b"1e309"):
        with pytest.raises(JsonError, match="out of range"):
            read_small(data)
        with pytest.raises(JsonError, match="out of range"):
            decode(data, object, max_bytes=100)


def test_a_duplicate_of_a_long_document_is_refused_without_its_name() -> None:
    data = b'{"a":"%b","b":1,"b":1}' % (b"x" * 300_000)

    with pytest.raises(JsonError, match="a member occurs twice in one object"):
        read(data, max_bytes=1_000_000)


_TEXTS = st.text(st.sampled_from(':\\"a{,['))
_TREES = st.recursive(
    st.none() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=20,
)


@given(_TREES, st.booleans())
def test_colons_in_strings_are_no_duplicates(value: object, ascii_only: bool) -> None:
    assert read_small(json.dumps(value, indent=1, ensure_ascii=ascii_only).encode()) == value


def test_a_bad_byte_is_counted_from_the_beginning() -> None:
    with pytest.raises(JsonError, match="byte 13 is not UTF-8"):
        read_small(b'{"a":1,"b":"x\xff"}')


def test_an_integer_beyond_64_bits_keeps_its_value() -> None:
    assert read_small(b"[340282366920938463463374607431768211456]") == [2**128]


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        (b'{"id":1}', "/id"),
        (b"{}", ""),
        (b"[]", ""),
        (b'{"id":"x","other":1}', ""),
        (b'{"id":"x","names":[{"text":"a"},{"text":null}]}', "/names/1/text"),
        (b'{"id":"x","names":[{"txt":"a"}]}', "/names/0"),
        (b'{"id":"x","extra":{"secret":"y"}}', "/extra"),
    ],
)
def test_the_error_points_to_the_member_at_fault(data: bytes, pointer: str) -> None:
    with pytest.raises(JsonError) as refused:
        decode_small(data)

    assert refused.value.pointer == pointer
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["x" * 60_000, "x - at `$.forged`", "x - at `$.forged` - at `$.id"])
def test_a_hostile_name_makes_neither_a_long_message_nor_a_pointer(name: str) -> None:
    with pytest.raises(JsonError) as refused:
        decode_small(msgspec.json.encode({"id": "x", name: 1}))

    assert len(str(refused.value)) <= MAX_REASON_CHARS
    assert "forged" not in refused.value.pointer


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("", ""),
        (".a", "/a"),
        (".issuers[3].name", "/issuers/3/name"),
        ("[0][12]", "/0/12"),
        ("[...]", ""),
        (".a[...].b", "/a"),
        (".@context[0]", "/@context/0"),
    ],
)
def test_a_path_becomes_a_json_pointer(path: str, pointer: str) -> None:
    assert pointer_of(path) == pointer


def test_encoding_is_compact_and_reads_back() -> None:
    value = {"b": [1, None], "a": "ü"}

    assert encode(value) == '{"b":[1,null],"a":"ü"}'.encode()
    assert read_small(encode(value)) == value


def object_with_a_duplicate(size: int) -> bytes:
    names = [b'"%06d":0' % number for number in range(size // 11)]
    return b"{" + b",".join([*names, names[-1]]) + b"}"


HOSTILE = {
    "opening brackets": lambda size: b"[" * size,
    "opening brackets of both kinds": lambda size: b"[{" * (size // 2),
    "closing brackets": lambda size: b"]" * size,
    "one deep well": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "wells just within the depth": lambda size: (b"[" * 32 + b"]" * 32) * (size // 64),
    "quotes": lambda size: b'"' * size,
    "backslashes": lambda size: b"\\" * size,
    "an open string of escapes": lambda size: b'"' + b'\\"' * (size // 2),
    "quotes and backslashes": lambda size: b'"\\' * (size // 2),
    "a duplicate at the end": object_with_a_duplicate,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_is_refused_in_linear_time(make: Any) -> None:
    """Sixteen times the bytes cost about sixteen times the work, where a quadratic check would cost 256."""

    def seconds(size: int) -> float:
        data, best = make(size), float("inf")
        for _ in range(5):
            began = time.thread_time()
            with pytest.raises(JsonError):
                read(data, max_bytes=1_024 * KIB)
            best = min(best, time.thread_time() - began)
        return best

    assert seconds(512 * KIB) < 64 * max(seconds(32 * KIB), 0.0002)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('[{"\\0129a')),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.sampled_from('[{"\\0')), inner, max_size=4)
    ),
    max_leaves=60,
)


@given(_JSON, st.integers(1, 12), st.booleans())
def test_the_quick_look_at_depth_never_lets_in_what_the_long_one_refuses(
    value: object, max_depth: int, compact: bool
) -> None:
    data = json.dumps(value, separators=(",", ":") if compact else None).encode()

    def accepts(max_values: int | None) -> bool:
        """With `max_values` the quick look is not taken."""
        try:
            read(data, max_bytes=100_000, max_depth=max_depth, max_values=max_values)
        except JsonError:
            return False
        return True

    assert accepts(None) == accepts(1_000_000)


@pytest.mark.parametrize("data", [b'{"a":1,"a":1}', b'[{"b":{"a":[],"a":[]}}]', b'{"a":1,"\\u0061":1}'])
def test_a_member_that_occurs_twice_in_compact_json_is_refused(data: bytes) -> None:
    with pytest.raises(JsonError, match="twice"):
        read(data, max_bytes=1_000)


class Colour(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    paint_of: Literal["red", "green"] | None = None
    coats: Annotated[Literal[1, 2], msgspec.Meta(description="of paint")] = 1


class Palette(msgspec.Struct, frozen=True):
    colours: tuple[Colour, ...] = ()


@pytest.mark.parametrize(
    ("data", "pointer", "told"),
    [
        (b'{"colours": [{}, {"paintOf": "blue"}]}', "/colours/1/paintOf", "green, red, found 'blue'"),
        (b'{"colours": [{"coats": 3}]}', "/colours/0/coats", "1, 2, found 3"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_those_that_are(
    data: bytes, pointer: str, told: str
) -> None:
    with pytest.raises(JsonError) as refused:
        decode(data, Palette, max_bytes=1_000)

    assert (refused.value.pointer, str(refused.value)) == (pointer, f"expected one of {told}")


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1, "a":1}',
        '{"a": 1, "b": {"c": 1, "c": 1}}',
        '{"a: b": 1, "a: b": 2}',
        '{"a, b": 1, "x": ": ", "a, b": 1}',
        '{"a":"b, c","a":"b,c"}',
        '[{"a": ", \\"a\\": 1"}, {"a": 1, "a": 1}]',
    ],
)
def test_a_member_that_is_there_twice_is_found_whatever_the_spaces(text: str) -> None:
    with pytest.raises(JsonError, match="twice"):
        read(text.encode(), max_bytes=1_000)
