"""
A status list's URL to the verified list there: ours in process, a stranger's through the guard. Service.

Only what has been verified is kept, for the shortest of the list's `ttl`, its `validUntil`, the end of what secures
it (the token's `exp`, the proof's `expires`, the key's end), the origin's HTTP freshness, and five minutes: the
last is what a holder of a stolen list key gains after it was revoked.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext

import msgspec

from credentials.secured import VC, VC_JWT
from resolver import (
    Fetch,
    Fetched,
    FetchError,
    OutboundBudgetExceeded,
    Resolver,
    UrlRefused,
    plan_for_url,
)
from resolver.sources.cache import Cache, Entry
from resolver.sources.freshness import FreshnessBounds, lifetime
from statuslist.checking.account import UNLIMITED, Account, Charge, charged
from statuslist.checking.verified_list import VerifiedList, verify_list
from statuslist.errors import (
    StatusListError,
    StatusRetrievalError,
)
from statuslist.formats.forms import MAX_FORM_BYTES
from wire.body import media_type_of
from wire.json import BYTE_ORDER_MARKS

OwnList = Callable[[str], tuple[bytes, str, int] | None]  # body, media type, and bytes once it is expanded

MAX_LIST_BODY_BYTES = 2 * 1024 * 1024  # 2 MiB, notes of the threat model; 50 % of a million entries fit
LONG_BYTES = 1_048_576  # 1 MiB; what takes 3 ms to expand
MAX_CACHE_BYTES = 33_554_432  # 32 MiB of expanded lists, once for those of others and once for ours
ACCEPT = "application/vc, application/vc+jwt, application/json;q=0.5, application/ld+json;q=0.5, */*;q=0.1"
# What may be a list of either form: types of JSON and of tokens, and what servers say that know neither; an error
# page is none of them. The content tells which form it is, and the proof decides whether to believe it.
_MAY_BE_LIST = re.compile(
    r"|application/(?:[a-z0-9.+-]+\+)?(?:json|jwt)|application/vc|text/json|text/plain|(?:application|binary)/octet-stream"
)
# What may stand before either form: white space, and byte order marks, which its reader is to name.
_BEFORE_TEXT = b" \t\r\n\0" + b"".join(BYTE_ORDER_MARKS)
BOUNDS = FreshnessBounds(floor_seconds=0.0, ceiling_seconds=300.0, default_seconds=300.0)


class ListUrlRefused(StatusRetrievalError, status=400):
    """The URL of the list is not one that we fetch: not https, an address, a private name."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a list costs whoever asks for it; nothing where it is in memory.

    Attributes:
        requests: to strangers.
        n_bytes: of a list of ours that must be read, as they are and expanded.
    """

    requests: int = 0
    n_bytes: int = 0


class ListSource:
    """
    Where status lists come from.

    Args:
        own_list: a list of ours by its URL; None for a URL that is not ours.
        fetcher: a plan to what its origin answered; the guard's `fetch_stranger`.
        clock: seconds since 1970.
        timer: monotonic seconds; how long a list is kept goes by it.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        fetcher: Fetch,
        own_list: OwnList,
        clock: Callable[[], float],
        timer: Callable[[], float],
    ) -> None:
        self._resolver = resolver
        self._fetcher = fetcher
        self._own_list = own_list
        self._clock = clock
        self._accounts: dict[str, Account] = {}  # Of who asked first for a list that is being loaded.
        self._cache = Cache(self._load, max_bytes=MAX_CACHE_BYTES, clock=clock, timer=timer)
        # By the bytes themselves: what is published anew is another key.
        self._own = Cache(self._load_own, max_bytes=MAX_CACHE_BYTES, clock=clock, timer=timer)
        self._expanding_long = asyncio.Lock()

    def price_of(self, url: str) -> Price:
        """Return what `get` would cost now; nothing where it would raise, which it does of itself."""
        try:
            own = self._own_list(url)
            if own is None:
                plan_for_url(url, accept=ACCEPT, max_bytes=MAX_LIST_BODY_BYTES)
        except (StatusListError, UrlRefused):
            return Price()
        if own is None:
            return Price(requests=int(self._cache.would_load(url)))
        body, _, expanded_bytes = own
        return Price(n_bytes=len(body) + expanded_bytes if self._own.would_load(own) else 0)

    async def get(self, url: str, account: Account = UNLIMITED) -> VerifiedList:
        """
        Return the list at `url`; requests for one URL share one fetch.

        Args:
            account: has paid for the fetch of the list; owes that of its issuer's DID document where there is one.

        Raises:
            StatusRetrievalError: no list could be fetched there; a URL that is refused among them.
            OutboundBudgetExceeded: we may not ask there now.
            MalformedStatusList: what was fetched is no status list credential, or its list cannot be expanded.
            StatusListTooLarge: the list expands beyond `MAX_LIST_BYTES`.
            StatusVerificationError: its proof does not hold, or its issuer's key cannot be resolved.
        """
        own = self._own_list(url)
        if own is not None:
            found = (await self._own.get(own)).value
            return msgspec.structs.replace(found, is_own=True, retrieved_at=self._clock())
        if self._cache.would_load(url):
            self._accounts[url] = account
        return (await self._cache.get(url)).value

    def purge(self) -> None:
        """Forget every list: which of them the issuer of a purged DID signed can only be told once it is loaded."""
        self._cache.purge()
        self._own.purge()

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await self._cache.aclose()
        await self._own.aclose()

    async def _load(self, url: str, _known: Entry[VerifiedList] | None) -> Entry[VerifiedList]:
        account = self._accounts.pop(url, UNLIMITED)
        fetched = await self._fetch(url)
        found = await self._verify(fetched.body, _form_of(fetched), MAX_LIST_BODY_BYTES, account.owe)
        return Entry(
            value=found, fresh_until=self._fresh_until(found, fetched.headers), value_bytes=len(found.bits)
        )

    async def _load_own(
        self, own: tuple[bytes, str, int], _known: Entry[VerifiedList] | None
    ) -> Entry[VerifiedList]:
        """Of long lists one after the other: eight at once would keep every processor, and every thread."""
        body, media_type, expanded_bytes = own
        async with self._expanding_long if expanded_bytes >= LONG_BYTES else nullcontext():
            found = await self._verify(body, media_type, MAX_FORM_BYTES, UNLIMITED.owe)
        return Entry(
            value=found, fresh_until=self._fresh_until(found, {}), value_bytes=len(body) + expanded_bytes
        )

    async def _fetch(self, url: str) -> Fetched:
        try:
            plan = plan_for_url(url, accept=ACCEPT, max_bytes=MAX_LIST_BODY_BYTES)
            fetched = await self._fetcher(plan, {})
        except OutboundBudgetExceeded:
            raise
        except UrlRefused as error:
            raise ListUrlRefused(error.detail, cause=error.cause) from None
        except FetchError as error:
            raise StatusRetrievalError(error.detail, cause=error.cause) from None
        if fetched.status != 200:
            raise StatusRetrievalError(f"the list's origin answered {fetched.status}")
        return fetched

    async def _verify(self, body: bytes, media_type: str, max_bytes: int, charge: Charge) -> VerifiedList:
        resolve = charged(self._resolver, charge)
        return await verify_list(body, media_type, resolve=resolve, now=self._clock(), max_bytes=max_bytes)

    def _fresh_until(self, found: VerifiedList, headers: Mapping[str, str]) -> float:
        ends = [self._clock() + lifetime(headers, BOUNDS)]
        if found.credential.ttl_ms is not None:
            ends.append(found.retrieved_at + found.credential.ttl_ms / 1_000)
        if found.credential.valid_until is not None:
            ends.append(found.credential.valid_until / 1_000_000)
        return min(ends)


def _form_of(fetched: Fetched) -> str:
    """
    Return the media type that the body of an answer has, whichever the origin says.

    Raises:
        StatusRetrievalError: it is of neither form.
    """
    if _MAY_BE_LIST.fullmatch(media_type_of(fetched.headers.get("content-type"))):
        if fetched.body.lstrip(_BEFORE_TEXT).startswith(b"{"):
            return VC
        if fetched.body.count(b".") == 2:  # RFC 7515, section 7.1
            return VC_JWT
    raise StatusRetrievalError("what is there is neither application/vc nor application/vc+jwt")
