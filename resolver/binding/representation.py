"""
How an answer looks: the media type and the generation of the protocol that a client asked for. Pure.

DID Resolution v1 (CR of 2026-07-23), section HTTP(S) Binding, and the CCG drafts v0.2 and v0.3 before it. No
other file knows that there are two generations. Where the CR contradicts itself:

- Inside a full result `contentType` is `application/did`, whatever the type of the result.
- Dereferencing results name the content `content` (binding) and `contentStream` (functions), and their
  metadata `dereferencingMetadata`.
- A deactivated DID has a null document and a boolean `deactivated`, with status 410 and never cached; as a
  bare document it is an empty body.
- With no Accept header, with `*/*` and for browsers the answer is the full result, as most clients expect; or what
  the operator prefers (`Preferred`).
- A URL at a service endpoint (`text/uri-list`) is a redirection, 303 with an empty body, whichever result was
  asked for, where the DID URL means a URL (`relativeRef`); else only where `text/uri-list` was asked for.

A document is passed on as its method made it, for each of its media types. Documents that we make ourselves
(did:key, our own) have contexts and suites that old loaders know where the type is one of DID v1.0:
`wants_old_suites` tells that. As JSON-LD, what a fragment names has the contexts that define its terms.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from resolver.documents.contexts import listed
from resolver.errors import RepresentationNotSupported, ResolutionError
from resolver.results import Dereferenced, JsonObject, Resolved, Step
from wire import Answer, MediaType, choose, encode, etag_of, render_problem
from wire.negotiation import parse_accept
from wire.problem import PROBLEM_JSON, problem_of

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
_JSON_LD_TYPES = (DID_LD_JSON, MediaType("application/ld+json"))
_BARE_TYPES = _JSON_TYPES + _JSON_LD_TYPES
_LEGACY_TYPES = (LEGACY, LEGACY_DEREFERENCING)
_OLD_TYPES = (*_LEGACY_TYPES, DID_JSON, DID_LD_JSON)
# Whoever names one of these means it; plain JSON is named by clients that know nothing of DIDs.
_NAMED_ON_PURPOSE = frozenset(
    offer.name for offer in (*_BARE_TYPES, *_LEGACY_TYPES, RESOLUTION, DEREFERENCING, URI_LIST, PROBLEM)
) - {"application/json"}

# What who has no preference gets: the full result, the bare document, or the full result of the CCG drafts.
Preferred = Literal["result", "document", "legacy"]

_LEGACY_CONTEXT = "https://w3id.org/did-resolution/v1"
_VARY = ("accept",)


def present(
    result: Resolved | Dereferenced | ResolutionError,
    accept: str | None,
    *,
    did_url: bool = False,
    preferred: Preferred = "result",
) -> Answer:
    """
    Return the HTTP answer for a result or an error, in the form that `accept` wants most.

    `did_url` tells that a DID URL with a path, query or fragment was asked for, not a DID; of an error
    nothing else tells. An Accept header that nothing satisfies is answered by RepresentationNotSupported.
    `preferred` is what who has no preference gets.
    """
    accept = _preference_in(accept, preferred)
    if isinstance(result, ResolutionError):
        return _present_error(result, accept, did_url=did_url, preferred=preferred)
    offers = _offers(result, accept, preferred)
    chosen = _choose(accept, offers)
    if chosen is None and _resolution_of(result).deactivated:
        chosen = offers[0]  # "Gone" is the answer to everybody, whatever they can read.
    if chosen is None:
        refusal = RepresentationNotSupported("nothing in the Accept header can be produced for this DID")
        return _present_error(refusal, accept, did_url=did_url, preferred=preferred)
    return _answer(result, chosen)


def wants_old_suites(
    result: Resolved | Dereferenced, accept: str | None, *, preferred: Preferred = "result"
) -> bool:
    """
    Tell whether `accept` chooses a form of the old generation.

    Its JSON-LD processors know the contexts of their time only: did/v1 and those of its cryptographic suites. And
    `application/did+json` has the data model of `application/did+ld+json` (DID Core v1.0, section 6).
    """
    accept = _preference_in(accept, preferred)
    if preferred != "legacy":
        if accept is None or accept == "*/*":
            return False
        if "*" not in accept and not any(name in accept.lower() for name in ("ld+json", "did+json")):
            return False
    return _choose(accept, _offers(result, accept, preferred)) in _OLD_TYPES


def _preference_in(accept: str | None, preferred: Preferred) -> str | None:
    """
    Return the header; None where the old result is the default and `accept` takes anything as gladly as plain JSON.

    axios sends `application/json, text/plain, */*`, and its users in that generation read `didDocument`.
    """
    if preferred != "legacy" or accept is None or "*/*" not in accept:
        return accept
    named = {found.name: quality for found, quality in parse_accept(accept)}
    takes_anything = named.get("*/*", 0.0) >= named.get("application/json", 1.0)
    return None if takes_anything and _NAMED_ON_PURPOSE.isdisjoint(named) else accept


def _offers(
    result: Resolved | Dereferenced, accept: str | None, preferred: Preferred
) -> tuple[MediaType, ...]:
    """
    Return what can be made of `result`, what we prefer first.

    A DID is a DID URL too, so both results can be made of a whole document; of a part only one.
    """
    bare = _bare_types(result)
    results: tuple[MediaType, ...] = (DEREFERENCING,)
    if isinstance(result, Resolved):
        results = (RESOLUTION, DEREFERENCING)
    elif not result.urls and result.content is result.resolved.document:
        results = (DEREFERENCING, RESOLUTION)
    urls = (URI_LIST,) if isinstance(result, Dereferenced) and result.urls else ()
    if _is_legacy_first(accept, preferred):
        return (*_LEGACY_TYPES, *results, *bare, *urls)
    if preferred == "document" and not (isinstance(result, Dereferenced) and result.names_url):
        return (*bare, *results, *_LEGACY_TYPES, *urls)
    return (*results, *bare, *_LEGACY_TYPES, *urls)


def _bare_types(result: Resolved | Dereferenced) -> tuple[MediaType, ...]:
    """Return the types of a bare document; those of JSON-LD where there are contexts, its own or around it."""
    content, document = _content_of(result), _resolution_of(result).document
    if content is None:
        return () if isinstance(result, Dereferenced) and result.urls else _BARE_TYPES
    return _BARE_TYPES if "@context" in content or "@context" in (document or {}) else _JSON_TYPES


def _is_legacy_first(accept: str | None, preferred: Preferred) -> bool:
    """Tell whether the old result goes first; not where a document is asked for as plain `ld+json`."""
    named = "" if accept is None else accept.lower()
    return preferred == "legacy" and ("application/ld+json" not in named or "profile" in named)


def _choose(accept: str | None, offers: tuple[MediaType, ...]) -> MediaType | None:
    """Return `choose`; what most clients send is answered without parsing it (10 microseconds)."""
    if accept is None or accept == "*/*" or accept == offers[0].name:
        return offers[0]
    return choose(accept, offers)


def _answer(result: Resolved | Dereferenced, chosen: MediaType) -> Answer:
    resolved = _resolution_of(result)
    if isinstance(result, Dereferenced) and _is_redirection(result, chosen):
        location = ("location", result.urls[0])
        return Answer(status=303, headers=(location, *_cache_status(resolved)), vary=_VARY)
    content = _body(result, chosen)
    body = b"" if content is None else encode(content)
    if resolved.deactivated:
        return Answer(status=410, body=body, media_type=str(chosen), vary=_VARY)
    return Answer(
        body=body,
        media_type=str(chosen),
        etag=etag_of(body, str(chosen)),
        headers=_cache_status(resolved),
        vary=_VARY,
        made_at=resolved.made_at,
        fresh_until=None if resolved.stale or resolved.steps else resolved.fresh_until,
        immutable=resolved.made_at is None and resolved.fresh_until is None and not resolved.steps,
    )


def _cache_status(resolved: Resolved) -> tuple[tuple[str, str], ...]:
    """Return the header that marks a stale answer (RFC 9211): a bare document has no other place for it."""
    if not resolved.stale:
        return ()
    reason = resolved.resolution_metadata.get("staleReason", "stale")
    return (("cache-status", f"touchstone; hit; detail={reason}"),)


def _is_redirection(result: Dereferenced, chosen: MediaType) -> bool:
    """Tell whether the answer is 303 to the first URL; a client that asks for a document gets that instead."""
    return chosen == URI_LIST or (result.names_url and chosen not in _BARE_TYPES)


def _body(result: Resolved | Dereferenced, chosen: MediaType) -> JsonObject | None:
    if chosen == RESOLUTION:
        resolved = _resolution_of(result)
        return _resolution_result(_metadata(resolved, DID_DOCUMENT), resolved.document, resolved.metadata)
    if chosen == DEREFERENCING:
        metadata = _metadata(_resolution_of(result), DID_DOCUMENT)
        return _dereferencing_result(metadata, _content_of(result), _content_metadata_of(result))
    if chosen == LEGACY:
        return _legacy_result(result)
    if chosen == LEGACY_DEREFERENCING:
        return {"@context": _LEGACY_CONTEXT, **_legacy_dereferencing_result(result)}
    return _as_json_ld(result) if chosen in _JSON_LD_TYPES else _content_of(result)


def _as_json_ld(result: Resolved | Dereferenced) -> JsonObject | None:
    """Return the content; a part of a document with the contexts around it, before any of its own."""
    content, document = _content_of(result), _resolution_of(result).document
    if (
        content is None
        or document is None
        or isinstance(result, Resolved)
        or content.get("id") == document["id"]
    ):
        return content
    contexts = [*listed(document.get("@context")), *listed(content.get("@context"))]
    return {"@context": contexts, **{name: member for name, member in content.items() if name != "@context"}}


def _resolution_result(metadata: JsonObject, document: JsonObject | None, about: JsonObject) -> JsonObject:
    return {"didResolutionMetadata": metadata, "didDocument": document, "didDocumentMetadata": about}


def _dereferencing_result(metadata: JsonObject, content: JsonObject | None, about: JsonObject) -> JsonObject:
    return {
        "dereferencingMetadata": metadata,
        "content": content,
        "contentStream": content,
        "contentMetadata": about,
    }


def _legacy_dereferencing_result(result: Resolved | Dereferenced) -> JsonObject:
    content = _content_of(result)
    metadata = _metadata(_resolution_of(result), _legacy_type_of(content))
    return _dereferencing_result(metadata, content, _content_metadata_of(result))


def _legacy_type_of(content: JsonObject | None) -> MediaType:
    """Return the content type that the old generation gives what has a context, and what has none."""
    return DID_LD_JSON if content is not None and "@context" in content else DID_JSON


def _legacy_result(result: Resolved | Dereferenced) -> JsonObject:
    """Return the result of the CCG drafts; what a fragment names is in `didDocument` there, too."""
    content = _content_of(result)
    metadata = _metadata(_resolution_of(result), _legacy_type_of(content))
    return {
        "@context": _LEGACY_CONTEXT,
        _legacy_metadata_name(did_url=isinstance(result, Dereferenced)): metadata,
        "didDocument": content,
        "didDocumentMetadata": _content_metadata_of(result),
    }


def _legacy_metadata_name(*, did_url: bool) -> str:
    return "didDereferencingMetadata" if did_url else "didResolutionMetadata"


def _metadata(resolved: Resolved, content_type: MediaType) -> JsonObject:
    """Return the metadata of the process; `contentType` is the document's, hence not there without one."""
    metadata: JsonObject = {} if resolved.document is None else {"contentType": str(content_type)}
    if resolved.stale:
        metadata["stale"] = True
    if resolved.steps:
        metadata["explain"] = explained(resolved.steps)
    return metadata | resolved.resolution_metadata


