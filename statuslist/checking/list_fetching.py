"""
Lists of strangers by their URLs: fetched through the guard, read, and kept as they are; nothing is verified.
Service.

A list is kept for the shortest of its `ttl`, its end, the origin's HTTP freshness and five minutes. Then its
origin is asked whether it still holds (If-None-Match), or for the next one.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from proofs import Canonicalize
from resolver import Fetch, Fetched, FetchError, OutboundBudgetExceeded, UrlRefused, plan_for_url
from resolver.sources.cache import Cache, Entry
from resolver.sources.freshness import FreshnessBounds, cache_headers, entity_tag, lifetime
from statuslist.checking.list_reading import Content, ReadList, is_of_a_form, narrowed, period_of, read_list
from statuslist.checking.verified_list import NOT_VERIFIED, not_verified
from statuslist.errors import StatusRetrievalError
from wire.body import media_type_of

MAX_LIST_BODY_BYTES = 2 * 1024 * 1024  # 2 MiB, notes of the threat model; 50 % of a million entries fit
MAX_CACHE_BYTES = 33_554_432  # 32 MiB of lists as they came
_COPIES = 3  # of a body that are kept: it, its document, and the compressed list
ACCEPT = (
    "application/vc, application/vc+jwt, application/statuslist+jwt, application/statuslist+cwt;q=0.9, "
    "application/json;q=0.5, application/ld+json;q=0.5, */*;q=0.1"
)
# What may be a list of any form: types of JSON and of tokens, and what servers say that know neither; an error page
# is none of them. The content tells which form it is, and the proof decides whether to believe it.
_MAY_BE_LIST = re.compile(
    r"|application/(?:[a-z0-9.+-]+\+)?(?:json|jwt|cwt|cose)|application/vc|text/json|text/plain"
    r"|(?:application|binary)/octet-stream"
)
BOUNDS = FreshnessBounds(floor_seconds=0.0, ceiling_seconds=300.0, default_seconds=300.0)
# Whoever writes a list chooses its `ttl`, which must not decide how often we ask for it (Token Status List, 11.5).
MIN_TTL_SECONDS = 5.0


class ListUrlRefused(StatusRetrievalError, status=400):
    """The URL of the list is not one that we fetch: not https, an address, a private name."""


class FetchedList(msgspec.Struct, frozen=True):
    """A list as read, and when its origin gave it, or said that it still holds (seconds since 1970)."""

    read: ReadList
    retrieved_at: float


class FetchedLists:
    """
    Args:
        fetcher: a plan to what its origin answered; the guard's `fetch_stranger`.
        clock: seconds since 1970.
        timer: monotonic seconds; how long a list is kept goes by it.
        canonicalize_rdf: as `read_list`.
    """

    def __init__(
        self,
        fetcher: Fetch,
        clock: Callable[[], float],
        timer: Callable[[], float],
        canonicalize_rdf: Canonicalize | None = None,
    ) -> None:
        self._fetcher = fetcher
        self._read_list = partial(read_list, max_bytes=MAX_LIST_BODY_BYTES, canonicalize_rdf=canonicalize_rdf)
        self._clock = clock
        self._cache = Cache(self._load, max_bytes=MAX_CACHE_BYTES, clock=clock, timer=timer, key_bytes=len)

    def would_fetch(self, url: str) -> bool:
        """Tell whether `get` would ask the origin now; not where it would refuse the URL."""
        try:
            plan_for_url(url, accept=ACCEPT, max_bytes=MAX_LIST_BODY_BYTES)
        except UrlRefused:
            return False
        return self._cache.would_load(url)

    async def get(self, url: str) -> Entry[FetchedList]:
        """
        Return the list at `url`, and how long it is fresh; requests for one URL share one fetch.

        Raises:
            StatusRetrievalError: no list could be fetched there; a URL that is refused among them.
            OutboundBudgetExceeded: we may not ask there now.
            MalformedStatusList: what was fetched is no status list.
            StatusVerificationError: it is of no form, or secured in no way, that is read here.
        """
        return await self._cache.get(url)

    def purge(self) -> None:
        """Forget every list."""
        self._cache.purge()

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await self._cache.aclose()

    async def _load(self, url: str, known: Entry[FetchedList] | None) -> Entry[FetchedList]:
        tag = entity_tag(known.headers) if known is not None else None
        fetched = await self._fetch(url, {"if-none-match": tag} if tag else {}, is_known=known is not None)
        if known is not None and tag and fetched.status == 304:
            return self._kept(
                known.value.read, cache_headers(fetched.headers, known.headers), known.value_bytes
            )
        if fetched.status != 200:
            raise StatusRetrievalError(f"the list's origin answered {fetched.status}")
        _check_form(fetched)
        try:
            read = await asyncio.to_thread(self._read_list, fetched.body)
        except NOT_VERIFIED as error:
            raise not_verified(error) from error
        return self._kept(read, cache_headers(fetched.headers), len(fetched.body) * _COPIES)

    async def _fetch(self, url: str, headers: Mapping[str, str], *, is_known: bool) -> Fetched:
        try:
            plan = plan_for_url(url, accept=ACCEPT, max_bytes=MAX_LIST_BODY_BYTES)
            return await self._fetcher(msgspec.structs.replace(plan, is_known=is_known), headers)
        except OutboundBudgetExceeded:
            raise
        except UrlRefused as error:
            raise ListUrlRefused(error.detail, cause=error.cause) from None
        except FetchError as error:
            raise StatusRetrievalError(error.detail, cause=error.cause) from None

    def _kept(self, read: ReadList, headers: Mapping[str, str], value_bytes: int) -> Entry[FetchedList]:
        now = self._clock()
        return Entry(
            value=FetchedList(read, now),
            fresh_until=fresh_until(narrowed(read), headers, now),
            value_bytes=value_bytes,
            headers=headers,
        )


def fresh_until(content: Content, headers: Mapping[str, str], now: float) -> float:
    """Return until when a list may be kept that was had at `now`; seconds since 1970."""
    seconds = lifetime(headers, BOUNDS)
    if content.ttl_ms is not None:
        seconds = min(seconds, max(content.ttl_ms / 1_000, MIN_TTL_SECONDS))
    _, ends = period_of(content)
    return now + seconds if ends is None else min(now + seconds, ends / 1_000_000)


def _check_form(fetched: Fetched) -> None:
    media_type = media_type_of(fetched.headers.get("content-type"))
    if not _MAY_BE_LIST.fullmatch(media_type) or not is_of_a_form(fetched.body):
        raise StatusRetrievalError("what is there is neither a credential, nor a JWT, nor a CWT")
