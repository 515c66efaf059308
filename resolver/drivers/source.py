"""
The drivers' source: methods that are not ours, resolved by whom the operator named. Service.

Nothing that a driver says is verified: the result is marked as its word. Each driver has its own bounds, so that
one that hangs, fails or floods costs the others nothing:

1. a circuit breaker: after some DIDs in a row that failed it is not asked for a while (`gate.py`);
2. a number of requests under way, in turns of their clients, and of those that wait (there, too);
3. a deadline, and a cap on the body (`configured.py`);
4. what it answered is kept for a time of the operator's choice, and longer where it does not answer.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from copy import copy

import msgspec

from resolver.did import Did, parse_did
from resolver.drivers.answer import Told, check_document, parse_answer, told_of
from resolver.drivers.config import Driver
from resolver.drivers.gate import DriverGate, DriverState, FetchConfigured
from resolver.errors import InternalError, InvalidDid, InvalidOptions, ResolutionError
from resolver.lint.findings import warnings_of
from resolver.methods.method import refuse_public_key_format, refuse_versions
from resolver.methods.question import Question
from resolver.options import VERSION_OPTIONS, parameters_of
from resolver.outbound.configured import ConfiguredFetch
from resolver.results import Fetched, JsonObject, Options, Step
from resolver.sources.freshness import FreshnessBounds, judge
from resolver.sources.source import Entry, Known
from resolver.sources.web import Found, OutboundBusy
from wire import read_again

MAX_URL_CHARS = (
    32_768  # as `configured.py`: a DID of 8 KiB is three times as long where each character is encoded
)
MAX_VERSION_CHARS = 1_024  # of a version that is passed on


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
        self._gate = DriverGate(driver, fetch, timer)
        self._freshness = freshness
        self._clock = clock
        self._timer = timer

    @property
    def state(self) -> DriverState:
        """What the gate before the driver is like."""
        return self._gate.state

    def question(self, did: Did, options: Options) -> Question:
        """
        Return the DID as it is spelled, asked of the driver with the options that are passed on.

        Raises:
            InvalidDid: the driver's URL would lead elsewhere, or be too long.
            InvalidOptions, FeatureNotSupported: a version where the driver takes none, a long one, or two.
        """
        refuse_public_key_format(options, did.method)
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
            fetched = await self._gate.ask(question.did, url)
        except InternalError as error:
            cause = {"cause": error.members["cause"]}
            error.steps = (self._step(url, cause, self._timer() - began),)
            raise
        told = {"status": fetched.status, "bytes": len(fetched.body)}
        entry = await self._entry(did, fetched, self._step(url, told, self._timer() - began))
        # What strangers choose is counted, too: a flood of long DIDs must not fill the memory.
        return msgspec.structs.replace(entry, value_bytes=entry.value_bytes + 2 * len(url))

    async def _entry(self, did: Did, fetched: Fetched, step: Step) -> Known:
        """Return what is kept of an answer: a document, that there is none, or why it is refused."""
        now = self._clock()
        try:
            told = await self._told(did, fetched)
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
            resolution_metadata=told.resolution_metadata | _warnings(told, now),
        )
        if told.document is None:
            return Entry(value=found, fresh_until=now + self._freshness.negative_seconds, steps=(step,))
        seconds, reason = judge(fetched.headers, self._bounds())
        return Entry(
            value=found,
            fresh_until=now + seconds,
            revalidate_until=now + seconds + self._freshness.revalidate_seconds,
            stale_until=now + seconds + self._freshness.stale_seconds,
            value_bytes=len(fetched.body),
            steps=(step, Step(step="freshness", detail={"seconds": int(seconds), "because": reason})),
        )

    async def _told(self, did: Did, fetched: Fetched) -> Told:
        """Read the answer; each step of the largest one takes some milliseconds, and a turn of the event loop."""
        parsed = parse_answer(self.driver, fetched)
        await asyncio.sleep(0)
        told = told_of(self.driver, parsed)
        await asyncio.sleep(0)
        told = check_document(self.driver, did, told)
        await asyncio.sleep(0)
        return told

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

    def _step(self, url: str, told: JsonObject, seconds: float) -> Step:
        return Step(
            step="driver",
            detail={"driver": self.driver.name, **told, "breaker": self._gate.state.breaker.value},
            confidential={"url": url, "milliseconds": round(seconds * 1_000)},
        )


def _warnings(told: Told, now: float) -> JsonObject:
    """Return what is doubtful about a document, as of any other that is asked for."""
    if told.document is None:
        return {}
    warnings = warnings_of(read_again(told.document), now=now, told=told.warnings)
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
