"""
The statuses of a Token Status List: their values, packed least significant bit first, and `lst`. Pure.

Token Status List (draft-ietf-oauth-status-list-21), sections 4.1 (Compressed Byte Array) and 7 (Status Types). An
entry has 1, 2, 4 or 8 bits and never crosses a byte: entry 0 stands in the lowest bits of byte 0. That is the
mirror image of the W3C's bitstring (`bitstring.py`), which fills a byte from its highest bit: a list packed the
wrong way round revokes other credentials than it should.
"""

import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from statuslist.errors import MalformedStatusList, RangeError
from statuslist.formats.compression import ZLIB, deflated, inflated

Width = Literal[1, 2, 4, 8]  # bits per entry (section 4.1, step 1)
WIDTHS: tuple[Width, ...] = (1, 2, 4, 8)

# Status types (section 7.1): what a value means.
VALID, INVALID, SUSPENDED = 0x00, 0x01, 0x02
# Whoever issues the token says what these mean. All other values are kept for registration.
APPLICATION_SPECIFIC = frozenset({0x03, *range(0x0C, 0x10)})

# RFC 1950, section 2.2: deflate with a window of 32 KiB, no dictionary, "fastest": what zlib writes for the
# strategies that we compress with. By hand, so that the same bits give the same bytes everywhere.
_ZLIB_HEADER = b"\x78\x01"
_POINTER = "/status_list/lst"


# A byte with its bits from the other end.
_MIRRORED = bytes(sum((byte >> (7 - bit) & 1) << bit for bit in range(8)) for byte in range(256))


def _of_two(revoked: int, suspended: int) -> int:
    return INVALID if revoked else SUSPENDED if suspended else VALID


# Four revocation bits and below them the four suspension bits of the same entries, each the highest first: the byte
# with these entries' statuses, two bits each, the lowest first.
_FOUR_STATUSES = bytes(
    sum(_of_two(byte >> (7 - entry) & 1, byte >> (3 - entry) & 1) << 2 * entry for entry in range(4))
    for byte in range(256)
)


def token_bits(revoked: bytes, suspended: bytes | None) -> bytes:
    """
    Return the packed list of a set from its W3C bitstrings, most significant bit first.

    One bit per entry where nothing can be suspended. Else two: an entry that is both revoked and suspended is
    `INVALID`, since a revocation is final.

    Args:
        revoked: a bit per entry.
        suspended: a bit per entry, as many as `revoked` has; None for a set without suspension.

    Raises:
        ValueError: the bitstrings differ in length.
    """
    if suspended is None:
        return revoked.translate(_MIRRORED)
    if len(suspended) != len(revoked):
        raise ValueError(f"expected {len(revoked)} bytes of suspensions, found {len(suspended)}")
    size, low = len(revoked), _low_halves(len(revoked))
    r, s = int.from_bytes(revoked), int.from_bytes(suspended)
    # Of each byte the first four entries, and the last four: r's high and s's high half, r's low and s's low half.
    first, last = r & ~low | s >> 4 & low, (r & low) << 4 | s & low
    lst = bytearray(2 * size)
    lst[0::2] = first.to_bytes(size).translate(_FOUR_STATUSES)
    lst[1::2] = last.to_bytes(size).translate(_FOUR_STATUSES)
    return bytes(lst)


def packed(length: int, entries: Iterable[tuple[int, int]], bits: Width) -> bytes:
    """
    Return the list of `length` entries in which each (index, status) of `entries` is set, the rest `VALID`.

    Args:
        length: number of entries; the last byte is filled up with zeros.
        entries: each index at most once.

    Raises:
        RangeError: an index outside 0..length-1.
        ValueError: a status outside 0..2^bits-1, or another width.
    """
    _check_width(bits)
    lst = bytearray((length * bits + 7) // 8)
    for index, status in entries:
        if not 0 <= index < length:
            raise RangeError(f"index {index} lies outside a list of {length} entries")
        if not 0 <= status < 1 << bits:
            raise ValueError(f"status {status} does not fit into {bits} bits")
        lst[index * bits >> 3] |= status << (index * bits & 7)
    return bytes(lst)


def value_at(lst: bytes, index: int, bits: Width) -> int:
    """
    Return the status of entry `index` of an expanded list.

    Raises:
        RangeError: the index lies outside the list; that never means valid (section 8.3).
        ValueError: another width.
    """
    _check_width(bits)
    if not 0 <= index < len(lst) * 8 // bits:
        raise RangeError(f"the index lies outside a list of {len(lst) * 8 // bits} entries")
    return lst[index * bits >> 3] >> (index * bits & 7) & (1 << bits) - 1


def bits_of_value(lst: bytes, value: int, bits: Width) -> bytes:
    """
    Return which entries have a value, as a W3C bitstring: the way back from `token_bits`.

    Args:
        bits: 1 or 2.
    """
    if bits == 1:
        return lst.translate(_MIRRORED)
    of_pair = [
        sum((byte >> 2 * place & 3 == value) << 3 - place for place in range(4)) for byte in range(256)
    ]
    first, last = (
        lst[0::2].translate(bytes(each << 4 for each in of_pair)),
        lst[1::2].translate(bytes(of_pair)),
    )
    return (int.from_bytes(first) | int.from_bytes(last)).to_bytes(len(first))


def compressed(lst: bytes) -> bytes:
    """
    Return `lst` in the ZLIB container (RFC 1950), the same bytes for the same list and zlib.

    Section 4.1, step 4, recommends the highest level of compression. Ours makes about as little of it in a
    hundredth of the time: see `compression.deflated`.
    """
    return _ZLIB_HEADER + deflated(lst) + zlib.adler32(lst).to_bytes(4)


def expanded(data: bytes, *, max_bytes: int) -> bytes:
    """
    Return the packed list from its ZLIB container.

    Args:
        data: one stream and nothing behind it.
        max_bytes: refuse to expand beyond this; guards against a decompression bomb.

    Raises:
        MalformedStatusList: the ZLIB data is damaged, incomplete, or followed by something.
        StatusListTooLarge: the expanded list exceeds `max_bytes` (our limit, not the standard's).
    """
    try:
        return inflated(data, ZLIB, max_bytes=max_bytes)
    except ValueError as error:
        raise MalformedStatusList(f"lst cannot be expanded: {error}", pointer=_POINTER) from None


@lru_cache(maxsize=4)  # a number of the size of the list each; sets of one size are the rule
def _low_halves(size: int) -> int:
    """Return the mask of the low half of each of `size` bytes."""
    return int.from_bytes(b"\x0f" * size)


def _check_width(bits: int) -> None:
    if bits not in WIDTHS:
        raise ValueError(f"expected 1, 2, 4 or 8 bits per entry, found {bits}")
