"""The lines of an export: what others compute from them, and what is refused."""

import hashlib
import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.audit.views import encode_line, line_of, read_line
from storage.audit import AuditRow
from tests.operators.audit.rows import a_log, sealed
from wire import JsonError

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_TEXTS = st.text(max_size=20)


def elsewhere(lines: list[bytes]) -> str:
    """Return the last digest as docs/audit.md computes it, with nothing of ours."""
    digest = bytes(32)
    for line in lines:
        row = json.loads(line)
        claimed = row.pop("digest")
        body = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(digest + body.encode()).digest()
        assert b64encode(digest).decode() == claimed
    return claimed


@given(
    st.lists(
        st.tuples(_TEXTS, _TEXTS, _TEXTS, st.dictionaries(_TEXTS, _VALUES, max_size=4)),
        min_size=1,
        max_size=4,
    )
)
def test_others_compute_the_same_chain_from_an_export(
    rows: list[tuple[str, str, str, dict[str, Any]]],
) -> None:
    log = sealed([AuditRow(number, 7, *row) for number, row in enumerate(rows, 1)])
    lines = [encode_line(line_of(entry)) for entry in log]

    assert elsewhere(lines) == b64encode(log[-1].digest).decode()


def test_a_line_is_read_again_as_the_row_that_was_sealed() -> None:
    log = a_log(3)

    assert [read_line(encode_line(line_of(entry))).sealed() for entry in log] == log


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"position":1', '"position":0'),
        ('"position":1', '"position":1.5'),
        ('"position":1', '"position":1,"position":2'),
        ('"position":1', '"note":"not covered","position":1'),
        ('"actor":"root",', ""),
        ('"detail":{', '"detail":{"n":1,'),
        ('"digest":"', '"digest":"AAAA'),
        ('"digest":"', '"digest":"!'),
        ("}", ""),
    ],
)
def test_what_is_no_line_is_refused(old: str, new: str) -> None:
    line = encode_line(line_of(a_log(1)[0])).decode()
    assert old in line

    with pytest.raises(JsonError):
        read_line(line.replace(old, new, 1).encode())
