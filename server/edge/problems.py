"""
Errors to HTTP answers: the one place where an exception becomes a problem document (RFC 9457).

A `Refusal` tells its caller what it says; the framework's own errors are put into the same words; everything
else is our fault: it is logged in full and the caller reads only that, and the request id to quote.
"""

import html
import logging
from collections.abc import Iterator
from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.exceptions import MethodNotAllowedException as LitestarMethodNotAllowed

from wire import Answer, BadRequest, PayloadTooLarge, Refusal, ResourceNotFound, UnsupportedMediaType, etag_of
from wire.body import NO_ROUTE
from wire.problem import PROBLEM_JSON, problem_of, render_problem

LOG = logging.getLogger("touchstone.problems")
PAGE_PREFIX = "/problems/"
HTML = "text/html; charset=utf-8"


class InternalProblem(Refusal, type=Refusal.type):
    """Something failed on our side. The request id in `instance` finds it in our log; a retry may succeed."""


class MethodNotAllowed(Refusal, type="/problems/method-not-allowed", status=405):
    """The resource exists, but not for this method; the Allow header names those it has."""


# The status is nginx's, and by now everybody's; no standard has one.
class ClientGone(Refusal, type="/problems/client-gone", status=499):
    """The client hung up before its request was complete; nobody reads this answer, but the log has the status."""


class RequestTimeout(Refusal, type="/problems/request-timeout", status=408):
    """The request did not arrive in time, head or body; the connection is closed."""


class HeadTooLarge(Refusal, type="/problems/head-too-large", title="Request head too large", status=431):
    """The request line and the headers together are over the limit; the connection is closed."""


def refusal_of(error: Exception) -> Refusal:
    """Return `error` as what may be told of it."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, LitestarMethodNotAllowed):
        return _method_not_allowed((error.headers or {}).get("allow", ""))
    if isinstance(error, HTTPException):
        return _of_framework(error)
    return InternalProblem("the request failed on our side; quote the instance when you report it")


def with_limit(error: Exception, request: Request[Any, Any, Any]) -> Exception:
    """Return `error`; where the framework read no more of a body, what says how much this resource takes."""
    if not isinstance(error, HTTPException) or error.status_code != 413:
        return error
    limit = request.route_handler.resolve_request_max_body_size()
    return PayloadTooLarge(f"expected a body of at most {limit} bytes, and found more; send it in parts")


def _method_not_allowed(allow: str) -> MethodNotAllowed:
    methods = {method.strip() for method in allow.split(",")} | {"OPTIONS"}
    allowed = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))
    return MethodNotAllowed(f"this resource answers {allowed}", headers={"allow": allowed})


def _of_framework(error: HTTPException) -> Refusal:
    if error.status_code == 404:
        return ResourceNotFound(NO_ROUTE)
    if error.status_code == 415:
        return UnsupportedMediaType("this resource does not read a body of that Content-Type")
    if error.status_code < 500:
        return BadRequest("the request is not of the shape that this resource asks for")
    return InternalProblem("the request failed on our side; quote the instance when you report it")


def problem_answer(error: Exception, *, base_url: str, request_id: str) -> Answer:
    """Return the answer for `error`; an error of ours is logged with its traceback."""
    refusal = refusal_of(error)
    if refusal.status >= 500 and not isinstance(error, Refusal):
        LOG.error("unhandled error", exc_info=error, extra={"request_id": request_id})
    instance = f"urn:touchstone:request:{request_id}" if request_id else ""
    problem = problem_of(refusal, base_url=base_url, instance=instance)
    headers = tuple((name.lower(), value) for name, value in refusal.headers.items() if value)
    return Answer(
        status=refusal.status,
        body=render_problem(problem),
        media_type=PROBLEM_JSON,
        headers=headers,
        fault=refusal.fault,
    )


def problem_types() -> dict[str, type[Refusal]]:
    """Return every problem type of ours by its slug; one that several have goes to the first to state it."""
    types: dict[str, type[Refusal]] = {}
    for kind in _descendants(Refusal):
        if kind.type.startswith(PAGE_PREFIX) and "type" in vars(kind):
            types.setdefault(kind.type.removeprefix(PAGE_PREFIX), kind)
    return dict(sorted(types.items()))


def _descendants(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def problem_page(slug: str) -> Answer:
    """
    Return the page that explains one problem type.

    Raises:
        ResourceNotFound: we have no such type.
    """
    kind = problem_types().get(slug)
    if kind is None:
        raise ResourceNotFound(f"no problem type has this name; we have: {', '.join(problem_types())}")
    body = PAGE.format(
        title=html.escape(kind.title),
        status=kind.status,
        text=html.escape(" ".join((kind.__doc__ or "").split())),
    ).encode()
    return Answer(body=body, media_type=HTML, etag=etag_of(body, HTML), headers=PAGE_HEADERS)


PAGE_HEADERS = (("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),)
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}</style>
<h1>{title}</h1>
<p>HTTP status {status}.</p>
<p>{text}</p>
<p>The <code>detail</code> member of the answer says what was expected and what was found. Problem documents
follow RFC 9457.</p>
</html>
"""
