"""Statuses packed from the least significant bit: order, widths, both bitstrings in one, and hostile lists."""

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statuslist.errors import MalformedStatusList, RangeError, StatusListTooLarge
from statuslist.formats.bitstring import with_statuses
from statuslist.formats.token_bits import (
    APPLICATION_SPECIFIC,
    INVALID,
    SUSPENDED,
    VALID,
    WIDTHS,
    Width,
    compressed,
    expanded,
    packed,
    token_bits,
    value_at,
)

each_width = pytest.mark.parametrize("bits", WIDTHS)


def test_entry_zero_is_in_the_lowest_bits() -> None:
    assert packed(16, [(0, 1)], 1).hex() == "0100"
    assert packed(16, [(1, 1), (9, 1)], 1).hex() == "0202"
    assert packed(8, [(1, 2)], 2).hex() == "0800"
    assert packed(4, [(0, 2), (3, 1)], 4).hex() == "0210"
    assert packed(2, [(1, 2)], 8).hex() == "0002"


def test_the_values_are_those_of_the_draft() -> None:
    """Section 7.1; the application-specific ones are 3 and 0x0C to 0x0F."""
    assert (VALID, INVALID, SUSPENDED) == (0, 1, 2)
    assert {3, 12, 13, 14, 15} == APPLICATION_SPECIFIC


def written_out(values: list[int], bits: int) -> bytes:
    """Pack by text: each entry's binary number to the left of the one before, in bytes from the right."""
    text = "".join(format(value, f"0{bits}b") for value in reversed(values))
    text = "0" * (-len(text) % 8) + text
    return bytes(int(text[start : start + 8], 2) for start in range(len(text) - 8, -1, -8))


@each_width
@given(data=st.data())
def test_packing_agrees_with_bits_written_out_as_text(bits: Width, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=1, max_size=60))

    lst = packed(len(values), enumerate(values), bits)

    assert lst == written_out(values, bits)
    assert [value_at(lst, index, bits) for index in range(len(values))] == values


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200).filter(
        lambda entries: len(entries) % 8 == 0
    )
    | st.lists(st.tuples(st.booleans(), st.booleans()), min_size=16, max_size=16)
)
def test_two_bitstrings_are_packed_as_their_values_are(entries: list[tuple[bool, bool]]) -> None:
    revoked = with_statuses(len(entries), [(index, one) for index, (one, _) in enumerate(entries)])
    suspended = with_statuses(len(entries), [(index, one) for index, (_, one) in enumerate(entries)])
    values = [INVALID if one else SUSPENDED if other else VALID for one, other in entries]

    assert token_bits(revoked, suspended) == packed(len(entries), enumerate(values), 2)
    assert token_bits(revoked, None) == packed(
        len(entries), [(i, one) for i, (one, _) in enumerate(entries)], 1
    )


def test_a_whole_list_of_random_statuses_is_packed_as_its_values_are() -> None:
    randomness = random.Random(14)
    revoked, suspended = randomness.randbytes(16_384), randomness.randbytes(16_384)

    lst = token_bits(revoked, suspended)

    assert len(lst) == 32_768
    for index in range(131_072):
        mask = 0x80 >> (index & 7)
        is_revoked, is_suspended = revoked[index >> 3] & mask, suspended[index >> 3] & mask
        assert value_at(lst, index, 2) == (INVALID if is_revoked else SUSPENDED if is_suspended else VALID)


def test_a_revocation_wins_over_a_suspension() -> None:
    assert token_bits(b"\x80", b"\xc0").hex() == "0900"  # entry 0 INVALID, entry 1 SUSPENDED


def test_bitstrings_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 bytes"):
        token_bits(bytes(2), bytes(1))


@each_width
def test_an_index_outside_the_list_is_refused(bits: Width) -> None:
    """Also where a byte has room for it: the length of a list counts in `packed`, whole bytes in `value_at`."""
    for index in (-1, 5):
        with pytest.raises(RangeError):
            packed(5, [(index, 1)], bits)
    for index in (-1, 16 // bits):
        with pytest.raises(RangeError):
            value_at(bytes(2), index, bits)


@each_width
def test_a_status_that_does_not_fit_is_refused(bits: Width) -> None:
    for status in (-1, 1 << bits):
        with pytest.raises(ValueError, match="does not fit"):
            packed(8, [(0, status)], bits)


@pytest.mark.parametrize("bits", [0, 3, 16, -1])
def test_another_width_is_refused(bits: int) -> None:
    with pytest.raises(ValueError, match="1, 2, 4 or 8"):
        packed(8, [], bits)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1, 2, 4 or 8"):
        value_at(bytes(8), 0, bits)  # type: ignore[arg-type]


@pytest.mark.parametrize("density", [0, 0.001, 0.01, 0.3])
def test_a_compressed_list_is_a_zlib_stream_and_the_same_each_time(density: float) -> None:
    randomness = random.Random(14)
    lst = packed(131_072, [(i, 1) for i in range(131_072) if randomness.random() < density], 1)

    data = compressed(lst)

    assert data[0] == 0x78 and int.from_bytes(data[:2]) % 31 == 0  # RFC 1950, section 2.2
    assert zlib.decompress(data) == lst == expanded(data, max_bytes=len(lst))
    assert data == compressed(lst)


def test_the_empty_list_is_a_zlib_stream() -> None:
    """adorsys/status-list-server, issue 481: an empty list must be one that others can expand."""
    assert zlib.decompress(compressed(b"")) == b""


def test_a_list_that_expands_beyond_the_cap_is_refused() -> None:
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 9)

    with pytest.raises(StatusListTooLarge):
        expanded(bomb, max_bytes=16_384)
    with pytest.raises(StatusListTooLarge):
        expanded(zlib.compress(bytes(16_385)), max_bytes=16_384)


GOOD = zlib.compress(bytes(100))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "incomplete"),
        (GOOD[:-1], "incomplete"),
        (GOOD + b"\0", "something behind"),
        (GOOD + GOOD, "something behind"),
        (GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "damaged"),
        (GOOD[2:-4], "damaged"),
        (zlib.compress(bytes(100), 9, 31), "damaged"),
    ],
    ids=["empty", "cut off", "a byte behind", "a second stream", "checksum", "raw deflate", "gzip"],
)
def test_a_damaged_list_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(MalformedStatusList, match=why) as caught:
        expanded(data, max_bytes=16_384)

    assert caught.value.pointer == "/status_list/lst"
