"""
Problem documents (RFC 9457), and the one base class of every error that a caller may be told. Pure.

    Refusal                 a caller may read its message; it knows its type, title and status
    +-- each wing's errors  (resolver/errors.py, registry/errors.py, statuslist/errors.py, ...)

What is not a `Refusal` is our own fault: `server/edge/problems.py` logs it in full and tells the caller nothing.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypedDict, Unpack

import msgspec

PROBLEM_JSON = "application/problem+json"

Fault = Literal["", "caller", "limit", "origin"]


class Stated(TypedDict, total=False):
    """What a subclass of `Refusal` may state."""

    type: str
    title: str
    status: int
    fault: Fault


class Refusal(Exception):
    """
    An error whose message a caller may read: what was expected, what was found, what to do.

    A message never carries a key, a token or personal data.

    A subclass states its class attributes as keywords, `class Gone(Refusal, type="/problems/gone", status=410)`;
    those that it does not state are its base's.

    Class attributes:
        type: the problem type. A standard's URI as it is, or `/problems/<slug>`: a page that we serve
            (the server puts its public URL before it).
        title: constant for the type, short; not stated, it is the words of the type, such as "Gone".
        status: the HTTP status.
        fault: who must act where the status is 5xx, for metrics: "" for us; "origin" for whoever answers at a host,
            a driver's among them; "limit" where a client, or all, asked for more than we ask of others;
            "caller" for what is valid, and not done here.

    Args:
        detail: what went wrong this time, one or two sentences.
        pointer: JSON pointer (RFC 6901) to the member at fault, or None.
        headers: HTTP headers that belong to the answer, such as Retry-After.
        members: extension members of the problem document (RFC 9457, section 3.2); JSON values.
    """

    type: ClassVar[str] = "/problems/internal-error"
    title: ClassVar[str] = "Internal error"
    status: ClassVar[int] = 500
    fault: ClassVar[Fault] = ""

    def __init_subclass__(cls, **stated: Unpack[Stated]) -> None:
        super().__init_subclass__()
        if "type" in stated:
            cls.title = _words_of(stated["type"])
        for name, value in stated.items():
            setattr(cls, name, value)

    def __init__(
        self,
        detail: str,
        *,
        pointer: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.headers = dict(headers or {})
        self.members = members


def _words_of(type_uri: str) -> str:
    """Return "Not ready" for `/problems/not-ready`, "Not found" for `https://...#NOT_FOUND`."""
    return re.split("[/#]", type_uri)[-1].replace("-", " ").replace("_", " ").capitalize()


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    A problem document (RFC 9457, section 3.1).

    `instance` is the request id as `urn:touchstone:request:<id>`; `members` are the extension members.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    members: dict[str, Any] = {}


def problem_of(refusal: Refusal, *, base_url: str = "", instance: str = "") -> Problem:
    """Return the problem document of `refusal`; a `/problems/...` type becomes absolute under `base_url`."""
    type_uri = f"{base_url}{refusal.type}" if refusal.type.startswith("/") else refusal.type
    members = dict(refusal.members)
    if refusal.pointer is not None:
        members["errors"] = [{"pointer": refusal.pointer, "detail": refusal.detail}]
    return Problem(type_uri, refusal.title, refusal.status, refusal.detail, instance, members)


def render_problem(problem: Problem) -> bytes:
    """Return the JSON of `problem`, its extension members beside the standard ones."""
    body: dict[str, Any] = {"type": problem.type, "title": problem.title, "status": problem.status}
    body["detail"] = problem.detail
    if problem.instance:
        body["instance"] = problem.instance
    return msgspec.json.encode(body | problem.members)
