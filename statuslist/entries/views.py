"""
What operators are shown of a set and of an allocation. Pure.
"""

from collections.abc import Callable
from functools import partial

from statuslist.entries.allocation import permutation_of
from statuslist.entries.requests import (
    FORM_OF,
    Allocated,
    AllocatedEntry,
    CredentialFormat,
    ListView,
    SetView,
    StatusCbor,
    StatusEntry,
    TokenListView,
    TokenStatus,
)
from statuslist.entries.store import StatusSet
from statuslist.formats.bitstring_entry import ENTRY_TYPE
from statuslist.formats.forms import (
    BITSTRING_FORMS,
    MEDIA_TYPES,
    TOKEN_CWT,
    TOKEN_FORMS,
    FormName,
    list_id_of,
    list_url,
    token_list_id_of,
)
from statuslist.formats.token_entry import status_in_cbor, token_status
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
        wanted_version=status_set.wanted_version,
        lists=tuple(_list_view(base_url, status_set.id, purpose) for purpose in status_set.purposes),
        token_list=_token_list_view(base_url, status_set.id) if status_set.has_tokens else None,
    )


def allocated_view(
    status_set: StatusSet, first: int, count: int, wanted: CredentialFormat, base_url: str
) -> Allocated:
    """Return the entries of numbers `first` up to `first + count`; 10,000 take some 0.1 s of CPU."""
    permutation = permutation_of(status_set.length, status_set.permutation_key)
    entry = _entry_in(status_set, wanted, base_url)
    return Allocated(
        set_id=status_set.id,
        entries=tuple(entry(permutation.index_of(number)) for number in range(first, first + count)),
    )


def _entry_in(
    status_set: StatusSet, wanted: CredentialFormat, base_url: str
) -> Callable[[int], AllocatedEntry]:
    """Return what makes of an index that which goes into a credential of the wanted format."""
    form = FORM_OF[wanted]
    if form in BITSTRING_FORMS:
        urls = {
            purpose: list_url(base_url, list_id_of(status_set.id, purpose), form)
            for purpose in status_set.purposes
        }
        return partial(_bitstring_entry, urls)
    return partial(_token_entry, list_url(base_url, token_list_id_of(status_set.id), form), form)


def _bitstring_entry(urls: dict[str, str], index: int) -> AllocatedEntry:
    text = str(index)
    return AllocatedEntry(
        status_list_index=text,
        credential_status=tuple(
            StatusEntry(
                id=f"{url}#{text}",
                type=ENTRY_TYPE,
                status_purpose=purpose,
                status_list_index=text,
                status_list_credential=url,
            )
            for purpose, url in urls.items()
        ),
    )


def _token_entry(url: str, form: FormName, index: int) -> AllocatedEntry:
    status = token_status(list_url=url, index=index)
    if form == TOKEN_CWT:
        in_hex, diagnostic = status_in_cbor(status)
        return AllocatedEntry(
            status_list_index=str(index), status_cbor=StatusCbor(hex=in_hex, diagnostic=diagnostic)
        )
    return AllocatedEntry(status_list_index=str(index), status=TokenStatus(**status))


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
