"""
The validator's algorithm on a status list that has been fetched and whose proof has been verified. Pure.

Bitstring Status List v1.0 (W3C REC, 2025-05-15), section 3.2 (Validate Algorithm), which suits Status List 2021 as
well; Token Status List (draft-21), section 8.3 (Validation Rules). Every way out but the last is an exception: no
fault, gap or doubt ends in "valid".
"""

import msgspec

from credentials.times import CLOCK_SKEW
from statuslist.checking.list_reading import Content, period_of
from statuslist.errors import ListOfAnotherTime, StatusListLengthError, StatusVerificationError
from statuslist.formats.bitstring import MINIMUM_ENTRIES, status_at
from statuslist.formats.bitstring_credential import CREDENTIAL_TYPE, StatusListCredential
from statuslist.formats.bitstring_entry import ENTRY_TYPE, FORMER_ENTRY_TYPE, Entry
from statuslist.formats.former_credential import FORMER_CREDENTIAL_TYPE
from statuslist.formats.token_bits import value_at
from statuslist.formats.token_entry import TokenEntry
from statuslist.formats.token_list import TokenList

_KINDS = {ENTRY_TYPE: CREDENTIAL_TYPE, FORMER_ENTRY_TYPE: FORMER_CREDENTIAL_TYPE}


class StatusResult(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a list says of one credential (section 3.2, steps 11 to 15).

    Attributes:
        status: the value in the list.
        purpose: the entry's `statusPurpose`; None of a token list, whose values say what they mean.
        valid: true if, and only if, `status` is 0.
        message: for the purpose `message`, what the entry says that the status means; for developers, not
            for end users (section 2.1).
    """

    status: int
    purpose: str | None
    valid: bool
    message: str | None = None


def evaluate(
    entry: Entry,
    list_credential: StatusListCredential,
    bits: bytes,
    *,
    now: int,
    minimum_length: int = MINIMUM_ENTRIES,
    skew: int = CLOCK_SKEW,
) -> StatusResult:
    """
    Tell the status of `entry` by `list_credential`, fetched from the entry's URL, verified and expanded before.

    1. The list is valid now, and is the list of that URL (steps 4 and VCDM 2.0, section 4.9), of the entry's kind.
    2. It is a list for the entry's purpose (step 5), in entries of the same size.
    3. It has at least the minimum of entries (step 9).
    4. Read the status (step 10).
    5. Tell what it means (steps 11 to 15).

    Args:
        bits: the expanded list (steps 6 to 8), which many checks share.
        now: microseconds since 1970.
        minimum_length: entries; another value only where an ecosystem's specification sets it.
        skew: microseconds of clock difference to tolerate.

    Raises:
        StatusVerificationError: 1 or 2 does not hold (STATUS_VERIFICATION_ERROR).
        StatusListLengthError: 3 does not hold (STATUS_LIST_LENGTH_ERROR).
        RangeError: the index lies outside the list (RANGE_ERROR).
    """
    _check_window(list_credential, now, skew)  # 1
    _check_binding(entry, list_credential)
    _check_kind(entry, list_credential)
    _check_purpose(entry, list_credential)  # 2
    if len(bits) * 8 < minimum_length * entry.size:  # 3
        raise StatusListLengthError(
            f"the list has {len(bits) * 8 // entry.size} entries; the minimum is {minimum_length}"
        )
    status = status_at(bits, entry.index, size=entry.size)  # 4
    return StatusResult(  # 5
        status=status, purpose=entry.purpose, valid=status == 0, message=_message(entry, status)
    )


def evaluate_token(
    entry: TokenEntry, token_list: TokenList, lst: bytes, *, now: int, skew: int = CLOCK_SKEW
) -> StatusResult:
    """
    Tell the status of `entry` by `token_list`, fetched from the entry's URI, verified and expanded before.

    1. `sub` is that URI (step 3 of section 8.3); the list was issued, and has not expired (step 4).
    2. Read the status; an index beyond the list is an error (step 7).

    Args:
        lst: the expanded list, which many checks share.
        now: microseconds since 1970.
        skew: microseconds of clock difference to tolerate.

    Raises:
        StatusVerificationError: 1 does not hold (STATUS_VERIFICATION_ERROR).
        RangeError: the index lies outside the list (RANGE_ERROR).
    """
    if token_list.url != entry.list_url:
        raise StatusVerificationError("the status list is another than the entry points to", pointer="/sub")
    begins, ends = period_of(token_list)
    if begins is not None and now + skew < begins:
        raise StatusVerificationError("the status list is not valid yet", pointer="/iat")
    if ends is not None and now - skew > ends:
        raise StatusVerificationError("the status list is no longer valid", pointer="/exp")
    status = value_at(lst, entry.index, token_list.bits)
    return StatusResult(status=status, purpose=None, valid=status == 0)


def check_covers(content: Content, at: int) -> None:
    """
    Refuse a list that says nothing of a time in the past: it must have been valid then, by its own word.

    Token Status List, section 8.4: `iat` <= time <= `exp`. No clocks differ here, so that nothing is tolerated.

    Args:
        at: microseconds since 1970.

    Raises:
        ListOfAnotherTime: it begins later, or does not say when; or it ended before.
    """
    begins, ends = period_of(content)
    if begins is None or begins > at:
        raise ListOfAnotherTime("the status list begins after that time, or does not say when")
    if ends is not None and ends < at:
        raise ListOfAnotherTime("the status list ended before that time")


def _check_window(list_credential: StatusListCredential, now: int, skew: int) -> None:
    if list_credential.valid_from is not None and now + skew < list_credential.valid_from:
        raise StatusVerificationError("the status list is not valid yet", pointer="/validFrom")
    if list_credential.valid_until is not None and now - skew > list_credential.valid_until:
        raise StatusVerificationError("the status list is no longer valid", pointer="/validUntil")


def _check_binding(entry: Entry, list_credential: StatusListCredential) -> None:
    """
    Section 2.2: `id` is optional, but where it is present it is the entry's URL. It is all that tells one
    list of an issuer from another served in its place.
    """
    if list_credential.id is not None and list_credential.id != entry.list_url:
        raise StatusVerificationError("the status list is another than the entry points to", pointer="/id")


def _check_kind(entry: Entry, list_credential: StatusListCredential) -> None:
    if list_credential.kind != _KINDS[entry.type]:
        raise StatusVerificationError("the status list is of another kind than the entry", pointer="/type")


def _check_purpose(entry: Entry, list_credential: StatusListCredential) -> None:
    if entry.purpose not in list_credential.purposes:
        raise StatusVerificationError(
            "the status list is not for the entry's purpose", pointer="/credentialSubject/statusPurpose"
        )
    if list_credential.status_size not in (None, entry.size):
        raise StatusVerificationError(
            "the status list has entries of another size", pointer="/credentialSubject/statusSize"
        )


def _message(entry: Entry, status: int) -> str | None:
    """Section 2.1: without messages the statuses 0 and 1 are called "unset" and "set"."""
    if entry.purpose != "message":
        return None
    return (entry.messages or ("unset", "set"))[status]
