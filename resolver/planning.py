"""
Where the answer to a DID comes from: computed from it, published by us, seen by us, or asked of a source. Pure.

A plan costs no arithmetic on keys and no traffic, so that a request can be charged by it before anything is done.
"""

from collections.abc import Callable, Mapping

import msgspec

from resolver.did import Did
from resolver.drivers.source import Drivers
from resolver.errors import MethodNotSupported, NotFound
from resolver.methods import COMPUTED, METHODS
from resolver.methods.method import ComputedMethod
from resolver.methods.question import Question
from resolver.methods.web import authority_of
from resolver.results import DEFAULT_OPTIONS, JsonObject, Options
from resolver.sources.source import Source


class Computed(msgspec.Struct, frozen=True):
    """The document is in the DID; whether the DID follows its method is told when it is computed."""

    did: Did
    options: Options
    method: ComputedMethod


class Published(msgspec.Struct, frozen=True):
    """The DID is our own, and this is its document."""

    did: Did
    options: Options
    document: JsonObject


class Seen(msgspec.Struct, frozen=True):
    """What we ourselves saw at `version_time`; `question` has the DID in its one spelling."""

    did: Did
    options: Options
    question: Question
    version_time: str


class Sought(msgspec.Struct, frozen=True):
    """What a source is asked, through the cache; `has_versions`: each version is a question of its own."""

    did: Did
    options: Options
    question: Question
    has_versions: bool = False


Plan = Computed | Published | Seen | Sought


class Planner:
    """
    Knows which methods are resolved, and where the document of each DID comes from.

    Args:
        sources: of our own methods whose documents must be asked for.
        drivers: resolve the methods that are not ours.
        own_document: the document of a DID that this server publishes itself, else None.
        own_hosts: `host` or `host:port` of those did:web.
        is_observing: whether somebody keeps what was seen of documents that can change.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        drivers: Drivers,
        own_document: Callable[[str], JsonObject | None],
        own_hosts: frozenset[str],
        *,
        is_observing: bool,
    ) -> None:
        self._sources = sources
        self._drivers = drivers
        self._own_document = own_document
        self._own_hosts = own_hosts
        self._is_observing = is_observing

    def plan(self, did: Did, options: Options) -> Plan:
        """
        Return where the answer comes from.

        Raises:
            MethodNotSupported: nobody here resolves the method.
            NotFound: the DID would be our own, and there is no such.
            InvalidDid, InvalidOptions, FeatureNotSupported: as `Source.question`, of what must be asked for.
        """
        method = COMPUTED.get(did.method)
        if method is not None:
            return Computed(did, options, method)
        if did.method == "web" and (document := self._published(did)) is not None:
            return Published(did, options, document)
        source = self.source_of(did)
        if source is None:
            raise self._unsupported(did)
        version_time = options.version_time
        if version_time is not None and self._is_observed(did):
            return Seen(did, options, source.question(did, DEFAULT_OPTIONS), version_time)
        has_versions = did.method not in METHODS and bool(source.versions)
        return Sought(did, options, source.question(did, options), has_versions)

    def require_method(self, did: Did) -> None:
        """
        Refuse a DID of a method that is not ours, and that no driver takes.

        Raises:
            MethodNotSupported: always, for such a DID.
        """
        if did.method not in METHODS and self._drivers.source_of(did) is None:
            raise self._unsupported(did)

    def source_of(self, did: Did) -> Source | None:
        """Return what is asked for `did`: its method's own source, which no driver replaces, or its driver."""
        return self._sources.get(did.method) or self._drivers.source_of(did)

    def versions_of(self, did: Did) -> frozenset[str]:
        """Return the version options that can be honoured for `did`."""
        source = self.source_of(did)
        versions: frozenset[str] = frozenset() if source is None else source.versions
        return versions | {"versionTime"} if self._is_observed(did) else versions

    @property
    def native_methods(self) -> tuple[str, ...]:
        """The methods that are resolved here, without a driver, sorted."""
        return tuple(sorted(METHODS))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are resolved, those of drivers included, sorted."""
        return tuple(sorted({*METHODS, *self._drivers.methods}))

    def _published(self, did: Did) -> JsonObject | None:
        document = self._own_document(did.text)
        if document is None and authority_of(did) in self._own_hosts:
            raise NotFound("this server has no such DID")
        return document

    def _unsupported(self, did: Did) -> MethodNotSupported:
        supported = ", ".join(self.methods)
        return MethodNotSupported(f"did:{did.method[:64]} is not supported; supported are {supported}")

    def _is_observed(self, did: Did) -> bool:
        return self._is_observing and did.method == "web"
