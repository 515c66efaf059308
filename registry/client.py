"""
A client of a TRQP v2.0 service: its answers as our own values and errors. Client.

    async with RegistryClient("https://registry.example") as client:
        answer = await client.authorization(TrqpRequest(entity_id=..., authority_id=..., ...))

It trusts that service for what it says, but not for what was asked: the answer must repeat the question.
"""

from typing import TYPE_CHECKING, TypeVar

import msgspec

from registry.errors import AuthorityNotFound, DefinitionNotFound
from registry.trqp import AuthorizationAnswer, RecognitionAnswer, TrqpRequest
from wire import JsonError, MalformedBody, Refusal, decode, encode
from wire.client import HttpClient

__all__ = [
    "AuthorityNotFound",
    "AuthorizationAnswer",
    "DefinitionNotFound",
    "RecognitionAnswer",
    "RegistryClient",
    "RegistryUnavailable",
    "TrqpRequest",
]

if TYPE_CHECKING:
    import httpx

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


class RegistryClient(HttpClient):
    """
    Asks one TRQP service.

    Args:
        base_url: what `/trqp/authorization` is appended to.
        http: the client to ask with, which stays the caller's; None: one of its own, 10 s for each step.
    """

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

    async def _ask(self, question: str, request: TrqpRequest, answer_type: type[A]) -> A:
        headers = {"content-type": "application/json", "accept": "application/json"}
        response = await self._send("POST", f"/trqp/{question}", content=encode(request), headers=headers)
        if response.status_code != 200:
            raise _refusal_of(response)
        return _checked(_answer_of(response, answer_type), request)

    def _unreachable(self) -> Exception:
        return RegistryUnavailable("the trust registry cannot be reached")


def _answer_of(response: "httpx.Response", answer_type: type[A]) -> A:
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


def _refusal_of(response: "httpx.Response") -> Refusal:
    """Return the problem document as our own error; its type is known by its last path segment."""
    try:
        problem = decode(response.content, _ProblemBody, max_bytes=MAX_ANSWER_BYTES)
    except JsonError:
        problem = _ProblemBody()
    kind = _ERRORS.get("/problems/" + problem.type.rpartition("/problems/")[2])
    if kind is not None and kind.status == response.status_code:
        return kind(problem.detail)
    return RegistryUnavailable(f"the trust registry answered with status {response.status_code}")
