"""
Whether certificates were revoked, by the CRLs that they name: fetched through the guard, and kept. Service.

RFC 5280, section 4.2.1.13 (where a CRL is) and section 6.3 (what it says: `proofs/certificates/revocation.py`).
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

from cryptography import x509

from credentials.errors import KeyNotKnown
from proofs import MalformedCertificate
from proofs.certificates import Good, Revocation, Unknown
from proofs.certificates.revocation import MAX_CRL_BYTES, MAX_CRLS_BYTES, crl_ends, revocation_of
from resolver import Fetch, FetchError, UrlRefused, plan_for_url
from resolver.sources.cache import Cache, Entry

MAX_CACHE_BYTES = 16 * MAX_CRL_BYTES  # 16 MiB
MAX_URLS = 2  # of a certificate that are tried, one after the other: they are places of one CRL
MAX_FRESH_SECONDS = 3_600.0  # An authority may publish a CRL long before the last one ends.
MIN_FRESH_SECONDS = 15.0  # how long a CRL is kept that has ended already
RETRY_SECONDS = 60.0  # how long an origin that failed is not asked again where its CRL has not ended
MAX_INLINE_BYTES = 16_384  # bytes of CRLs: some 400 entries; more are gone through on a thread

Pay = Callable[[int], None]  # takes a token for each fetch; raises Refusal where there is none


class Crls:
    """
    Fetches CRLs and asks them; one per process, used on one event loop.

    A CRL is asked for anew after an hour, or when it ends if that is sooner. Where its origin does not answer, it
    serves on until it ends.

    Args:
        fetcher: a plan to what its origin answered; the guard's `fetch_stranger`.
        clock: seconds since 1970.
        timer: monotonic seconds.
    """

    def __init__(
        self, *, fetcher: Fetch, clock: Callable[[], float], timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._cache: Cache[str, bytes] = Cache(
            self._load,
            max_bytes=MAX_CACHE_BYTES,
            clock=clock,
            timer=timer,
            key_bytes=len,
            retry_seconds=RETRY_SECONDS,
            excused=(_NotHad,),
        )

    async def revocation(self, path: Sequence[x509.Certificate], at: int, pay: Pay) -> Revocation | None:
        """
        Return the status of a valid path at a time; None where its certificates name no CRL.

        Of a time that is past, a CRL of today tells as well: who is not revoked now was not revoked then.

        Args:
            path: from the signer's certificate to the anchor, which nobody revokes.
            at: microseconds since 1970.

        Raises:
            Refusal: `pay`'s.
        """
        places = [urls for urls in map(_places, path[:-1]) if urls is not None]
        if not places:
            return None
        crls: list[bytes] = []
        missing: str | None = None
        for urls in places:
            try:
                crls.append(await self._first(urls, pay))
            except KeyNotKnown as error:
                missing = error.detail
        size = sum(map(len, crls))
        if size > MAX_CRLS_BYTES:
            return Unknown(0, f"its CRLs have {size} bytes; the limit is {MAX_CRLS_BYTES}")
        ask = partial(_status, path, crls, datetime.fromtimestamp(at // 1_000_000, UTC), self._now())
        status = await asyncio.to_thread(ask) if size > MAX_INLINE_BYTES else ask()
        return Unknown(status.certificate, missing) if missing and isinstance(status, Unknown) else status

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await self._cache.aclose()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self._clock()), UTC)

    async def _first(self, urls: Sequence[str], pay: Pay) -> bytes:
        """Return a certificate's CRL from the first of its places that has it."""
        failure = KeyNotKnown("a certificate has its CRL where none is fetched: at no https URL")
        for url in urls[:MAX_URLS]:
            if self._cache.would_load(url):
                pay(1)
            try:
                return (await self._cache.get(url)).value
            except _NotHad as error:
                failure = error
        raise failure

    async def _load(self, url: str, _known: Entry[bytes] | None) -> Entry[bytes]:
        body = await self._get(url)
        try:
            ends = await asyncio.to_thread(crl_ends, body)
        except MalformedCertificate as error:
            raise _NotHad(error.detail) from None
        now = self._clock()
        until = max(now + MIN_FRESH_SECONDS, 0.0 if ends is None else ends.timestamp())
        return Entry(
            value=body,
            fresh_until=min(until, now + MAX_FRESH_SECONDS),
            stale_until=until,
            value_bytes=len(body),
        )

    async def _get(self, url: str) -> bytes:
        try:
            plan = plan_for_url(url, accept="application/pkix-crl", max_bytes=MAX_CRL_BYTES)
            fetched = await self._fetcher(plan, {})
        except UrlRefused as error:
            raise _NotHad(f"a CRL is not fetched: {error.detail}") from None
        except FetchError as error:
            raise _NotHad(f"a CRL cannot be fetched: {error.detail}", headers=error.headers) from None
        if fetched.status != 200:
            raise _NotHad(f"the origin of a CRL answered {fetched.status}")
        return fetched.body


class _NotHad(KeyNotKnown):
    """There is no CRL now: what was there before may go on."""


def _places(certificate: x509.Certificate) -> list[str] | None:
    """Return the https URLs where all of its CRL is; None where it names no CRL."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return None
    return [url for point in points if not point.reasons and not point.crl_issuer for url in _https(point)]


def _https(point: x509.DistributionPoint) -> Iterator[str]:
    for name in point.full_name or ():
        if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith("https://"):
            yield name.value


def _status(
    path: Sequence[x509.Certificate], crls: Sequence[bytes], at: datetime, now: datetime
) -> Revocation:
    then = revocation_of(path, crls, at)
    if not isinstance(then, Unknown) or at >= now:
        return then
    today = revocation_of(path, crls, now)
    return today if isinstance(today, Good) else then
