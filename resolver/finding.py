"""
What a source is asked, through the cache, and what an observer saw: all that a resolution has to wait for. Service.
"""

import math
from collections.abc import Callable

from resolver.did import parse_did
from resolver.errors import HostNotFound, InternalError, ResolutionError
from resolver.methods.question import Question
from resolver.observing import observed_in, observed_resolution
from resolver.planning import Plan, Planner, Seen, Sought
from resolver.results import Resolved
from resolver.sources.cache import Cache
from resolver.sources.source import Finding, Known, Observer
from resolver.telling import own_copy, resolved_from


class Finder:
    """
    Finds what was planned, and keeps it.

    Args:
        planner: whose sources are asked.
        observer: keeps what was seen of documents that can change; None: nobody does.
        max_cache_bytes: bound on the documents kept.
        retry_seconds: how long a source that failed is not asked again where a stale document takes its place.
        clock: seconds since 1970.
        timer: monotonic seconds; what is kept for a while goes by it.
    """

    def __init__(
        self,
        planner: Planner,
        observer: Observer | None,
        *,
        max_cache_bytes: int,
        retry_seconds: float,
        clock: Callable[[], float],
        timer: Callable[[], float],
    ) -> None:
        self._planner = planner
        self._observer = observer
        self._clock = clock
        self._cache: Cache[Question, Finding | ResolutionError] = Cache(
            self._load,
            max_bytes=max_cache_bytes,
            clock=clock,
            timer=timer,
            key_bytes=Question.bytes_held,
            retry_seconds=retry_seconds,
            excused=(InternalError, HostNotFound),
        )

    def may_ask(self, plan: Seen | Sought) -> bool:
        """Tell whether finding what was planned may ask an origin now; each version of a driver's may."""
        is_version = isinstance(plan, Sought) and plan.has_versions
        return is_version or self._cache.would_load(plan.question)

    async def find(self, plan: Seen | Sought) -> Resolved:
        """
        Return what was planned.

        Raises:
            ResolutionError: as `Resolver.resolve`.
        """
        return await (self._seen(plan) if isinstance(plan, Seen) else self._sought(plan))

    def touch(self, plan: Plan) -> None:
        """Count a use of what was answered elsewhere, from what was found here, so that it stays in the cache."""
        if isinstance(plan, Sought):
            self._cache.touch(plan.question)

    def purge(self, is_meant: Callable[[Question], bool]) -> int:
        """Forget what is meant; return how many entries that were. Stale copies cannot come back."""
        return self._cache.purge(is_meant)

    @property
    def cache_bytes(self) -> int:
        """What the cache holds, by the measure of `max_cache_bytes`."""
        return self._cache.memory_bytes

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._cache.aclose()

    async def _sought(self, plan: Sought) -> Resolved:
        options = plan.options
        max_stale = math.inf if options.max_stale is None else options.max_stale
        try:
            look = await self._cache.look(plan.question, renew=options.no_cache, max_stale=max_stale)
        except ResolutionError as error:
            raise own_copy(error, error.steps, options) from None
        return resolved_from(plan.did, options, look)

    async def _seen(self, plan: Seen) -> Resolved:
        assert self._observer is not None
        return await observed_resolution(
            self._observer, plan.question.did, plan.did, plan.version_time, explain=plan.options.explain
        )

    async def _load(self, question: Question, known: Known | None) -> Known:
        source = self._planner.source_of(parse_did(question.did))
        assert source is not None
        entry = await source.load(question, known)
        # Options ask for an older version, which is not what the document is now.
        found = None if question.options else observed_in(entry.value)
        if self._observer is not None and found is not None:
            self._observer.seen(question.did, found, self._clock())
        return entry
