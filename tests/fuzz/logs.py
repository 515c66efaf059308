"""
Fuzz targets for did:webvh: logs that somebody without the keys has changed, and logs whose owner is hostile.

A changed log is a line of witness proofs, and the log. A hostile one is a JSON list of the arguments of
`tests/resolver/webvh/logs.py`, by which it is hashed and signed as it should be.
"""

import contextlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import rfc8785

from resolver.binding.representation import present
from resolver.did import parse_did
from resolver.errors import ResolutionError
from resolver.results import Options
from resolver.webvh.finding import finding_of, has_had
from resolver.webvh.history import History
from tests.fuzz.answers import secrets_in, whole_answer
from tests.resolver.webvh.logs import Json, Log, Signer, witnessed
from tests.resolver.webvh.verifying import verify

NOW = 1_800_000_000  # seconds since 1970, after every entry of ours
_WITNESSES = (Signer(21), Signer(22))
MAX_ENTRIES = 6
_TIMES = ("2025-01-01T00:01:00Z", "2025-01-01T00:02:30Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z")


@cache
def genuine() -> dict[str, Log]:
    """Return logs that hold, by their SCID: of three versions, with pre-rotation, moved, witnessed, ended."""
    first, second = Signer(11), Signer(12)
    rotated = Log().append({"nextKeyHashes": [first.hash]})
    rotated.append({"updateKeys": [first.multikey], "nextKeyHashes": [second.hash]}, sign_with=first)
    moved = Log().append({"portable": True})
    before = moved.did
    moved.host = "moved.example"
    moved.append(state={"id": moved.did, "alsoKnownAs": [before], "service": []})
    approved = Log().append(witnessed(2, *_WITNESSES)).append({"ttl": 60})
    approved.approve(*_WITNESSES)
    ended = Log().append({"watchers": ["https://watcher.example"]}).append().append({"deactivated": True})
    return {log.scid: log for log in (rotated, moved, approved, ended)}


def changed_log(data: bytes) -> None:
    """Whatever is done to a log without its keys: each version that is taken says what its owner signed."""
    witness_file, _, text = data.partition(b"\n")
    known = next((log for scid, log in genuine().items() if scid.encode() in text), None)
    if known is None:
        return
    history = verify(text, known.scid, witness_file, now=NOW)
    for version, entry in zip(history.versions, known.entries, strict=False):
        found = json.loads(history.log[version.start : version.end])
        assert _signed(found) == _signed(entry), "a forged version was taken"
    assert len(history.versions) <= len(known.entries), "a version was added"
    if history.versions:
        _answers(history, history.versions[-1].did)


def _signed(entry: Json) -> bytes:
    return rfc8785.dumps({name: value for name, value in entry.items() if name != "proof"})


def hostile_log(data: bytes) -> None:
    """Whatever its owner signs: every answer is a whole one, about the DID, and without a secret."""
    try:
        log = _log_of(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, rfc8785.CanonicalizationError):
        return
    if not log.entries:
        return
    history = verify(log.text, log.scid, log.witness_file, now=NOW)
    if not history.versions:
        return
    for version in history.versions:
        if has_had(history, parse_did(version.did)):
            _answers(history, version.did)


def _log_of(plan: Any) -> Log:
    log = Log()
    for step in plan[:MAX_ENTRIES]:
        given = {name: step[name] for name in ("parameters", "state", "time", "proof") if name in step}
        log.append(**given)
        if "approve" in step:
            log.approve(*_WITNESSES)
    return log


def _answers(history: History, did: str) -> None:
    finding = finding_of(history, 1_000.0)
    for options in _options(history):
        try:
            resolved = finding.resolved(parse_did(did), options)
        except ResolutionError as error:
            whole_answer(present(error, None), did)
            continue
        assert resolved.document is None or resolved.document["id"] == did
        assert not secrets_in(resolved.document), "a secret was passed on"
        whole_answer(present(resolved, None), did)


def _options(history: History) -> Iterator[Options]:
    yield Options()
    for number in (0, 1, len(history.versions), 2**31):
        yield Options(version_number=number)
    for version_time in _TIMES:
        yield Options(version_time=version_time)
    with contextlib.suppress(IndexError):
        yield Options(version_id=history.versions[-1].version_id)


def changed_seeds() -> list[bytes]:
    return [log.witness_file + b"\n" + log.text for log in genuine().values()]


def hostile_seeds() -> list[bytes]:
    method = {"id": "#k", "type": "Multikey", "publicKeyMultibase": Signer(1).multikey}
    state = {
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": "did:webvh:{SCID}:issuer.example",
        "verificationMethod": [method],
        "service": [{"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://issuer.example/"}],
    }
    plans: list[list[Json]] = [
        [{"state": state}, {"parameters": {"ttl": 0, "portable": False, "watchers": None}}],
        [{"parameters": {"portable": True}}, {"parameters": {"deactivated": True, "updateKeys": []}}],
        [
            {"parameters": {"nextKeyHashes": [Signer(1).hash]}},
            {"parameters": {"updateKeys": [Signer(1).multikey]}},
        ],
        [{"parameters": witnessed(1, *_WITNESSES)}, {"parameters": {"witness": {}}, "approve": True}],
        [
            {
                "time": "2025-01-01T00:00:00.123+00:00",
                "proof": {"expires": "2099-01-01T00:00:00Z", "id": "urn:x"},
            }
        ],
    ]
    return [json.dumps(plan).encode() for plan in plans]
