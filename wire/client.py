"""
What the Python clients of our HTTP APIs share: their connections, and one way to send a request. Client.

Importing this loads no HTTP client; making one does (httpx).
"""

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 10.0  # for each step: to connect, to write, to read


class RequestRefused(Exception):
    """
    The server answered with a problem document (RFC 9457).

    Attributes:
        status: the HTTP status.
        type: the problem type, a URI.
        problem: the document; empty where the answer was none.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(
            f"{status}: {problem.get('detail') or problem.get('title') or 'no problem document'}"
        )
        self.status = status
        self.type = str(problem.get("type", "about:blank"))
        self.problem = problem


def content_of(response: "httpx.Response") -> bytes:
    """
    Return the body of a good answer.

    Raises:
        RequestRefused: it is no good one.
    """
    if response.is_success:
        return response.content
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    raise RequestRefused(response.status_code, problem)


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
