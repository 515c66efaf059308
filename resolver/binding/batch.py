"""
`POST /1.0/identifiers`: many DIDs and DID URLs in one request, each with its own answer. Service.

Each is answered by the same code, with the same bytes, as a request of its own (`answering.py`). What is wrong with
one says nothing of the others: the answer is 200, and every item has its own status.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping, Set
from typing import Any
from urllib.parse import quote

import msgspec

from resolver.binding.answering import WaitToRenew, answer_later, answer_now, may_fetch
from resolver.binding.forms import DEREFERENCING, RESOLUTION
from resolver.binding.options import MAX_OPTIONS
from resolver.binding.representation import present_error
from resolver.binding.request import DidRequest, read_request
from resolver.binding.target import BASE_PATH
from resolver.errors import InternalError, ResolutionError
from resolver.options import ACCEPT
from resolver.outbound.asker import with_patience
from resolver.resolution import Resolver
from resolver.results import JsonObject
from resolver.sources.web import OutboundBusy
from wire import Answer, MalformedBody, encode, read_body

LOG = logging.getLogger("touchstone.resolver")

MAX_BATCH = 100  # identifiers
MAX_BATCH_BODY_BYTES = 196_608  # 192 KiB: a hundred did:jwk of RSA keys; reading it takes under 10 ms
MAX_VALUES = 256  # JSON values in a body: twice what a full batch has
MAX_BATCH_ANSWER_BYTES = 8_388_608  # 8 MiB of results; a document may have 256 KiB
CONCURRENT = 16  # identifiers of one batch that are asked for at once
DEADLINE_SECONDS = 15.0
# A DID that is refused may be somebody's secret key, in whole or with a slip that hides it from us: never echoed.
REFUSED = (400, 501)
SLICE_SECONDS = 0.001  # how long the event loop is held before others get their turn

Spend = Callable[
    [bool], float
]  # takes a client's token (true: for an origin); 0, or the seconds until it has one


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    The body of a batch.

    Attributes:
        dids, identifiers: DIDs or DID URLs, up to 100; one of the two names.
        options: resolution options for all of them; `accept` is none of them.
    """

    dids: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    options: dict[str, bool | int | str] = {}


class BatchItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """
    One answer.

    Attributes:
        identifier: as it was given; left out where the DID was refused, or not looked at: it may hold a secret.
        status: the HTTP status that a request of its own would have.
        result: the resolution result, or the dereferencing result of a DID URL; null where there is no body.
        location: where a DID URL leads to (status 303).
        retry_after: seconds after which to ask again (status 503).
    """

    status: int
    result: JsonObject | None
    identifier: str | None = None
    location: str | None = None
    retry_after: int | None = None


class BatchResult(msgspec.Struct, frozen=True):
    """The answers, in the order of the identifiers."""

    results: list[BatchItem]


def read_batch(body: bytes, content_type: str | None) -> BatchRequest:
    """
    Read the body of a batch.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, MalformedBody: as `wire.read_body`; also for no identifiers, for
            more than `MAX_BATCH`, for both names, for too many options, and for the option `accept`.
    """
    batch = read_body(body, content_type, BatchRequest, max_bytes=MAX_BATCH_BODY_BYTES, max_values=MAX_VALUES)
    if bool(batch.dids) == bool(batch.identifiers):
        raise MalformedBody(
            'expected {"dids": [...]} or {"identifiers": [...]}, with at least one', pointer=""
        )
    count = len(batch.dids or batch.identifiers)
    if count > MAX_BATCH:
        raise MalformedBody(f"a batch may have {MAX_BATCH} identifiers; this one has {count}", pointer="")
    if len(batch.options) > MAX_OPTIONS:
        raise MalformedBody(f"expected at most {MAX_OPTIONS} options", pointer="/options")
    if ACCEPT in batch.options:
        raise MalformedBody(
            "the results of a batch have one form; leave out accept", pointer="/options/accept"
        )
    return batch


