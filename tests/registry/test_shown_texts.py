"""Texts that are shown to people: what they may not hold, since nobody would see it."""

import pytest

from registry.rules import text_fault

BLANKS = ["\u3164", "\u115f", "\u1160", "\uffa0", "\u2800"]


@pytest.mark.parametrize("text", [*BLANKS, *(f"{blank}Degree" for blank in BLANKS), "\u0301", "\u2800\u0301"])
def test_a_text_begins_with_something_that_is_seen(text: str) -> None:
    assert "shows nothing" in (text_fault(text) or "")


@pytest.mark.parametrize("selector", ["\ufe00", "\ufe0f"])
def test_a_text_has_no_variation_selectors(selector: str) -> None:
    fault = text_fault(f"Degree{selector}")

    assert fault == f"the character U+{ord(selector):04X} is a variation selector"


@pytest.mark.parametrize("text", ["", "学位", "한국대학교", "विश्वविद्यालय", "جامعة", "A\u2800B", "3 D", "☆"])
def test_what_is_seen_is_let_pass(text: str) -> None:
    assert text_fault(text) is None
