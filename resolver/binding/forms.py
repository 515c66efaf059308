"""
Which form an answer has: the media type that a request wants most of those that can be made of a result. Pure.

What can be made of a result depends on little of it (`Shape`), so that what was chosen is remembered: clients of
one kind all send the same short header.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

from resolver.results import Dereferenced, JsonObject, Resolved
from wire import MediaType, choose
from wire.negotiation import MAX_REMEMBERED_CHARS, parse_accept
from wire.problem import PROBLEM_JSON

RESOLUTION = MediaType("application/did-resolution")
DEREFERENCING = MediaType("application/did-url-dereferencing")
LEGACY = MediaType("application/ld+json", (("profile", "https://w3id.org/did-resolution"),))
# What Universal Resolver and its web client had for dereferencing, in that generation.
LEGACY_DEREFERENCING = MediaType(
    "application/ld+json", (("profile", "https://w3id.org/did-url-dereferencing"),)
)
PROBLEM = MediaType(PROBLEM_JSON)
URI_LIST = MediaType("text/uri-list")

DID_DOCUMENT = MediaType("application/did")
# The types of DID Core v1.0 and the less precise ones that DID v1.1 asks not to refuse; those of JSON-LD only
# for a document with a context. Plain ld+json stands before LEGACY, which it would match as well.
DID_JSON = MediaType("application/did+json")
_JSON_TYPES = (DID_DOCUMENT, DID_JSON, MediaType("application/json"))
DID_LD_JSON = MediaType("application/did+ld+json")
JSON_LD_TYPES = (DID_LD_JSON, MediaType("application/ld+json"))
BARE_TYPES = _JSON_TYPES + JSON_LD_TYPES
LEGACY_TYPES = (LEGACY, LEGACY_DEREFERENCING)
# Their JSON-LD processors know the contexts of their time only: did/v1 and those of its cryptographic suites. And
# `application/did+json` has the data model of `application/did+ld+json` (DID Core v1.0, section 6).
_OLD_TYPES = (*LEGACY_TYPES, DID_JSON, DID_LD_JSON)
# Whoever names one of these means it; plain JSON is named by clients that know nothing of DIDs.
_NAMED_ON_PURPOSE = frozenset(
    offer.name for offer in (*BARE_TYPES, *LEGACY_TYPES, RESOLUTION, DEREFERENCING, URI_LIST, PROBLEM)
) - {"application/json"}

# What who has no preference gets: the full result, the bare document, or the full result of the CCG drafts.
Preferred = Literal["result", "document", "legacy"]


class Shape(NamedTuple):
    """
    What of a result tells in which forms it can be.

    Attributes:
        bare: of the types of a bare document: all; those that are not JSON-LD; none.
        results: the full results that can be made of it. A DID is a DID URL too, so both can be made of a whole
            document, that first which was asked for; of a part only one.
        has_urls: it can be a redirection.
        names_url: a redirection is what the DID URL means.
        is_gone: a deactivated DID; "Gone" is the answer to everybody, whatever they can read.
    """

    bare: Literal["all", "json", "none"]
    results: Literal["resolution", "both", "dereferencing"]
    has_urls: bool = False
    names_url: bool = False
    is_gone: bool = False


class Form(NamedTuple):
    """A media type, its text, and whether it is one of the old generation (DID v1.0 and the CCG drafts)."""

    media_type: MediaType
    text: str
    is_old: bool


WHOLE = Shape("all", "resolution")  # of a DID document with a context
_WITHOUT_CONTEXT = Shape("json", "resolution")
_RESULTS = {
    "resolution": (RESOLUTION, DEREFERENCING),
    "both": (DEREFERENCING, RESOLUTION),
    "dereferencing": (DEREFERENCING,),
}
_BARE = {"all": BARE_TYPES, "json": _JSON_TYPES, "none": ()}


def shape_of(result: Resolved | Dereferenced) -> Shape:
    """Return what tells in which forms `result` can be."""
    if isinstance(result, Resolved):
        return shape_of_document(result.document)
    document, content = result.resolved.document, result.content
    is_gone, has_urls = document is None, bool(result.urls)
    is_whole = not has_urls and content is document
    has_context = content is not None and ("@context" in content or "@context" in (document or {}))
    return Shape(
        bare=("none" if has_urls else "all") if content is None else "all" if has_context else "json",
        results="both" if is_whole else "dereferencing",
        has_urls=has_urls,
        names_url=result.names_url,
        is_gone=is_gone,
    )


def shape_of_document(document: JsonObject | None) -> Shape:
    """Return the shape of a resolution with this document; None: of a deactivated DID."""
    if document is None:
        return Shape("all", "resolution", is_gone=True)
    return WHOLE if "@context" in document else _WITHOUT_CONTEXT


def form_for(accept: str | None, shape: Shape, preferred: Preferred) -> Form | None:
    """
    Return the form that `accept` wants most; None where it wants none of those that there are.

    `preferred` is what who has no preference gets.
    """
    if accept is None or len(accept) <= MAX_REMEMBERED_CHARS:
        return _remembered(accept, shape, preferred)
    return _form_for(accept, shape, preferred)


def _form_for(accept: str | None, shape: Shape, preferred: Preferred) -> Form | None:
    accept = preference_in(accept, preferred)
    offers = _offers(shape, accept, preferred)
    chosen = choose_of(accept, offers)
    if chosen is None and shape.is_gone:
        chosen = offers[0]
    return None if chosen is None else Form(chosen, str(chosen), chosen in _OLD_TYPES)


_remembered = lru_cache(maxsize=1_024)(_form_for)


def preference_in(accept: str | None, preferred: Preferred) -> str | None:
    """
    Return the header; None where the old result is the default and `accept` takes anything as gladly as plain JSON.

    axios sends `application/json, text/plain, */*`, and its users in that generation read `didDocument`.
    """
    if preferred != "legacy" or accept is None or "*/*" not in accept:
        return accept
    named = {found.name: quality for found, quality in parse_accept(accept)}
    takes_anything = named.get("*/*", 0.0) >= named.get("application/json", 1.0)
    return None if takes_anything and _NAMED_ON_PURPOSE.isdisjoint(named) else accept


def is_legacy_first(accept: str | None, preferred: Preferred) -> bool:
    """Tell whether the old result goes first; not where a document is asked for as plain `ld+json`."""
    named = "" if accept is None else accept.lower()
    return preferred == "legacy" and ("application/ld+json" not in named or "profile" in named)


def choose_of(accept: str | None, offers: tuple[MediaType, ...]) -> MediaType | None:
    """Return `choose`; what most clients send is answered without parsing it (10 microseconds)."""
    if accept is None or accept == "*/*" or accept == offers[0].name:
        return offers[0]
    return choose(accept, offers)


def _offers(shape: Shape, accept: str | None, preferred: Preferred) -> tuple[MediaType, ...]:
    """Return what can be made of a result, what we prefer first."""
    results: tuple[MediaType, ...] = _RESULTS[shape.results]
    bare: tuple[MediaType, ...] = _BARE[shape.bare]
    urls = (URI_LIST,) if shape.has_urls else ()
    if is_legacy_first(accept, preferred):
        return (*LEGACY_TYPES, *results, *bare, *urls)
    if preferred == "document" and not shape.names_url:
        return (*bare, *results, *LEGACY_TYPES, *urls)
    return (*results, *bare, *LEGACY_TYPES, *urls)
