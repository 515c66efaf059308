"""The keyed permutation: no index twice, none predictable."""

import itertools
import math
import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statuslist.entries.allocation import KEY_BYTES, Permutation, index_of, number_of

LENGTH = 131_072
DRAWS = 100_000
KEYS = [bytes((number,)) * KEY_BYTES for number in range(3)]  # fixed, so that a statistical test cannot flake


def indices(count: int, *, length: int = LENGTH, key: bytes = KEYS[0]) -> list[int]:
    permutation = Permutation(length, key)
    return [permutation.index_of(n) for n in range(count)]


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


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (LENGTH, [83_161, 7_082, 32_897, 104_639]),
        (131_080, [115_000, 96_532, 116_942, 6_916]),
        (2**26, [27_720_895, 35_486_099, 34_680_563, 43_996_689]),
    ],
    ids=str,
)
def test_the_permutation_never_changes(length: int, expected: list[int]) -> None:
    """These are stored in issued credentials: another result would hand indices out again."""
    numbers = (0, 1, 2, length - 1)

    assert [index_of(n, length=length, key=bytes(range(32))) for n in numbers] == expected


@pytest.mark.parametrize("length", [131_080, 2**20])
def test_what_a_batch_remembers_changes_no_index(length: int) -> None:
    one_at_a_time = [index_of(n, length=length, key=KEYS[1]) for n in range(3_000)]
    permutation = Permutation(length, KEYS[1])

    assert indices(3_000, length=length, key=KEYS[1]) == one_at_a_time
    assert [permutation.number_of(index) for index in one_at_a_time] == list(range(3_000))


def chi_square_limit(degrees: int) -> float:
    """Return the value exceeded with probability 0.01 (Wilson and Hilferty's approximation)."""
    return degrees * (1 - 2 / (9 * degrees) + 2.326 * math.sqrt(2 / (9 * degrees))) ** 3


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key[0]))
@pytest.mark.parametrize(("count", "length"), [(1_000, LENGTH), (20_000, LENGTH), (DRAWS, 2**20)])
def test_the_first_allocations_are_spread_evenly(key: bytes, count: int, length: int) -> None:
    """
    Chi-square over 64 sections of the list; fewer cells differ than in a draw with replacement, so <=.

    100,000 of 2^20 entries, since of 131,072 entries hardly any would be left to differ in.
    """
    found = indices(count, length=length, key=key)
    cells = Counter(index * 64 // length for index in found)
    expected = count / 64

    assert sum((cells[cell] - expected) ** 2 / expected for cell in range(64)) <= chi_square_limit(63)
    assert len(set(found)) == count


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key[0]))
def test_what_follows_an_index_does_not_depend_on_it(key: bytes) -> None:
    """Chi-square over 16 by 16 sections of an index and the next one, of 100,000."""
    found = indices(DRAWS, length=2**20, key=key)
    cells = Counter((a >> 16, b >> 16) for a, b in itertools.pairwise(found))
    expected = (DRAWS - 1) / 256

    assert sum((cells[a, b] - expected) ** 2 / expected for a in range(16) for b in range(16)) <= (
        chi_square_limit(255)
    )


def test_the_indices_of_two_sets_have_nothing_to_do_with_one_another() -> None:
    """The correlation of 100,000 pairs; its standard deviation is 1/sqrt(n). And a table of 16 by 16 sections."""
    for left, right in itertools.combinations(KEYS, 2):
        pairs = list(
            zip(indices(DRAWS, length=2**20, key=left), indices(DRAWS, length=2**20, key=right), strict=True)
        )
        cells = Counter((a >> 16, b >> 16) for a, b in pairs)
        expected = DRAWS / 256

        assert abs(statistics.correlation(*zip(*pairs, strict=True))) * math.sqrt(DRAWS) < 2.576
        assert sum((cells[a, b] - expected) ** 2 / expected for a in range(16) for b in range(16)) <= (
            chi_square_limit(255)
        )


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key[0]))
def test_neighbours_rise_and_fall_as_chance_has_it(key: bytes) -> None:
    """Runs up and down of 100,000: (2n-1)/3 expected, variance (16n-29)/90; two-sided 1 % limit."""
    found = indices(DRAWS, length=2**20, key=key)
    rises = [a < b for a, b in itertools.pairwise(found)]
    runs = 1 + sum(a != b for a, b in itertools.pairwise(rises))
    expected, deviation = (2 * len(found) - 1) / 3, math.sqrt((16 * len(found) - 29) / 90)

    assert abs(runs - expected) / deviation < 2.576


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key[0]))
def test_indices_change_sides_as_chance_has_it(key: bytes) -> None:
    """Wald and Wolfowitz's runs above and below the middle, of 100,000; two-sided 1 % limit."""
    sides = [index >= 2**19 for index in indices(DRAWS, length=2**20, key=key)]
    above = sum(sides)
    below = DRAWS - above
    runs = 1 + sum(a != b for a, b in itertools.pairwise(sides))
    expected = 2 * above * below / DRAWS + 1
    deviation = math.sqrt((expected - 1) * (expected - 2) / (DRAWS - 1))

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
