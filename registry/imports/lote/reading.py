"""
A list that is from whom it should be, read and in force; or what is wrong with it. Pure.
"""

import calendar
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from registry.errors import ListExpired, ListNotTrusted, ListWentBack
from registry.imports.faults import read_shape, refusal
from registry.imports.lote.members import (
    Document,
    Information,
    Instance,
    Scheme,
    Service,
    TrustedList,
)
from registry.imports.lote.signature import MAX_AHEAD_SECONDS, MAX_LIST_BYTES, SignedList
from registry.placed import Finding
from wire import parse_utc

MAX_MONTHS = 6  # between a list and the next one; TS 119 602, section 6.3.15


class Seen(msgspec.Struct, frozen=True):
    """
    A version of a list that was read.

    Attributes:
        sequence: its `LoTESequenceNumber`.
        sha256: hex digest of its payload.
    """

    sequence: int
    sha256: str


class CurrentList(msgspec.Struct, frozen=True):
    """
    A list that is in force.

    Attributes:
        issued_at, next_update: microseconds since 1970; at `next_update` it ends to be in force.
        pointer: where its members begin in the document: "/LoTE", or "" where it has no such member.
    """

    content: TrustedList
    seen: Seen
    issued_at: int
    next_update: int
    pointer: str


def read_list(signed: SignedList, *, now: int, last: Seen | None) -> CurrentList:
    """
    Read a signed list.

    1. Its shape, and that the times of each service tell one story. The lists of the European Commission of 2026
       have at the top what the schema puts into the member `LoTE`; both are read.
    2. The signer is the operator of the scheme: the country and the organisation of its certificate are those of
       the list (the territory counts as its country).
    3. It is in force: issued, not to be replaced already, and for six months at most.
    4. It is not older than the last one that was seen, nor another one of the same number.

    Args:
        now: microseconds since 1970.
        last: the last version that was seen of this list, None the first time.

    Raises:
        RegistryFileError: JSON, shape, or the times of a service; each fault has its pointer.
        ListNotTrusted: of another operator, issued in the future, or for over six months.
        ListExpired: its `NextUpdate` has passed: what it says is unknown now.
        ListWentBack: as 4 has it.
    """
    content, pointer = _content(signed.payload)  # 1.
    if findings := list(_time_faults(content, pointer)):
        raise refusal(signed.payload, findings)
    scheme = content.list_and_scheme_information
    _check_operator(scheme, signed)  # 2.
    issued_at, next_update = _check_times(scheme, now)  # 3.
    seen = Seen(scheme.lote_sequence_number, hashlib.sha256(signed.payload).hexdigest())
    if last is not None and (
        seen.sequence < last.sequence or (seen.sequence == last.sequence and seen != last)
    ):
        raise ListWentBack(  # 4.
            f"the list has the sequence number {seen.sequence}, and number {last.sequence} was seen before"
            + (" with other content" if seen.sequence == last.sequence else "")
        )
    return CurrentList(content, seen, issued_at, next_update, pointer)


def _content(payload: bytes) -> tuple[TrustedList, str]:
    if b'"LoTE"' in payload:
        return read_shape(payload, Document, max_bytes=MAX_LIST_BYTES).lote, "/LoTE"
    return read_shape(payload, TrustedList, max_bytes=MAX_LIST_BYTES), ""


def newest_first(service: Service) -> list[tuple[str, Information | Instance]]:
    """Return how a service is and was, each with its pointer within the service."""
    history = [(f"/ServiceHistory/{index}", each) for index, each in enumerate(service.service_history)]
    history.sort(key=lambda placed: placed[1].status_starting_time, reverse=True)
    return [("/ServiceInformation", service.service_information), *history]


def _time_faults(content: TrustedList, pointer: str) -> Iterator[Finding]:
    for index, entity in enumerate(content.trusted_entities_list):
        for number, service in enumerate(entity.trusted_entity_services):
            here = f"{pointer}/TrustedEntitiesList/{index}/TrustedEntityServices/{number}"
            later: int | None = None
            for place, each in newest_first(service):
                found = _time_fault(each.status_starting_time, later, is_alone=not service.service_history)
                if isinstance(found, str):
                    yield f"{here}{place}/StatusStartingTime", found
                else:
                    later = found


def _time_fault(text: str | None, later: int | None, *, is_alone: bool) -> int | str | None:
    """Return the time at which a period began, or what is wrong with it."""
    if text is None:
        return (
            None
            if is_alone
            else "expected the time from which the service is as it is, since it has a history"
        )
    try:
        time = parse_utc(text)
    except ValueError:
        return "there is no such day or time"
    return time if later is None or time < later else "expected a time before that of the period after it"


def _check_operator(scheme: Scheme, signed: SignedList) -> None:
    address = scheme.scheme_operator_address
    countries = {each.country for each in address.scheme_operator_postal_address} if address else set()
    countries |= {scheme.scheme_territory} if scheme.scheme_territory else set()
    names = {text.value for text in scheme.scheme_operator_name}
    if not {each.upper() for each in signed.countries} & {each.upper() for each in countries}:
        raise ListNotTrusted(
            "the country of the signer's certificate is not that of the scheme or its operator"
        )
    if not signed.organisations & names:
        raise ListNotTrusted("the organisation of the signer's certificate is not the scheme operator's name")


def _check_times(scheme: Scheme, now: int) -> tuple[int, int]:
    try:
        issued_at, next_update = parse_utc(scheme.list_issue_date_time), parse_utc(scheme.next_update)
    except ValueError as error:
        raise ListNotTrusted(f"ListIssueDateTime or NextUpdate of the list: {error}") from None
    if issued_at > now + MAX_AHEAD_SECONDS * 1_000_000:
        raise ListNotTrusted("the list was issued in the future")
    if not issued_at < next_update <= _months_later(issued_at, MAX_MONTHS):
        raise ListNotTrusted(
            f"expected NextUpdate of the list at most {MAX_MONTHS} months after it was issued"
        )
    if next_update <= now:
        raise ListExpired(
            f"the list was to be replaced at {scheme.next_update}; what it says is not known to hold"
        )
    return issued_at, next_update


def _months_later(at: int, months: int) -> int:
    """Return the same day and time so many months later; the last day of the month where there is no such day."""
    moment = datetime.fromtimestamp(at // 1_000_000, UTC)
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return int(moment.replace(year=year, month=month, day=day).timestamp()) * 1_000_000 + at % 1_000_000
