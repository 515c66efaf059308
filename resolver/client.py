"""
A client of the HTTP(S) binding: another resolver's answers as our own values and errors.

    async with ResolverClient("https://resolver.example") as client:
        resolved = await client.resolve("did:web:example.com")

It trusts that resolver for what it says, but not for what was asked: the document's id must be the DID.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from resolver import errors
from resolver.binding import BASE_PATH
from resolver.errors import InternalError, InvalidDidDocument, ResolutionError
from resolver.options import parameters_of
from resolver.results import DEFAULT_OPTIONS, JsonObject, Options, Resolved
from wire import JsonError, read

ACCEPT = "application/did-resolution"
MAX_ANSWER_BYTES = 1_048_576  # 1 MiB: a document of 256 KiB and its metadata

_ERRORS: dict[str, type[ResolutionError]] = {
    kind.type: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ResolutionError) and kind is not ResolutionError
}


class ResolverClient:
    """
    Asks one resolver.

    Args:
        base_url: its public URL, without `/1.0/identifiers`.
        http: the client to ask with; None: one of its own, with a deadline of 10 s for each step.
        clock: seconds since 1970, for how long an answer is fresh.
    """

    def __init__(
        self,
        base_url: str,
        *,
        http: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = base_url.rstrip("/") + BASE_PATH
        self._http = http or httpx.AsyncClient(timeout=10.0)
        self._clock = clock

    async def resolve(self, did: str, options: Options = DEFAULT_OPTIONS) -> Resolved:
        """
        Resolve a DID there.

        Raises:
            ResolutionError: the error that the resolver answered, by its type; InternalError with the member
                `cause` where it cannot be reached or its answer is not one of the binding.
            InvalidDidDocument: it answered with the document of another DID.
        """
        url = f"{self._base_url}/{quote(did, safe='')}"
        try:
            response = await self._http.get(url, params=parameters_of(options), headers={"accept": ACCEPT})
        except httpx.HTTPError:
            raise InternalError("the resolver cannot be reached", cause="resolver_unreachable") from None
        return self._resolved(did, response)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _resolved(self, did: str, response: httpx.Response) -> Resolved:
        result = _result_of(response)
        if response.status_code not in (200, 410):
            raise _error_of(result, response)
        document = result.get("didDocument")
        if document is not None and document.get("id") != did:
            raise InvalidDidDocument("the resolver answered with the document of another DID")
        if document is None and response.status_code == 200:
            raise _not_an_answer(response)
        made_at, fresh_until = _freshness_of(response, self._clock())
        return Resolved(
            did=did,
            document=document,
            metadata=result.get("didDocumentMetadata") or {},
            resolution_metadata=result.get("didResolutionMetadata") or {},
            made_at=made_at,
            fresh_until=fresh_until,
        )


def _result_of(response: httpx.Response) -> JsonObject:
    try:
        result = read(response.content, max_bytes=MAX_ANSWER_BYTES)
    except JsonError:
        raise _not_an_answer(response) from None
    members = ("didResolutionMetadata", "didDocument", "didDocumentMetadata")
    if not isinstance(result, dict) or any(not isinstance(result.get(name), dict | None) for name in members):
        raise _not_an_answer(response)
    return result


def _error_of(result: JsonObject, response: httpx.Response) -> ResolutionError:
    """Return the error in a result, as the class of its type; members beyond the standard ones are kept."""
    error: Any = (result.get("didResolutionMetadata") or {}).get("error")
    if not isinstance(error, dict) or not isinstance(error.get("type"), str):
        return _not_an_answer(response)
    kind = _ERRORS.get(error["type"], InternalError)
    retry_after = response.headers.get("retry-after")
    members = {key: error[key] for key in ("cause", "originStatus") if key in error}
    detail = error.get("detail")
    return kind(
        detail if isinstance(detail, str) else kind.title,
        headers={"retry-after": retry_after} if retry_after else None,
        **members,
    )


def _not_an_answer(response: httpx.Response) -> InternalError:
    return InternalError(
        f"the resolver answered with status {response.status_code} and no resolution result",
        cause="resolver_answer",
    )


def _freshness_of(response: httpx.Response, now: float) -> tuple[float | None, float | None]:
    """Return `made_at` and `fresh_until`: none for what is immutable, now and now where not to be kept."""
    directives = response.headers.get("cache-control", "")
    if "immutable" in directives:
        return None, None
    age = _seconds(response.headers.get("age", "0"))
    max_age = _seconds(directives.partition("max-age=")[2].partition(",")[0])
    return now - age, max(now, now - age + max_age)


def _seconds(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else 0