def explained(steps: Iterable[Step], *, reveal: bool = False) -> list[JsonObject]:
    """Return the steps as JSON; what is confidential only where `reveal` says so: to an operator."""
    return [{"step": step.step, **step.detail, **(step.confidential if reveal else {})} for step in steps]


def _present_error(
    error: ResolutionError, accept: str | None, *, did_url: bool, preferred: Preferred
) -> Answer:
    """
    Return the answer to an error; never 406 instead of it, and `no-store`.

    The binding leaves the body open where a bare document was asked for: it is the full result then, too.
    """
    results: tuple[MediaType, ...] = (DEREFERENCING, RESOLUTION) if did_url else (RESOLUTION, DEREFERENCING)
    if preferred == "legacy":
        results = (LEGACY, *results)
    first = results if _is_legacy_first(accept, preferred) or preferred != "legacy" else results[1:]
    chosen = _choose(accept, (*first, *_BARE_TYPES, *_LEGACY_TYPES, PROBLEM))
    if chosen is None or chosen in _BARE_TYPES:
        chosen = results[0]
    return Answer(
        status=error.status,
        body=_error_body(error, chosen, did_url=did_url),
        media_type=str(chosen),
        headers=tuple((name.lower(), value) for name, value in error.headers.items()),
        vary=_VARY,
        fault=error.fault,
    )


