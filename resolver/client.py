"""
A client of the HTTP(S) binding: another resolver's answers as our own values and errors. Client.

    async with ResolverClient("https://resolver.example") as client:
        resolved = await client.resolve("did:web:example.com")

It trusts that resolver for what it says, but not for what was asked: the document's id must be the DID.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from resolver import errors
from resolver.binding.batch import MAX_BATCH, MAX_BATCH_BODY_BYTES
from resolver.binding.target import BASE_PATH
from resolver.errors import InternalError, InvalidDidDocument, ResolutionError
from resolver.options import parameters_of
from resolver.results import DEFAULT_OPTIONS, JsonObject, Options, Resolved
from wire import JsonError, encode, read
from wire.client import HttpClient

if TYPE_CHECKING:
    import httpx

ACCEPT = "application/did-resolution"
MAX_ANSWER_BYTES = 1_048_576  # 1 MiB: a document of 256 KiB and its metadata
MAX_ANSWER_DEPTH = 36  # the JWK of a did:jwk has 32 levels at most; in a method, a list, a document, a result
MAX_BATCH_BYTES = 16_777_216  # 16 MiB: the most that a batch of ours answers, and its frame
MAX_BATCH_DEPTH = MAX_ANSWER_DEPTH + 3  # in an item, in a list, in an object
MAX_MEMBERS = 32  # extension members of an error that are kept; of more, those that say whose fault it was
MAX_MEMBER_BYTES = 16_384  # of their JSON

_STANDARD_MEMBERS = frozenset({"type", "title", "status", "detail", "instance"})  # RFC 9457, section 3.1
_ALWAYS_KEPT = frozenset({"cause", "originStatus", "didKeyError"})

_ERRORS: dict[str, type[ResolutionError]] = {
    kind.type: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ResolutionError) and "type" in vars(kind)
}


class ResolverClient(HttpClient):
    """
    Asks one resolver.

    Args:
        base_url: its public URL, without `/1.0/identifiers`.
        http: the client to ask with, which stays the caller's; None: one of its own, 10 s for each step.
        clock: seconds since 1970, for how long an answer is fresh.
    """

    def __init__(
        self,
        base_url: str,
        *,
        http: "httpx.AsyncClient | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(base_url, http=http)
        self._clock = clock

    async def resolve(self, did: str, options: Options = DEFAULT_OPTIONS) -> Resolved:
        """
        Resolve a DID there.

        Raises:
            ResolutionError: the error that the resolver answered, by its type; InternalError with the member
                `cause` where it cannot be reached or its answer is not one of the binding.
            InvalidDidDocument: it answered with the document of another DID.
        """
        path = f"{BASE_PATH}/{quote(did, safe='')}"
        response = await self._send("GET", path, params=parameters_of(options), headers={"accept": ACCEPT})
        made_at, fresh_until = _freshness_of(response, self._clock())
        return _resolved(
            did,
            _Answered(
                response.status_code,
                _result_of(response.content, response.status_code),
                made_at,
                fresh_until,
                response.headers.get("retry-after"),
            ),
        )

    async def resolve_many(
        self, dids: Sequence[str], options: Options = DEFAULT_OPTIONS
    ) -> list[Resolved | ResolutionError]:
        """
        Resolve DIDs there, as many with a request as a batch may have, by number and by bytes; each gives a result
        or an error, in their order.

        How long a result is fresh is not told: `fresh_until` is now.

        Raises:
            InternalError: the resolver cannot be reached, or does not resolve batches.
        """
        found: list[Resolved | ResolutionError] = []
        for batch in _batches(dids, MAX_BATCH_BODY_BYTES - len(_body_of([], options))):
            found += await self._resolve_batch(batch, options)
        return found

    async def _resolve_batch(self, dids: Sequence[str], options: Options) -> list[Resolved | ResolutionError]:
        headers = {"accept": "application/json", "content-type": "application/json"}
        response = await self._send("POST", BASE_PATH, content=_body_of(dids, options), headers=headers)
        items = _items_of(response, len(dids))
        now = self._clock()
        return [_result_or_error(did, item, now) for did, item in zip(dids, items, strict=True)]

    def _unreachable(self) -> Exception:
        return InternalError("the resolver cannot be reached", cause="resolver_unreachable")


def _body_of(dids: Sequence[str], options: Options) -> bytes:
    return encode({"identifiers": list(dids), "options": parameters_of(options)})


def _batches(dids: Sequence[str], max_bytes: int) -> Iterator[Sequence[str]]:
    """Yield `dids` in runs of at most `MAX_BATCH`, whose JSON has at most `max_bytes`; one too long is alone."""
    begin, size = 0, 0
    for end, did in enumerate(dids):
        length = len(encode(did)) + 1  # and a comma
        if end > begin and (end - begin == MAX_BATCH or size + length > max_bytes):
            yield dids[begin:end]
            begin, size = end, 0
        size += length
    if begin < len(dids):
        yield dids[begin:]


class _Answered(NamedTuple):
    """A resolution result as it was answered, alone or in a batch."""

    status: int
    result: JsonObject
    made_at: float | None
    fresh_until: float | None
    retry_after: str | None


def _resolved(did: str, answered: _Answered) -> Resolved:
    result = answered.result
    if answered.status not in (200, 410):
        raise _error_of(answered)
    document = result.get("didDocument")
    if document is not None and document.get("id") != did:
        raise InvalidDidDocument("the resolver answered with the document of another DID")
    if document is None and answered.status == 200:
        raise _not_an_answer(answered.status)
    return Resolved(
        did=did,
        document=document,
        metadata=result.get("didDocumentMetadata") or {},
        resolution_metadata=result.get("didResolutionMetadata") or {},
        made_at=answered.made_at,
        fresh_until=answered.fresh_until,
    )


def _result_or_error(did: str, item: JsonObject, now: float) -> Resolved | ResolutionError:
    retry_after = item.get("retryAfter")
    try:
        status = item.get("status")
        if not isinstance(status, int) or not _is_result(item.get("result")):
            raise _not_an_answer(200)
        after = str(retry_after) if isinstance(retry_after, int) else None
        return _resolved(did, _Answered(status, item["result"], now, now, after))
    except ResolutionError as error:
        return error


def _items_of(response: "httpx.Response", count: int) -> list[JsonObject]:
    """Return the items of a batch's answer: as many as were asked for."""
    try:
        body = read(response.content, max_bytes=MAX_BATCH_BYTES, max_depth=MAX_BATCH_DEPTH, max_values=None)
    except JsonError:
        raise _not_an_answer(response.status_code) from None
    items = body.get("results") if isinstance(body, dict) and response.status_code == 200 else None
    if not isinstance(items, list) or len(items) != count or not all(isinstance(i, dict) for i in items):
        raise _not_an_answer(response.status_code)
    return items


