"""
A client of a TRQP v2.0 service: its answers as our own values and errors. Client.

    async with RegistryClient("https://registry.example") as client:
        answer = await client.authorization(TrqpRequest(entity_id=..., authority_id=..., ...))

It trusts that service for what it says, but not for what was asked: the answer must repeat the question. Batches,
and what is read with GET, are those of this project and of the Ayra profile; other services may have none.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from registry.asking.browsing import (
    AUTHORITIES_PATH,
    AuthorityPage,
    EntityPage,
    WholeAuthority,
    WholeEntity,
)
from registry.asking.browsing import ENTITIES_PATH as TRUST_ENTITIES_PATH
from registry.asking.evaluation import EVALUATE_PATH, Evaluation, EvaluationRequest
from registry.asking.metadata import EndpointMetadata
from registry.ayra import (
    ECOSYSTEMS_PATH,
    ENTITIES_PATH,
    DefinedPair,
    Ecosystem,
    EntityList,
    Metadata,
    ShownEntity,
)
from registry.errors import (
    AuthorityNotFound,
    DefinitionNotFound,
    IdentifierNotFound,
    KnownAtLost,
    TimeOutOfRange,
    TooManyToList,
)
from registry.feed.changes import MAX_PAGE, ChangePage
from registry.trqp import AuthorizationAnswer, RecognitionAnswer, TrqpRequest
from registry.trqp_batch import MAX_BATCH_BODY_BYTES, MAX_QUERIES, QueryResult, QueryResults
from wire import BadRequest, JsonError, MalformedBody, Refusal, decode, encode
from wire.client import HttpClient
from wire.json import MAX_VALUES

__all__ = [
    "AuthorityNotFound",
    "AuthorizationAnswer",
    "ChangePage",
    "DefinitionNotFound",
    "Evaluation",
    "EvaluationRequest",
    "IdentifierNotFound",
    "KnownAtLost",
    "RecognitionAnswer",
    "RegistryClient",
    "RegistryUnavailable",
    "TimeOutOfRange",
    "TooManyToList",
    "TrqpRequest",
]

if TYPE_CHECKING:
    import httpx

MAX_PAGE_BYTES = 16_777_216  # 16 MiB; a page of changes has 1 MiB of facts, as rows, and the one beyond that
MAX_ANSWER_BYTES = 131_072  # 128 KiB: the question of at most 64 KiB again, and the answer
MAX_LIST_BYTES = 4_194_304  # 4 MiB: a batch of 1,000 answers, or a page of 1,000 entities
MAX_LIST_VALUES = 65_536  # JSON values in it
_FRAME = b'{"queries":[]}'

_ERRORS: dict[str, type[Refusal]] = {
    kind.type: kind
    for kind in (
        AuthorityNotFound,
        BadRequest,
        DefinitionNotFound,
        IdentifierNotFound,
        KnownAtLost,
        MalformedBody,
        TimeOutOfRange,
        TooManyToList,
    )
}


A = TypeVar("A", AuthorizationAnswer, RecognitionAnswer)
T = TypeVar("T")


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

    Every method raises RegistryUnavailable where the service cannot be reached or answers otherwise, and the
    service's own refusal where it refuses.

    Args:
        base_url: what `/trqp/authorization` is appended to.
        http: the client to ask with, which stays the caller's; None: one of its own, 10 s for each step.
    """

    async def authorization(self, request: TrqpRequest) -> AuthorizationAnswer:
        """
        Ask whether the authority authorizes the entity.

        Raises:
            AuthorityNotFound, DefinitionNotFound: the service does not answer for that.
            MalformedBody, TimeOutOfRange, KnownAtLost: it refused the question; `detail` says why.
            RegistryUnavailable: it cannot be reached, answered otherwise, or answered another question.
        """
        return await self._ask("authorization", request, AuthorizationAnswer)

    async def recognition(self, request: TrqpRequest) -> RecognitionAnswer:
        """Ask whether the authority recognises the entity; raises as `authorization`."""
        return await self._ask("recognition", request, RecognitionAnswer)

    async def authorizations(self, requests: Sequence[TrqpRequest]) -> list[AuthorizationAnswer | Refusal]:
        """
        Ask many authorization queries, as many with a request as a batch may have, by number and by bytes.

        Each gives an answer, or what it is refused with. Those of one request are evaluated at one time.
        """
        found: list[AuthorizationAnswer | Refusal] = []
        for batch in _batches(requests):
            found += await self._ask_many(batch)
        return found

    async def entity(self, identifier: str, **times: str) -> ShownEntity:
        """Read about an entity; `time` and `known_at` as in a query, here and below."""
        return await self._read(f"{ENTITIES_PATH}/{quote(identifier, safe='')}", times, ShownEntity)

    async def entities(self, **wanted: str | int) -> EntityList:
        """Read a page of entities: `authority_id`, `action` and `resource`, `limit`, `offset`."""
        return await self._read(ENTITIES_PATH, wanted, EntityList)

    async def authorizations_of(self, identifier: str, **times: str) -> list[AuthorizationAnswer]:
        """Read what an entity is authorized to do."""
        path = f"{ENTITIES_PATH}/{quote(identifier, safe='')}/authorizations"
        return await self._read(path, times, list[AuthorizationAnswer])

    async def ecosystem(self, identifier: str, **times: str) -> Ecosystem:
        """Read about an authority."""
        return await self._read(f"{ECOSYSTEMS_PATH}/{quote(identifier, safe='')}", times, Ecosystem)

    async def recognitions_of(self, identifier: str, **times: str) -> list[RecognitionAnswer]:
        """Read whom an authority recognises for what."""
        path = f"{ECOSYSTEMS_PATH}/{quote(identifier, safe='')}/recognitions"
        return await self._read(path, times, list[RecognitionAnswer])

    async def defined(self, **wanted: str) -> list[DefinedPair]:
        """Read what may be asked: of `authority_id`, or of any."""
        return await self._read("/trqp/lookups/authorizations", wanted, list[DefinedPair])

    async def metadata(self, **wanted: str) -> Metadata:
        """Read what the registry is: as a whole, or `authority_id` of it."""
        return await self._read("/trqp/metadata", wanted, Metadata)

    async def endpoint(self) -> EndpointMetadata:
        """Read where TRQP is answered, and for whom."""
        return await self._read("/.well-known/trqp-metadata.json", {}, EndpointMetadata)

    async def changes(
        self, since: int = 0, *, limit: int = MAX_PAGE, kind: str = "", authority: str = "", entity: str = ""
    ) -> ChangePage:
        """
        Return what changed beyond a position; `next` of the page is the `since` of the one after it.

        Args:
            kind, authority, entity: of what, or about whom, if not of all.

        Raises:
            IdentifierNotFound: no entity has the identifier `authority` or `entity`.
            BadRequest: a number, or the kind, is none that can be asked for.
            RegistryUnavailable: the service cannot be reached, or answered otherwise.
        """
        wanted = {"kind": kind, "authority": authority, "entity": entity}
        params = {"since": since, "limit": limit} | {name: text for name, text in wanted.items() if text}
        headers = {"accept": "application/json"}
        response = await self._send("GET", "/trust/changes", params=params, headers=headers)
        if response.status_code != 200:
            raise _refusal_of(response)
        return _page_of(response, since)

    async def evaluate(self, question: EvaluationRequest, *, language: str | None = None) -> Evaluation:
        """
        Ask whether whoever holds something may do what is asked.

        Args:
            language: Accept-Language, for the names that are shown; here and below.

        Raises:
            MalformedBody, TimeOutOfRange, KnownAtLost, TooManyToList: it refused the question; `detail` says why.
            RegistryUnavailable: as of `authorization`.
        """
        told = await self._request(
            "POST", EVALUATE_PATH, Evaluation, language=language, content=encode(question)
        )
        actions = {result.action for result in told.results}
        if told.time_requested != question.time or actions - {question.action}:
            raise RegistryUnavailable("the trust registry answered another question")
        return told

    async def search(self, *, language: str | None = None, **wanted: str | int) -> EntityPage:
        """
        Read a page of entities.

        Args:
            wanted: `q`, `authority`, `action`, `resource`, `state`, `kind`, `cursor`, `limit`, `time`, `known_at`.
        """
        return await self._read(TRUST_ENTITIES_PATH, wanted, EntityPage, language)

    async def profile(self, reference: str, *, language: str | None = None, **times: str) -> WholeEntity:
        """Read all about an entity, by its id or an identifier."""
        path = f"{TRUST_ENTITIES_PATH}/{quote(reference, safe='')}"
        return await self._read(path, times, WholeEntity, language)

    async def authorities(self, *, language: str | None = None, **wanted: str | int) -> AuthorityPage:
        """Read a page of the authorities that the registry answers for: `cursor`, `limit`, `time`, `known_at`."""
        return await self._read(AUTHORITIES_PATH, wanted, AuthorityPage, language)

    async def authority(self, reference: str, *, language: str | None = None, **times: str) -> WholeAuthority:
        """Read all about an authority, by its id or an identifier."""
        path = f"{AUTHORITIES_PATH}/{quote(reference, safe='')}"
        return await self._read(path, times, WholeAuthority, language)

    async def _ask(self, question: str, request: TrqpRequest, answer_type: type[A]) -> A:
        answer = await self._request("POST", f"/trqp/{question}", answer_type, content=encode(request))
        return _checked(answer, request)

    async def _ask_many(self, requests: Sequence[TrqpRequest]) -> list[AuthorizationAnswer | Refusal]:
        body = encode({"queries": requests})
        found = await self._request("POST", "/trqp/authorization/batch", QueryResults, content=body)
        if len(found.results) != len(requests):
            raise RegistryUnavailable("the trust registry did not answer each question of the batch")
        return [_result_of(*each) for each in zip(found.results, requests, strict=True)]

    async def _read(
        self, path: str, parameters: Mapping[str, str | int], told_type: type[T], language: str | None = None
    ) -> T:
        return await self._request("GET", path, told_type, language=language, params=dict(parameters))

    async def _request(
        self, method: str, path: str, answer_type: type[T], *, language: str | None = None, **request: Any
    ) -> T:
        headers = {"accept": "application/json"}
        if language is not None:
            headers["accept-language"] = language
        if method == "POST":
            headers = {"content-type": "application/json", **headers}
        response = await self._send(method, path, headers=headers, **request)
        if response.status_code != 200:
            raise _refusal_of(response)
        return _answer_of(response, answer_type)

    def _unreachable(self) -> Exception:
        return RegistryUnavailable("the trust registry cannot be reached")


