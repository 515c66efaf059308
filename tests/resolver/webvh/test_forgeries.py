"""Logs and approvals that other implementations of did:webvh accepted, forged with real keys."""

from typing import Any

import pytest

from tests.resolver.webvh.logs import Json, Log, Signer, format_time, witnessed
from tests.resolver.webvh.verifying import NOW, code_of, verify_log

OWNER, ATTACKER, NEXT = Signer(1), Signer(66), Signer(2)
WITNESS, OTHER_WITNESS = Signer(10), Signer(11)
OTHER_SCID = "QmXhVjFG6EBTosDastaaHMRypm2qSv4SMGctADsx878Yux"


def holds(log: Log) -> bool:
    return code_of(verify_log(log)) is None


def test_a_proof_whose_did_key_and_fragment_differ_is_refused() -> None:
    """The fragment is authorized, the did:key is the attacker's: which of them checks the signature?"""
    method = f"{ATTACKER.did}#{OWNER.multikey}"
    forged = Log().append().append(sign_with=ATTACKER, proof={"verificationMethod": method})
    reversed_ = Log().append().append(proof={"verificationMethod": f"{OWNER.did}#{ATTACKER.multikey}"})

    assert holds(Log().append().append())
    assert code_of(verify_log(forged)) == "proof-verification-failed"
    assert code_of(verify_log(reversed_)) == "proof-verification-failed"


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "ecdsa-jcs-2019", "EDDSA-JCS-2022", ""])
def test_another_cryptosuite_is_refused_though_the_signature_holds(suite: str) -> None:
    forged = Log().append(proof={"cryptosuite": suite})

    assert code_of(verify_log(forged)) == "proof-verification-failed"


@pytest.mark.parametrize(
    "options",
    [
        {"proofPurpose": "authentication"},
        {"type": "Ed25519Signature2020"},
        {"previousProof": "urn:x"},
        {"expires": "2025-12-31T23:59:59Z"},
        {"@context": ["https://www.w3.org/ns/did/v1"]},
        {"verificationMethod": f"did:web:evil.example#{OWNER.multikey}"},
        {"verificationMethod": OWNER.did},
    ],
    ids=str,
)
def test_a_proof_of_another_kind_is_refused_though_the_signature_holds(options: Json) -> None:
    forged = Log().append(proof=options)

    assert code_of(verify_log(forged)) == "proof-verification-failed"


def test_an_id_with_another_scid_than_the_log_is_refused_in_the_first_entry() -> None:
    def swap(entry: Json) -> None:
        entry["state"]["id"] = f"did:webvh:{OTHER_SCID}:issuer.example"

    forged = Log().append(before_hash=swap)

    assert code_of(verify_log(forged)) == "did-log-id-mismatch"


def test_a_move_that_swaps_the_scid_is_refused() -> None:
    def log(scid: str) -> Log:
        begun = Log().append({"portable": True})
        did = f"did:webvh:{scid or begun.scid}:new.example"
        return begun.append(state={"id": did, "alsoKnownAs": [begun.did]})

    assert holds(log(""))
    assert code_of(verify_log(log(OTHER_SCID))) == "did-log-id-mismatch"
    assert code_of(verify_log(log("QmAttackerChosen"))) == "did-log-id-mismatch"


def test_pre_rotation_is_not_bypassed_by_leaving_parameters_out() -> None:
    """The old key signs on: with `updateKeys` inherited, or with the announcement dropped."""
    begun = Log().append({"nextKeyHashes": [NEXT.hash]})
    rotated = {"updateKeys": [NEXT.multikey], "nextKeyHashes": []}

    assert holds(begun.copy().append(rotated, sign_with=NEXT))
    for given in ({}, {"nextKeyHashes": []}, {"updateKeys": [NEXT.multikey]}, {"updateKeys": None}):
        forged = begun.copy().append(given)
        assert code_of(verify_log(forged)) == "invalid-parameter"


def test_a_key_that_was_not_announced_is_refused_under_pre_rotation() -> None:
    begun = Log().append({"nextKeyHashes": [NEXT.hash]})
    smuggled = {"updateKeys": [NEXT.multikey, ATTACKER.multikey], "nextKeyHashes": []}
    by_old_key = {"updateKeys": [NEXT.multikey], "nextKeyHashes": []}

    assert code_of(verify_log(begun.copy().append(smuggled, sign_with=ATTACKER))) == "invalid-parameter"
    assert code_of(verify_log(begun.copy().append(by_old_key))) == "key-not-authorized-to-update"


