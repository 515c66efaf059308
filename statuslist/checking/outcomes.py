"""
What a list that may be believed says of an entry, and what that is worth to who relies on it. Pure.
"""

import msgspec

from credentials.keys.certificates import is_named
from statuslist.checking.algorithm import StatusResult, check_covers, evaluate, evaluate_token
from statuslist.checking.entries import STATUS_LIST, UnsupportedEntry
from statuslist.checking.list_keys import Reliance
from statuslist.checking.list_reading import Content
from statuslist.checking.requests import CheckedEntry, reason_of
from statuslist.checking.verified_list import VerifiedList
from statuslist.errors import StatusVerificationError
from statuslist.formats.bitstring_credential import StatusListCredential
from statuslist.formats.bitstring_entry import Entry
from statuslist.formats.token_entry import TokenEntry
from statuslist.formats.token_list import TokenList
from wire import format_utc


class Relying(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who relies on entries, and when.

    Attributes:
        issuer: the credential's; None: only certificates say who that is.
        list_issuers: whose lists are trusted besides those of `issuer`.
        anchors: DER of certificates that are trusted with statuses; () for those of the registry.
        at: a time in the past, in microseconds since 1970; None: now.
    """

    issuer: str | None
    list_issuers: tuple[str, ...] = ()
    anchors: tuple[bytes, ...] = ()
    at: int | None = None

    @property
    def trusted(self) -> tuple[str, ...]:
        return self.reliance.trusted

    @property
    def reliance(self) -> Reliance:
        return Reliance(self.issuer, self.anchors, self.list_issuers)


def evaluated(
    entry: Entry | TokenEntry, content: Content, bits: bytes, *, now: int, at: int | None
) -> StatusResult:
    """
    Return what a list says of an entry: now, or as of a time that the list must have been valid at.

    Raises:
        StatusVerificationError: the list is of another standard than the entry; or as `evaluate`, and so:
        ListOfAnotherTime, StatusListLengthError, RangeError.
    """
    if at is not None:
        check_covers(content, at)
        now = at
    if isinstance(entry, TokenEntry) and isinstance(content, TokenList):
        return evaluate_token(entry, content, bits, now=now)
    if isinstance(entry, Entry) and isinstance(content, StatusListCredential):
        return evaluate(entry, content, bits, now=now)
    raise StatusVerificationError("the status list is of another standard than the entry")


def outcome_of(
    entry: Entry | TokenEntry, found: VerifiedList, relying: Relying, result: StatusResult
) -> CheckedEntry:
    """Return what a list says, and whether its issuer is trusted with it."""
    issuer, is_trusted = _whose(found, relying)
    checked = checked_entry(entry, result, issuer, relying.issuer, is_trusted=is_trusted, ends=found.ends)
    return msgspec.structs.replace(
        checked,
        list_retrieved_at=format_utc(int(found.retrieved_at * 1_000_000)),
        list_key_stale=found.key.is_stale,
    )


def unsupported(entry: UnsupportedEntry) -> CheckedEntry:
    """Return that nobody here can tell."""
    return CheckedEntry(type=entry.type, valid=False, reason="unsupported")


def checked_entry(
    entry: Entry | TokenEntry,
    result: StatusResult,
    list_issuer: str,
    issuer: str | None,
    *,
    is_trusted: bool,
    ends: int | None,
) -> CheckedEntry:
    """Return what a list says, as it is told; `issuer` is the credential's."""
    reason = reason_of(result.purpose, result.status, is_trusted=is_trusted)
    return CheckedEntry(
        type=STATUS_LIST if isinstance(entry, TokenEntry) else entry.type,
        status=result.status,
        purpose=result.purpose,
        valid=reason is None,
        issuer_bound=list_issuer == issuer,
        status_list_credential=entry.list_url,
        status_list_index=str(entry.index),
        list_issuer=list_issuer,
        list_valid_until=None if ends is None else format_utc(ends),
        message=result.message,
        reason=reason,
    )


def _whose(found: VerifiedList, relying: Relying) -> tuple[str, bool]:
    """
    Return whose list it is, and whether he is trusted with it.

    Of a certificate: the trusted party whom it names, or its `ni`. One that leads to an anchor of the caller is
    trusted, as that is what he gave it for; one that leads to an anchor of the registry must name whose that is.
    """
    is_anchored = found.key.path is not None and bool(relying.anchors)
    names = [found.issuer] if found.issuer is not None else [*_named(found, relying), found.key.id]
    return names[0], is_anchored or any(name in relying.trusted for name in names)


def _named(found: VerifiedList, relying: Relying) -> list[str]:
    path = found.key.path
    return [party for party in relying.trusted if path is not None and is_named(path.certificates[0], party)]
