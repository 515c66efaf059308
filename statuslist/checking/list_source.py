"""
A status list's URL to the verified list there: ours in process, a stranger's through the guard. Service.

What has been verified is kept no longer than its list (`list_fetching`), its key, and five minutes: the last is
what a holder of a stolen list key gains after it was revoked. A list that says itself whose it is, is verified
once for all; another once for each credential's issuer, and each set of anchors, that it is relied on by.
"""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import msgspec

from credentials.keys.issuer_metadata import IssuerMetadata
from proofs import Canonicalize
from resolver import Fetch, Resolver
from resolver.sources.cache import Cache, Entry
from statuslist.checking.account import UNLIMITED, Account
from statuslist.checking.list_fetching import BOUNDS, FetchedList, FetchedLists, fresh_until
from statuslist.checking.list_keys import NOTHING, AnchorsOf, ListKeys, Reliance, needs_reliance
from statuslist.checking.list_reading import ReadList, read_list
from statuslist.checking.verified_list import NOT_VERIFIED, VerifiedList, not_verified, verify_list
from statuslist.errors import StatusListError
from statuslist.formats.forms import MAX_FORM_BYTES, MEDIA_TYPES, TOKEN_FORMS

OwnList = Callable[[str], tuple[bytes, str, int] | None]  # body, media type, and bytes once it is expanded

