"""
A line of a log, read and not yet verified. Pure.

did:webvh v1.0, section The DID Log File: an object of exactly `versionId`, `versionTime`, `parameters`, `state` and
`proof`. Nothing is repaired, and what is over a cap is not parsed.
"""

import re
from typing import Any

import msgspec

from proofs import is_plain, parse_date_time_stamp
from resolver.methods.webvh import SCID
from resolver.results import JsonObject
from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.limits import LogLimits
from wire import JsonError, read

_MEMBERS = frozenset({"versionId", "versionTime", "parameters", "state", "proof"})
# Version number, a dash, entry hash; the hash has the form of the SCID.
VERSION_ID = re.compile(rf"([1-9][0-9]{{0,8}})-({SCID})")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """
    An entry as received.

    Attributes:
        number, entry_hash: the two parts of `version_id`.
        time: `version_time` in microseconds since 1970.
        proofs: one or more objects.
    """

    version_id: str
    number: int
    entry_hash: str
    version_time: str
    time: int
    parameters: JsonObject
    state: JsonObject
    proofs: list[JsonObject]


def read_entry(line: bytes, limits: LogLimits) -> Entry:
    """
    Read a line; white space around the object is JSON's, and is let be.

    Raises:
        InvalidLog: over a cap, not strict JSON, other members than those of an entry, or one of the wrong shape.
    """
    try:
        value = read(line, max_bytes=limits.max_line_bytes, max_values=None)
    except JsonError as error:
        raise _invalid(f"an entry is not acceptable JSON: {error}") from None
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise _invalid(f"expected an entry as an object of {', '.join(sorted(_MEMBERS))}")
    if len(line) > limits.max_odd_line_bytes and not is_plain(value):
        raise _invalid(
            "an entry with floating-point numbers, large integers or member names that are not ASCII may have "
            f"{limits.max_odd_line_bytes} bytes"
        )
    if not isinstance(value["parameters"], dict) or not isinstance(value["state"], dict):
        raise _invalid("expected parameters and state as objects")
    found = _version_id(value["versionId"])
    return Entry(
        version_id=found[0],
        number=int(found[1]),
        entry_hash=found[2],
        version_time=value["versionTime"],
        time=_time(value["versionTime"]),
        parameters=value["parameters"],
        state=value["state"],
        proofs=_proofs(value["proof"], limits),
    )


def _version_id(value: Any) -> re.Match[str]:
    found = VERSION_ID.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise invalid_log("versionid-format-invalid", "versionId: expected <number>-<entry hash>")
    return found


def _time(value: Any) -> int:
    """Read a versionTime: ISO 8601, in UTC; a fraction is allowed."""
    try:
        if not isinstance(value, str) or not value.endswith(("Z", "+00:00")):
            raise ValueError("expected a UTC time such as 2026-01-31T12:00:00Z")
        return parse_date_time_stamp(value)
    except ValueError as error:
        raise invalid_log("versiontime-format-invalid", f"versionTime: {error}") from None


def _proofs(value: Any, limits: LogLimits) -> list[JsonObject]:
    proofs = value if isinstance(value, list) else [value]
    if not 1 <= len(proofs) <= limits.max_proofs or not all(isinstance(proof, dict) for proof in proofs):
        raise invalid_log(
            "proof-verification-failed", f"expected 1 to {limits.max_proofs} proofs in an entry, all objects"
        )
    return proofs


def _invalid(detail: str) -> InvalidLog:
    return invalid_log("invalid-log-entry", detail)
