"""
The drivers' source: methods that are not ours, resolved by whom the operator named. Service.

Nothing that a driver says is verified: the result is marked as its word. Each driver has its own bounds, so that
one that hangs, fails or floods costs the others nothing:

1. a circuit breaker: after some failures in a row it is not asked for a while;
2. a number of requests under way, and of those that wait for their turn;
3. a deadline, and a cap on the body (`configured.py`);
4. what it answered is kept for a time of the operator's choice, and longer where it does not answer.
"""

import asyncio
import math
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from typing import Protocol

import msgspec

from resolver.configured import ConfiguredFetch
from resolver.did import Did, parse_did
from resolver.driver_answer import check_document, is_unavailable, parse_answer, told_of
from resolver.driver_breaker import Breaker, BreakerState
from resolver.driver_config import Driver
from resolver.errors import InternalError, InvalidDid, InvalidOptions, ResolutionError
from resolver.fetch_errors import FetchError, OriginTooLarge, OutboundBudgetExceeded, UrlRefused
from resolver.freshness import FreshnessBounds, judge
from resolver.lint import warnings_of
from resolver.methods.method import refuse_public_key_format, refuse_versions
from resolver.options import VERSION_OPTIONS, parameters_of
from resolver.origin import Found, OutboundBusy
from resolver.results import Fetched, JsonObject, Options, Step
from resolver.source import Entry, Known, Question

MAX_URL_CHARS = (
    32_768  # as `configured.py`: a DID of 8 KiB is three times as long where each character is encoded
)
MAX_VERSION_CHARS = 1_024  # of a version that is passed on
MAX_WAITING = 256  # requests that wait for a slot of one driver; each is a task with a DID


class FetchConfigured(Protocol):
    """Fetches from an origin that the operator named (`ConfiguredFetch.fetch_configured`)."""

    async def __call__(self, url: str, *, accept: str, max_bytes: int, timeout_seconds: float) -> Fetched:
        """
        Return what the origin answered, whatever its status.

        Raises:
            FetchError: nothing came back that can be used.
        """
        ...


