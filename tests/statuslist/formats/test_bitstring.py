"""The packed bits and `encodedList`: order, one spelling, and what hostile lists do."""

import base64
import gzip
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statuslist.errors import MalformedStatusList, RangeError, StatusListTooLarge
from statuslist.formats.bitstring import (
    MINIMUM_ENTRIES,
    cleared_bits,
    compress,
    encode_list,
    expand_list,
    status_at,
    with_statuses,
)

CAP = 16_384

# Bitstring Status List v1.0, section 2.2, example 3 (BitstringStatusListCredential): 131,072 zeros.
SPECIFICATION_EXAMPLE = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"


def multibase(data: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_index_zero_is_the_left_most_bit() -> None:
    """Section 2.2; every byte here differs from its mirror image."""
    assert with_statuses(24, [(0, 1)]).hex() == "800000"
    assert with_statuses(24, [(1, 1), (3, 1)]).hex() == "500000"
    assert with_statuses(24, [(7, 1), (8, 1), (10, 1)]).hex() == "01a000"
    assert with_statuses(24, [(23, 1)]).hex() == "000001"


def test_statuses_are_read_from_the_left() -> None:
    bits = bytes.fromhex("01a0")

    assert [status_at(bits, index) for index in range(16)] == [0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0]


def test_a_wider_status_is_written_most_significant_bit_first() -> None:
    """Value 2 at index 1 of size 2 gives 0x20: as spruceid/ssi and 4sure-tech have it."""
    assert with_statuses(4, [(1, 2)], size=2).hex() == "20"
    assert status_at(bytes.fromhex("20"), 1, size=2) == 2


def test_a_status_may_cross_bytes() -> None:
    bits = with_statuses(8, [(2, 0b110), (5, 0b001)], size=3)

    assert bits.hex() == "030040"
    assert [status_at(bits, index, size=3) for index in range(8)] == [0, 0, 6, 0, 0, 1, 0, 0]


@given(st.data(), st.integers(1, 8), st.integers(1, 200))
def test_each_status_is_read_as_it_was_written(data: st.DataObject, size: int, length: int) -> None:
    statuses = data.draw(st.dictionaries(st.integers(0, length - 1), st.integers(0, 2**size - 1)))
    bits = with_statuses(length, statuses.items(), size=size)

    assert [status_at(bits, i, size=size) for i in range(length)] == [
        statuses.get(i, 0) for i in range(length)
    ]


@pytest.mark.parametrize("index", [-1, 24, 25, 2**70])
def test_an_index_outside_the_list_is_refused_on_the_way_in(index: int) -> None:
    with pytest.raises(RangeError):
        with_statuses(24, [(index, 1)])


@pytest.mark.parametrize(("status", "size"), [(2, 1), (-1, 1), (4, 2)])
def test_a_status_that_does_not_fit_is_refused(status: int, size: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        with_statuses(8, [(0, status)], size=size)


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (16, 1), (10**99, 1), (8, 2), (5, 3)])
def test_an_index_outside_the_list_is_never_read_as_valid(index: int, size: int) -> None:
    with pytest.raises(RangeError):
        status_at(bytes(2), index, size=size)


