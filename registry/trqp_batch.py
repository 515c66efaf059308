"""
The messages of a batch: up to 1,000 authorization queries in one request, each with its own answer. Pure.

TRQP v2.0 has no batches; this one is ours. What is wrong with one query says nothing of the others.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from registry.trqp import AuthorizationAnswer, TrqpRequest, request_of
from wire import MalformedBody, Refusal, read_body
from wire.problem import problem_of

MAX_QUERIES = 1_000
MAX_BATCH_BODY_BYTES = 524_288  # 512 KiB: a thousand queries of half a kilobyte; reading it takes under 10 ms
MAX_VALUES = 12_288  # JSON values in a body: of a thousand queries with a context of six members each


class QueryBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a batch: queries as `POST /trqp/authorization` takes them, from 1 to 1,000."""

    queries: list[dict[str, Any]]


class QueryResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    What became of one query.

    Attributes:
        status: the HTTP status that a request of its own would have.
        answer: the answer, where the status is 200.
        problem: else the problem document (RFC 9457); its pointers are those of the batch's body.
    """

    status: int
    answer: AuthorizationAnswer | UnsetType = UNSET
    problem: dict[str, Any] | UnsetType = UNSET


class QueryResults(msgspec.Struct, frozen=True, kw_only=True):
    """The answers, in the order of the queries; all are evaluated at the same time."""

    time_evaluated: str
    results: list[QueryResult]


def read_batch(body: bytes, content_type: str | None) -> list[TrqpRequest | MalformedBody]:
    """
    Read the body of a batch; a query that is malformed is the refusal that it would have alone.

    Raises:
        UnsupportedMediaType, PayloadTooLarge: as `wire.read_body`.
        MalformedBody: no object with a list `queries` of objects; none, or over `MAX_QUERIES`.
    """
    batch = read_body(body, content_type, QueryBatch, max_bytes=MAX_BATCH_BODY_BYTES, max_values=MAX_VALUES)
    if not 1 <= len(batch.queries) <= MAX_QUERIES:
        detail = f"expected from 1 to {MAX_QUERIES} queries, found {len(batch.queries)}"
        raise MalformedBody(detail, pointer="/queries")
    return [_read(members) for members in batch.queries]


def refused(refusal: Refusal, index: int, base_url: str) -> QueryResult:
    """Return the item of a query that is refused, the `index`th of the batch; its type is under `base_url`."""
    problem = problem_of(refusal, base_url=base_url)
    told = {"type": problem.type, "title": problem.title, "status": problem.status, "detail": problem.detail}
    if refusal.pointer is not None:
        pointer = f"/queries/{index}{refusal.pointer}"
        told["errors"] = [{"pointer": pointer, "detail": problem.detail}]
    return QueryResult(status=refusal.status, problem=told)


def _read(members: dict[str, Any]) -> TrqpRequest | MalformedBody:
    try:
        return request_of(members)
    except MalformedBody as error:
        return error
