"""
What an origin tells of a DID, in the form in which the cache keeps it. Service.
"""

from collections.abc import Callable, Mapping
from copy import copy

import msgspec

from resolver.cache import Entry
from resolver.did import Did
from resolver.errors import InternalError, InvalidDidDocument, NotFound, ResolutionError
from resolver.fetch import Fetch
from resolver.fetch_errors import FetchError, OutboundBudgetExceeded
from resolver.freshness import FreshnessBounds, cache_headers, entity_tag, lifetime
from resolver.methods import METHODS
from resolver.results import DEFAULT_OPTIONS, Fetched, FetchPlan, JsonObject, Resolved
from wire import encode


class OutboundBusy(InternalError):
    """We may not ask the origin now; unlike its class 503, with Retry-After, since waiting helps."""

    status = 503


class Found(msgspec.Struct, frozen=True):
    """
    What an origin told of a DID: the JSON of its document, or None where deactivated, and when.

    Kept as JSON, so that its size is known and each caller gets a document of their own.
    """

    document: bytes | None
    made_at: float


KnownEntry = Entry[Found | ResolutionError]


class Origin:
    """
    Asks the origins of DIDs.

    Args:
        fetch: fetches a plan, behind the guard.
        freshness: how long what it tells is kept.
        clock: seconds since 1970.
    """

    def __init__(self, fetch: Fetch, freshness: FreshnessBounds, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._freshness = freshness
        self._clock = clock

    async def load(self, did: Did, known: KnownEntry | None) -> KnownEntry:
        """
        Ask the origin: whether what is known still holds where it gave an ETag, else for the document.

        Kept for a short time: that the DID does not exist, is deactivated, or has a document that we refuse.
        Not kept: every failure to ask, lest a limit of ours make a good DID look bad.
        """
        plan = METHODS[did.method].plan(did, DEFAULT_OPTIONS)
        if not isinstance(plan, FetchPlan):
            raise TypeError(f"did:{did.method} has nothing to fetch")
        document = _document_of(known)
        tag = entity_tag(known.headers) if known is not None and document is not None else None
        fetched = await self._asked(plan, {"if-none-match": tag} if tag else {})
        if known is not None and document is not None and tag and fetched.status == 304:
            return self._kept(document, cache_headers(fetched.headers, known.headers))
        return self._read(did, fetched)

    def _read(self, did: Did, fetched: Fetched) -> KnownEntry:
        now = self._clock()
        try:
            document = METHODS[did.method].document(did, fetched)
        except (NotFound, InvalidDidDocument) as error:
            # A copy has no traceback, which would keep the frames of this call and the body in them.
            return Entry(value=copy(error), fresh_until=now + self._freshness.negative_seconds)
        if document is None:
            return Entry(value=Found(None, now), fresh_until=now + self._freshness.negative_seconds)
        return self._kept(encode(document), cache_headers(fetched.headers))

    def _kept(self, document: bytes, headers: Mapping[str, str]) -> KnownEntry:
        """Return the entry of a document that the origin gave, or confirmed, just now."""
        now = self._clock()
        return Entry(
            value=Found(document, now),
            fresh_until=now + lifetime(headers, self._freshness),
            value_bytes=len(document),
            headers=headers,
        )

    async def _asked(self, plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:
        try:
            return await self._fetch(plan, headers)
        except OutboundBudgetExceeded as error:
            raise OutboundBusy(error.detail, headers=error.headers, cause=error.cause) from None
        except FetchError as error:
            raise InternalError(error.detail, cause=error.cause) from None


def _document_of(known: KnownEntry | None) -> bytes | None:
    return known.value.document if known is not None and isinstance(known.value, Found) else None


def resolved_from(did: Did, entry: KnownEntry) -> Resolved:
    """
    Return the resolution that a kept entry stands for, with a document of its own.

    Raises:
        NotFound, InvalidDidDocument: that is what was kept.
    """
    found = entry.value
    if isinstance(found, ResolutionError):
        raise copy(found)  # Each caller's own: a shared one would collect everybody's traceback.
    if found.document is None:
        document, metadata = None, {"deactivated": True}
    else:
        document, metadata = msgspec.json.decode(found.document, type=JsonObject), {}
    return Resolved(
        did=did.text,
        document=document,
        metadata=metadata,
        made_at=found.made_at,
        fresh_until=entry.fresh_until,
    )
