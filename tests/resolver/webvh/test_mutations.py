"""Whatever is done to the bytes of a log: it says the same, or it is refused; nothing else ever comes out."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.resolver.webvh.logs import Log, Signer, witnessed
from tests.resolver.webvh.verifying import verify

WITNESS = Signer(10)
LOG = Log().append(witnessed(1, WITNESS) | {"portable": True}).append().approve(WITNESS)
PLAIN = Log().append().append()


def entries_of(text: bytes) -> list[object]:
    """Not `splitlines`: a carriage return is white space of JSON, and may stand within a line."""
    return [json.loads(line) for line in text.removesuffix(b"\n").split(b"\n")] if text else []


@given(st.integers(0, len(LOG.text) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_a_changed_log_says_the_same_or_is_refused(at: int, inserted: bytes, removed: int) -> None:
    changed = LOG.text[:at] + inserted + LOG.text[at + removed :]

    history = verify(changed, LOG.scid, LOG.witness_file)

    assert history.problem is not None or entries_of(changed) == entries_of(LOG.text)
    assert entries_of(history.log) == entries_of(LOG.text)[: len(history.versions)]


@given(st.integers(0, len(LOG.witness_file) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_a_changed_witness_file_approves_the_same_or_nothing(at: int, inserted: bytes, removed: int) -> None:
    changed = LOG.witness_file[:at] + inserted + LOG.witness_file[at + removed :]

    history = verify(LOG.text, LOG.scid, changed)

    if history.problem is None:
        assert json.loads(changed)[0]["versionId"] == LOG.entries[1]["versionId"]
    else:
        assert history.versions == ()


@given(st.lists(st.sampled_from(range(4)), max_size=6))
def test_the_lines_of_a_log_hold_in_their_own_order_only(order: list[int]) -> None:
    lines = [*LOG.text.splitlines(), b"", b"{}"]

    history = verify(b"\n".join(lines[index] for index in order), LOG.scid, LOG.witness_file)

    longest = next((n for n in (2, 1) if order[:n] == [0, 1][:n]), 0)
    assert len(history.versions) in ({longest} if longest == 2 else {0})


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(text: bytes) -> None:
    assert verify(text, LOG.scid).problem is not None


@given(st.binary(min_size=1, max_size=1).filter(lambda between: between != b"\n"))
def test_what_follows_a_known_log_begins_on_a_line_of_its_own(between: bytes) -> None:
    """What is known is not read again, so that only this tells an entry from the rest of another."""
    first, second = PLAIN.text.splitlines()
    known = verify(first, PLAIN.scid)

    history = verify(first + between + second, PLAIN.scid, known=known)

    assert known.problem is None
    assert history.problem is not None
