"""
A client of a TRQP v2.0 service: its answers as our own values and errors.

    async with RegistryClient("https://registry.example") as client:
        answer = await client.authorization(TrqpRequest(entity_id=..., authority_id=..., ...))

It trusts that service for what it says, but not for what was asked: the answer must repeat the question.
"""

from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from registry.errors import AuthorityNotFound, DefinitionNotFound
from registry.trqp import AuthorizationAnswer, RecognitionAnswer, TrqpRequest
from wire import JsonError, MalformedBody, Refusal, decode, encode

MAX_ANSWER_BYTES = 131_072  # 128 KiB: the question of at most 64 KiB again, and the answer

_ERRORS: dict[str, type[Refusal]] = {
    kind.type: kind for kind in (AuthorityNotFound, DefinitionNotFound, MalformedBody)
}


A = TypeVar("A", AuthorizationAnswer, RecognitionAnswer)


class _ProblemBody(msgspec.Struct):
    type: str = "about:blank"
    detail: str = ""


class RegistryUnavailable(
    Refusal, type="/problems/registry-unavailable", title="Trust registry unavailable", status=502
):
    """The service cannot be reached, or did not answer with what TRQP defines; `status` tells which."""


class RegistryClient:
    """
    Asks one TRQP service.

    Args:
        base_url: what `/trqp/authorization` is appended to.
        http: the client to ask with, which stays the caller's; None: one of its own, 10 s for each step.
    """

    def __init__(self, base_url: str, *, http: httpx.AsyncClient | None = None) -> None:
        self._base_url = base_url.rstrip("/") + "/trqp"
        self._owns_http = http is None
        self._http = http or httpx.AsyncClient(timeout=10.0)

    async def authorization(self, request: TrqpRequest) -> AuthorizationAnswer:
        """
        Ask whether the authority authorizes the entity.

        Raises:
            AuthorityNotFound, DefinitionNotFound: the service does not answer for that.
            MalformedBody: it refused the question; `detail` says why.
            RegistryUnavailable: it cannot be reached, answered otherwise, or answered another question.
        """
        return await self._ask("authorization", request, AuthorizationAnswer)

    async def recognition(self, request: TrqpRequest) -> RecognitionAnswer:
        """Ask whether the authority recognises the entity; raises as `authorization`."""
        return await self._ask("recognition", request, RecognitionAnswer)

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

    async def _ask(self, question: str, request: TrqpRequest, answer_type: type[A]) -> A:
        try:
            response = await self._http.post(
                f"{self._base_url}/{question}",
                content=encode(request),
                headers={"content-type": "application/json", "accept": "application/json"},
            )
        except httpx.HTTPError:
            raise RegistryUnavailable("the trust registry cannot be reached") from None
        if response.status_code != 200:
            raise _refusal_of(response)
        return _checked(_answer_of(response, answer_type), request)


def _answer_of(response: httpx.Response, answer_type: type[A]) -> A:
    try:
        return decode(response.content, answer_type, max_bytes=MAX_ANSWER_BYTES)
    except JsonError as error:
        raise RegistryUnavailable(f"the trust registry's answer is not one of TRQP: {error}") from None


def _checked(answer: A, request: TrqpRequest) -> A:
    """Return `answer` if it is to `request`, for the time asked about."""
    asked = (request.entity_id, request.authority_id, request.action, request.resource, request.time)
    told = (answer.entity_id, answer.authority_id, answer.action, answer.resource, answer.time_requested)
    if told != asked:
        raise RegistryUnavailable("the trust registry answered another question")
    return answer


def _refusal_of(response: httpx.Response) -> Refusal:
    """Return the problem document as our own error; its type is known by its last path segment."""
    try:
        problem = decode(response.content, _ProblemBody, max_bytes=MAX_ANSWER_BYTES)
    except JsonError:
        problem = _ProblemBody()
    kind = _ERRORS.get("/problems/" + problem.type.rpartition("/problems/")[2])
    if kind is not None and kind.status == response.status_code:
        return kind(problem.detail)
    return RegistryUnavailable(f"the trust registry answered with status {response.status_code}")
