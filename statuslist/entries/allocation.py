"""
The n-th allocation of a status set to its index, and back: a keyed permutation. Pure.

Bitstring Status List v1.0, section 2.1: indexes SHOULD be assigned randomly, so that a position shows neither
how recent a credential is nor how many there are. A counter and this permutation do that in constant memory
and never give an index twice; a table of free indices would need a row per entry.

A Feistel network with a keyed, non-linear round function (BLAKE2s) over just enough bits to hold every index,
and cycle walking: a result outside the list is permuted again until it falls inside (at most twice on
average). Twelve rounds, since our domains lie below the million for which NIST SP 800-38G gives FF1 ten.
"""

import hashlib

KEY_BYTES = 32  # bytes; the longest key of BLAKE2s
ROUNDS = 12  # even, so that the halves of an odd number of bits end up as wide as they began


def index_of(n: int, *, length: int, key: bytes) -> int:
    """
    Return the index of allocation number `n` in a list of `length` entries, in some 15 microseconds.

    For one key and length this is a bijection of 0..length-1. The key is random, belongs to one set and never
    changes: under another key, or length, indices would be handed out again.

    Raises:
        ValueError: `n` is not in 0..length-1 (who allocates knows when a set is full), or the key has not
            `KEY_BYTES`.
    """
    permutation = _Permutation(n, length, key)
    value = permutation.forth(n)
    while value >= length:
        value = permutation.forth(value)
    return value


def number_of(index: int, *, length: int, key: bytes) -> int:
    """
    Return the allocation number of `index`: the inverse of `index_of`.

    An index has been handed out if its number is below the set's counter.

    Raises:
        ValueError: `index` is not in 0..length-1, or the key has not `KEY_BYTES`.
    """
    permutation = _Permutation(index, length, key)
    value = permutation.back(index)
    while value >= length:
        value = permutation.back(value)
    return value


class _Permutation:
    """The Feistel network over the bits of length-1: a keyed bijection of 0..2^bits-1."""

    def __init__(self, value: int, length: int, key: bytes) -> None:
        if not 0 <= value < length:
            raise ValueError(f"{value} lies outside a list of {length} entries")
        if len(key) != KEY_BYTES:
            raise ValueError(f"expected a key of {KEY_BYTES} bytes, found {len(key)}")
        bits = (length - 1).bit_length()
        self._widths = (bits // 2, bits - bits // 2)
        self._keyed = hashlib.blake2s(key=key, digest_size=8)

    def forth(self, value: int) -> int:
        width, other = self._widths
        left, right = value >> other, value & (1 << other) - 1
        for number in range(ROUNDS):
            left, right = right, left ^ self._round(number, right, width)
            width, other = other, width
        return left << other | right

    def back(self, value: int) -> int:
        other, width = self._widths
        left, right = value >> width, value & (1 << width) - 1
        for number in reversed(range(ROUNDS)):
            left, right = right ^ self._round(number, left, width), left
            width, other = other, width
        return left << width | right

    def _round(self, number: int, half: int, width: int) -> int:
        """Return `width` pseudo-random bits of a round and a half (at most 8 bytes)."""
        keyed = self._keyed.copy()
        keyed.update(bytes((number,)) + half.to_bytes(8))
        return int.from_bytes(keyed.digest()) & (1 << width) - 1