def _batches(requests: Sequence[TrqpRequest]) -> Iterator[list[TrqpRequest]]:
    batch: list[TrqpRequest] = []
    size = 0
    for request in requests:
        length = len(encode(request)) + 1
        if len(batch) == MAX_QUERIES or (batch and size + length > MAX_BATCH_BODY_BYTES - len(_FRAME)):
            yield batch
            batch, size = [], 0
        batch.append(request)
        size += length
    if batch:
        yield batch


def _answer_of(response: "httpx.Response", answer_type: type[T]) -> T:
    is_one = answer_type in (AuthorizationAnswer, RecognitionAnswer)
    most, values = (MAX_ANSWER_BYTES, MAX_VALUES) if is_one else (MAX_LIST_BYTES, MAX_LIST_VALUES)
    try:
        return decode(response.content, answer_type, max_bytes=most, max_values=values)
    except JsonError as error:
        raise RegistryUnavailable(f"the trust registry's answer is not one of TRQP: {error}") from None


def _result_of(result: QueryResult, request: TrqpRequest) -> AuthorizationAnswer | Refusal:
    if isinstance(result.answer, AuthorizationAnswer):
        return _checked(result.answer, request)
    problem = {} if not isinstance(result.problem, dict) else result.problem
    return _refusal(str(problem.get("type", "")), str(problem.get("detail", "")), result.status)