def _result_of(content: bytes, status: int) -> JsonObject:
    try:
        result = read(content, max_bytes=MAX_ANSWER_BYTES, max_depth=MAX_ANSWER_DEPTH, max_values=None)
    except JsonError:
        raise _not_an_answer(status) from None
    if not _is_result(result):
        raise _not_an_answer(status)
    return result  # type: ignore[no-any-return] # `_is_result` saw that it is one.


def _is_result(result: Any) -> bool:
    members = ("didResolutionMetadata", "didDocument", "didDocumentMetadata")
    return isinstance(result, dict) and all(isinstance(result.get(name), dict | None) for name in members)


def _error_of(answered: _Answered) -> ResolutionError:
    """Return the error in a result, as the class of its type; members beyond the standard ones are kept."""
    error: Any = (answered.result.get("didResolutionMetadata") or {}).get("error")
    if not isinstance(error, dict) or not isinstance(error.get("type"), str):
        return _not_an_answer(answered.status)
    kind = _ERRORS.get(error["type"], InternalError)
    retry_after = answered.retry_after
    detail, did_key_error = error.get("detail"), error.get("didKeyError")
    found = kind(
        detail if isinstance(detail, str) else kind.title,
        headers={"retry-after": retry_after} if retry_after else None,
        did_key_error=did_key_error if isinstance(did_key_error, str) else None,
    )
    found.members.update(_members_of(error))
    return found


def _members_of(error: JsonObject) -> JsonObject:
    """Return the extension members of a problem, as far as a problem of ours would have so many, and so long."""
    members = {name: member for name, member in error.items() if name not in _STANDARD_MEMBERS}
    is_small = len(members) <= MAX_MEMBERS and len(encode(members)) <= MAX_MEMBER_BYTES
    return members if is_small else {name: members[name] for name in _ALWAYS_KEPT & members.keys()}


def _not_an_answer(status: int) -> InternalError:
    return InternalError(
        f"the resolver answered with status {status} and no resolution result",
        cause="resolver_answer",
    )


def _freshness_of(response: "httpx.Response", now: float) -> tuple[float | None, float | None]:
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