def test_the_entry_that_ends_pre_rotation_is_still_bound_by_it_and_the_next_is_not() -> None:
    begun = Log().append({"nextKeyHashes": [NEXT.hash]})
    ended = begun.copy().append({"updateKeys": [NEXT.multikey], "nextKeyHashes": []}, sign_with=NEXT)

    assert holds(ended.append({"updateKeys": [OWNER.multikey]}, sign_with=NEXT))
    assert code_of(verify_log(ended.append(sign_with=NEXT))) == "key-not-authorized-to-update"


def test_a_witness_that_is_listed_twice_is_refused() -> None:
    """Its one approval would count as two."""
    twice = Log().append(witnessed(2, WITNESS, WITNESS)).approve(WITNESS)

    assert code_of(verify_log(twice)) == "invalid-parameter"


def test_one_witness_that_approves_twice_counts_once() -> None:
    log = Log().append(witnessed(2, WITNESS, OTHER_WITNESS))

    assert code_of(verify_log(log.copy().approve(WITNESS, WITNESS))) == "witness-verification-failed"
    assert holds(log.copy().approve(WITNESS, OTHER_WITNESS))


@pytest.mark.parametrize("threshold", [0, -1, 2, True, 1.0, "1", None])
def test_a_threshold_that_nobody_or_anybody_meets_is_refused(threshold: Any) -> None:
    forged = Log().append({"witness": {"threshold": threshold, "witnesses": [{"id": WITNESS.did}]}})

    assert code_of(verify_log(forged.approve(WITNESS))) == "invalid-parameter"


def test_an_approval_from_another_log_is_not_replayed() -> None:
    """The witness approved version 1 of another log; here it names this log's version, or its own."""
    other = Log("other.example").append(witnessed(1, WITNESS)).approve(WITNESS)
    log = Log().append(witnessed(1, WITNESS))
    as_it_was, renamed = log.copy(), log.copy()
    as_it_was.approvals = other.approvals
    renamed.approvals = [other.approvals[0] | {"versionId": log.entries[0]["versionId"]}]

    assert holds(other)
    assert holds(log.copy().approve(WITNESS))
    assert code_of(verify_log(as_it_was)) == "witness-verification-failed"
    assert code_of(verify_log(renamed)) == "witness-verification-failed"


def test_an_approval_of_an_older_version_does_not_approve_the_newest() -> None:
    log = Log().append(witnessed(1, WITNESS)).approve(WITNESS).append()

    assert code_of(verify_log(log)) == "witness-verification-failed"
    assert len(verify_log(log).versions) == 1
    assert holds(log.approve(WITNESS))


def test_a_time_that_has_not_come_is_refused_wherever_it_stands() -> None:
    """Two entries far ahead, in rising order: only the last one was looked at elsewhere."""
    future = Log().append().append(time="9999-01-01T00:00:00Z").append(time="9999-01-02T00:00:00Z")
    soon = Log().append(time="2026-01-01T00:05:00Z")
    too_soon = Log().append(time="2026-01-01T00:05:01Z")

    assert len(verify_log(future).versions) == 1
    assert code_of(verify_log(future)) == "versiontime-format-invalid"
    assert holds(soon)
    assert code_of(verify_log(too_soon)) == "versiontime-format-invalid"
    assert code_of(verify_log(too_soon, now=NOW + 1)) is None


@pytest.mark.parametrize("time", [format_time(1), "2024-12-31T23:59:59Z"])
def test_a_time_that_does_not_rise_is_refused(time: str) -> None:
    assert code_of(verify_log(Log().append().append(time=time))) == "versiontime-format-invalid"


@pytest.mark.parametrize(
    "method", ["did:webvh:99.0", "did:webvh:0.5", "did:webvh:1.0.0", "did:tdw:0.3", None, 1]
)
def test_another_version_of_the_method_is_refused(method: Any) -> None:
    assert code_of(verify_log(Log().append({"method": method}))) == "unknown-protocol"
    assert code_of(verify_log(Log().append().append({"method": method}))) == "unknown-protocol"
