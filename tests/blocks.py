"""
The fenced blocks of a Markdown page, and whether a command printed what such a block shows. Pure.

`...` stands for what was cut: in a text for any text, in JSON also for further members, further items, or a value.
A time stands for any time; everything else must be as it is shown.
"""

import json
import re
from textwrap import dedent
from typing import Any, NamedTuple

RUN = ("sh", "python")
SHOWN = ("json", "text")
LANGUAGES = (*RUN, *SHOWN, "console", "toml")

_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$(\n*)", re.DOTALL | re.MULTILINE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CUT = re.compile(r'("(?:[^"\\]|\\.)*")|([{}\[\]])|(\.\.\.)')


class Block(NamedTuple):
    """One fenced block; `shows`: the block of output that follows a command, with only blank lines between."""

    language: str
    text: str
    shows: "Block | None" = None


def blocks_of(page: str) -> list[Block]:
    """Return a page's blocks in their order; the output of a command is in `shows` of its block."""
    found: list[Block] = []
    end = -1
    for match in _FENCE.finditer(page):
        block = Block(match[2], dedent(match[3]))
        if match.start() == end and block.language in SHOWN and found[-1].language in RUN:
            found[-1] = found[-1]._replace(shows=block)
        else:
            found.append(block)
        end = match.end()
    return found


def shows(block: Block, printed: str) -> bool:
    """Return whether a command that printed this did what the block says; JSON must be all that it printed."""
    if block.language == "json":
        return _is_like(uncut(block.text), json.loads(printed))
    return _is_text_like(block.text.rstrip(), printed.rstrip())


def uncut(text: str) -> Any:
    """Return JSON in which `...` stands for a value, or further members or items, each as the string `...`."""
    opened: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        string, bracket, _ = match.groups()
        if string or bracket:
            if bracket and bracket in "{[":
                opened.append(bracket)
            elif bracket:
                opened.pop()
            return match[0]
        is_value = text[: match.start()].rstrip().endswith(":")
        return '"...": ""' if opened[-1:] == ["{"] and not is_value else '"..."'

    return json.loads(_CUT.sub(replaced, text))


def _is_like(shown: Any, printed: Any) -> bool:
    if shown == "...":
        return True
    if isinstance(shown, dict) and isinstance(printed, dict):
        named = shown.keys() - {"..."}
        is_cut = "..." in shown
        return (named <= printed.keys() if is_cut else named == printed.keys()) and all(
            _is_like(shown[name], printed[name]) for name in named
        )
    if isinstance(shown, list) and isinstance(printed, list):
        is_cut = shown[-1:] == ["..."]
        items = shown[:-1] if is_cut else shown
        return (len(items) <= len(printed) if is_cut else len(items) == len(printed)) and all(
            _is_like(item, value) for item, value in zip(items, printed, strict=False)
        )
    if isinstance(shown, str) and isinstance(printed, str):
        return _is_text_like(shown, printed)
    return type(shown) is type(printed) and bool(shown == printed)


def _is_text_like(shown: str, printed: str) -> bool:
    pattern = re.escape(_TIME.sub("\0", shown)).replace(r"\.\.\.", ".*").replace("\0", _TIME.pattern)
    return re.fullmatch(pattern, printed, re.DOTALL) is not None
