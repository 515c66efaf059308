"""
The resolver: resolve(did, options) and dereference(didUrl, options) of DID Resolution v1. Service.

DIDs whose documents are computed, and our own, are answered synchronously (`resolve_local`). All others are asked
of a source, through the cache: the method's own (`origin.py`, ...), or a driver.
"""

import math
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import msgspec

from resolver.did import Did, DidUrl, parse_did, parse_did_url, parse_parameters
from resolver.documents.contexts import in_old_suites
from resolver.documents.conversion import CONVERSIONS, converted
from resolver.documents.dereference import dereference
from resolver.documents.document import relative_ids_expanded
from resolver.drivers.config import Driver
from resolver.drivers.gate import DriverState, FetchConfigured
from resolver.drivers.source import Drivers, DriverSource
from resolver.errors import (
    FeatureNotSupported,
    HostNotFound,
    InternalError,
    InvalidOptions,
    MethodNotSupported,
    NotFound,
    ResolutionError,
)
from resolver.methods import METHODS
from resolver.methods.method import refuse_public_key_format, refuse_versions
from resolver.methods.question import Question
from resolver.observing import observed_in, observed_resolution
from resolver.options import version_number_of
from resolver.outbound.fetch import Fetch, Guard
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
from resolver.sources.cache import Cache
from resolver.sources.freshness import FreshnessBounds
from resolver.sources.heads import LogHeads, MemoryHeads
from resolver.sources.source import Finding, Known, Observer, Source
from resolver.sources.web import Asking, WebSource
from resolver.telling import explained, own_copy, resolved_from
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
        freshness: how long documents are kept; own ones are fresh for its default.
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
        self._own_document = own_document
        self._own_hosts = own_hosts
        self._freshness = freshness
        self._observer = observer
        self._clock = clock
        asking = Asking(self._fetch, freshness, timer)
        self._sources: dict[str, Source] = {
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
        self._cache: Cache[Question, Finding | ResolutionError] = Cache(
            self._load,
            max_bytes=max_cache_bytes,
            clock=clock,
            timer=timer,
            key_bytes=Question.bytes_held,
            retry_seconds=freshness.failure_seconds,
            excused=(InternalError, HostNotFound),
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
        _refuse_relationship(options)
        return await self._resolve(parse_did(did), options)

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
        resolved = await self._resolve(parsed.did, with_parameters(options, parsed))
        return _dereferenced(resolved, parsed, options)

    def resolve_local(self, did: str, options: Options = DEFAULT_OPTIONS) -> Resolved | None:
        """
        Resolve a DID without the network; None where it is needed (or its cache).

        Raises:
            ResolutionError: as `resolve`.
        """
        _refuse_relationship(options)
        return self._resolve_local(parse_did(did), options)

    def dereference_local(self, did_url: str, options: Options = DEFAULT_OPTIONS) -> Dereferenced | None:
        """
        Dereference a DID URL without the network; None where it is needed.

        Raises:
            ResolutionError: as `dereference`.
        """
        parsed = parse_did_url(did_url)
        resolved = self._resolve_local(parsed.did, with_parameters(options, parsed))
        return None if resolved is None else _dereferenced(resolved, parsed, options)

    def require_method(self, did: Did) -> None:
        """
        Refuse a DID of a method that is not ours, and that no driver takes.

        Raises:
            MethodNotSupported: always, for such a DID.
        """
        if did.method not in METHODS and self._drivers.source_of(did) is None:
            raise MethodNotSupported(
                f"did:{did.method[:64]} is not supported; supported are {', '.join(self.methods)}"
            )

    def may_fetch(self, did: Did) -> bool:
        """
        Tell whether resolving `did` may ask an origin now; true of our own DIDs too, which `resolve_local` answers.

        Raises:
            InvalidDid: it breaks a rule of its method.
        """
        source = self._source_of(did)
        if isinstance(source, DriverSource) and source.versions:
            return True  # Each version is a question of its own, and the body of a request may ask for one.
        return source is not None and self._cache.would_load(source.question(did, DEFAULT_OPTIONS))

    def touch(self, did: Did) -> None:
        """Count a use of `did` that was answered from what was resolved here, so that it stays in the cache."""
        if (source := self._source_of(did)) is not None:
            self._cache.touch(source.question(did, DEFAULT_OPTIONS))

    @property
    def cache_bytes(self) -> int:
        """What the cache holds, by the measure of `max_cache_bytes`."""
        return self._cache.memory_bytes

    @property
    def native_methods(self) -> tuple[str, ...]:
        """The methods that are resolved here, without a driver, sorted."""
        return tuple(sorted(METHODS))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are resolved, those of drivers included, sorted."""
        return tuple(sorted({*METHODS, *self._drivers.methods}))

    @property
    def drivers(self) -> tuple[Driver, ...]:
        """The drivers, in their order."""
        return tuple(source.driver for source in self._drivers.sources)

    @property
    def driver_states(self) -> tuple[DriverState, ...]:
        """What the drivers are like at this moment, for metrics."""
        return tuple(source.state for source in self._drivers.sources)

    def versions_of(self, did: Did) -> frozenset[str]:
        """Return the version options that can be honoured for `did`."""
        source = self._source_of(did)
        versions: frozenset[str] = frozenset() if source is None else source.versions
        return versions | {"versionTime"} if self._is_observed(did) else versions

    def purge(self, *, did: str | None = None, host: str | None = None) -> int:
        """
        Forget what is cached of a DID (any of its spellings) or of all DIDs of a host; of neither: everything.

        Returns how many entries that were. Stale copies cannot come back.

        Raises:
            InvalidDid, MethodNotSupported: `did` is none, or none that is ever cached.
        """
        if did is None:
            return self._cache.purge(lambda question: host is None or question.host == host)
        parsed = parse_did(did)
        self.require_method(parsed)
        if (source := self._source_of(parsed)) is None:
            return 0
        meant = source.question(parsed, DEFAULT_OPTIONS).did
        return self._cache.purge(lambda question: question.did == meant)

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._cache.aclose()
        await self._drivers.aclose()
        if self._guard is not None:
            await self._guard.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _resolve(self, did: Did, options: Options) -> Resolved:
        resolved = self._resolve_local(did, options)
        if resolved is not None:
            return resolved
        source = self._required_source(did)
        if options.version_time is not None and "versionTime" not in source.versions:
            return _presented(await self._observed(did, options, options.version_time), options)
        question = source.question(did, options)
        max_stale = math.inf if options.max_stale is None else options.max_stale
        try:
            look = await self._cache.look(question, renew=options.no_cache, max_stale=max_stale)
        except ResolutionError as error:
            raise own_copy(error, error.steps, options) from None
        return _presented(resolved_from(did, options, look), options)

    def _resolve_local(self, did: Did, options: Options) -> Resolved | None:
        self.require_method(did)
        own = self._own(did, options)
        if own is not None:
            return _presented(own, options)
        if options.version_time is not None and self._is_observed(did):
            self._required_source(did).question(did, DEFAULT_OPTIONS)
            return None
        if did.method not in METHODS:
            self._required_source(did).question(did, options)
            return None
        planned = METHODS[did.method].plan(did, options)
        return None if isinstance(planned, FetchPlan) else _presented(explained(planned, options), options)

    def _own(self, did: Did, options: Options) -> Resolved | None:
        """Return the resolution of a DID of ours; None for all others."""
        if did.method != "web":
            return None
        document = self._own_document(did.text)
        if document is None:
            if _authority(did) in self._own_hosts:
                raise NotFound("this server has no such DID")
            return None
        refuse_versions(options)
        refuse_public_key_format(options, did.method)
        if options.old_suites and options.public_key_format is None:
            document = in_old_suites(document)
        now = self._clock()
        return Resolved(
            did=did.text,
            document=document,
            made_at=now,
            fresh_until=now + self._freshness.default_seconds,
            steps=(Step(step="published by this server"),) if options.explain else (),
        )

    def _source_of(self, did: Did) -> Source | None:
        """Return what is asked for `did`: its method's own source, which no driver replaces, or its driver."""
        return self._sources.get(did.method) or self._drivers.source_of(did)

    def _required_source(self, did: Did) -> Source:
        source = self._source_of(did)
        if source is None:
            raise AssertionError("asked for a DID that has no source; `require_method` refuses it before")
        return source

    def _is_observed(self, did: Did) -> bool:
        return self._observer is not None and did.method == "web"

    async def _observed(self, did: Did, options: Options, version_time: str) -> Resolved:
        if self._observer is None:
            raise AssertionError("asked for an observation without an observer")
        question = self._required_source(did).question(did, DEFAULT_OPTIONS)
        return await observed_resolution(
            self._observer, question.did, did, version_time, explain=options.explain
        )

    async def _load(self, question: Question, known: Known | None) -> Known:
        source = self._required_source(parse_did(question.did))
        entry = await source.load(question, known)
        # Options ask for an older version, which is not what the document is now.
        found = None if question.options else observed_in(entry.value)
        if self._observer is not None and found is not None:
            self._observer.seen(question.did, found, self._clock())
        return entry

    async def _fetch(self, plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:
        if self._fetcher is None:
            self._guard = Guard()
            self._fetcher = self._guard.fetch_stranger
        return await self._fetcher(plan, headers)


def _dereferenced(resolved: Resolved, did_url: DidUrl, options: Options) -> Dereferenced:
    """Return what `did_url` names; where that is nothing, the error has the steps of the resolution."""
    try:
        return dereference(resolved, did_url, options.verification_relationship)
    except ResolutionError as error:
        error.steps = resolved.steps
        raise


def with_parameters(options: Options, did_url: DidUrl) -> Options:
    """
    Return `options` with the version that the DID URL itself asks for (step 2 of dereferencing).

    Raises:
        InvalidDidUrl: the query is malformed.
        InvalidOptions: options and DID URL ask for different versions, or a version that cannot be one.
    """
    if not did_url.query:
        return options
    parameters = parse_parameters(did_url.query)
    number = parameters.get("versionNumber")
    versions = {
        "version_id": parameters.get("versionId"),
        "version_time": parameters.get("versionTime"),
        "version_number": None if number is None else version_number_of(number),
    }
    if all(value is None for value in versions.values()):
        return options
    if options.has_version and any(getattr(options, field) != value for field, value in versions.items()):
        raise InvalidOptions("the options and the DID URL ask for different versions")
    return msgspec.structs.replace(options, **versions)


def _refuse_relationship(options: Options) -> None:
    """Refuse a check that only dereferencing can make, rather than to let the caller believe it was made."""
    if options.verification_relationship is not None:
        raise FeatureNotSupported("verificationRelationship is an option of dereferencing, not of resolution")


def _authority(did: Did) -> str:
    """Return `host` or `host:port` of a did:web, in lower case, without port 443."""
    return unquote(did.method_specific_id.partition(":")[0]).lower().removesuffix(":443")


def _presented(resolved: Resolved, options: Options) -> Resolved:
    """Return the resolution with its keys and ids in the form that the options ask for; nothing of that is kept."""
    name = options.public_key_format
    if name is not None and name in CONVERSIONS:
        resolved = converted(resolved, name)
    if not options.expand_relative_urls or resolved.document is None:
        return resolved
    return msgspec.structs.replace(resolved, document=relative_ids_expanded(resolved.document))
