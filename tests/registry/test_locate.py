"""A JSON pointer leads to the line that its value is on, whatever the text looks like."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.imports.locate import first_duplicate, in_order, line_at, positions

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


def pointers_of(value: Any, pointer: str = "") -> list[str]:
    """Return the pointer of every value in `value`, in order."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [
        each
        for name, inner in steps
        for each in pointers_of(inner, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")
    ]
    return [pointer, *below]


@settings(deadline=None)
@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_every_value_of_any_json_text_has_its_pointer(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    assert [pointer for pointer, _ in positions(text)] == pointers_of(value)
    assert first_duplicate(text) is None


@settings(deadline=None)
@given(st.lists(SCALARS, min_size=1, max_size=20))
def test_a_value_is_found_on_the_line_that_it_is_on(values: list[object]) -> None:
    text = "[\n" + ",\n".join(json.dumps(value) for value in values) + "]"

    lines = dict(in_order(text, {f"/{index}": None for index in range(len(values))}))

    assert lines == {f"/{index}": index + 2 for index in range(len(values))}


def test_a_member_is_where_its_name_stands() -> None:
    text = '{\n "a":\n  {"b"\n:\n1}}'

    assert [(pointer, line_at(text, offset)) for pointer, offset in positions(text)] == [
        ("", 1),
        ("/a", 2),
        ("/a/b", 3),
    ]


def test_brackets_and_commas_inside_texts_are_texts() -> None:
    text = '{"a": "}],[{\\"\\\\", "b": ["\\u005b,", 1]}'

    assert [pointer for pointer, _ in positions(text)] == ["", "/a", "/b", "/b/0", "/b/1"]


def test_the_first_duplicate_is_found_at_any_depth() -> None:
    assert first_duplicate('{"a": [{"b": 1}, {"b": 1, "c": 2, "\\u0062": 3}]}') == ("/a/1/b", 34)
