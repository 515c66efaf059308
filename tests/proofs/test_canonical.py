"""RFC 8785, with the rfc8785 package as the oracle of the fast path."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from proofs import TransformationFailed, canonicalize
from tests.reference import needs_reference, reference
from wire import read

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_both_encoders_give_the_canonical_form(value: Any) -> None:
    assert canonicalize(value) == rfc8785.dumps(value)


@given(st.text(st.characters(max_codepoint=0x7F)), TEXTS)
def test_strings_are_escaped_alike_on_the_fast_path(key: str, text: str) -> None:
    assert canonicalize({key: text}) == rfc8785.dumps({key: text})


def test_keys_are_sorted_by_utf16_code_units() -> None:
    """RFC 8785, section 3.2.3: U+1F600 (surrogates D83D DE00) comes before U+FB33."""
    value = {"\ufb33": 1, "\U0001f600": 2, "a": 3}

    assert canonicalize(value) == '{"a":3,"\U0001f600":2,"\ufb33":1}'.encode()


def test_numbers_are_written_as_ecmascript_does() -> None:
    """RFC 8785, appendix B."""
    value = [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27, -0.0, 1.0]

    assert canonicalize(value) == b"[333333333.3333333,1e+30,4.5,0.002,1e-27,0,1]"


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        float("nan"),
        float("inf"),
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        pytest.param(object(), id="object"),
        b"bytes",
        {1, 2},
    ],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TransformationFailed):
        canonicalize({"value": value})


def test_an_error_does_not_repeat_the_string_at_fault() -> None:
    with pytest.raises(TransformationFailed) as caught:
        canonicalize({"name": "personal data \ud800"})

    assert "personal" not in str(caught.value)


def test_nesting_too_deep_for_the_interpreter_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(TransformationFailed):
        canonicalize(value)


@needs_reference("jcs")
@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_reference_pairs_of_json_canonicalization(name: str) -> None:
    value = read((reference("jcs") / f"{name}.input.json").read_bytes(), max_bytes=65_536)

    assert canonicalize(value) == (reference("jcs") / f"{name}.output.json").read_bytes().rstrip(b"\n")
    assert json.loads(canonicalize(value)) == value
