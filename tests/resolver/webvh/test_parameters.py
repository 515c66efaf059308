"""The parameters of a log: whatever did:webvh 1.0 does not define or allow is refused."""

import base58
import pytest

from tests.resolver.webvh.logs import Json, Log, Signer, witnessed
from tests.resolver.webvh.verifying import code_of, verify_log

WITNESS = Signer(10)


def holds(log: Log) -> bool:
    return code_of(verify_log(log)) is None


@pytest.mark.parametrize(
    "given",
    [
        {"prerotation": True},
        {"": 1},
        {"updateKeys": "z6Mk"},
        {"updateKeys": [1]},
        {"updateKeys": [""]},
        {"nextKeyHashes": {}},
        {"witness": []},
        {"witness": {"threshold": 1}},
        {"witness": {"threshold": 1, "witnesses": []}},
        {"witness": {"threshold": 1, "witnesses": [{"id": WITNESS.multikey}]}},
        {"witness": {"threshold": 1, "witnesses": [{"id": WITNESS.did, "weight": 9}]}},
        {"witness": {"threshold": 1, "witnesses": [{"id": "did:web:witness.example"}]}},
        {"watchers": "https://watcher.example"},
        {"portable": "true"},
        {"deactivated": 0},
        {"ttl": -1},
        {"ttl": 2**31 + 1},
        {"ttl": True},
        {"ttl": "3600"},
        {"scid": 1},
        {"updateKeys": ...},
        {"method": ...},
        {"scid": ...},
    ],
    ids=str,
)
def test_an_unknown_parameter_or_value_is_refused(given: Json) -> None:
    assert code_of(verify_log(Log().append(given))) == "invalid-parameter"


def test_a_later_entry_must_not_have_a_scid() -> None:
    log = Log().append()

    assert code_of(verify_log(log.append({"scid": log.scid}))) == "invalid-parameter"


def test_null_stands_for_the_default_as_early_implementations_wrote_it() -> None:
    given = dict.fromkeys(("witness", "watchers", "nextKeyHashes", "ttl", "portable", "deactivated"))

    assert holds(Log().append(given))
    log = Log().append(witnessed(1, WITNESS)).append({"witness": None}).approve(WITNESS).append()
    assert holds(log)


def test_a_key_that_anybody_can_forge_with_is_refused() -> None:
    """The identity point: a signature of it holds for any text, and `cryptography` loads it."""
    weak = "z" + base58.b58encode(b"\xed\x01" + b"\x01" + bytes(31)).decode()
    witness = {"threshold": 1, "witnesses": [{"id": f"did:key:{weak}"}]}
    by_weak = Log().append(
        {"updateKeys": [weak]}, proof={"verificationMethod": f"did:key:{weak}#{weak}"}, after=forge_signature
    )

    assert code_of(verify_log(Log().append({"witness": witness}))) == "invalid-parameter"
    assert code_of(verify_log(by_weak)) == "proof-verification-failed"


def forge_signature(entry: Json) -> None:
    """Put R = identity, S = 0 in the place of the signature."""
    entry["proof"][0]["proofValue"] = "z" + base58.b58encode(b"\x01" + bytes(63)).decode()
