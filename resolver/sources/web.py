"""
did:web's source: what a web server tells of a DID, in the form in which the cache keeps it. Service.
"""

import time
from collections.abc import Callable, Mapping
from copy import copy
from typing import ClassVar

import msgspec
from cachetools import TTLCache

from resolver.did import Did, parse_did
from resolver.errors import HostNotFound, InternalError, InvalidDidDocument, NotFound, OriginFailed
from resolver.lint.findings import warnings_of
from resolver.lint.omissions import without_omissions
from resolver.methods import WEB
from resolver.methods.question import Question
from resolver.outbound.errors import (
    AddressRefused,
    FetchError,
    NameNotFound,
    OriginUnreachable,
    OutboundBudgetExceeded,
)
from resolver.outbound.fetch import Fetch
from resolver.results import DEFAULT_OPTIONS, Fetched, FetchPlan, JsonObject, Options, Resolved, Step
from resolver.sources.freshness import FreshnessBounds, cache_headers, entity_tag, judge
from resolver.sources.source import Entry, Known
from wire import Fault, encode, read_again

MAX_FAILED_HOSTS = 4_096  # hosts and ports remembered for a few seconds
MAX_FAILURES = 3  # attempts to connect before a server is left alone


class OutboundBusy(InternalError):
    """We may not ask the origin now; unlike its class 503, with Retry-After, since waiting helps."""

    status = 503
    fault: ClassVar[Fault] = "limit"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an origin told of a DID.

    Attributes:
        document: the JSON of its document, or None where deactivated.
        made_at: when, seconds since 1970.
        metadata: didDocumentMetadata.
        resolution_metadata: members for didResolutionMetadata.
        told: warnings about how the document was served and read, which hold as long as it does.
    """

    document: bytes | None
    made_at: float
    metadata: JsonObject = {}
    resolution_metadata: JsonObject = {}
    told: tuple[JsonObject, ...] = ()

    def resolved(self, did: Did, options: Options) -> Resolved:  # noqa: ARG002 - no option changes it
        """
        Return the resolution for one spelling of the DID.

        Raises:
            InvalidDidDocument: the document is that of another spelling (DID Resolution v1: string-equal).
        """
        document = None if self.document is None else read_again(self.document)
        if document is not None and document["id"] != did.text:
            raise InvalidDidDocument("the document's id is not the DID that was asked for")
        return Resolved(
            did=did.text,
            document=document,
            metadata=self.metadata if document is not None else {"deactivated": True, **self.metadata},
            resolution_metadata=self.resolution_metadata,
            made_at=self.made_at,
        )


class WebSource:
    """
    Asks the web servers of did:web.

    Args:
        asking: fetches a plan, behind the guard.
        freshness: how long what it tells is kept.
        clock: seconds since 1970.
    """

    versions: frozenset[str] = frozenset()

    def __init__(self, asking: "Asking", freshness: FreshnessBounds, clock: Callable[[], float]) -> None:
        self._asked = asking
        self._freshness = freshness
        self._clock = clock

    def question(self, did: Did, options: Options) -> Question:
        """Return the DID in its one spelling, asked of its host."""
        return WEB.question(did, options)

    async def load(self, question: Question, known: Known | None) -> Known:
        """
        Ask the origin: whether what is known still holds where it gave an ETag, else for the document.

        Kept for a short time: that the DID does not exist, is deactivated, or has a document that we refuse.
        Not kept: every failure to ask, lest a limit of ours make a good DID look bad.
        """
        did = parse_did(question.did)
        document, told = _document_of(known)
        tag = entity_tag(known.headers) if known is not None and document is not None else None
        plan = WEB.plan(did, DEFAULT_OPTIONS)
        if document is not None:
            plan = msgspec.structs.replace(plan, is_known=True)
        fetched, step = await self._asked(plan, {"if-none-match": tag} if tag else {})
        if known is not None and document is not None and tag and fetched.status == 304:
            headers = cache_headers(fetched.headers, known.headers)
            return self._kept(read_again(document), document, told, headers, step)
        return self._read(did, fetched, step)

    def _read(self, did: Did, fetched: Fetched, step: Step) -> Known:
        now = self._clock()
        try:
            document = WEB.document(did, fetched)
        except (NotFound, InvalidDidDocument) as error:
            # A copy has no traceback, which would keep the frames of this call and the body in them.
            return Entry(value=copy(error), fresh_until=now + self._freshness.negative_seconds, steps=(step,))
        if document is None:
            gone = Found(document=None, made_at=now)
            return Entry(value=gone, fresh_until=now + self._freshness.negative_seconds, steps=(step,))
        document, told = without_omissions(document)
        told = (*WEB.warnings(fetched), *told)
        return self._kept(document, encode(document), told, cache_headers(fetched.headers), step)

    def _kept(
        self,
        document: JsonObject,
        encoded: bytes,
        told: tuple[JsonObject, ...],
        headers: Mapping[str, str],
        step: Step,
    ) -> Known:
        """Return the entry of a document that the origin gave, or confirmed, just now."""
        now = self._clock()
        seconds, reason = judge(headers, self._freshness)
        warnings = warnings_of(document, now=now, told=told)
        metadata: JsonObject = {"warnings": warnings} if warnings else {}
        return Entry(
            value=Found(document=encoded, made_at=now, resolution_metadata=metadata, told=told),
            fresh_until=now + seconds,
            revalidate_until=now + seconds + self._freshness.revalidate_seconds,
            stale_until=now + seconds + self._freshness.stale_seconds,
            value_bytes=len(encoded),
            headers=headers,
            steps=(step, Step(step="freshness", detail={"seconds": int(seconds), "because": reason})),
        )


class Asking:
    """
    Fetches, and turns what failed into errors of resolution; a server that is down is left alone for a moment.

    So that a dead server costs its callers three attempts in `failure_seconds`, not one each. What counts is that
    no connection came about, at that host and port; what became of one document says nothing of the next.

    Args:
        timer: monotonic seconds.
    """

    def __init__(self, fetch: Fetch, freshness: FreshnessBounds, timer: Callable[[], float]) -> None:
        self._fetch = fetch
        # How often in a row, and how it failed last.
        self._failures: TTLCache[tuple[str, int], tuple[int, type[FetchError]]] = TTLCache(
            MAX_FAILED_HOSTS, freshness.failure_seconds, timer=timer
        )

    async def __call__(self, plan: FetchPlan, headers: Mapping[str, str] = {}) -> tuple[Fetched, Step]:
        """
        Return what the origin of `plan` answered, and the step for `explain`.

        Raises:
            OutboundBusy: our own budget is used up.
            HostNotFound: its name does not exist.
            OriginFailed: it did not answer; `cause` tells why.
        """
        place = (plan.host, plan.port)
        failures, kind = self._failures.get(place, (0, FetchError))
        if failures >= MAX_FAILURES:
            raise _failure_of(kind("the origin could not be reached a moment ago"))
        began = time.monotonic()
        try:
            fetched = await self._fetch(plan, headers)
        except OutboundBudgetExceeded as error:
            raise OutboundBusy(error.detail, headers=error.headers, cause=error.cause) from None
        except FetchError as error:
            if isinstance(error, NameNotFound | OriginUnreachable | AddressRefused):
                self._failures[place] = failures + 1, type(error)
            failure = _failure_of(error)
            failure.steps = (_failed_step(plan, error, time.monotonic() - began),)
            raise failure from None
        self._failures.pop(place, None)
        return fetched, _step(plan, fetched, time.monotonic() - began)


def _failure_of(error: FetchError) -> HostNotFound | OriginFailed:
    kind = HostNotFound if isinstance(error, NameNotFound) else OriginFailed
    return kind(error.detail, cause=error.cause)


def _step(plan: FetchPlan, fetched: Fetched, seconds: float) -> Step:
    return Step(
        step="fetch",
        detail={"url": plan.url, "status": fetched.status, "bytes": len(fetched.body)},
        confidential={"milliseconds": round(seconds * 1_000)},
    )


def _failed_step(plan: FetchPlan, error: FetchError, seconds: float) -> Step:
    return Step(
        step="fetch",
        detail={"url": plan.url, "cause": error.cause},
        confidential={"milliseconds": round(seconds * 1_000)},
    )


def _document_of(known: Known | None) -> tuple[bytes | None, tuple[JsonObject, ...]]:
    """Return the document that is known, and what was told of it."""
    if known is None or not isinstance(known.value, Found):
        return None, ()
    return known.value.document, known.value.told
