"""
did:webvh's source: fetches a log and its witness proofs, and has them verified in slices. Service.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from copy import copy

from msgspec.structs import replace

from resolver.did import Did, parse_did
from resolver.errors import InternalError, NotFound, ResolutionError
from resolver.fetch import Fetch
from resolver.freshness import FreshnessBounds, cache_headers, entity_tag, lifetime
from resolver.heads import LogHeads
from resolver.methods.webvh import WEBVH, scid_of, witness_plan
from resolver.options import VERSION_OPTIONS
from resolver.origin import Asking, OutboundBusy
from resolver.results import DEFAULT_OPTIONS, Fetched, Options, Step
from resolver.source import Entry, Known, Question
from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.finding import LogFinding, finding_of, has_had
from resolver.webvh.forks import check_head
from resolver.webvh.history import (
    NOTHING,
    History,
    common_versions,
    needs_witnesses,
    verified_history,
    witnessed_history,
)
from resolver.webvh.limits import DEFAULT_LIMITS, LogLimits
from resolver.webvh.verification import Slices, T

SLICE_SECONDS = 0.003  # then others have their turn; the least slice is a part of one entry
MAX_UNDER_WAY = 64  # logs being fetched or verified, or waiting for it; each may be 1 MiB

_GONE = (404, 410)  # a removed log is NOT_FOUND: only a log itself can say that a DID is deactivated


class WebvhSource:
    """
    Asks the web servers of did:webvh.

    Args:
        fetch: fetches a plan, behind the guard.
        freshness: bounds within which the `ttl` of a log decides how long it is kept.
        clock: seconds since 1970.
        heads: remembers the highest version of each log.
        limits: what is taken of a log.
    """

    versions: frozenset[str] = VERSION_OPTIONS

    def __init__(
        self,
        fetch: Fetch,
        freshness: FreshnessBounds,
        clock: Callable[[], float],
        heads: LogHeads,
        limits: LogLimits = DEFAULT_LIMITS,
    ) -> None:
        self._asked = Asking(fetch, freshness, clock)
        self._freshness = freshness
        self._clock = clock
        self._heads = heads
        self._limits = limits
        self._turn = asyncio.Lock()  # One log at a time: what verifying takes of the loop has a bound.
        self._under_way = 0

    def question(self, did: Did, options: Options) -> Question:
        """Return the log to ask for; it answers for every version."""
        return WEBVH.question(did, options)

    async def load(self, question: Question, known: Known | None) -> Known:
        """
        Fetch the log, and verify what is new in it.

        1. Ask for the log; where what is known holds, only whether it is still the same (If-None-Match).
        2. Verify its entries, from the first one that differs from what is known.
        3. Where new ones must be witnessed, fetch the witness file, and count the approvals.
        4. Check that it is this DID's log, and no fork of the one that was seen before.

        Kept for a short time: that there is no log. Kept, but asked for again each time: a log that does not
        hold, since its controller may mend it (section Read: SHOULD NOT cache); what holds of it is not verified
        again.

        Raises:
            OutboundBusy: too many logs are under way already.
            InternalError: the origin did not answer, or with a status that says nothing.
        """
        if self._under_way >= MAX_UNDER_WAY:
            raise OutboundBusy(
                "too many logs are being verified; try again in a second",
                headers={"retry-after": "1"},
                cause="outbound_budget_exceeded",
            )
        self._under_way += 1
        try:
            return await self._loaded(question, known)
        finally:
            self._under_way -= 1

    async def _loaded(self, question: Question, known: Known | None) -> Known:
        did, was = parse_did(question.did), _known_finding(known)
        plan = replace(WEBVH.plan(did, DEFAULT_OPTIONS), max_bytes=self._limits.max_log_bytes)
        tag = entity_tag(known.headers) if known and was and was.history.problem is None else None
        fetched, step = await self._asked(plan, {"if-none-match": tag} if tag else {})
        try:
            if known and was and tag and fetched.status == 304:
                history, headers = was.history, cache_headers(fetched.headers, known.headers)
            else:
                body, headers = _body_of(fetched), cache_headers(fetched.headers)
                history = await self._verified(did, body, was.history if was else NOTHING)
            await self._check(did, history)
        except (NotFound, InvalidLog) as error:
            return self._refused(error, step)
        return self._kept(history, headers, (step, _verified_step(history, was)))

    async def _verified(self, did: Did, log: bytes, known: History) -> History:
        now = int(self._clock() * 1_000_000)
        async with self._turn:
            history = await in_slices(
                verified_history(log, scid_of(did), known, now=now, limits=self._limits)
            )
        approved = common_versions(known, history)
        if not needs_witnesses(history, approved):
            return history
        file = await self._witness_file(did)
        async with self._turn:
            return await in_slices(witnessed_history(history, approved, file, now=now, limits=self._limits))

    async def _witness_file(self, did: Did) -> bytes:
        """Return the witness file, b"" where there is none; fetched after the log, since it is published before."""
        plan = witness_plan(WEBVH.plan(did, DEFAULT_OPTIONS))
        fetched, _ = await self._asked(replace(plan, max_bytes=self._limits.max_witness_bytes))
        return b"" if fetched.status in _GONE else _body_of(fetched)

    async def _check(self, did: Did, history: History) -> None:
        if history.problem is not None and not history.versions:
            raise copy(history.problem)
        if not has_had(history, did):
            raise (
                copy(history.problem)
                if history.problem
                else invalid_log(
                    "did-log-id-mismatch", "no version of the log found there has this DID as its id"
                )
            )
        await check_head(self._heads, scid_of(did), history)

    def _kept(self, history: History, headers: Mapping[str, str], steps: tuple[Step, ...]) -> Known:
        now = self._clock()
        holds = history.problem is None
        fresh_until = now + self._seconds(history, headers) if holds else now
        return Entry(
            value=finding_of(history, now),
            fresh_until=fresh_until,
            stale_until=fresh_until + self._freshness.stale_seconds if holds else 0.0,
            value_bytes=history.memory_bytes,
            headers=headers,
            steps=steps,
        )

    def _seconds(self, history: History, headers: Mapping[str, str]) -> float:
        """Return for how long to keep a log: its `ttl`, or less where the web server says so, within our bounds."""
        bounds, ttl = self._freshness, float(history.versions[-1].parameters.ttl)
        seconds = min(max(ttl, bounds.floor_seconds), bounds.ceiling_seconds)
        if headers.keys() & {"cache-control", "expires"}:
            return min(seconds, lifetime(headers, bounds))
        return seconds

    def _refused(self, error: ResolutionError, step: Step) -> Known:
        now = self._clock()
        seconds = self._freshness.negative_seconds if isinstance(error, NotFound) else 0.0
        return Entry(value=copy(error), fresh_until=now + seconds, steps=(step,))


async def in_slices(slices: Slices[T], seconds: float = SLICE_SECONDS) -> T:
    """Run to the end, and let others run whenever `seconds` have passed."""
    began = time.perf_counter()
    while True:
        try:
            next(slices)
        except StopIteration as done:
            result: T = done.value
            return result
        if time.perf_counter() - began > seconds:
            await asyncio.sleep(0)
            began = time.perf_counter()


def _body_of(fetched: Fetched) -> bytes:
    """
    Return what the origin served; its media type does not matter, since what is signed tells what it is.

    Raises:
        NotFound: there is none.
        InternalError: any other status but 200; the member `originStatus` has it.
    """
    if fetched.status in _GONE:
        raise NotFound("the web server has no log for this DID")
    if fetched.status != 200:
        raise InternalError(
            f"the web server answered with status {fetched.status}", originStatus=fetched.status
        )
    return fetched.body


def _known_finding(known: Known | None) -> LogFinding | None:
    return known.value if known is not None and isinstance(known.value, LogFinding) else None


def _verified_step(history: History, was: LogFinding | None) -> Step:
    known = common_versions(was.history, history) if was else 0
    detail: dict[str, object] = {
        "versions": len(history.versions),
        "verified now": len(history.versions) - known,
    }
    if history.problem is not None:
        detail["problem"] = history.problem.members["problemDetails"]["type"].rpartition("#")[2]
    return Step(step="verify", detail=detail)
