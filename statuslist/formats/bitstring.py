"""
A bitstring of statuses, packed most significant bit first, and its `encodedList`. Pure.

Bitstring Status List v1.0 (W3C REC, 2025-05-15), sections 2.2, 3.3 and 3.4: index 0 is the left-most bit. An
entry of `size` bits lies at bits index*size to index*size+size-1, its own most significant bit first. (The
IETF's Token Status List packs from the least significant bit: nothing here reads or writes that.)
"""

from collections.abc import Iterable

from statuslist.errors import MalformedStatusList, RangeError
from statuslist.formats.compression import GZIP, deflated, gzip_member, inflated
from wire.base64url import SecondSpelling, decode_base64url, encode_base64url

MINIMUM_ENTRIES = 131_072  # entries; section 3.2, step 2
MAX_LIST_BYTES = 8 * 1024 * 1024  # 8 MiB, 2^26 bits: the bound proposed in w3c/vc-bitstring-status-list#208
_BLOCK = 1_024  # bytes that are compared at once


def with_statuses(length: int, entries: Iterable[tuple[int, int]], *, size: int = 1) -> bytes:
    """
    Return the bitstring of `length` entries in which each (index, status) of `entries` is set, the rest 0.

    Implements the Bitstring Generation Algorithm (section 3.3) up to compression.

    Args:
        length: number of entries; length*size is padded with zeros to whole bytes.
        entries: each index at most once.
        size: bits per entry (`statusSize`).

    Raises:
        RangeError: an index outside 0..length-1.
        ValueError: a status outside 0..2^size-1.
    """
    bits = bytearray((length * size + 7) // 8)
    for index, status in entries:
        if not 0 <= index < length:
            raise RangeError(f"index {index} lies outside a list of {length} entries")
        if not 0 <= status < 1 << size:
            raise ValueError(f"status {status} does not fit into {size} bits")
        end_bit = (index + 1) * size
        position, rest = (end_bit - 1) >> 3, status << (-end_bit & 7)
        while rest:  # byte by byte from the entry's last; once for an entry of one bit
            bits[position] |= rest & 0xFF
            position, rest = position - 1, rest >> 8
    return bytes(bits)


def status_at(bits: bytes, index: int, *, size: int = 1) -> int:
    """
    Return the status of entry `index`.

    Raises:
        RangeError: the entry does not lie wholly inside the bitstring (RANGE_ERROR; section 3.2, step 10).
    """
    first_bit, end_bit = index * size, (index + 1) * size
    if index < 0 or end_bit > len(bits) * 8:
        raise RangeError(f"the index lies outside a list of {len(bits) * 8 // size} entries")
    end_byte = (end_bit + 7) >> 3
    window = int.from_bytes(bits[first_bit >> 3 : end_byte])
    return window >> (end_byte * 8 - end_bit) & (1 << size) - 1


def compress(bits: bytes) -> bytes:
    """Return `bits` as one GZIP member (RFC 1952), the same bytes for the same bits and zlib."""
    return gzip_member(bits, deflated(bits))


def encode_list(bits: bytes) -> str:
    """Return `encodedList`: multibase base64url ("u", no padding) of GZIP (section 2.2)."""
    return multibase(compress(bits))


def multibase(compressed: bytes) -> str:
    """Return compressed bits as multibase base64url."""
    return "u" + encode_base64url(compressed)


def expand_list(encoded: str, *, max_bytes: int) -> bytes:
    """
    Decode `encodedList` to the raw bitstring, most significant bit first.

    Implements the Bitstring Expansion Algorithm (section 3.4).

    Args:
        encoded: multibase base64url ("u" prefix, no padding) of GZIP data, one member and nothing behind it.
        max_bytes: refuse to expand beyond this; guards against a decompression bomb.

    Raises:
        MalformedStatusList: prefix, base64url or GZIP data is invalid (MALFORMED_VALUE_ERROR).
        StatusListTooLarge: the expanded list exceeds `max_bytes` (our limit, not the standard's).
    """
    return expand(decode_list(encoded), max_bytes=max_bytes)


def decode_list(encoded: str) -> bytes:
    """
    Return the GZIP data of `encodedList`; whether it can be expanded is not known here.

    Raises:
        MalformedStatusList: it is no multibase base64url without padding (MALFORMED_VALUE_ERROR).
    """
    try:
        if encoded.startswith("u"):
            return decode_base64url(encoded[1:])
    except SecondSpelling:
        raise _malformed("its base64url ends in bits that stand for nothing") from None
    except ValueError:
        pass
    raise _malformed('it is not multibase base64url ("u", no padding)')


def expand(compressed: bytes, *, max_bytes: int) -> bytes:
    """
    Return the raw bitstring of one GZIP member; as `expand_list`.

    Raises:
        MalformedStatusList, StatusListTooLarge: as `expand_list`.
    """
    try:
        return inflated(compressed, GZIP, max_bytes=max_bytes)
    except ValueError as error:
        raise _malformed(str(error)) from None


def cleared_bits(previous: bytes, current: bytes) -> int:
    """
    Return how many bits are set in `previous` and not in `current`; bits cut off at the end count too.

    Block by block, since few of them differ.
    """
    padded = current.ljust(len(previous), b"\0")
    starts = range(0, len(previous), _BLOCK)
    blocks = ((previous[start : start + _BLOCK], padded[start : start + _BLOCK]) for start in starts)
    return sum(_cleared_in(before, after[: len(before)]) for before, after in blocks if before != after)


def _cleared_in(before: bytes, after: bytes) -> int:
    return (int.from_bytes(before) & ~int.from_bytes(after)).bit_count()


def _malformed(reason: str) -> MalformedStatusList:
    pointer = "/credentialSubject/encodedList"
    return MalformedStatusList(f"encodedList cannot be expanded: {reason}", pointer=pointer)