LONG_BYTES = 1_048_576  # 1 MiB; what takes 3 ms to expand
MAX_CACHE_BYTES = 33_554_432  # 32 MiB of expanded lists, once for those of others and once for ours
_TOKENS = frozenset(MEDIA_TYPES[form] for form in TOKEN_FORMS)


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a list costs whoever asks for it; nothing where it is in memory.

    Attributes:
        requests: to strangers.
        n_bytes: of a list of ours that must be read, as they are and expanded.
    """

    requests: int = 0
    n_bytes: int = 0


class _Foreign(msgspec.Struct, frozen=True):
    """What a list is verified for."""

    url: str
    reliance: Reliance

    @property
    def n_bytes(self) -> int:
        return len(self.url) + self.reliance.n_bytes


class _Own(msgspec.Struct, frozen=True):
    """The same of a list of ours, by its bytes: what is published anew is another key."""

    body: bytes
    media_type: str
    expanded_bytes: int
    reliance: Reliance


class _Checked(msgspec.Struct, frozen=True):
    """A verified list, and as what it was read."""

    read: ReadList
    verified: VerifiedList


class ListSource:
    """
    Where status lists come from.

    Args:
        own_list: a list of ours by its URL; None for a URL that is not ours.
        fetcher: a plan to what its origin answered; the guard's `fetch_stranger`.
        metadata: for keys of issuers with https URLs.
        anchors_of: those that the registry has of a party, for a chain of certificates.
        clock: seconds since 1970.
        timer: monotonic seconds; how long a list is kept goes by it.
        canonicalize_rdf: as `read_list`, for the lists of others; ours need none.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        fetcher: Fetch,
        own_list: OwnList,
        metadata: IssuerMetadata,
        anchors_of: AnchorsOf,
        clock: Callable[[], float],
        timer: Callable[[], float],
        canonicalize_rdf: Canonicalize | None = None,
    ) -> None:
        self._keys = ListKeys(resolver, metadata, anchors_of)
        self._own_list = own_list
        self._clock = clock
        self._fetched = FetchedLists(fetcher, clock, timer, canonicalize_rdf)
        # A list that is to be verified as it was fetched, and the account of who asked first for it.
        self._pending: dict[_Foreign, tuple[Entry[FetchedList], Account]] = {}
        self._verified = Cache(
            self._verify,
            max_bytes=MAX_CACHE_BYTES,
            clock=clock,
            timer=timer,
            key_bytes=lambda key: key.n_bytes,
        )
        self._own = Cache(self._verify_own, max_bytes=MAX_CACHE_BYTES, clock=clock, timer=timer)
        self._expanding_long = asyncio.Lock()

    def price_of(self, url: str, reliance: Reliance = NOTHING) -> Price:
        """Return what `get` would cost now; nothing where it would raise, which it does of itself."""
        try:
            own = self._own_list(url)
        except StatusListError:
            return Price()
        if own is None:
            return Price(requests=int(self._fetched.would_fetch(url)))
        body, _, expanded_bytes = own
        would_load = self._own.would_load(_own_key(own, reliance))
        return Price(n_bytes=len(body) + expanded_bytes if would_load else 0)

    async def get(self, url: str, reliance: Reliance = NOTHING, account: Account = UNLIMITED) -> VerifiedList:
        """
        Return the list at `url`; requests for one URL share one fetch.

        Args:
            account: has paid for the fetch of the list; owes that of its issuer's DID document, or metadata, where
                there is one.

        Raises:
            StatusRetrievalError: no list could be fetched there; a URL that is refused among them.
            OutboundBudgetExceeded: we may not ask there now.
            MalformedStatusList: what was fetched is no status list, or its list cannot be expanded.
            StatusListTooLarge: the list expands beyond `MAX_LIST_BYTES`.
            StatusVerificationError: its proof does not hold, or its issuer's key cannot be told.
        """
        own = self._own_list(url)
        if own is not None:
            found = (await self._own.get(_own_key(own, reliance))).value
            return msgspec.structs.replace(found, is_own=True, retrieved_at=self._clock())
        fetched = await self._fetched.get(url)
        key = _Foreign(url, reliance if needs_reliance(fetched.value.read.secured) else NOTHING)
        if self._verified.would_load(key):
            self._pending[key] = fetched, account
        return (await self._verified.get(key)).value.verified

    def purge(self) -> None:
        """Forget every list: which of them the issuer of a purged DID signed can only be told once it is loaded."""
        self._fetched.purge()
        self._verified.purge()
        self._own.purge()

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await self._fetched.aclose()
        await self._verified.aclose()
        await self._own.aclose()

    async def _verify(self, key: _Foreign, known: Entry[_Checked] | None) -> Entry[_Checked]:
        pending = self._pending.pop(key, None)  # Gone where a purge let another load begin before this one.
        fetched, account = pending or (await self._fetched.get(key.url), UNLIMITED)
        read = fetched.value.read
        found = await verify_list(
            read,
            keys=self._keys,
            reliance=key.reliance,
            charge=account.owe,
            now=self._clock(),
            retrieved_at=fetched.value.retrieved_at,
            bits=known.value.verified.bits if known is not None and known.value.read is read else None,
        )
        return Entry(
            value=_Checked(read, found),
            fresh_until=min(fetched.fresh_until, self._fresh_until(found)),
            value_bytes=len(found.bits),
        )

    async def _verify_own(self, key: _Own, _known: Entry[VerifiedList] | None) -> Entry[VerifiedList]:
        """Of long lists one after the other: eight at once would keep every processor, and every thread."""
        async with self._expanding_long if key.expanded_bytes >= LONG_BYTES else nullcontext():
            try:
                read = await asyncio.to_thread(partial(read_list, key.body, max_bytes=MAX_FORM_BYTES))
            except NOT_VERIFIED as error:
                raise not_verified(error) from error
            now = self._clock()
            found = await verify_list(
                read,
                keys=self._keys,
                reliance=key.reliance,
                charge=UNLIMITED.owe,
                now=now,
                retrieved_at=now,
            )
        return Entry(
            value=found,
            fresh_until=min(fresh_until(found.content, {}, now), self._fresh_until(found)),
            value_bytes=len(key.body) + key.expanded_bytes,
        )

    def _fresh_until(self, found: VerifiedList) -> float:
        ends = self._clock() + BOUNDS.ceiling_seconds
        return ends if found.ends is None else min(ends, found.ends / 1_000_000)


def _own_key(own: tuple[bytes, str, int], reliance: Reliance) -> _Own:
    _, media_type, _ = own
    return _Own(*own, reliance if media_type in _TOKENS else NOTHING)
