"""
did:webvh's source: fetches a log and its witness proofs, and has them verified in slices. Service.
"""

import asyncio
from collections.abc import Callable, Mapping
from copy import copy

from msgspec.structs import replace

from resolver.did import Did, parse_did
from resolver.errors import HostNotFound, NotFound, OriginFailed, ResolutionError
from resolver.methods.question import Question
from resolver.methods.webvh import WEBVH, scid_of, witness_plan
from resolver.options import VERSION_OPTIONS
from resolver.results import DEFAULT_OPTIONS, Fetched, FetchPlan, Options, Step
from resolver.sources.freshness import FreshnessBounds, cache_headers, entity_tag
from resolver.sources.heads import LogHeads
from resolver.sources.source import Entry, Known
from resolver.sources.web import Asking, OutboundBusy
from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.finding import LogFinding, finding_of, has_had, with_warnings
from resolver.webvh.forks import check_head
from resolver.webvh.freshness import judge_log
from resolver.webvh.history import (
    NOTHING,
    History,
    common_versions,
    needs_witnesses,
    verified_history,
    witnessed_history,
)
from resolver.webvh.limits import DEFAULT_LIMITS, LogLimits
from resolver.webvh.slices import in_slices

MAX_UNDER_WAY = 64  # logs being fetched or verified, or waiting for it; each may be 1 MiB

_GONE = (404, 410)  # a removed log is NOT_FOUND: only a log itself can say that a DID is deactivated


class WebvhSource:
    """
    Asks the web servers of did:webvh.

    Args:
        asking: fetches a plan, behind the guard.
        freshness: bounds within which the `ttl` of a log decides how long it is kept.
        clock: seconds since 1970.
        heads: remembers the highest version of each log.
        limits: what is taken of a log.
    """

    versions: frozenset[str] = VERSION_OPTIONS

    def __init__(
        self,
        asking: Asking,
        freshness: FreshnessBounds,
        clock: Callable[[], float],
        heads: LogHeads,
        limits: LogLimits = DEFAULT_LIMITS,
    ) -> None:
        self._asked = asking
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
            HostNotFound: its name does not exist.
            OriginFailed: the origin did not answer, or with a status that says nothing.
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
        is_known = was is not None and was.history.problem is None
        plan = WEBVH.plan(did, DEFAULT_OPTIONS)
        plan = replace(plan, max_bytes=self._limits.max_log_bytes, is_known=is_known)
        tag = entity_tag(known.headers) if known and was and was.history.problem is None else None
        fetched, step = await self._asked(plan, {"if-none-match": tag} if tag else {})
        steps = [step]
        try:
            if known and was and tag and fetched.status == 304:
                history, headers = was.history, cache_headers(fetched.headers, known.headers)
            else:
                body, headers = _body_of(fetched), cache_headers(fetched.headers)
                history = await self._verified(did, body, was.history if was else NOTHING, steps)
            await self._check(did, history)
        except HostNotFound:
            raise  # The witness file could not be asked for, which says nothing of the log.
        except (NotFound, InvalidLog) as error:
            return self._refused(error, steps)
        return await self._kept(history, headers, [*steps, _verified_step(history, was)])

    async def _verified(self, did: Did, log: bytes, known: History, steps: list[Step]) -> History:
        """Verify a log; appends to `steps` where a witness file had to be fetched."""
        now = int(self._clock() * 1_000_000)
        async with self._turn:
            history = await in_slices(
                verified_history(log, scid_of(did), known, now=now, limits=self._limits)
            )
        approved = common_versions(known, history)
        if not needs_witnesses(history, approved):
            return history
        fetched, step = await self._asked(self._witness_plan(did))
        steps.append(step)
        file = b"" if fetched.status in _GONE else _body_of(fetched)
        async with self._turn:
            return await in_slices(witnessed_history(history, approved, file, now=now, limits=self._limits))

    def _witness_plan(self, did: Did) -> FetchPlan:
        """Return what to fetch after the log: the witness file is published before it."""
        plan = witness_plan(WEBVH.plan(did, DEFAULT_OPTIONS))
        return replace(plan, max_bytes=self._limits.max_witness_bytes)

    async def _check(self, did: Did, history: History) -> None:
        """
        Refuse a log that is not of this DID, or a fork.

        Raises:
            InvalidLog: as it says, and where the log is invalid from its beginning.
        """
        if not history.versions or not has_had(history, did):
            mismatch = "no version of the log found there has this DID as its id"
            raise copy(history.problem) if history.problem else invalid_log("did-log-id-mismatch", mismatch)
        await check_head(self._heads, scid_of(did), history)

    async def _kept(self, history: History, headers: Mapping[str, str], steps: list[Step]) -> Known:
        """Return the entry of a log; one that does not hold is never fresh."""
        now = self._clock()
        finding = finding_of(history, now)
        await asyncio.sleep(0)  # What is doubtful is looked for in a turn of its own.
        ttl = history.versions[-1].parameters.ttl
        seconds, because = judge_log(ttl, headers, self._freshness)
        holds = history.problem is None
        if not holds:
            seconds, because = 0.0, "the log does not hold"
        return Entry(
            value=with_warnings(finding),
            fresh_until=now + seconds,
            revalidate_until=now + seconds + self._freshness.revalidate_seconds if holds else 0.0,
            stale_until=now + seconds + self._freshness.stale_seconds if holds else 0.0,
            value_bytes=history.memory_bytes,
            headers=headers,
            steps=(*steps, Step(step="freshness", detail={"seconds": int(seconds), "because": because})),
        )

    def _refused(self, error: ResolutionError, steps: list[Step]) -> Known:
        now = self._clock()
        seconds = self._freshness.negative_seconds if isinstance(error, NotFound) else 0.0
        return Entry(value=copy(error), fresh_until=now + seconds, steps=tuple(steps))


def _body_of(fetched: Fetched) -> bytes:
    """
    Return what the origin served; its media type does not matter, since what is signed tells what it is.

    Raises:
        NotFound: there is none.
        OriginFailed: any other status but 200; the member `originStatus` has it.
    """
    if fetched.status in _GONE:
        raise NotFound("the web server has no log for this DID")
    if fetched.status != 200:
        raise OriginFailed(
            f"the web server answered with status {fetched.status}", originStatus=fetched.status
        )
    return fetched.body


def _known_finding(known: Known | None) -> LogFinding | None:
    return known.value if known is not None and isinstance(known.value, LogFinding) else None


def _verified_step(history: History, was: LogFinding | None) -> Step:
    known = common_versions(was.history, history) if was else 0
    detail: dict[str, object] = {
        "versions": len(history.versions),
        "verifiedNow": len(history.versions) - known,
    }
    if history.problem is not None:
        detail["problem"] = history.problem.members["problemDetails"]["type"].rpartition("#")[2]
    return Step(step="verify", detail=detail)