def _page_of(response: "httpx.Response", since: int) -> ChangePage:
    """Return a page of changes if it goes on from `since`, and tells each once."""
    try:
        page = decode(response.content, ChangePage, max_bytes=MAX_PAGE_BYTES, max_values=None)
    except JsonError as error:
        raise RegistryUnavailable(f"the trust registry's answer is no page of changes: {error}") from None
    positions = [since, *(change.position for change in page.changes)]
    if positions != sorted(set(positions)) or page.next < positions[-1]:
        raise RegistryUnavailable("the trust registry answered with other changes than those asked for")
    return page


def _checked(answer: A, request: TrqpRequest) -> A:
    """Return `answer` if it is to `request`, for the time asked about."""
    asked = (request.entity_id, request.authority_id, request.action, request.resource, request.time)
    told = (answer.entity_id, answer.authority_id, answer.action, answer.resource, answer.time_requested)
    if told != asked:
        raise RegistryUnavailable("the trust registry answered another question")
    return answer


def _refusal_of(response: "httpx.Response") -> Refusal:
    """Return the problem document as our own error."""
    try:
        problem = decode(response.content, _ProblemBody, max_bytes=MAX_ANSWER_BYTES)
    except JsonError:
        problem = _ProblemBody()
    return _refusal(problem.type, problem.detail, response.status_code)


def _refusal(type_uri: str, detail: str, status: int) -> Refusal:
    """Return our own error of a type, which is known by its last path segment, and a status."""
    kind = _ERRORS.get("/problems/" + type_uri.rpartition("/problems/")[2])
    if kind is not None and kind.status == status:
        return kind(detail)
    return RegistryUnavailable(f"the trust registry answered with status {status}")
