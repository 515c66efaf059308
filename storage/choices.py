"""
Conditions over a set of values that is only known when it is asked. Pure.
"""

from collections.abc import Iterable
from itertools import count, product
from string import ascii_lowercase


def one_of(column: str, values: Iterable[str] | None) -> tuple[str, dict[str, str]]:
    """Return the SQL condition that `column` is one of `values` (None: whatever it is), and its parameters."""
    if values is None:
        return "1 = 1", {}
    # The parameters' names have letters only, as all of ours.
    letters = ("".join(chosen) for size in count(1) for chosen in product(ascii_lowercase, repeat=size))
    parameters = {f"one_{name}": value for name, value in zip(letters, sorted(values), strict=False)}
    if not parameters:
        return "1 = 0", {}
    return f"{column} IN ({', '.join(':' + name for name in parameters)})", parameters
