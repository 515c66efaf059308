"""
The resolver: resolve(did, options) and dereference(didUrl, options) of DID Resolution v1. Service.

DIDs whose documents are computed, and our own, are answered synchronously (`resolve_local`); all others go
through the cache to the guard.
"""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import msgspec

from resolver.cache import Cache
from resolver.dereference import dereference
from resolver.did import Did, DidUrl, parse_did, parse_did_url, parse_parameters
from resolver.document import relative_ids_expanded
from resolver.errors import FeatureNotSupported, InvalidOptions, MethodNotSupported, NotFound
from resolver.fetch import Fetch, Guard
from resolver.freshness import FreshnessBounds
from resolver.methods import METHODS
from resolver.methods.method import refuse_public_key_format, refuse_versions
from resolver.origin import Origin, resolved_from
from resolver.results import DEFAULT_OPTIONS, Dereferenced, Fetched, FetchPlan, JsonObject, Options, Resolved

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
        max_cache_bytes: bound on the documents kept.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        fetcher: Fetch | None = None,
        own_document: Callable[[str], JsonObject | None] = lambda _: None,
        own_hosts: frozenset[str] = frozenset(),
        freshness: FreshnessBounds = DEFAULT_FRESHNESS,
        max_cache_bytes: int = MAX_CACHE_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetcher = fetcher
        self._guard: Guard | None = None
        self._own_document = own_document
        self._own_hosts = own_hosts
        self._freshness = freshness
        self._clock = clock
        self._cache = Cache(
            Origin(self._fetch, freshness, clock).load, max_bytes=max_cache_bytes, clock=clock
        )

    async def resolve(self, did: str, options: Options = DEFAULT_OPTIONS) -> Resolved:
        """
        Resolve a DID (DID Resolution v1, section DID Resolution Algorithm).

        Raises:
            InvalidDid, MethodNotSupported, FeatureNotSupported, InvalidOptions: in this order.
            NotFound: no such DID.
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
        return dereference(resolved, parsed, options.verification_relationship)

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
        if resolved is None:
            return None
        return dereference(resolved, parsed, options.verification_relationship)

    async def aclose(self) -> None:
        """Stop what is under way."""
        await self._cache.aclose()
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
        entry = await self._cache.get(did, renew=options.no_cache)
        return _expanded(resolved_from(did, entry), options)

    def _resolve_local(self, did: Did, options: Options) -> Resolved | None:
        require_method(did)
        planned = self._own(did, options) or METHODS[did.method].plan(did, options)
        return None if isinstance(planned, FetchPlan) else _expanded(planned, options)

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
        refuse_public_key_format(options)
        now = self._clock()
        return Resolved(
            did=did.text,
            document=document,
            made_at=now,
            fresh_until=now + self._freshness.default_seconds,
        )

    async def _fetch(self, plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:
        if self._fetcher is None:
            self._guard = Guard()
            self._fetcher = self._guard.fetch_stranger
        return await self._fetcher(plan, headers)


def require_method(did: Did) -> None:
    """
    Refuse a DID of a method that is not ours.

    Raises:
        MethodNotSupported: always, for such a DID.
    """
    if did.method not in METHODS:
        raise MethodNotSupported(
            f"did:{did.method[:64]} is not supported; supported are {', '.join(sorted(METHODS))}"
        )


def _refuse_relationship(options: Options) -> None:
    """Refuse a check that only dereferencing can make, rather than to let the caller believe it was made."""
    if options.verification_relationship is not None:
        raise FeatureNotSupported("verificationRelationship is an option of dereferencing, not of resolution")


def with_parameters(options: Options, did_url: DidUrl) -> Options:
    """
    Return `options` with the version that the DID URL itself asks for (step 2 of dereferencing).

    Raises:
        InvalidDidUrl: the query is malformed.
        InvalidOptions: options and DID URL ask for different versions.
    """
    if not did_url.query:
        return options
    parameters = parse_parameters(did_url.query)
    wanted = (parameters.get("versionId"), parameters.get("versionTime"))
    given = (options.version_id, options.version_time)
    if wanted == (None, None) or wanted == given:
        return options
    if given != (None, None):
        raise InvalidOptions("the options and the DID URL ask for different versions")
    return msgspec.structs.replace(options, version_id=wanted[0], version_time=wanted[1])


def _authority(did: Did) -> str:
    """Return `host` or `host:port` of a did:web, in lower case, without port 443."""
    return unquote(did.method_specific_id.partition(":")[0]).lower().removesuffix(":443")


def _expanded(resolved: Resolved, options: Options) -> Resolved:
    if not options.expand_relative_urls or resolved.document is None:
        return resolved
    return msgspec.structs.replace(resolved, document=relative_ids_expanded(resolved.document))
