"""Witnesses: whose approval counts for which version, from when on a list counts, and forged approvals."""

import pytest

from tests.resolver.webvh.logs import Log, Signer, witnessed
from tests.resolver.webvh.verifying import code_of, verify, verify_log

ATTACKER = Signer(66)
WITNESS, OTHER_WITNESS = Signer(10), Signer(11)


def holds(log: Log) -> bool:
    return code_of(verify_log(log)) is None


def test_a_first_list_counts_at_once_and_a_changed_one_from_the_next_entry() -> None:
    added = Log().append().append(witnessed(1, WITNESS))
    changed = Log().append(witnessed(1, WITNESS)).append(witnessed(1, OTHER_WITNESS))

    assert code_of(verify_log(added)) == "witness-verification-failed"
    assert holds(added.copy().approve(WITNESS))
    assert code_of(verify_log(changed.copy().approve(OTHER_WITNESS))) == "witness-verification-failed"
    assert holds(changed.copy().approve(WITNESS))
    assert code_of(verify_log(changed.copy().approve(WITNESS).append())) == "witness-verification-failed"
    assert holds(changed.copy().approve(WITNESS).append().approve(OTHER_WITNESS))


def test_the_entry_that_ends_witnessing_must_be_witnessed_and_the_next_is_not() -> None:
    ended = Log().append(witnessed(1, WITNESS)).approve(WITNESS).append({"witness": {}})

    assert code_of(verify_log(ended)) == "witness-verification-failed"
    assert holds(ended.approve(WITNESS).append())


def test_an_approval_counts_for_all_versions_before_it() -> None:
    log = Log().append(witnessed(1, WITNESS)).append().append().approve(WITNESS)

    assert holds(log)


def test_an_approval_of_a_version_that_does_not_hold_counts_for_nothing() -> None:
    log = Log().append(witnessed(1, WITNESS)).append(sign_with=ATTACKER).approve(WITNESS)

    history = verify_log(log)

    assert (code_of(history), len(history.versions)) == ("witness-verification-failed", 0)


def test_an_approval_by_a_stranger_or_with_another_key_s_name_counts_for_nothing() -> None:
    log = Log().append(witnessed(1, WITNESS))
    named = log.copy()
    proof = ATTACKER.proof(
        {"versionId": log.entries[0]["versionId"]}, verificationMethod=f"{WITNESS.did}#{WITNESS.multikey}"
    )
    half = ATTACKER.proof(
        {"versionId": log.entries[0]["versionId"]}, verificationMethod=f"{ATTACKER.did}#{WITNESS.multikey}"
    )
    named.approvals = [{"versionId": log.entries[0]["versionId"], "proof": [proof, half]}]

    assert code_of(verify_log(log.copy().approve(ATTACKER))) == "witness-verification-failed"
    assert code_of(verify_log(named)) == "witness-verification-failed"
    named.approve(WITNESS)
    assert holds(named)


@pytest.mark.parametrize(
    "file", [b"{}", b"[1]", b'[{"versionId":1,"proof":[]}]', b'[{"versionId":"x","proof":{}}]', b"[", b"\xff"]
)
def test_a_witness_file_of_another_shape_is_refused(file: bytes) -> None:
    log = Log().append(witnessed(1, WITNESS))

    assert code_of(verify(log.text, log.scid, file)) == "witness-verification-failed"