def test_the_example_of_the_specification_expands_to_zeros() -> None:
    assert expand_list(SPECIFICATION_EXAMPLE, max_bytes=CAP) == bytes(MINIMUM_ENTRIES // 8)


@given(st.binary(max_size=2_000))
def test_a_list_expands_to_what_was_encoded(bits: bytes) -> None:
    assert expand_list(encode_list(bits), max_bytes=2_000) == bits


@given(st.binary(max_size=2_000))
def test_another_implementation_reads_what_we_compress(bits: bytes) -> None:
    assert gzip.decompress(compress(bits)) == bits


@given(st.binary(max_size=2_000), st.integers(1, 9))
def test_what_another_implementation_compresses_is_read(bits: bytes, level: int) -> None:
    assert expand_list(multibase(gzip.compress(bits, level)), max_bytes=2_000) == bits


def test_the_gzip_header_names_neither_time_nor_system() -> None:
    """RFC 1952, section 2.3: MTIME 0, OS 255 (unknown); the same bits give the same bytes everywhere."""
    assert compress(bytes(CAP))[:10].hex() == "1f8b08000000000000ff"


@pytest.mark.parametrize("one_in", [10_000, 1_000, 100, 20, 10, 2])
def test_a_list_is_hardly_ever_larger_than_at_the_highest_level(one_in: int) -> None:
    """Only near one in a hundred is level 9 smaller, by some 7 %."""
    chosen = random.Random(1).sample(range(MINIMUM_ENTRIES), MINIMUM_ENTRIES // one_in)
    bits = with_statuses(MINIMUM_ENTRIES, ((index, 1) for index in chosen))

    assert len(compress(bits)) <= len(gzip.compress(bits, 9)) * 1.1


@pytest.mark.parametrize("size", [0, 1, CAP - 1, CAP])
def test_a_list_of_up_to_the_cap_expands(size: int) -> None:
    assert len(expand_list(encode_list(bytes(size)), max_bytes=CAP)) == size


def test_a_list_one_byte_over_the_cap_is_refused() -> None:
    with pytest.raises(StatusListTooLarge):
        expand_list(encode_list(bytes(CAP + 1)), max_bytes=CAP)


def test_a_bomb_is_refused_without_being_expanded() -> None:
    """200 KB that would become 200 MB."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(deflater.compress(bytes(1_000_000)) for _ in range(200)) + deflater.flush()
    encoded = multibase(bomb)
    assert len(bomb) < 250_000

    tracemalloc.start()
    with pytest.raises(StatusListTooLarge):
        expand_list(encoded, max_bytes=8 * 1024 * 1024)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 25_000_000


GOOD = encode_list(bytes(range(256)))
MALFORMED = {
    "empty": "",
    "prefix alone": "u",
    "no prefix": GOOD[1:],
    "another multibase": "z" + GOOD[1:],
    "capital prefix": "U" + GOOD[1:],
    "padded": GOOD + "=",
    "plain base64": "u+/" + GOOD[3:],
    "space": GOOD[:9] + " " + GOOD[9:],
    "line break behind": GOOD + "\n",
    "letter beyond ASCII": GOOD + "ä",
    "impossible length": "u" + "A" * 5,
    "not compressed": multibase(bytes(300)),
    "zlib container": multibase(zlib.compress(bytes(300))),
    "bare deflate": multibase(zlib.compress(bytes(300))[2:-4]),
    "two members": multibase(compress(b"a") + compress(b"b")),
    "something behind": multibase(compress(b"a") + b"\0"),
    "header alone": multibase(compress(b"a")[:10]),
    "without trailer": multibase(compress(b"a")[:-8]),
    "half a trailer": multibase(compress(b"a")[:-1]),
    "wrong CRC": multibase(compress(b"a")[:-8] + bytes(4) + compress(b"a")[-4:]),
    "wrong length": multibase(compress(b"a")[:-4] + bytes(4)),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_multibase_base64url_of_one_gzip_member_is_refused(name: str) -> None:
    with pytest.raises(MalformedStatusList) as caught:
        expand_list(MALFORMED[name], max_bytes=CAP)

    assert caught.value.pointer == "/credentialSubject/encodedList"


@pytest.mark.parametrize("content", [b"a", b"ab", b"abc"])
def test_a_list_has_one_spelling(content: bytes) -> None:
    """Unused bits in the last character are zero, else one signature would cover several texts."""
    encoded = encode_list(content)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    accepted = []
    for letter in alphabet:
        try:
            accepted.append(expand_list(encoded[:-1] + letter, max_bytes=CAP))
        except MalformedStatusList:
            continue

    assert accepted == [content]


def test_damage_never_changes_what_a_list_says() -> None:
    """The CRC of the container: any one bit flipped is refused, or stood for nothing (such as the time)."""
    bits = bytes(range(64))
    compressed = compress(bits)

    for position in range(len(compressed) * 8):
        damaged = bytearray(compressed)
        damaged[position >> 3] ^= 1 << (position & 7)
        try:
            assert expand_list(multibase(bytes(damaged)), max_bytes=CAP) == bits
        except (MalformedStatusList, StatusListTooLarge):
            continue


@pytest.mark.parametrize(
    ("previous", "current", "cleared"),
    [
        ("", "", 0),
        ("ff00", "ff00", 0),
        ("0000", "ffff", 0),
        ("8001", "0001", 1),
        ("ff0f", "f0f0", 8),
        ("ffff", "ff", 8),
        ("ff", "ffff", 0),
        ("01", "0001", 1),
    ],
)
def test_bits_that_were_set_and_are_not_are_counted(previous: str, current: str, cleared: int) -> None:
    assert cleared_bits(bytes.fromhex(previous), bytes.fromhex(current)) == cleared
