"""The chain of a log: numbers, hashes, keys, the SCID, portability; forged with real keys."""

from typing import Any

import pytest

from tests.resolver.webvh.logs import Json, Log, Signer
from tests.resolver.webvh.verifying import code_of, verify_log

OWNER, ATTACKER, NEXT = Signer(1), Signer(66), Signer(2)


def holds(log: Log) -> bool:
    return code_of(verify_log(log)) is None


def test_an_altered_document_breaks_the_chain() -> None:
    def alter(entry: Json) -> None:
        entry["state"]["alsoKnownAs"] = ["did:web:evil.example"]

    assert code_of(verify_log(Log().append(after=alter))) == "scid-verification-failed"
    assert code_of(verify_log(Log().append().append(after=alter))) == "hash-chain-broken"


def test_a_rehashed_document_needs_the_owner_s_signature() -> None:
    forged = Log().append().append(sign_with=ATTACKER)
    in_the_owner_s_name = {"verificationMethod": f"{OWNER.did}#{OWNER.multikey}"}
    forged_name = Log().append().append(sign_with=ATTACKER, proof=in_the_owner_s_name)

    assert code_of(verify_log(forged)) == "key-not-authorized-to-update"
    assert code_of(verify_log(forged_name)) == "proof-verification-failed"


def test_a_key_that_an_entry_brings_cannot_sign_that_entry() -> None:
    given = {"updateKeys": [NEXT.multikey]}

    assert code_of(verify_log(Log().append().append(given, sign_with=NEXT))) == "key-not-authorized-to-update"
    assert holds(Log().append().append(given).append(sign_with=NEXT))
    assert code_of(verify_log(Log().append().append(given).append())) == "key-not-authorized-to-update"


def test_a_first_entry_with_another_s_scid_is_refused() -> None:
    other = Log("other.example").append()
    copied = Log().append({"scid": other.scid})
    copied.scid = other.scid

    assert code_of(verify_log(copied)) == "did-log-id-mismatch"
    assert code_of(verify_log(copied.append())) == "did-log-id-mismatch"


@pytest.mark.parametrize(
    "version_id",
    ["2-{}", "01-{}", "1-{}x", "1-", "1", "-{}", "+1-{}", "1-z{}", "١-{}", 2, None],
)
def test_a_version_id_of_another_form_or_number_is_refused(version_id: Any) -> None:
    def rename(entry: Json) -> None:
        entry["versionId"] = (
            version_id.format(entry["versionId"][2:]) if isinstance(version_id, str) else version_id
        )

    assert code_of(verify_log(Log().append(before_proof=rename))) in {
        "version-mismatch",
        "versionid-format-invalid",
    }


def test_a_gap_a_repetition_and_another_order_are_refused() -> None:
    log = Log().append().append().append()
    for order in ([0, 2], [0, 0], [0, 1, 1], [1, 0], [0, 2, 1]):
        broken = log.copy()
        broken.entries = [log.entries[index] for index in order]

        assert code_of(verify_log(broken)) == "version-mismatch"


def test_an_entry_after_the_deactivation_is_refused() -> None:
    log = Log().append().append({"deactivated": True})

    assert holds(log)
    assert code_of(verify_log(log.copy().append())) == "deactivated"
    assert code_of(verify_log(log.copy().append({"deactivated": False}))) == "deactivated"


def test_a_move_needs_portability_and_the_did_before_under_also_known_as() -> None:
    def moved(portable: bool | None, also_known_as: Any) -> Log:
        log = Log().append({} if portable is None else {"portable": portable})
        did = f"did:webvh:{log.scid}:new.example"
        names = [log.did] if also_known_as is True else also_known_as
        return log.append(state={"id": did, "alsoKnownAs": names})

    assert holds(moved(True, True))
    assert code_of(verify_log(moved(None, True))) == "portability-disabled"
    assert code_of(verify_log(moved(False, True))) == "portability-disabled"
    for names in ([], None, ["did:web:issuer.example"], "did:webvh"):
        assert code_of(verify_log(moved(True, names))) == "did-log-id-mismatch"


def test_portability_is_never_gained_later_nor_regained() -> None:
    assert code_of(verify_log(Log().append().append({"portable": True}))) == "invalid-parameter"
    given_up = Log().append({"portable": True}).append({"portable": False})
    assert holds(given_up)
    assert code_of(verify_log(given_up.append({"portable": True}))) == "invalid-parameter"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "new.example:..", "new.example:%2E%2E", "127.0.0.1%3a8080", ""]
)
def test_an_id_that_is_no_did_webvh_is_refused_in_any_version(host: str) -> None:
    log = Log().append({"portable": True})
    log.append(state={"id": f"did:webvh:{log.scid}:{host}", "alsoKnownAs": [log.did]})

    assert code_of(verify_log(log)) == "did-log-id-mismatch"
