"""
The resolver: resolve(did, options) and dereference(didUrl, options) of DID Resolution v1. Service.

1. parse: the DID or DID URL (`did.py`);
2. plan: where its document comes from (`planning.py`);
3. find: what is computed or our own at once (`find_now`), all else in its source or the cache (`finding.py`);
4. present: with keys and ids in the form that was asked for; of a DID URL, what it names.

Who has parsed a DID already, to charge somebody for it, hands its plan to 3.
"""

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec

from resolver.did import DidUrl, parse_did, parse_did_url
from resolver.documents.contexts import in_old_suites
from resolver.documents.conversion import CONVERSIONS, converted
from resolver.documents.dereference import dereference
from resolver.documents.ids import relative_ids_expanded
from resolver.drivers.config import Driver
from resolver.drivers.gate import DriverState, FetchConfigured
from resolver.drivers.source import Drivers
from resolver.errors import ResolutionError
from resolver.finding import Finder
from resolver.methods.method import refuse_public_key_format, refuse_versions
from resolver.options import refuse_relationship, with_parameters
from resolver.outbound.fetch import Fetch, Guard
from resolver.planning import Computed, Plan, Planner, Published, Seen, Sought
from resolver.results import (
    DEFAULT_OPTIONS,
    Dereferenced,
    Fetched,
    FetchPlan,
    JsonObject,
    Options,
    Resolved,
    Step,
)
from resolver.sources.freshness import FreshnessBounds
from resolver.sources.heads import LogHeads, MemoryHeads
from resolver.sources.source import Observer, Source
from resolver.sources.web import Asking, WebSource
from resolver.telling import explained
from resolver.webvh.limits import DEFAULT_LIMITS, LogLimits
from resolver.webvh.source import WebvhSource

DEFAULT_FRESHNESS = FreshnessBounds()
MAX_CACHE_BYTES = 67_108_864  # 64 MiB


