"""
Does it still hold, by its status lists? What was found of each entry, as one verdict. Pure.

What says no counts most: that somebody else's list cannot be read does not bring a revoked credential back.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from credentials.errors import MalformedValue
from statuslist.checking.requests import CheckedEntry
from statuslist.errors import EntryNotOfList, MalformedStatusList, NoListAtOwnUrl, RangeError
from verification.verdicts import Decision, Verdict, verdict
from wire import Refusal

Outcome = CheckedEntry | Refusal  # what a list says of an entry, or why it says nothing

_WORST: tuple[Decision, ...] = ("no", "unknown", "yes")
_HOLDERS = ("statusListIndex", "message")  # of one credential, which tells its holder apart
_OF_THE_ENTRY = (MalformedValue, RangeError, EntryNotOfList, NoListAtOwnUrl)
_REASONS = {
    "revoked": "revoked",
    "suspended": "suspended",
    "list-issuer-not-trusted": "list_issuer_not_trusted",
    "unsupported": "unsupported",
    "refresh": "not_revoked",  # Bitstring Status List v1.0, section 2.1: it does not invalidate the credential
}
_DETAILS = {
    "not_revoked": "no list says that it was revoked or suspended",
    "revoked": "it was revoked",
    "suspended": "it is suspended",
    "status_set": "a list has a status for it that says that it does not hold",
    "list_issuer_not_trusted": "the list is of another issuer than the credential",
    "list_not_read": "what says that the list's key is its issuer's is out of date, and its origin is away",
    "unsupported": "a status entry is of a type that is not read here",
}


def still_valid(
    outcomes: Sequence[Outcome], *, is_required: bool, is_full: bool, takes_stale: bool = False
) -> Verdict:
    """
    Return the verdict on all entries of a credential.

    Args:
        is_required: the registry demands an entry of such a credential.
        is_full: show what tells the holder apart, too.
        takes_stale: a list counts though what says that its key is its issuer's may be out of date.
    """
    if is_required and not any(map(_may_revoke, outcomes)):
        why = "it has no status entry by which it could be revoked, and its authority demands one"
        return verdict("stillValid", "status_entry_missing", why)
    if not outcomes:
        return verdict("stillValid", "no_status_entry", "it has no status entry: it holds until it ends")
    reasons = [_reason(each, takes_stale=takes_stale) for each in outcomes]
    lists = [_shown(each, is_full=is_full) for each in outcomes]
    told = [
        verdict("stillValid", reason, _detail(reason, each), lists=lists)
        for reason, each in zip(reasons, outcomes, strict=True)
    ]
    return min(told, key=lambda each: _WORST.index(each.verdict))


def _may_revoke(outcome: Outcome) -> bool:
    return isinstance(outcome, Refusal) or outcome.purpose not in ("refresh", "message")


def _reason(outcome: Outcome, *, takes_stale: bool) -> str:
    if isinstance(outcome, Refusal):
        is_entrys = isinstance(outcome, _OF_THE_ENTRY) and not isinstance(outcome, MalformedStatusList)
        return "malformed" if is_entrys else "list_not_read"
    if outcome.reason is None:
        return "list_not_read" if outcome.list_key_stale and not takes_stale else "not_revoked"
    return _REASONS.get(outcome.reason, "status_set")


def _detail(reason: str, outcome: Outcome) -> str:
    return outcome.detail if isinstance(outcome, Refusal) else _DETAILS[reason]


def _shown(outcome: Outcome, *, is_full: bool) -> dict[str, Any]:
    if isinstance(outcome, Refusal):
        return {"error": outcome.title, "detail": outcome.detail} | _url_of(outcome)
    told: dict[str, Any] = msgspec.to_builtins(outcome)
    return told if is_full else {name: value for name, value in told.items() if name not in _HOLDERS}


def _url_of(refusal: Refusal) -> dict[str, Any]:
    url = refusal.members.get("statusListCredential")
    return {} if url is None else {"statusListCredential": url}
