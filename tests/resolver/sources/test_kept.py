"""What is kept within a number of bytes, and what goes first."""

from hypothesis import given
from hypothesis import strategies as st

from resolver.sources.kept import Kept


def kept(max_bytes: int = 100) -> Kept[str, bytes]:
    return Kept(max_bytes, lambda _, value: len(value))


def test_a_flood_of_new_keys_evicts_nothing_that_was_asked_for_twice() -> None:
    values = kept(1_000)
    for number in range(50):
        values.put(f"hot{number}", b"0123456789")
        values.get(f"hot{number}")

    for number in range(10_000):
        values.put(f"cold{number}", b"0123456789")

    assert all(values.peek(f"hot{number}") is not None for number in range(50))
    assert values.bytes_held <= 1_000


def test_on_probation_the_one_used_longest_ago_goes_first() -> None:
    values = kept(30)
    for key in ("a", "b", "c", "d"):
        values.put(key, b"0123456789")

    assert [values.peek(key) is not None for key in ("a", "b", "c", "d")] == [False, True, True, True]


def test_what_is_protected_goes_back_on_probation_before_it_goes() -> None:
    values = kept(40)
    for key in ("a", "b", "c", "d"):
        values.put(key, b"0123456789")
        values.get(key)

    values.put("e", b"0123456789")

    assert [values.peek(key) is not None for key in ("a", "b", "c", "d", "e")] == [
        False,
        True,
        True,
        True,
        True,
    ]


def test_a_value_over_the_bound_is_not_kept_and_takes_the_old_one_with_it() -> None:
    values = kept(10)
    values.put("a", b"small")

    values.put("a", b"much too long for it")

    assert (values.peek("a"), values.bytes_held, len(values)) == (None, 0, 0)


@given(
    st.lists(st.tuples(st.sampled_from("pgx"), st.sampled_from("abcdefgh"), st.integers(0, 60)), max_size=200)
)
def test_the_bytes_are_those_of_the_values_and_never_over_the_bound(
    moves: list[tuple[str, str, int]],
) -> None:
    values = kept(100)
    for move, key, size in moves:
        if move == "p":
            values.put(key, bytes(size))
        elif move == "g":
            values.get(key)
        else:
            values.pop(key)

        held = [values.peek(kept_key) for kept_key in values]
        assert values.bytes_held == sum(len(value) for value in held if value is not None) <= 100
        assert len(held) == len(set(values)) == len(values)
