"""
Fetches from origins that the operator named: drivers, identity providers, peers. Service.

An origin comes from the settings, never from input, so that http and private addresses are allowed. Everything
else holds as for strangers: deadline, caps, no redirects, no credentials.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from resolver.fetch_errors import (
    FetchError,
    OriginMalformed,
    OriginTimedOut,
    OriginTooLarge,
    OriginUnreachable,
    UrlRefused,
)
from resolver.results import Fetched

if TYPE_CHECKING:
    import httpx


class ConfiguredFetch:
    """
    Fetches from the given origins and from no others. One per process; used on one event loop.

    Args:
        origins: `http(s)://host[:port]`.
        contact: goes into the User-Agent.
    """

    def __init__(self, origins: Iterable[str], *, contact: str = "") -> None:
        self._origins = tuple(origin.rstrip("/") for origin in origins)
        self._user_agent = f"touchstone-vc (+{contact})" if contact else "touchstone-vc"
        self._http: httpx.AsyncClient | None = None

    async def fetch_configured(
        self, url: str, *, accept: str, max_bytes: int, timeout_seconds: float
    ) -> Fetched:
        """
        Fetch `url`, whatever its status; follows no redirect.

        Raises:
            UrlRefused: not under one of the origins.
            FetchError: see `fetch_errors.py`.
        """
        import httpx

        if not any(url.startswith((f"{origin}/", f"{origin}?")) for origin in self._origins):
            raise UrlRefused("the URL lies under none of the configured origins")
        headers = {"accept": accept, "accept-encoding": "identity", "user-agent": self._user_agent}
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._get(url, headers, max_bytes)
        except TimeoutError:
            raise OriginTimedOut(f"no answer within {timeout_seconds:g} s") from None
        except FetchError:
            raise
        except (httpx.RemoteProtocolError, httpx.DecodingError):
            raise OriginMalformed("what came back is not an HTTP answer") from None
        except httpx.HTTPError:
            raise OriginUnreachable("nothing answers there") from None

    async def aclose(self) -> None:
        """Close the connections that were kept."""
        if self._http is not None:
            await self._http.aclose()

    async def _get(self, url: str, headers: dict[str, str], max_bytes: int) -> Fetched:
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=60.0)
        async with self._http.stream("GET", url, headers=headers) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > max_bytes:
                    raise OriginTooLarge(f"the body is over {max_bytes} bytes")
            return Fetched(status=response.status_code, headers=dict(response.headers), body=bytes(body))
