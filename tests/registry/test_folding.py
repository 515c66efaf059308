"""Names as they are searched: what looks the same to whoever types it is the same word."""

import pytest

from registry.folding import MAX_WORD_CHARS, MAX_WORDS, folded, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Universität Zürich", ["universitat", "zurich"]),
        ("UNIVERSITA\u0308T", ["universitat"]),
        ("Straße", ["strasse"]),
        ("ＡＢＣ ﬁne", ["abc", "fine"]),
        ("İstanbul", ["istanbul"]),
        ("ΚΑΛΗΜΈΡΑ κόσμος", ["καλημερα", "κοσμοσ"]),
        ("جَامِعَة", ["جامعة"]),
        ("O'Brien & L’Aquila (4)", ["4", "aquila", "brien", "l", "o"]),
        ("서란 국제대학교", ["국제대학교", "서란"]),
        ("東雲大学", ["大学", "学", "東雲大学", "雲大学"]),
        ("— … !", []),
        ("\U0010ffff", []),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert words_of(text) == words
    assert words_of(*words) == words, "what is folded stays as it is"


def test_words_and_their_number_are_bounded() -> None:
    assert words_of("a" * 500) == ["a" * MAX_WORD_CHARS]
    assert len(words_of("".join(chr(0x4E00 + number) for number in range(2 * MAX_WORDS)))) == MAX_WORDS


def test_folding_never_depends_on_the_case() -> None:
    for text in ("Äpfel", "ΌΣΟΣ", "ǅungla", "ﬀ", "ŉ", "ẞ"):
        assert folded(text) == folded(text.upper()) == folded(text.lower())