class DriverState(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of a driver from outside: its breaker, and counts since the start."""

    name: str
    breaker: BreakerState
    requests: int
    failures: int


class DriverSource:
    """
    Asks one driver.

    Args:
        driver: which.
        fetch: see `FetchConfigured`.
        freshness: how long errors are kept, and what is stale; the driver has a TTL of its own.
        clock: seconds since 1970.
        timer: monotonic seconds.
    """

    def __init__(
        self,
        driver: Driver,
        fetch: FetchConfigured,
        freshness: FreshnessBounds,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.driver = driver
        self.versions = VERSION_OPTIONS if driver.supports_options else frozenset[str]()
        self._fetch = fetch
        self._freshness = freshness
        self._clock = clock
        self._timer = timer
        self._breaker = Breaker(
            failures_to_open=driver.failures_to_open, open_seconds=driver.open_seconds, clock=timer
        )
        self._slots = asyncio.Semaphore(driver.concurrent)
        self._waiting = 0
        self._requests = 0
        self._failures = 0

    @property
    def state(self) -> DriverState:
        return DriverState(
            name=self.driver.name,
            breaker=self._breaker.state,
            requests=self._requests,
            failures=self._failures,
        )

    def question(self, did: Did, options: Options) -> Question:
        """
        Return the DID as it is spelled, asked of the driver with the options that are passed on.

        Raises:
            InvalidDid: the driver's URL would lead elsewhere, or be too long.
            InvalidOptions, FeatureNotSupported: a version where the driver takes none, a long one, or two.
        """
        refuse_public_key_format(options)
        passed = self._passed(options)
        if len(self.driver.url_of(did, passed)) > MAX_URL_CHARS:
            raise InvalidDid("the DID is too long for its method's driver")
        return Question(did=did.text, host=self.driver.name, options=passed)

    async def load(self, question: Question, known: Known | None) -> Known:  # noqa: ARG002 - nothing to revalidate
        """
        Ask the driver.

        Kept for a short time: what it says is wrong with the DID, a DID that is deactivated, and a document that
        we refuse. Not kept: that it failed, or that its answer is none.

        Raises:
            OutboundBusy: it is not asked now: its breaker is open, or too many wait.
            InternalError: it failed; `cause` tells how.
        """
        did = parse_did(question.did)
        url = self.driver.url_of(did, question.options)
        began = self._timer()
        try:
            fetched = await self._ask(url)
        except InternalError as error:
            cause = {"cause": error.members["cause"]}
            error.steps = (self._step(url, cause, self._timer() - began),)
            raise
        told = {"status": fetched.status, "bytes": len(fetched.body)}
        entry = await self._entry(did, fetched, self._step(url, told, self._timer() - began))
        # What strangers choose is counted, too: a flood of long DIDs must not fill the memory.
        return msgspec.structs.replace(entry, value_bytes=entry.value_bytes + 2 * len(url))

    async def _entry(self, did: Did, fetched: Fetched, step: Step) -> Known:
        """Read the answer; each step of the largest one takes some milliseconds, and a turn of the event loop."""
        now = self._clock()
        try:
            parsed = parse_answer(self.driver, fetched)
            await asyncio.sleep(0)
            told = told_of(self.driver, parsed)
            await asyncio.sleep(0)
            check_document(self.driver, did, told)
            await asyncio.sleep(0)
        except InternalError as error:
            error = self._as_told(error, fetched)
            error.steps = (step,)
            raise error from None
        except ResolutionError as error:
            return Entry(value=copy(error), fresh_until=now + self._freshness.negative_seconds, steps=(step,))
        found = Found(
            document=told.document,
            made_at=now,
            metadata=told.metadata,
            resolution_metadata=told.resolution_metadata | _warnings(told.document, now),
        )
        if told.document is None:
            return Entry(value=found, fresh_until=now + self._freshness.negative_seconds, steps=(step,))
        seconds, reason = judge(fetched.headers, self._bounds())
        return Entry(
            value=found,
            fresh_until=now + seconds,
            stale_until=now + seconds + self._freshness.stale_seconds,
            value_bytes=len(fetched.body),
            steps=(step, Step(step="freshness", detail={"seconds": int(seconds), "because": reason})),
        )

    @staticmethod
    def _as_told(error: InternalError, fetched: Fetched) -> InternalError:
        """Return a failure that passes as one: a driver that asks others may have no budget left for a host."""
        wait = fetched.headers.get("retry-after", "")
        if fetched.status != 503 or not (wait.isascii() and wait.isdecimal() and len(wait) <= 5):
            return error
        return OutboundBusy(error.detail, headers={"retry-after": wait}, **error.members)

    def _passed(self, options: Options) -> tuple[tuple[str, str], ...]:
        """Return the options that change what the driver answers, sorted."""
        if not self.driver.supports_options:
            refuse_versions(options)
            return ()
        named = parameters_of(options)
        versions = tuple(sorted((name, named[name]) for name in named.keys() & VERSION_OPTIONS))
        if len(versions) > 1:
            raise InvalidOptions("versionId, versionTime and versionNumber exclude one another")
        if any(len(version) > MAX_VERSION_CHARS for _, version in versions):
            raise InvalidOptions(f"a version may have {MAX_VERSION_CHARS} characters")
        return versions

    def _bounds(self) -> FreshnessBounds:
        """The operator's TTL is both default and ceiling; what the driver says can only shorten it."""
        ttl = self.driver.ttl_seconds
        floor = min(self._freshness.floor_seconds, ttl)
        return FreshnessBounds(floor_seconds=floor, ceiling_seconds=ttl, default_seconds=ttl)

    async def _ask(self, url: str) -> Fetched:
        async with self._slot():
            if (wait := self._breaker.admit()) > 0:
                raise self._busy("is left alone for a while, since it failed", "driver_open", wait)
            self._requests += 1
            try:
                fetched = await self._fetch(
                    url,
                    accept=self.driver.accept,
                    max_bytes=self.driver.max_bytes,
                    timeout_seconds=self.driver.timeout_seconds,
                )
            except OutboundBudgetExceeded as error:
                self._breaker.abandoned()
                raise OutboundBusy(error.detail, headers=error.headers, cause=error.cause) from None
            except (OriginTooLarge, UrlRefused) as error:  # Of one DID; the driver is there.
                self._breaker.succeeded() if isinstance(error, OriginTooLarge) else self._breaker.abandoned()
                raise self._unanswered(error.cause) from None
            except FetchError as error:
                raise self._failed(error.cause) from None
            except BaseException:
                self._breaker.abandoned()
                raise
            if is_unavailable(self.driver, fetched):
                raise self._failed("driver_unavailable")
            self._breaker.succeeded()
            return fetched

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """
        Hold one of the driver's slots.

        Raises:
            OutboundBusy: too many wait already, or none became free for as long as a request may take.
        """
        if self._waiting >= MAX_WAITING:
            raise self._busy("has too many requests waiting", "driver_busy", self.driver.timeout_seconds)
        self._waiting += 1
        try:
            async with asyncio.timeout(self.driver.timeout_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise self._busy("is busy", "driver_busy", self.driver.timeout_seconds) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    def _failed(self, cause: str) -> InternalError:
        self._breaker.failed()
        return self._unanswered(cause)

    def _unanswered(self, cause: str) -> InternalError:
        self._failures += 1
        name = self.driver.name
        return InternalError(f"the driver {name} did not answer", cause=cause, driver=name)

    def _busy(self, why: str, cause: str, wait: float) -> OutboundBusy:
        headers = {"retry-after": str(max(1, math.ceil(wait)))}
        name = self.driver.name
        return OutboundBusy(f"the driver {name} {why}", headers=headers, cause=cause, driver=name)

    def _step(self, url: str, told: JsonObject, seconds: float) -> Step:
        return Step(
            step="driver",
            detail={"driver": self.driver.name, **told, "breaker": self._breaker.state.value},
            confidential={"url": url, "milliseconds": round(seconds * 1_000)},
        )


def _warnings(document: bytes | None, now: float) -> JsonObject:
    """Return what is doubtful about a document, as of any other that is asked for."""
    warnings = [] if document is None else warnings_of(msgspec.json.decode(document), now=now)
    return {"warnings": warnings} if warnings else {}


class Drivers:
    """
    All drivers of a resolver; the first whose pattern matches a DID is its source.

    Args:
        drivers: in order.
        fetch: None: a `ConfiguredFetch` of its own, closed with `aclose`.
        freshness, clock: as of `DriverSource`.
        trust: of the fetch of its own; None: the system's trust store.
    """

    def __init__(
        self,
        drivers: Sequence[Driver],
        fetch: FetchConfigured | None,
        freshness: FreshnessBounds,
        clock: Callable[[], float],
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._own: ConfiguredFetch | None = None
        if drivers and fetch is None:
            self._own = ConfiguredFetch({driver.origin for driver in drivers}, ssl_context=trust)
            fetch = self._own.fetch_configured
        self.sources = tuple(DriverSource(driver, fetch, freshness, clock) for driver in drivers if fetch)
        methods = sorted({method for driver in drivers for method in driver.methods})
        self._of_method = {
            method: tuple(source for source in self.sources if method in source.driver.methods)
            for method in methods
        }

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that a driver is for, sorted."""
        return tuple(self._of_method)

    def source_of(self, did: Did) -> DriverSource | None:
        """Return the driver of a DID; None where no pattern matches."""
        for source in self._of_method.get(did.method, ()):
            if source.driver.takes(did):
                return source
        return None

    async def aclose(self) -> None:
        """Close the connections of its own fetch."""
        if self._own is not None:
            await self._own.aclose()
