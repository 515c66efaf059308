"""
What operators are shown of a set and of an allocation. Pure.
"""

import msgspec

from statuslist.entries.allocation import index_of
from statuslist.entries.requests import (
    Allocated,
    AllocatedEntry,
    ListView,
    SetView,
    StatusEntry,
    TokenListView,
)
from statuslist.entries.store import StatusSet
from statuslist.formats.bitstring_entry import status_entry
from statuslist.formats.forms import (
    BITSTRING_FORMS,
    MEDIA_TYPES,
    TOKEN_FORMS,
    FormName,
    list_id_of,
    list_url,
    token_list_id_of,
)
from wire import format_utc


def set_view(status_set: StatusSet, base_url: str) -> SetView:
    """Return a set without its permutation key, which would tell the age of every index."""
    return SetView(
        id=status_set.id,
        issuer_id=status_set.issuer_id,
        length=status_set.length,
        allocated=status_set.next_number,
        created_at=format_utc(status_set.created_at),
        profile=status_set.profile,
        cadence_seconds=status_set.cadence_ms // 1_000,
        version=status_set.version,
        lists=tuple(_list_view(base_url, status_set.id, purpose) for purpose in status_set.purposes),
        token_list=_token_list_view(base_url, status_set.id) if status_set.has_tokens else None,
    )


def allocated_view(status_set: StatusSet, first: int, count: int, form: FormName, base_url: str) -> Allocated:
    """Return the entries of numbers `first` up to `first + count`; 10,000 take some 0.3 s of CPU."""
    urls = {
        purpose: list_url(base_url, list_id_of(status_set.id, purpose), form)
        for purpose in status_set.purposes
    }
    indexes = (
        index_of(number, length=status_set.length, key=status_set.permutation_key)
        for number in range(first, first + count)
    )
    return Allocated(
        set_id=status_set.id,
        entries=tuple(AllocatedEntry(credential_status=_entries(urls, index)) for index in indexes),
    )


def _entries(urls: dict[str, str], index: int) -> tuple[StatusEntry, ...]:
    return tuple(
        msgspec.convert(status_entry(list_url=url, index=index, purpose=purpose), StatusEntry)
        for purpose, url in urls.items()
    )


def _list_view(base_url: str, set_id: str, purpose: str) -> ListView:
    list_id = list_id_of(set_id, purpose)
    return ListView(
        status_purpose=purpose,
        url=f"{base_url}/status-lists/{list_id}",
        credentials=_urls(base_url, list_id, BITSTRING_FORMS),
    )


def _token_list_view(base_url: str, set_id: str) -> TokenListView:
    list_id = token_list_id_of(set_id)
    return TokenListView(
        url=f"{base_url}/status-lists/{list_id}", tokens=_urls(base_url, list_id, TOKEN_FORMS)
    )


def _urls(base_url: str, list_id: str, forms: tuple[FormName, ...]) -> dict[str, str]:
    return {MEDIA_TYPES[form]: list_url(base_url, list_id, form) for form in forms}
