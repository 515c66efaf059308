"""
What is told of a credential: separate verdicts, each with a reason from a list and what it rests on. Pure.

docs/verify.md lists every reason; `REASONS` is that list, and a test compares them.
"""

from typing import Any, Literal, TypeAlias

import msgspec

Decision: TypeAlias = Literal["yes", "no", "unknown"]
Name: TypeAlias = Literal["authentic", "inTime", "issuerTrusted", "stillValid", "held"]
NAMES: tuple[Name, ...] = ("authentic", "inTime", "issuerTrusted", "stillValid", "held")

REASONS: dict[Name, dict[str, Decision]] = {
    "authentic": {
        "signature_valid": "yes",
        "malformed": "no",
        "signature_invalid": "no",
        "key_not_of_issuer": "no",
        "certificate_not_valid": "no",
        "unsupported": "unknown",
        "key_not_known": "unknown",
        "revocation_not_known": "unknown",
    },
    "inTime": {
        "in_time": "yes",
        "not_yet_valid": "no",
        "expired": "no",
        "not_authentic": "unknown",
    },
    "issuerTrusted": {
        "authorized": "yes",
        "not_authorized": "no",
        "suspended": "no",
        "revoked": "no",
        "expired": "no",
        "not_yet_valid": "no",
        "superseded": "no",
        "compromised": "unknown",
        "not_defined": "unknown",
        "not_known": "unknown",
        "not_authentic": "unknown",
    },
    "stillValid": {
        "not_revoked": "yes",
        "no_status_entry": "yes",
        "revoked": "no",
        "suspended": "no",
        "status_set": "no",
        "status_entry_missing": "no",
        "list_issuer_not_trusted": "unknown",
        "list_not_read": "unknown",
        "unsupported": "unknown",
        "malformed": "unknown",
        "not_authentic": "unknown",
    },
    "held": {
        "shown": "yes",
        "no_binding": "no",
        "no_holder_key": "no",
        "binding_not_valid": "no",
        "other_credential": "no",
        "other_nonce": "no",
        "other_audience": "no",
        "binding_out_of_time": "no",
        "not_authentic": "unknown",
        "unsupported": "unknown",
    },
}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """
    Attributes:
        reason: why, one of `REASONS`.
        detail: the same for people.
        evidence: what it rests on; JSON values.
    """

    verdict: Decision
    reason: str
    detail: str
    evidence: dict[str, Any] = {}


def verdict(name: Name, reason: str, detail: str, **evidence: Any) -> Verdict:
    """Return the verdict that goes with a reason; evidence that is None is left out."""
    told = {key: value for key, value in evidence.items() if value is not None}
    return Verdict(verdict=REASONS[name][reason], reason=reason, detail=detail, evidence=told)


def unknown_unless_authentic(name: Name) -> Verdict:
    """Return the verdict on what nobody can tell of a credential that is not authentic."""
    return verdict(name, "not_authentic", "what the credential says of this is not known to be its issuer's")


class Verification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    The answer to `POST /verify`.

    Attributes:
        rely: whether none of the verdicts that the policy asks for is `no` or `unknown`.
        at: the time that it is about; checked_at: when that was found out.
        format: which form the credential has; `legacy` where nobody should issue it any more.
        issuer: who the credential says issued it; only an authentic one was issued by him.
        types: what its format calls it.
        steps: in order, where `explain` asked for them.
    """

    rely: bool
    policy: str
    at: str
    checked_at: str
    verdicts: dict[Name, Verdict]
    format: str | None = None
    legacy: bool = False
    issuer: str | None = None
    types: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


class Verifications(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `POST /verify/batch`: what is told of each credential, in their order."""

    results: list[Verification]
