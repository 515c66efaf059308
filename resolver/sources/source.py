"""
Where documents come from that a DID does not hold itself: what is asked of a source, and what it gives. Pure.

A source serves one or more methods: it turns a DID into a `Question`, and loads the `Entry` that answers it. The
cache stands between the two. What others hand in (`Observer`) is declared here as well.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import msgspec

from resolver.did import Did
from resolver.errors import ResolutionError
from resolver.methods.question import Question
from resolver.results import Options, Resolved, Step

V = TypeVar("V")


class Entry(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """
    What is kept for a key.

    Attributes:
        value: what the load found.
        fresh_until: seconds since 1970, as the other times.
        revalidate_until: until when it is served while it is loaded anew; 0: never past freshness.
        stale_until: until when it may be served where it cannot be loaded anew; 0: never past freshness.
        retry_at, failure: when it is to be loaded again, after a load that failed with `failure`.
        value_bytes: the length of the bytes in `value`.
        headers: the origin's headers about caching, for revalidation.
        steps: how it was loaded.
        clock_ahead: how many seconds the clock was ahead of the timer when the entry was kept; from the cache.
    """

    value: V
    fresh_until: float
    revalidate_until: float = 0.0
    stale_until: float = 0.0
    retry_at: float = 0.0
    failure: Exception | None = None
    value_bytes: int = 0
    headers: Mapping[str, str] = {}
    steps: tuple[Step, ...] = ()
    clock_ahead: float = 0.0


class Finding(Protocol):
    """What a source found out about a DID; kept as bytes, so that each caller gets a document of their own."""

    def resolved(self, did: Did, options: Options) -> Resolved:
        """
        Return the resolution of `did`, one of the spellings of the question's; freshness is filled in later.

        Raises:
            ResolutionError: not for this spelling, or not with these options (a version that is not there).
        """
        ...


Known = Entry[Finding | ResolutionError]


class Source(Protocol):
    """Loads what must be asked for. `versions` are the version options that it can honour."""

    versions: frozenset[str]

    def question(self, did: Did, options: Options) -> Question:
        """
        Return what to ask; without any traffic.

        Raises:
            InvalidDid: the method-specific identifier does not follow the method.
            InvalidOptions, FeatureNotSupported: an option that the method cannot honour.
        """
        ...

    async def load(self, question: Question, known: Known | None) -> Known:
        """
        Ask the origin; `known` is what it told before, for revalidation.

        Returns an entry whose value is an error where the origin said so (no such DID, a document that we
        refuse): it is kept for a short time, and takes the place of what was known.

        Raises:
            InternalError, HostNotFound: the origin could not be asked; what is known may go on being served.
        """
        ...


class Nothing(StrEnum):
    """What was found of a DID where no document was: that is an observation too."""

    DEACTIVATED = "deactivated"
    NOT_FOUND = "not-found"
    REFUSED = "refused"  # there is a document, and it must not be passed on


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """
    A document as we saw it: its JSON, its digest, and between which times (seconds since 1970) it was what we saw.
    """

    document: bytes
    digest: str
    first_seen: float
    last_seen: float


class Observer(Protocol):
    """Keeps what was seen of documents that can change; handed in by whoever has a database."""

    def seen(self, did: str, found: bytes | Nothing, at: float) -> None:
        """
        Take note of what an origin gave, or confirmed, at `at`: a document (JSON), or that there is none.

        Must not block or fail.
        """
        ...

    async def observed(self, did: str, at: float) -> Observed | None:
        """Return the document seen of `did` at the time `at`; None where there was none, or we cannot tell."""
        ...
