"""Rows against heads that were signed before: a rewritten past, a cut end, rows that begin after a head."""

from collections.abc import Iterable

import pytest

from operators.audit.heads import AnchorContradicted, Head, Verification, read_head
from proofs import MalformedProof
from storage import ChainBroken, SealedRow
from tests.operators.audit.rows import a_log, a_row, sealed

ORIGIN = "log.example/audit"
LOG = a_log(10)


def head_at(position: int, log: list[SealedRow] = LOG) -> Head:
    return Head(ORIGIN, position, log[position - 1].digest)


def verify(rows: Iterable[SealedRow], *heads: Head) -> Verification:
    verification = Verification(heads)
    for row in rows:
        verification.take(row)
    verification.end()
    return verification


def test_a_head_is_written_and_read_again() -> None:
    head = head_at(7)

    assert head.text.split("\n")[:2] == [ORIGIN, "7"]
    assert read_head(head.text) == head


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log.example/audit\n7\n",
        "log.example/audit\n07\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "log.example/audit\n-7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "log.example/audit\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",  # bits that do not count
        "log.example/audit\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\n",
        "log example\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "log.example/audit\n" + "9" * 19 + "\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(MalformedProof):
        read_head(text)


def test_rows_that_agree_with_every_head_are_good() -> None:
    verification = verify(LOG, head_at(3), head_at(7), head_at(10), head_at(3))

    assert (verification.first, verification.chain.position) == (1, 10)
    assert verification.chain.digest == LOG[-1].digest


@pytest.mark.parametrize("changed", range(1, 8))
def test_a_past_that_was_computed_anew_is_found_by_a_head(changed: int) -> None:
    rows = [a_row(number, "forged" if number == changed else "") for number in range(1, 11)]
    forged = sealed(rows)
    assert verify(forged).chain.position == 10, "the forgery is consistent"

    with pytest.raises(AnchorContradicted, match="up to 7 was rewritten"):
        verify(forged, head_at(7))


def test_it_is_said_between_which_heads_the_past_was_rewritten() -> None:
    forged = sealed([a_row(number, "forged" if number == 5 else "") for number in range(1, 11)])

    with pytest.raises(AnchorContradicted, match="after position 3 and up to 7 was rewritten"):
        verify(forged, head_at(10), head_at(7), head_at(3))


def test_a_row_taken_out_of_a_past_that_was_computed_anew_is_found() -> None:
    with pytest.raises(AnchorContradicted, match="rewritten"):
        verify(sealed([entry.row for entry in LOG if entry.position != 4]), head_at(7))


@pytest.mark.parametrize("kept", [0, 1, 6])
def test_a_cut_end_is_found_by_a_head(kept: int) -> None:
    with pytest.raises(
        AnchorContradicted, match=f"the last row is at position {kept}, .* position 7: the end was cut"
    ):
        verify(LOG[:kept], head_at(7))


def test_what_came_after_the_last_head_may_be_cut_unnoticed() -> None:
    """No anchor tells of it: hence one an hour, and a push to a collector."""
    assert verify(LOG[:7], head_at(7)).chain.position == 7


def test_rows_may_begin_after_a_head_that_vouches_for_the_others() -> None:
    verification = verify(LOG[7:], head_at(7), head_at(9))

    assert (verification.first, verification.chain.position) == (8, 10)


def test_rows_that_begin_after_a_head_of_another_past_do_not_follow_on_it() -> None:
    forged = sealed([a_row(number, "forged" if number == 2 else "") for number in range(1, 11)])

    with pytest.raises(ChainBroken) as broken:
        verify(forged[7:], head_at(7))
    assert broken.value.position == 8


def test_rows_that_begin_anywhere_else_lack_their_beginning() -> None:
    with pytest.raises(ChainBroken, match="missing") as broken:
        verify(LOG[8:], head_at(7))
    assert broken.value.position == 1


def test_two_heads_of_one_position_contradict_one_another() -> None:
    """As after a restore: what was signed since the backup is of rows that are gone."""
    with pytest.raises(AnchorContradicted, match="two different heads"):
        Verification([head_at(7), Head(ORIGIN, 7, bytes(32))])
