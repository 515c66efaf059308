"""Lines of a log: strict JSON of exactly the members of an entry, hashed in canonical form."""

import json
from typing import Any

import pytest

from resolver.webvh.history import common_versions
from resolver.webvh.limits import LogLimits
from tests.resolver.webvh.logs import Json, Log, nothing
from tests.resolver.webvh.verifying import code_of, verify, verify_log


def holds(log: Log) -> bool:
    return code_of(verify_log(log)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b'"state":{', b'"state":{"id":"did:x:y",', 1),
        lambda text: text.replace(b"}\n", b',"extra":1}\n', 1),
        lambda text: text.replace(b'"versionTime"', b'"time"', 1),
        lambda text: b"[" + text.strip() + b"]\n",
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: b"\n" + text,
        lambda text: text[:-20],
        lambda _: b"",
        lambda _: b"<html></html>",
        lambda _: b"[" * 100_000,
    ],
    ids=["duplicate", "extra", "missing", "array", "bom", "blank", "cut", "empty", "html", "deep"],
)
def test_a_log_that_is_not_strict_json_lines_of_entries_is_refused(change: Any) -> None:
    log = Log().append()

    assert code_of(verify(change(log.text), log.scid)) == "invalid-log-entry"


def test_what_has_more_than_one_spelling_is_hashed_by_the_canonical_one() -> None:
    """Numbers, escapes, member names outside ASCII: RFC 8785 decides, whatever the log's spelling."""
    state = {
        "id": "did:webvh:{SCID}:issuer.example",
        "numbers": [1.0, 1e21, 1e-7, -0.0, 9007199254740991],
        "text": '\u20ac\u0001\n"\\/',
        "\U0001f600": 1,
        "\ufb33": 2,
        "é": {"{SCID}": "{SCID}"},
    }
    log = Log().append(state=state)
    pretty = json.dumps(log.entries[0], indent=None, ensure_ascii=False).encode() + b" \r\n"

    assert holds(log)
    assert code_of(verify(pretty, log.scid)) is None


def test_a_proof_may_be_an_object_and_every_one_of_several_must_hold() -> None:
    def alone(entry: Json) -> None:
        entry["proof"] = entry["proof"][0]

    def with_a_bad_one(entry: Json) -> None:
        entry["proof"] = [*entry["proof"], entry["proof"][0] | {"created": "2025-01-02T00:00:00Z"}]

    def none(entry: Json) -> None:
        entry["proof"] = []

    assert holds(Log().append(after=alone))
    assert holds(Log().append(after=nothing))
    assert code_of(verify_log(Log().append(after=with_a_bad_one))) == "proof-verification-failed"
    assert code_of(verify_log(Log().append(after=none))) == "proof-verification-failed"


@pytest.mark.parametrize("ending", [b"\n", b"\n\n\n", b"\r\n", b" \n\t\n "])
def test_empty_lines_at_the_end_of_a_log_are_passed_over(ending: bytes) -> None:
    log = Log().append().append()

    history = verify(log.text + ending, log.scid)
    longer = verify(log.append().text, log.scid, known=history)

    assert (code_of(history), len(history.versions)) == (None, 2)
    assert (code_of(longer), len(longer.versions)) == (None, 3)
    assert common_versions(history, longer) == 2


def test_an_empty_line_between_two_entries_is_refused() -> None:
    log = Log().append().append()

    assert code_of(verify(log.text.replace(b"}\n{", b"}\n\n{"), log.scid)) == "invalid-log-entry"


def test_empty_lines_are_no_entries_to_be_counted() -> None:
    log = Log().append().append()
    limits = LogLimits(max_entries=2)

    assert code_of(verify(log.text + b"\n" * 9, log.scid, limits=limits)) is None
    assert code_of(verify(log.append().text, log.scid, limits=limits)) == "invalid-log-entry"
