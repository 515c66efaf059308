"""
How an answer looks, in the media type and the generation of the protocol that a client asked for. Pure.

DID Resolution v1 (CR of 2026-07-23), section HTTP(S) Binding, and the CCG drafts v0.2 and v0.3 before it. No
other file but `forms.py` knows that there are two generations. Where the CR contradicts itself:

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
(did:key, our own) have contexts and suites that old loaders know where the form is one of DID v1.0
(`Form.is_old`). As JSON-LD, what a fragment names has the contexts that define its terms.
"""

from collections.abc import Iterable

import msgspec

from resolver.binding.forms import (
    BARE_TYPES,
    DEREFERENCING,
    DID_DOCUMENT,
    DID_JSON,
    DID_LD_JSON,
    JSON_LD_TYPES,
    LEGACY,
    LEGACY_DEREFERENCING,
    LEGACY_TYPES,
    PROBLEM,
    RESOLUTION,
    URI_LIST,
    Form,
    Preferred,
    choose_of,
    form_for,
    is_legacy_first,
    preference_in,
    shape_of,
)
from resolver.documents.contexts import listed
from resolver.errors import RepresentationNotSupported, ResolutionError
from resolver.results import Dereferenced, JsonObject, Resolved, Step
from wire import Answer, MediaType, encode, etag_of, render_problem
from wire.problem import problem_of

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
    if isinstance(result, ResolutionError):
        return present_error(result, accept, did_url=did_url, preferred=preferred)
    form = form_for(accept, shape_of(result), preferred)
    if form is None:
        refusal = RepresentationNotSupported("nothing in the Accept header can be produced for this DID")
        return present_error(refusal, accept, did_url=did_url, preferred=preferred)
    return present_in(form, result)


def present_in(form: Form, result: Resolved | Dereferenced) -> Answer:
    """Return the HTTP answer for a result, in a form that it can have."""
    chosen, resolved = form.media_type, _resolution_of(result)
    if isinstance(result, Dereferenced) and _is_redirection(result, chosen):
        location = ("location", result.urls[0])
        return Answer(status=303, headers=(location, *_cache_status(resolved)), vary=_VARY)
    content = _body(result, chosen)
    body = b"" if content is None else encode(content)
    if resolved.deactivated:
        return Answer(status=410, body=body, media_type=form.text, vary=_VARY)
    return Answer(
        body=body,
        media_type=form.text,
        etag=etag_of(body, form.text),
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
    return chosen == URI_LIST or (result.names_url and chosen not in BARE_TYPES)


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
    return _as_json_ld(result) if chosen in JSON_LD_TYPES else _content_of(result)


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


def present_error(
    error: ResolutionError, accept: str | None, *, did_url: bool, preferred: Preferred = "result"
) -> Answer:
    """
    Return the answer to an error; never 406 instead of it, and `no-store`.

    The binding leaves the body open where a bare document was asked for: it is the full result then, too.
    """
    accept = preference_in(accept, preferred)
    results: tuple[MediaType, ...] = (DEREFERENCING, RESOLUTION) if did_url else (RESOLUTION, DEREFERENCING)
    if preferred == "legacy":
        results = (LEGACY, *results)
    first = results if is_legacy_first(accept, preferred) or preferred != "legacy" else results[1:]
    chosen = choose_of(accept, (*first, *BARE_TYPES, *LEGACY_TYPES, PROBLEM))
    if chosen is None or chosen in BARE_TYPES:
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
