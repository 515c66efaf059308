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
from functools import lru_cache

KEY_BYTES = 32  # bytes; the longest key of BLAKE2s
KEPT = 4  # permutations; 40 MB if all of them are of the largest sets
ROUNDS = 12  # even, so that the halves of an odd number of bits end up as wide as they began


class Permutation:
    """
    The order in which a set of `length` entries gives its indices.

    For one key and length `index_of` is a bijection of 0..length-1. The key is random, belongs to one set and never
    changes: under another key, or length, indices would be handed out again.

    What a round makes of a half is remembered, and a half has few values: of many indices each takes a microsecond,
    of one 15. Of a list of 131,072 that is half a MB in the end, of one of 2^26 entries some 10 MB.

    Raises:
        ValueError: the key has not `KEY_BYTES`.
    """

    def __init__(self, length: int, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"expected a key of {KEY_BYTES} bytes, found {len(key)}")
        bits = (length - 1).bit_length()
        self._length = length
        self._widths = (bits // 2, bits - bits // 2)
        keyed = hashlib.blake2s(key=key, digest_size=8)
        # A round widens and narrows the halves in turn: its own one is as wide as the half that it changes.
        self._rounds = [_Round(keyed, number, self._widths[number % 2]) for number in range(ROUNDS)]
        self._back = self._rounds[::-1]

    def index_of(self, n: int) -> int:
        """
        Return the index of allocation number `n`.

        Raises:
            ValueError: `n` is not in 0..length-1; who allocates knows when a set is full.
        """
        value = self._forth(self._inside(n))
        while value >= self._length:
            value = self._forth(value)
        return value

    def number_of(self, index: int) -> int:
        """
        Return the allocation number of `index`: the inverse of `index_of`.

        An index has been handed out if its number is below the set's counter.

        Raises:
            ValueError: `index` is not in 0..length-1.
        """
        value = self._backwards(self._inside(index))
        while value >= self._length:
            value = self._backwards(value)
        return value

    def _inside(self, value: int) -> int:
        if not 0 <= value < self._length:
            raise ValueError(f"{value} lies outside a list of {self._length} entries")
        return value

    def _forth(self, value: int) -> int:
        """As many rounds forth as make the halves as wide again as they were: a bijection of 0..2^bits-1."""
        other = self._widths[1]
        left, right = value >> other, value & (1 << other) - 1
        for made in self._rounds:
            left, right = right, left ^ made[right]
        return left << other | right

    def _backwards(self, value: int) -> int:
        width = self._widths[1]
        left, right = value >> width, value & (1 << width) - 1
        for made in self._back:
            left, right = right ^ made[left], left
        return left << width | right


class _Round(dict[int, int]):
    """The pseudo-random bits of one round, as many as the half that it changes has, by the other half (8 bytes)."""

    def __init__(self, keyed: hashlib.blake2s, number: int, width: int) -> None:
        self._keyed = keyed
        self._number = bytes((number,))
        self._mask = (1 << width) - 1

    def __missing__(self, half: int) -> int:
        keyed = self._keyed.copy()
        keyed.update(self._number + half.to_bytes(8))
        made = self[half] = int.from_bytes(keyed.digest()) & self._mask
        return made


@lru_cache(maxsize=KEPT)
def permutation_of(length: int, key: bytes) -> Permutation:
    """Return the permutation of a set, with what it remembers if it was asked for lately."""
    return Permutation(length, key)


def index_of(n: int, *, length: int, key: bytes) -> int:
    """Return the index of one allocation number; as `Permutation`."""
    return Permutation(length, key).index_of(n)


def number_of(index: int, *, length: int, key: bytes) -> int:
    """Return the allocation number of one index; as `Permutation`."""
    return Permutation(length, key).number_of(index)
