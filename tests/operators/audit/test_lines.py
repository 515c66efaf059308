"""The lines of an export: what others compute from them, and what is refused."""

import hashlib
import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.audit.views import encode_line, line_of, read_line
from storage import SealedRow
from storage.audit import AuditRow
from tests.blocks import blocks_of
from tests.operators.audit.rows import a_log, a_row, sealed
from wire import JsonError

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_TEXTS = st.text(max_size=20)
PAGE = Path(__file__).parents[3] / "docs/audit.md"


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


def run_script(tmp_path: Path, export: bytes, *changes: tuple[str, str]) -> tuple[int, str]:
    """Run what docs/audit.md shows, optimised; return its exit code and what it said."""
    (tmp_path / "audit.jsonl").write_bytes(export)
    (script,) = [block.text for block in blocks_of(PAGE.read_text()) if block.language == "python"]
    for old, new in changes:
        assert old in script
        script = script.replace(old, new)
    done = subprocess.run(
        [sys.executable, "-O", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_the_script_of_the_documentation_finds_what_verify_finds(tmp_path: Path) -> None:
    log = a_log(5)
    lines = [encode_line(line_of(entry)) for entry in log]
    third = b64encode(log[2].digest).decode()
    signed = "signed = {}", f"signed = {{3: {third!r}}}"
    after = "last, digest = 0, bytes(32)", f"last, digest = 3, base64.b64decode({third!r})"
    twice = lines[1].replace(b'"actor":', b'"actor":"mallory","actor":')
    forged = [encode_line(line_of(entry)) for entry in sealed([a_row(number, "x") for number in range(1, 6)])]

    assert run_script(tmp_path, b"".join(lines)) == (0, f"5 rows, the last digest is {b64(log[4])}\n")
    assert run_script(tmp_path, b"".join(lines), signed)[0] == 0
    assert run_script(tmp_path, b"".join(lines[3:]), after)[0] == 0
    assert "row 2 has a member twice" in run_script(tmp_path, lines[0] + twice)[1]
    assert "row 2 is missing" in run_script(tmp_path, lines[0] + lines[2])[1]
    assert "there is no row" in run_script(tmp_path, b"")[1]
    assert "cut off" in run_script(tmp_path, b"".join(lines[:2]), signed)[1]
    assert run_script(tmp_path, b"".join(forged))[0] == 0, "without an anchor nobody can tell"
    assert "rewritten" in run_script(tmp_path, b"".join(forged), signed)[1]


def b64(entry: SealedRow) -> str:
    return b64encode(entry.digest).decode()


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
