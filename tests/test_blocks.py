"""The reading of a page's blocks, and the comparison that holds them, on cases where it must say no."""

import pytest

from tests.blocks import Block, blocks_of, shows, uncut

PAGE = """
```sh
one
```
```json
{"a": 1}
```

1. In a list:

   ```console
   $ two
     more
   ```

```python
three
```

```text
out
```
Words in between.
```text
a drawing
```
"""


def test_blocks_are_read_in_order_with_what_they_show() -> None:
    found = blocks_of(PAGE)

    assert found == [
        Block("sh", "one\n", Block("json", '{"a": 1}\n')),
        Block("console", "$ two\n  more\n"),
        Block("python", "three\n", Block("text", "out\n")),
        Block("text", "a drawing\n"),
    ]


def test_what_is_cut_from_json_becomes_a_string() -> None:
    assert uncut('{"a": [1, ...], "b": ..., "c": "...", "d": {...}, ...}') == {
        "a": [1, "..."],
        "b": "...",
        "c": "...",
        "d": {"...": ""},
        "...": "",
    }


@pytest.mark.parametrize(
    ("shown", "printed", "is_shown"),
    [
        ('{"a": 1}', '{"a": 1}', True),
        ('{"a": 1}', '{"a": 2}', False),
        ('{"a": true}', '{"a": 1}', False),
        ('{"a": 1}', '{"a": 1, "b": 2}', False),
        ('{"a": 1, ...}', '{"a": 1, "b": 2}', True),
        ('{"a": 1, ...}', '{"b": 2}', False),
        ('{"a": ...}', '{"a": {"b": 1}}', True),
        ("[1]", "[1, 2]", False),
        ("[1, ...]", "[1, 2]", True),
        ("[1, ...]", "[2, 1]", False),
        ("[1, 2, ...]", "[1]", False),
        ('{"a": "z6Mk..."}', '{"a": "z6MkhaXg"}', True),
        ('{"a": "z6Mk..."}', '{"a": "zDna"}', False),
        ('{"a": "2026-01-01T00:00:00Z"}', '{"a": "2027-02-02T01:02:03Z"}', True),
        ('{"a": "2026-01-01T00:00:00Z"}', '{"a": "soon"}', False),
        ('{"a": null}', "{}", False),
    ],
)
def test_json_is_shown_only_if_each_shown_part_is_there(shown: str, printed: str, is_shown: bool) -> None:
    assert shows(Block("json", shown), printed) is is_shown


@pytest.mark.parametrize(
    ("shown", "printed", "is_shown"),
    [
        ("True\n", "True\n", True),
        ("True\n", "False\n", False),
        ("a.b", "axb", False),
        ("one\n...\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n...\nfour\n", "one\ntwo\nthree\n", False),
        ("at 2026-01-01T00:00:00Z", "at 2027-02-02T01:02:03Z", True),
    ],
)
def test_text_is_shown_only_if_nothing_else_was_printed(shown: str, printed: str, is_shown: bool) -> None:
    assert shows(Block("text", shown), printed) is is_shown
