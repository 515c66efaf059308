"""The keyed permutation: no index twice, none predictable."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statuslist.entries.allocation import KEY_BYTES, index_of, number_of

LENGTH = 131_072
KEYS = [bytes((number,)) * KEY_BYTES for number in range(3)]  # fixed, so that a statistical test cannot flake


def indices(count: int, *, length: int = LENGTH, key: bytes = KEYS[0]) -> list[int]:
    return [index_of(n, length=length, key=key) for n in range(count)]


@pytest.fixture(scope="module")
def whole_list() -> list[int]:
    return indices(LENGTH)


def test_every_index_of_the_default_list_is_given_exactly_once(whole_list: list[int]) -> None:
    assert sorted(whole_list) == list(range(LENGTH))


@pytest.mark.parametrize("length", [*range(1, 70), 127, 128, 129, 1000, 1024, 1025])
def test_every_index_of_a_list_is_given_exactly_once(length: int) -> None:
    assert sorted(indices(length, length=length)) == list(range(length))


@given(st.integers(1, 2**40), st.data(), st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_the_number_of_an_index_is_found_again(length: int, data: st.DataObject, key: bytes) -> None:
    n = data.draw(st.integers(0, length - 1))
    index = index_of(n, length=length, key=key)

    assert 0 <= index < length
    assert number_of(index, length=length, key=key) == n


@pytest.mark.parametrize("value", [-1, 10, 11])
def test_a_number_or_index_outside_the_list_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        index_of(value, length=10, key=KEYS[0])
    with pytest.raises(ValueError, match="outside"):
        number_of(value, length=10, key=KEYS[0])


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)], ids=len)
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    """An empty key in particular: BLAKE2s would take it and be public."""
    with pytest.raises(ValueError, match="32 bytes"):
        index_of(0, length=10, key=key)


def test_another_key_gives_another_order() -> None:
    same_place = sum(a == b for a, b in zip(indices(5_000), indices(5_000, key=KEYS[1]), strict=True))

    assert same_place <= 4


def test_the_permutation_never_changes() -> None:
    """These are stored in issued credentials: another result would hand indices out again."""
    assert [index_of(n, length=LENGTH, key=bytes(range(32))) for n in (0, 1, 2, 131_071)] == [
        83161,
        7082,
        32897,
        104639,
    ]


def chi_square_limit(degrees: int) -> float:
    """Return the value exceeded with probability 0.01 (Wilson and Hilferty's approximation)."""
    return degrees * (1 - 2 / (9 * degrees) + 2.326 * math.sqrt(2 / (9 * degrees))) ** 3


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key[0]))
@pytest.mark.parametrize("count", [1_000, 20_000])
def test_the_first_allocations_are_spread_evenly(key: bytes, count: int) -> None:
    """Chi-square over 64 sections of the list; fewer cells differ than in a draw with replacement, so <=."""
    cells = Counter(index * 64 // LENGTH for index in indices(count, key=key))
    expected = count / 64

    assert sum((cells[cell] - expected) ** 2 / expected for cell in range(64)) <= chi_square_limit(63)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key[0]))
def test_neighbours_rise_and_fall_as_chance_has_it(key: bytes) -> None:
    """Runs up and down: (2n-1)/3 expected, variance (16n-29)/90; two-sided 1 % limit."""
    found = indices(20_000, key=key)
    rises = [a < b for a, b in itertools.pairwise(found)]
    runs = 1 + sum(a != b for a, b in itertools.pairwise(rises))
    expected, deviation = (2 * len(found) - 1) / 3, math.sqrt((16 * len(found) - 29) / 90)

    assert abs(runs - expected) / deviation < 2.576


@pytest.mark.parametrize("length", [2**16, 2**17, 2**20])
@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key[0]))
def test_no_output_bit_is_a_linear_function_of_the_number(key: bytes, length: int) -> None:
    """
    A peer's Feistel with an affine round function let every bit be told from the number's bits.

    For each output bit: agreement with each bit of the number, and with the parity of all, is that of coin
    throws. Limit: five standard deviations, for some 300 comparisons.
    """
    count, bits = 4_000, length.bit_length() - 1
    found = indices(count, length=length, key=key)
    limit = 5 * math.sqrt(count) / 2

    for out in range(bits):
        for mask in [*(1 << bit for bit in range(12)), 0xFFF]:
            agreeing = sum((index >> out & 1) == (n & mask).bit_count() % 2 for n, index in enumerate(found))
            assert abs(agreeing - count / 2) < limit


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key[0]))
def test_the_difference_of_consecutive_indices_does_not_repeat(key: bytes) -> None:
    found = indices(20_000, key=key)
    differences = Counter((b - a) % LENGTH for a, b in itertools.pairwise(found))

    assert max(differences.values()) <= 6


def test_the_inverse_and_the_permutation_cancel_over_the_whole_list(whole_list: list[int]) -> None:
    for n in range(0, LENGTH, 101):
        assert number_of(whole_list[n], length=LENGTH, key=KEYS[0]) == n