class Resolver:
    """
    Resolves DIDs. One per process; used on one event loop, closed at its end (`async with`).

    Args:
        fetcher: fetches a plan; None: a `Guard` of its own with default limits.
        own_document: the document of a DID that this server publishes itself, else None.
        own_hosts: `host` or `host:port` of those did:web; what `own_document` does not know there is
            NOT_FOUND, and never fetched.
        own_fresh_seconds: how long own documents are fresh; None: as long as others by default.
        freshness: how long documents are kept.
        method_freshness: the same for single methods, by name.
        drivers: resolve the methods that are not ours; the first whose pattern matches is asked.
        fetch_configured: fetches from the drivers; None: a `ConfiguredFetch` for their origins.
        driver_trust: whose certificates drivers may show; None: the system's trust store.
        observer: keeps what was seen of documents that can change; None: nobody does.
        log_heads: remembers the highest version of each did:webvh log; None: in memory.
        log_limits: what is taken of such a log.
        max_cache_bytes: bound on the documents kept.
        clock: seconds since 1970.
        timer: monotonic seconds; what is kept for a while goes by it.
    """

    def __init__(
        self,
        *,
        fetcher: Fetch | None = None,
        own_document: Callable[[str], JsonObject | None] = lambda _: None,
        own_hosts: frozenset[str] = frozenset(),
        own_fresh_seconds: float | None = None,
        freshness: FreshnessBounds = DEFAULT_FRESHNESS,
        method_freshness: Mapping[str, FreshnessBounds] = {},
        drivers: Sequence[Driver] = (),
        fetch_configured: FetchConfigured | None = None,
        driver_trust: ssl.SSLContext | None = None,
        observer: Observer | None = None,
        log_heads: LogHeads | None = None,
        log_limits: LogLimits = DEFAULT_LIMITS,
        max_cache_bytes: int = MAX_CACHE_BYTES,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetcher = fetcher
        self._guard: Guard | None = None
        self._own_fresh_seconds = own_fresh_seconds or freshness.default_seconds
        self._clock = clock
        asking = Asking(self._fetch, freshness, timer)
        sources: dict[str, Source] = {
            "web": WebSource(asking, method_freshness.get("web", freshness), clock),
            "webvh": WebvhSource(
                asking,
                method_freshness.get("webvh", freshness),
                clock,
                log_heads or MemoryHeads(),
                log_limits,
            ),
        }
        self._drivers = Drivers(drivers, fetch_configured, freshness, clock, driver_trust)
        self.planner = Planner(
            sources, self._drivers, own_document, own_hosts, is_observing=observer is not None
        )
        self._finder = Finder(
            self.planner,
            observer,
            max_cache_bytes=max_cache_bytes,
            retry_seconds=freshness.failure_seconds,
            clock=clock,
            timer=timer,
        )

    async def resolve(self, did: str, options: Options = DEFAULT_OPTIONS) -> Resolved:
        """
        Resolve a DID (DID Resolution v1, section DID Resolution Algorithm).

        With `explain` the steps are in the result, or in the error.

        Raises:
            InvalidDid, MethodNotSupported, FeatureNotSupported, InvalidOptions: in this order.
            NotFound: no such DID; where the host's name does not exist, with the member `cause`.
            InvalidDidDocument: the document there must not be passed on.
            InternalError: the origin cannot be asked; its member `cause` says why.
        """
        return await self.find(self._plan(did, options))

    async def dereference(self, did_url: str, options: Options = DEFAULT_OPTIONS) -> Dereferenced:
        """
        Dereference a DID URL (section DID URL Dereferencing Algorithm).

        Raises:
            InvalidDidUrl: its syntax.
            ResolutionError: as `resolve`; NotFound also where the document has nothing of that name.
            InvalidVerificationMethod, InvalidRelationship: what `options.verification_relationship` demands
                does not hold.
        """
        parsed = parse_did_url(did_url)
        plan = self.planner.plan(parsed.did, with_parameters(options, parsed))
        return dereferenced(await self.find(plan), parsed, options)

    def resolve_local(self, did: str, options: Options = DEFAULT_OPTIONS) -> Resolved | None:
        """
        Resolve a DID without the network; None where it is needed (or its cache).

        Raises:
            ResolutionError: as `resolve`.
        """
        return self.find_now(self._plan(did, options))

    def dereference_local(self, did_url: str, options: Options = DEFAULT_OPTIONS) -> Dereferenced | None:
        """
        Dereference a DID URL without the network; None where it is needed.

        Raises:
            ResolutionError: as `dereference`.
        """
        parsed = parse_did_url(did_url)
        resolved = self.find_now(self.planner.plan(parsed.did, with_parameters(options, parsed)))
        return None if resolved is None else dereferenced(resolved, parsed, options)

    def would_ask(self, did: str) -> bool:
        """Tell whether resolving `did` would ask a stranger now; refused DIDs and ours ask nobody."""
        try:
            return self.may_fetch(self._plan(did, DEFAULT_OPTIONS))
        except ResolutionError:
            return False

    def may_fetch(self, plan: Plan) -> bool:
        """Tell whether finding what was planned may ask an origin now."""
        return isinstance(plan, (Seen, Sought)) and self._finder.may_ask(plan)

    def find_now(self, plan: Plan) -> Resolved | None:
        """
        Return what needs no network; None where it is needed (or its cache).

        Raises:
            ResolutionError: as `resolve`.
        """
        options = plan.options
        if isinstance(plan, Computed):
            computed = plan.method.plan(plan.did, options)
            return (
                computed if options is DEFAULT_OPTIONS else _presented(explained(computed, options), options)
            )
        return _presented(self._published(plan), options) if isinstance(plan, Published) else None

    async def find(self, plan: Plan) -> Resolved:
        """
        Return what was planned for.

        Raises:
            ResolutionError: as `resolve`.
        """
        if isinstance(plan, (Seen, Sought)):
            return _presented(await self._finder.find(plan), plan.options)
        found = self.find_now(plan)
        assert found is not None
        return found

    def touch(self, plan: Plan) -> None:
        """Count a use of what was answered elsewhere, from what was found here, so that it stays in the cache."""
        self._finder.touch(plan)

    @property
    def cache_bytes(self) -> int:
        """What the cache holds, by the measure of `max_cache_bytes`."""
        return self._finder.cache_bytes

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are resolved, those of drivers included, sorted."""
        return self.planner.methods

    @property
    def drivers(self) -> tuple[Driver, ...]:
        """The drivers, in their order."""
        return tuple(source.driver for source in self._drivers.sources)

    @property
    def driver_states(self) -> tuple[DriverState, ...]:
        """What the drivers are like at this moment, for metrics."""
        return tuple(source.state for source in self._drivers.sources)

    def purge(self, *, did: str | None = None, host: str | None = None) -> int:
        """
        Forget what is cached of a DID (any of its spellings) or of all DIDs of a host; of neither: everything.

        Returns how many entries that were. Stale copies cannot come back.

        Raises:
            InvalidDid, MethodNotSupported: `did` is none, or none that is ever cached.
        """
        if did is None:
            return self._finder.purge(lambda question: host is None or question.host == host)
        parsed = parse_did(did)
        self.planner.require_method(parsed)
        if (source := self.planner.source_of(parsed)) is None:
            return 0
        meant = source.question(parsed, DEFAULT_OPTIONS).did
        return self._finder.purge(lambda question: question.did == meant)

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._finder.aclose()
        await self._drivers.aclose()
        if self._guard is not None:
            await self._guard.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _plan(self, did: str, options: Options) -> Plan:
        refuse_relationship(options)
        return self.planner.plan(parse_did(did), options)

    def _published(self, plan: Published) -> Resolved:
        """Return the resolution of a DID of ours."""
        options, document = plan.options, plan.document
        refuse_versions(options)
        refuse_public_key_format(options, plan.did.method)
        if options.old_suites and options.public_key_format is None:
            document = in_old_suites(document)
        now = self._clock()
        return Resolved(
            did=plan.did.text,
            document=document,
            made_at=now,
            fresh_until=now + self._own_fresh_seconds,
            steps=(Step(step="published by this server"),) if options.explain else (),
        )

    async def _fetch(self, plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:
        if self._fetcher is None:
            self._guard = Guard()
            self._fetcher = self._guard.fetch_stranger
        return await self._fetcher(plan, headers)


def dereferenced(resolved: Resolved, did_url: DidUrl, options: Options) -> Dereferenced:
    """
    Return what `did_url` names; where that is nothing, the error has the steps of the resolution.

    Raises:
        ResolutionError: as `documents.dereference`.
    """
    try:
        return dereference(resolved, did_url, options.verification_relationship)
    except ResolutionError as error:
        error.steps = resolved.steps
        raise


def _presented(resolved: Resolved, options: Options) -> Resolved:
    """Return the resolution with its keys and ids in the form that the options ask for; nothing of that is kept."""
    name = options.public_key_format
    if name is not None and name in CONVERSIONS:
        resolved = converted(resolved, name)
    if not options.expand_relative_urls or resolved.document is None:
        return resolved
    return msgspec.structs.replace(resolved, document=relative_ids_expanded(resolved.document))
