"""
Why a log is not accepted: did:webvh's own codes in the terms of DID Resolution. Pure.

did:webvh v1.0, section Read (Resolve), has `invalidDid` for all of them, and problem details (RFC 9457) whose types
are pages of the method's information site. Codes that its list lacks are marked.
"""

from resolver.errors import InvalidDidDocument

_PAGE = "https://didwebvh.info/main/resolution-errors/#"

TITLES = {
    "did-log-id-mismatch": "DID Log for DID being resolved not found",
    "unknown-protocol": "Protocol unknown",
    "version-mismatch": "Version number in log doesn't match expected",
    "versionid-format-invalid": "VersionId format is invalid",
    "versiontime-format-invalid": "VersionTime format is invalid",
    "scid-verification-failed": "SCID not derived from logEntryHash",
    "proof-verification-failed": "Version failed verification of the proof",
    "portability-disabled": "Cannot move DID: portability is disabled",
    "hash-chain-broken": "Hash chain broken",
    "key-not-authorized-to-update": "Key is not authorized to update",
    # In use by did-webvh (Python), not on the list:
    "invalid-log-entry": "Invalid log entry",
    "invalid-parameter": "Invalid parameter",
    "witness-verification-failed": "Insufficient witness proofs",
    # Ours:
    "deactivated": "The DID has been deactivated before this entry",
    "log-forked": "Another history of this DID has been seen before",
    "log-rolled-back": "A longer history of this DID has been seen before",
}


class InvalidLog(InvalidDidDocument):
    """The log, or an entry of it, does not hold; the member `problemDetails` says what did:webvh calls it."""

    legacy = "invalidDid"


def invalid_log(code: str, detail: str, **members: str) -> InvalidLog:
    """Return the error with did:webvh's `code`, a key of `TITLES`."""
    problem = {"type": _PAGE + code, "title": TITLES[code], "detail": detail}
    return InvalidLog(detail, problemDetails=problem, **members)
