"""
Fuzz target for did:webvh logs: no entry holds but those that were signed, whatever is done to the bytes of a log.

A case is a log and its witness file, with a zero byte between them.
"""

import json
from functools import cache

from resolver.did import parse_did
from resolver.errors import ResolutionError
from resolver.results import Options
from resolver.webvh.finding import finding_of
from tests.resolver.webvh.logs import Log, Signer, witnessed
from tests.resolver.webvh.verifying import NOW, verify

_WITNESS, _NEXT = Signer(10), Signer(2)
_OPTIONS = (Options(), Options(version_number=1), Options(version_time="2025-01-01T00:02:00Z"))


@cache
def logs() -> tuple[Log, ...]:
    """Return a witnessed log, one that moves, and one that rotates its keys and ends."""
    moved = Log().append({"portable": True, "ttl": 60})
    did = f"did:webvh:{moved.scid}:new.example%3A8443:a"
    moved.append(state={"id": did, "alsoKnownAs": [moved.did], "n": [0.5, "\u20ac"]})
    rotated = Log("other.example").append({"nextKeyHashes": [_NEXT.hash], "watchers": ["https://w.example/"]})
    rotated.append({"updateKeys": [_NEXT.multikey], "nextKeyHashes": []}, sign_with=_NEXT)
    rotated.append({"deactivated": True, "updateKeys": []}, sign_with=_NEXT)
    return Log().append(witnessed(1, _WITNESS)).append().approve(_WITNESS), moved, rotated


def seeds() -> list[bytes]:
    """Return the logs as cases."""
    return [log.text + b"\0" + log.witness_file for log in logs()]


def log(data: bytes) -> None:
    """What holds are entries that were signed, from the first one on; every version has an answer or an error."""
    text, _, witness_file = data.partition(b"\0")
    true = next((log for log in logs() if log.scid.encode() in text), logs()[0])
    history = verify(text, true.scid, witness_file)
    lines = [json.loads(line) for line in history.log.split(b"\n")] if history.log else []
    assert lines == true.entries[: len(history.versions)], "an entry holds that was not signed so"
    assert history.problem is not None or history.versions, "an empty log holds"
    for options in _OPTIONS if history.versions else ():
        try:
            resolved = finding_of(history, NOW).resolved(parse_did(history.versions[-1].did), options)
        except ResolutionError:
            continue
        assert resolved.document is None or resolved.document["id"] == resolved.did