async def answer_batch(
    resolver: Resolver,
    batch: BatchRequest,
    *,
    no_cache: bool = False,
    spend: Spend = lambda _: 0.0,
    wait_to_renew: WaitToRenew = lambda: 0.0,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Answer:
    """
    Answer a batch. An identifier that occurs twice is resolved once.

    1. What needs no network, in slices; a token of computation each.
    2. What may ask an origin, a token for that each, `CONCURRENT` at a time, until the deadline.
    3. What is not paid for, not done in time, or past the bytes of an answer is an error of its own.

    Args:
        no_cache, wait_to_renew: as `read_request` and `answer`.
        spend: see `Spend`; the request itself has paid for the first computation.
    """
    identifiers = batch.dids or batch.identifiers
    work = _Batch(resolver, batch.options, no_cache, spend, wait_to_renew)
    later = await work.answer_computed(dict.fromkeys(identifiers))
    with with_patience(deadline_seconds):
        await work.answer_remote(later, deadline_seconds)
    return _rendered(identifiers, work.answers, work.unread)


class _Batch:
    """One batch on its way; `answers` are those that there are, `unread` is what nobody looked at."""

    def __init__(
        self,
        resolver: Resolver,
        options: Mapping[str, object],
        no_cache: bool,
        spend: Spend,
        wait_to_renew: WaitToRenew,
    ) -> None:
        self.answers: dict[str, Answer] = {}
        self.unread: set[str] = set()
        self._resolver = resolver
        self._options = options
        self._no_cache = no_cache
        self._spend = spend
        self._wait_to_renew = wait_to_renew
        self._slots = asyncio.Semaphore(CONCURRENT)

    async def answer_computed(self, identifiers: Mapping[str, None]) -> dict[str, DidRequest]:
        """Answer what needs no network; return what is left, read."""
        later: dict[str, DidRequest] = {}
        is_first, began = True, time.perf_counter()
        for identifier in identifiers:
            if not is_first and (wait := self._spend(False)) > 0:
                self._fail(identifier, _not_paid(wait))
                self.unread.add(identifier)
                continue
            is_first = False
            request = self._read(identifier)
            found = answer_now(self._resolver, request)
            if found is None:
                later[identifier] = request
            else:
                self.answers[identifier] = found
            if time.perf_counter() - began > SLICE_SECONDS:
                await asyncio.sleep(0)
                began = time.perf_counter()
        return later

    async def answer_remote(self, requests: Mapping[str, DidRequest], deadline_seconds: float) -> None:
        tasks = {}
        for identifier, request in requests.items():
            if (wait := self._wait(request)) > 0:
                self._fail(identifier, _not_paid(wait))
            else:
                tasks[identifier] = asyncio.create_task(self._answer_one(identifier, request))
        if not tasks:
            return
        try:
            await asyncio.wait(tasks.values(), timeout=deadline_seconds)
        finally:
            for task in tasks.values():
                task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        for identifier in tasks.keys() - self.answers.keys():
            self._fail(
                identifier, InternalError("not done within the time of the batch", cause="batch_deadline")
            )

    def _read(self, identifier: str) -> DidRequest:
        return read_request(
            self._resolver.planner,
            _path_of(identifier),
            b"",
            _accept_of(identifier),
            self._options,
            no_cache=self._no_cache,
        )

    async def _answer_one(self, identifier: str, request: DidRequest) -> None:
        async with self._slots:
            try:
                self.answers[identifier] = await answer_later(self._resolver, request, self._wait_to_renew)
            except Exception:
                # A failure of ours is one item's; the exception is retrieved, and logged, by nobody else.
                LOG.exception("a DID of a batch failed")
                self._fail(identifier, InternalError("something failed on our side", cause="internal"))

    def _wait(self, request: DidRequest) -> float:
        """Take a token for what may ask an origin; what is fresh in the cache costs none."""
        is_fresh = not may_fetch(self._resolver, request)
        return 0.0 if is_fresh and not self._options and not self._no_cache else self._spend(True)

    def _fail(self, identifier: str, error: ResolutionError) -> None:
        self.answers[identifier] = _failure(identifier, error)


def _rendered(identifiers: tuple[str, ...], answers: Mapping[str, Answer], unread: Set[str]) -> Answer:
    items, left = [], MAX_BATCH_ANSWER_BYTES
    for identifier in identifiers:
        found = answers[identifier]
        is_told = identifier not in unread and found.status not in REFUSED
        left -= len(found.body)
        if left < 0:
            full = InternalError(
                "the answer of the batch is full; ask for this one alone", cause="batch_full"
            )
            found = _failure(identifier, full)
        items.append(({"identifier": identifier} if is_told else {}) | _item(found))
    return Answer(body=encode({"results": items}))


def _item(found: Answer) -> dict[str, Any]:
    item: dict[str, Any] = {"status": found.status}
    item["result"] = msgspec.Raw(found.body) if found.body else None
    headers = dict(found.headers)
    if "location" in headers:
        item["location"] = headers["location"]
    if "retry-after" in headers:
        item["retryAfter"] = int(headers["retry-after"])
    return item


def _failure(identifier: str, error: ResolutionError) -> Answer:
    return present_error(error, _accept_of(identifier), did_url=_is_did_url(identifier))


def _not_paid(wait: float) -> OutboundBusy:
    seconds = str(max(1, math.ceil(wait)))
    return OutboundBusy(
        "this client asks faster than it may", headers={"retry-after": seconds}, cause="client_budget"
    )


def _path_of(identifier: str) -> bytes:
    """Return the path of a request for it alone, percent-encoded as a whole."""
    return f"{BASE_PATH}/{quote(identifier, safe='')}".encode()


def _accept_of(identifier: str) -> str:
    return str(DEREFERENCING if _is_did_url(identifier) else RESOLUTION)


def _is_did_url(identifier: str) -> bool:
    return not set("/?#").isdisjoint(identifier)