def _error_body(error: ResolutionError, chosen: MediaType, *, did_url: bool) -> bytes:
    problem = render_problem(problem_of(error))
    if chosen == PROBLEM:
        return problem
    if chosen == LEGACY:
        return encode(_legacy_error(error, did_url=did_url))
    if chosen == LEGACY_DEREFERENCING:
        result = _dereferencing_result(_legacy_error_metadata(error), None, {})
        return encode({"@context": _LEGACY_CONTEXT, **result})
    metadata: JsonObject = {"error": msgspec.Raw(problem)}
    if error.steps:
        metadata["explain"] = explained(error.steps)
    if chosen == DEREFERENCING:
        return encode(_dereferencing_result(metadata, None, {}))
    return encode(_resolution_result(metadata, None, {}))


def _legacy_error(error: ResolutionError, *, did_url: bool) -> JsonObject:
    """Return an error of the CCG drafts. `didDocument` must exist for their test suite."""
    return {
        "@context": _LEGACY_CONTEXT,
        _legacy_metadata_name(did_url=did_url): _legacy_error_metadata(error),
        "didDocument": {},
        "didDocumentMetadata": {},
    }


def _legacy_error_metadata(error: ResolutionError) -> JsonObject:
    """Return an error as one keyword; `message` is did-resolver's, `errorMessage` Universal Resolver's."""
    keyword = error.did_key_error or error.legacy
    return {"error": keyword, "message": error.detail, "errorMessage": error.detail}


def _resolution_of(result: Resolved | Dereferenced) -> Resolved:
    return result if isinstance(result, Resolved) else result.resolved


def _content_of(result: Resolved | Dereferenced) -> JsonObject | None:
    return result.document if isinstance(result, Resolved) else result.content


def _content_metadata_of(result: Resolved | Dereferenced) -> JsonObject:
    return result.metadata if isinstance(result, Resolved) else result.content_metadata
