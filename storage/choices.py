"""
Sets of values that are only known when they are asked for: as a condition, and as rows. Pure.
"""

from collections.abc import Iterable, Iterator
from itertools import count, product
from string import ascii_lowercase
from typing import TypeVar

V = TypeVar("V", str, bytes)


def one_of(column: str, values: Iterable[V] | None, *, any_number: bool = False) -> tuple[str, dict[str, V]]:
    """
    Return the SQL condition that `column` is one of `values` (None: whatever it is), and its parameters.

    Args:
        any_number: of values, as of the rows of `rows_of`.
    """
    if values is None:
        return "1 = 1", {}
    found = _padded(sorted(values)) if any_number else sorted(values)
    parameters = {f"one_{name}": value for name, value in zip(_names(), found, strict=False)}
    if not parameters:
        return "1 = 0", {}
    return f"{column} IN ({', '.join(':' + name for name in parameters)})", parameters


def rows_of(values: Iterable[str], sql_type: str) -> tuple[str, dict[str, str]]:
    """
    Return the SQL of a table with a row for each of `values`, as texts, of which there is at least one; and its
    parameters.

    A subquery looks up each row of it by all columns of an index. A planner that knows nothing of a new table yet
    would rather read everything that the first column of the index has, than look for a list of values.

    The last value is repeated up to a power of two, so that some ten statements, which engines keep prepared, do
    for any number of values.
    """
    found = _padded(sorted(values))
    parameters = {f"row_{name}": value for name, value in zip(_names(), found, strict=False)}
    return "VALUES " + ", ".join(f"(CAST(:{name} AS {sql_type}))" for name in parameters), parameters


def _padded(values: list[V]) -> list[V]:
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))


def _names() -> Iterator[str]:
    """Yield names of parameters, which have letters only, as all of ours."""
    return ("".join(chosen) for size in count(1) for chosen in product(ascii_lowercase, repeat=size))
