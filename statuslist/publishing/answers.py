"""
The answer to a request for a list, from what is in memory: over HTTP, or in process for a check. Pure.
"""

import msgspec

from statuslist.errors import ListNotPublished, NoListAtOwnUrl, StatusListError, StatusRetrievalError
from statuslist.formats.forms import (
    DATA_INTEGRITY,
    MEDIA_TYPES,
    TOKEN_FORMS,
    TOKEN_JWT,
    FormName,
    list_url,
    parse_list_url,
    set_id_of,
)
from statuslist.publishing.demand import Demand
from statuslist.publishing.published import PublishedLists
from wire import Answer, MediaType, NotAcceptable, ResourceNotFound, choose

# A client that accepts anything (a browser, curl) gets the first. A credential is JSON, and JSON-LD, too.
NEGOTIATED = (
    MediaType("application/vc"),
    MediaType("application/vc+jwt"),
    MediaType("application/json"),
    MediaType("application/ld+json"),
)
# The same without the token: many clients parse an answer only where its type has "json" in it.
AS_JSON = tuple(offer for offer in NEGOTIATED if offer.name != "application/vc+jwt")
NEGOTIATED_TOKENS = tuple(MediaType(MEDIA_TYPES[form]) for form in TOKEN_FORMS)
# The parameters of Bitstring Status List, section 4, and of Token Status List, section 8.4.
HISTORY = (b"timestamp", b"time")
# `max-age` and Age are whole seconds: together they may promise this much more than is left (RFC 9111, section 5).
ROUNDED_SECONDS = 2


class QueryRefused(StatusRetrievalError, status=400):
    """A list's URL has no query: nothing is to tell its readers apart."""


class HistoryNotOffered(StatusRetrievalError, status=501):
    """What a list said at another time is not told: it would tell who was suspended, and since when."""


class StatusListExpired(StatusListError, type="/problems/status-list-expired", status=503):
    """The list ran out before it could be signed anew; no copy of it is served any more."""


def answer_form(lists: PublishedLists, list_id: str, form: FormName, query: bytes, *, now: float) -> Answer:
    """
    Answer with one form of a list, at its permanent URL.

    A cache may keep it for the list's `ttl`, and never beyond `validUntil` (section 2.2, "ttl"). Nobody may
    keep one that is not valid yet, since the clock was set back: it is about to be signed anew.

    Args:
        query: the query string; any is refused (section 4 of the standard leaves history optional).
        now: seconds since 1970.

    Raises:
        HistoryNotOffered: the query asks for another time. QueryRefused: there is another query.
        ResourceNotFound: there is no such list, or it has not been published yet.
        StatusListExpired: its last version ran out.
    """
    _refuse_query(query)
    published = lists.current(list_id)
    if published is None:
        raise ResourceNotFound("there is no such status list")
    valid_until = published.valid_until / 1_000_000
    if valid_until <= now:
        raise StatusListExpired(
            "the status list could not be signed anew in time", headers={"retry-after": "5"}
        )
    artefact = published.forms.get(form)
    if artefact is None:
        raise ResourceNotFound("there is no such status list")
    is_valid_yet = published.valid_from / 1_000_000 <= now
    fresh_until = min(now + lists.policy.ttl_seconds, valid_until - ROUNDED_SECONDS)
    return Answer(
        body=artefact.body,
        gzip=artefact.gzip,
        media_type=artefact.media_type,
        etag=artefact.etag,
        made_at=now,
        fresh_until=fresh_until if is_valid_yet else None,
    )


def answer_with_proof(
    lists: PublishedLists, list_id: str, accept: str | None, query: bytes, *, now: float
) -> Answer:
    """
    Answer with the Data Integrity form at its permanent URL, under the type that `accept` wants most.

    Whoever wants none of `AS_JSON` gets `application/vc`: entries point here, and the bytes are the same.

    Raises:
        Refusal: as `answer_form`.
    """
    answer = answer_form(lists, list_id, DATA_INTEGRITY, query, now=now)
    return _as_type(answer, (choose(accept, AS_JSON) or AS_JSON[0]).name)


def answer_negotiated(
    lists: PublishedLists, list_id: str, accept: str | None, query: bytes, *, now: float
) -> Answer:
    """
    Answer with the form that `accept` wants most, and say where it stays (Content-Location).

    Raises:
        NotAcceptable: it wants none of `NEGOTIATED`; of a token list, of `NEGOTIATED_TOKENS`.
        Refusal: as `answer_form`.
    """
    published = lists.current(list_id)
    is_token = published is not None and TOKEN_JWT in published.forms
    offers = NEGOTIATED_TOKENS if is_token else NEGOTIATED
    chosen = choose(accept, offers)
    if chosen is None:
        raise NotAcceptable(f"expected one of {', '.join(offer.name for offer in offers)}")
    named = {media_type: form for form, media_type in MEDIA_TYPES.items()}
    form = named.get(chosen.name, DATA_INTEGRITY)
    answer = answer_form(lists, list_id, form, query, now=now)
    location = ("content-location", list_url(lists.policy.base_url, list_id, form))
    return msgspec.structs.replace(_as_type(answer, chosen.name), headers=(location,))


def _refuse_query(query: bytes) -> None:
    names = {part.partition(b"=")[0] for part in query.split(b"&")}
    if names & set(HISTORY):
        raise HistoryNotOffered("past versions of a status list are not offered; ask without a query")
    if query:
        raise QueryRefused("a status list's URL takes no query")


def own_list(lists: PublishedLists, demand: Demand, url: str) -> tuple[bytes, str, int] | None:
    """
    Return body, media type and expanded bytes of a list of ours by its permanent URL; None for another URL.

    Args:
        demand: knows all lists of the rows, published or not.

    Raises:
        NoListAtOwnUrl: the URL lies below our base URL, and is not the permanent URL of a list.
        ListNotPublished: the list has not been signed yet.
    """
    if not url.startswith(f"{lists.policy.base_url}/"):
        return None
    found = parse_list_url(lists.policy.base_url, url)
    if found is None or not _is_known(lists, demand, *found):
        raise NoListAtOwnUrl(
            "there is no status list at that URL of ours; send statusListCredential as it was allocated:"
            " it ends in /credential.json or /credential.jwt, without a query or a fragment"
        )
    list_id, form = found
    published = lists.current(list_id)
    if published is None:
        raise ListNotPublished("the status list is not published yet", headers={"retry-after": "1"})
    artefact = published.forms[form]
    return artefact.body, artefact.media_type, demand.length_of(published.set_id) // 8


def _is_known(lists: PublishedLists, demand: Demand, list_id: str, form: FormName) -> bool:
    """Tell whether there is, or is about to be, such a list: a set that was never published may have it."""
    set_id, published = set_id_of(list_id, form), lists.current(list_id)
    if published is None:
        return set_id in demand and not lists.version_of_set(set_id)
    return form in published.forms


def _as_type(answer: Answer, media_type: str) -> Answer:
    """Return the same bytes under the type that Accept chose."""
    return msgspec.structs.replace(
        answer, media_type=media_type, etag=_etag_as(answer, media_type), vary=("accept",)
    )


def _etag_as(answer: Answer, media_type: str) -> str | None:
    """Return another tag for the same bytes under another type: they are another representation."""
    if media_type == answer.media_type or answer.etag is None:
        return answer.etag
    return f'{answer.etag[:-1]}-{media_type.rpartition("/")[2]}"'
