"""
Names as they are searched: words, folded so that case, accents and width do not matter. Pure.

A text is brought into normalization form KC, its case is folded, and its marks are taken away (Unicode, chapters 3
and 5), so that "Zürich", "ZURICH" and "zurich" are one word. Words are runs of letters and digits. Scripts that are
written without spaces (Han, Kana, Thai, Lao, Khmer, Burmese) tell nobody where a word begins: there each character
may begin one.
"""

import re
import unicodedata
from collections.abc import Iterator

MAX_WORD_CHARS = 32  # of a word, what is compared; nobody types more of one
MAX_WORDS = 1_000  # of one entity; a name in 64 languages has fewer

_RUN = re.compile(r"[^\W_]+")  # of what `str.isalnum` is true of
# First and last code points: Thai and Lao, Burmese, Khmer, Kana, Han.
_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def folded(text: str) -> str:
    """Return a text as it is compared."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = (each for each in unicodedata.normalize("NFKD", plain) if unicodedata.category(each)[0] != "M")
    return unicodedata.normalize("NFKC", "".join(letters))


def words_of(*texts: str) -> list[str]:
    """Return all words that texts can be found by, in order, each once, `MAX_WORDS` at most."""
    found = {word[:MAX_WORD_CHARS] for text in texts for run in runs_of(text) for word in _beginnings(run)}
    return sorted(found)[:MAX_WORDS]


def runs_of(text: str) -> list[str]:
    """Return the runs of letters and digits in a text, folded."""
    found: list[str] = _RUN.findall(folded(text))
    return found


def _beginnings(run: str) -> Iterator[str]:
    yield run
    if not run.isascii():
        yield from (run[place:] for place in range(1, len(run)) if _is_without_spaces(run[place]))


def _is_without_spaces(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _WITHOUT_SPACES)
