"""
What the Python clients of our HTTP APIs share: their connections, and one way to send a request. Client.

Importing this loads no HTTP client; making one does (httpx).
"""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 10.0  # for each step: to connect, to write, to read


class HttpClient:
    """
    Sends requests to one server.

    Args:
        base_url: what paths are appended to.
        http: the client to ask with, which stays the caller's; None: one of its own, made with `options`.
        options: further arguments of `httpx.AsyncClient`.
    """

    def __init__(self, base_url: str, *, http: "httpx.AsyncClient | None" = None, **options: Any) -> None:
        import httpx

        self._base_url = base_url.rstrip("/")
        self._owns_http = http is None
        self._http = http or httpx.AsyncClient(timeout=TIMEOUT_SECONDS, **options)

    async def aclose(self) -> None:
        """Close the connections, if they are our own."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send(self, method: str, path: str, **request: Any) -> "httpx.Response":
        """
        Send what `request` says, as `httpx.AsyncClient.request` takes it.

        Raises:
            httpx.UnsupportedProtocol, httpx.InvalidURL: the base URL is none, which only the caller can mend.
        """
        import httpx

        try:
            return await self._http.request(method, self._base_url + path, **request)
        except httpx.UnsupportedProtocol:
            raise
        except httpx.HTTPError:
            raise self._unreachable() from None

    def _unreachable(self) -> Exception:
        """Return what to raise where no answer came: an error of the client's own."""
        raise NotImplementedError
