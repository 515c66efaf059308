"""
The layer in front of Litestar: what is the same for every request, and answers that were made before.

In this order:

1. a hot answer to GET or HEAD, where the table has one for exactly this path and Accept header; it is counted as
   "hot", and one in `LOG_ONE_HOT_IN` has a log line;
2. the client's tokens for what the request may cost;
3. HEAD as GET whose body is dropped, and CORS preflight;
4. the application, with a request id, and the common headers added to what it answers;
5. the hot table filled (before the answer is sent), the log line, the counter.

What it does not recognise exactly falls through to the routes, which alone define behaviour.
"""

import logging
import math
import re
import time
from collections.abc import Callable, Mapping
from random import getrandbits
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from server.hot import HotTable
from server.http import ANSWER_KEY, ENCODED_CORS, encoded_headers
from server.limits import ClientAddresses, Cost, TokenBuckets, TooManyRequests
from server.problems import ClientGone, problem_answer
from server.telemetry import Telemetry, coarse_address
from wire import Answer, Refusal, ResourceNotFound, asks_for_no_cache

LOG = logging.getLogger("touchstone.requests")

LOG_ONE_HOT_IN = 1_000  # hot answers per log line; at DEBUG each has one (decision 0005)
# A UUID, or a trace id in hex. Request ids go into the log: what could be a DID, a key or a name is no id.
_REQUEST_ID = re.compile(rb"[0-9a-fA-F]{16,64}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PREFLIGHT: list[tuple[bytes, bytes]] = [
    *ENCODED_CORS,
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (b"access-control-allow-headers", b"Accept, Cache-Control, Content-Type, If-None-Match, X-Request-ID"),
    (b"access-control-max-age", b"86400"),
]


MayFetch = Callable[[bytes, bytes], bool]  # of a raw path below _IDENTIFIERS and a query string
_IDENTIFIERS = b"/1.0/identifiers/"
_READS = ("GET", "HEAD")


def cost_of(method: str, raw_path: bytes, query_string: bytes, may_fetch: MayFetch) -> Cost:
    """Tell what a request may cost: a stranger's did:web or a check may make us ask a stranger."""
    if method == "OPTIONS":
        return Cost.HOT
    if raw_path.startswith(_IDENTIFIERS):
        is_answered = method in (*_READS, "POST")
        return Cost.OUTBOUND if is_answered and may_fetch(raw_path, query_string) else Cost.CPU
    if raw_path == b"/status/check" and method == "POST":
        return Cost.OUTBOUND
    return Cost.HOT if method in _READS else Cost.CPU


def is_one_spelling(raw_path: bytes) -> bool:
    """
    Tell whether a path is spelled as we spell it.

    The router would decode escapes, fold slashes and drop the last one; what looks at the raw path (the hot
    table and its eviction, the cost of a request) must never see a second spelling of the same resource.
    Identifiers are the exception: their resource reads the raw path itself, and `//` may stand in a DID URL.
    """
    if raw_path.startswith(b"/1.0/identifiers"):
        return True
    return raw_path == b"/" or not (b"//" in raw_path or b"%" in raw_path or raw_path.endswith(b"/"))


def request_id_of(given: bytes) -> bytes:
    """Return the client's request id where it is a plain one, else a new one: 64 random bits, no secret."""
    if given and _REQUEST_ID.fullmatch(given):
        return given
    return b"%016x" % getrandbits(64)


_NO_BODY = {"type": "http.response.body", "body": b""}


class Front:
    """
    Wraps one Litestar application.

    Attributes:
        hot: the table of hot answers, or None for the operator's listener.
        buckets: tokens per client and cost; empty where nobody is limited.
        may_fetch: whether a request for an identifier may make us ask a stranger.
        is_public: whether answers carry CORS headers.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        base_url: str,
        telemetry: Telemetry,
        addresses: ClientAddresses,
        clock: Callable[[], float],
        hot: HotTable | None = None,
        buckets: Mapping[Cost, TokenBuckets] | None = None,
        may_fetch: MayFetch = lambda *_: False,
        is_public: bool = True,
    ) -> None:
        self._app = app
        self._base_url = base_url
        self._telemetry = telemetry
        self._addresses = addresses
        self._clock = clock
        self._hot = hot
        self._buckets = dict(buckets or {})
        self._common = ENCODED_CORS if is_public else ENCODED_CORS[-1:]
        self._may_fetch = may_fetch
        self._is_public = is_public
        self._hot_answers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = _Headers(scope["headers"])
        client = self._addresses.client(_peer(scope), headers.forwarded_for)
        if await self._answer_hot(scope, headers, client, send):
            return
        await _Exchange(self, scope, headers, client).run(receive, send)

    async def _answer_hot(self, scope: HTTPScope, headers: "_Headers", client: str, send: Send) -> bool:
        """Answer from the table; False where it has nothing, may not be used, or the client is out of tokens."""
        method = scope["method"]
        if self._hot is None or method not in _READS or scope["query_string"] or headers.has_body:
            return False
        if headers.no_cache and scope["raw_path"].startswith(_IDENTIFIERS):
            return False  # The resolver is to ask anew; nothing else has a source to be asked.
        found = self._hot.find(scope["raw_path"], headers.accept)
        if found is None or self.wait_seconds(Cost.HOT, client):
            return False
        request_id = request_id_of(headers.request_id)
        block = found.headers(self._clock())
        if found.matches(headers.if_none_match):
            status = 304
            kept = [h for h in block if h[0] not in (b"content-type", b"content-length")]
            message: Any = {"type": "http.response.start", "status": 304}
            message["headers"] = [*kept, (b"x-request-id", request_id)]
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            status = 200
            message = {"type": "http.response.start", "status": 200}
            message["headers"] = [*block, (b"x-request-id", request_id)]
            await send(message)
            await send(found.body_message if method == "GET" else _NO_BODY)  # type: ignore[arg-type]
        self._account_hot(method, status, request_id, client)
        return True

    def _account_hot(self, method: str, status: int, request_id: bytes, client: str) -> None:
        """Count a hot answer; log one in `LOG_ONE_HOT_IN`, since a line costs more than the answer."""
        self._telemetry.count("hot", method, status)
        self._hot_answers += 1
        if self._hot_answers % LOG_ONE_HOT_IN and not LOG.isEnabledFor(logging.DEBUG):
            return
        fields = {"request_id": request_id.decode(), "method": method, "route": "hot", "status": status}
        LOG.info("hot answers: %d", self._hot_answers, extra=fields | {"client": _coarse(client)})

    def cost_of(self, scope: HTTPScope) -> Cost:
        """Return `cost_of` a request."""
        return cost_of(scope["method"], scope["raw_path"], scope["query_string"], self._may_fetch)

    def wait_seconds(self, cost: Cost, client: str) -> float:
        """Take a token; return 0, or the seconds until the client has one again."""
        bucket = self._buckets.get(cost)
        return bucket.take(client) if bucket is not None else 0.0

    def keep_hot(self, scope: HTTPScope, accept: bytes, answer: Answer) -> None:
        if self._hot is not None and scope["method"] == "GET" and not scope["query_string"]:
            self._hot.keep(scope["raw_path"], accept, answer)


class _Headers:
    """The request headers that the front looks at, found in one pass."""

    __slots__ = ("accept", "forwarded_for", "has_body", "if_none_match", "no_cache", "request_id")

    def __init__(self, headers: Any) -> None:
        self.accept = b""
        self.if_none_match: bytes | None = None
        self.request_id = b""
        self.has_body = False
        self.no_cache = False
        self.forwarded_for: list[bytes] = []
        for name, value in headers:
            if name == b"accept":
                self.accept = self.accept + b"," + value if self.accept else value
            elif name == b"if-none-match":
                self.if_none_match = (
                    value if self.if_none_match is None else self.if_none_match + b"," + value
                )
            elif name == b"cache-control":
                self.no_cache = self.no_cache or asks_for_no_cache(value.decode("latin-1"))
            elif name == b"x-forwarded-for":
                self.forwarded_for.append(value)
            elif name == b"x-request-id":
                self.request_id = value
            elif name in (b"content-length", b"transfer-encoding"):
                self.has_body = True


class _Exchange:
    """One request that takes the ordinary way, and its answer."""

    def __init__(self, front: Front, scope: HTTPScope, headers: _Headers, client: str) -> None:
        self._front = front
        self._scope = scope
        self._headers = headers
        self._client = client
        self._method = scope["method"]
        self._status = 500
        self._started = time.perf_counter()
        self._has_begun = False
        self._request_id = request_id_of(headers.request_id)

    async def run(self, receive: Receive, send: Send) -> None:
        state = self._scope.setdefault("state", {})
        state["request_id"], state["client"] = self._request_id.decode(), self._client
        sender = self._sender(send)
        raw_path = self._scope["raw_path"]
        wait = self._front.wait_seconds(self._front.cost_of(self._scope), self._client)
        if wait:
            await self._refuse(_too_many(wait), sender)
        elif not is_one_spelling(raw_path):
            await self._refuse(
                ResourceNotFound("there is no resource with this spelling of its path"), sender
            )
        elif self._method == "OPTIONS" and self._front._is_public:
            await sender({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT[3:]})
            await sender({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            if self._method == "HEAD":
                # A copy: uvicorn drops the body by the method in its own scope.
                self._scope = cast("HTTPScope", {**self._scope, "method": "GET"})
            await self._front._app(self._scope, self._receiver(receive), sender)
        self._account()

    def _receiver(self, receive: Receive) -> Receive:
        """Return `receive` for a client that may hang up before its body is complete: no failure of ours."""

        async def receiver() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect" and not self._has_begun:
                raise ClientGone("the client hung up before its request was complete")
            return message

        return receiver

    def _sender(self, send: Send) -> Send:
        """Return `send` with the common headers added, and without a body for HEAD."""

        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._has_begun = True
                self._status = message["status"]
                self._keep_hot()
                common = [*self._front._common, (b"x-request-id", self._request_id)]
                message["headers"] = [*message.get("headers", []), *common]
            elif message["type"] == "http.response.body" and self._method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        return sender

    async def _refuse(self, refusal: Refusal, send: Send) -> None:
        answer = problem_answer(refusal, base_url=self._front._base_url, request_id=self._request_id.decode())
        headers = [*encoded_headers(answer, 0), (b"content-length", str(len(answer.body)).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    def _keep_hot(self) -> None:
        """Keep the answer before it is sent: a publisher that evicts meanwhile must find it in the table."""
        scope: Any = self._scope
        answer = scope.get(ANSWER_KEY)
        if answer is not None and self._method in _READS:
            self._front.keep_hot(scope, self._headers.accept, answer)

    def _account(self) -> None:
        scope: Any = self._scope
        route = scope.get("path_template") or "unmatched"
        self._front._telemetry.count(route, self._method, self._status)
        LOG.info(
            "request",
            extra={
                "request_id": self._request_id.decode(),
                "method": self._method,
                "route": route,
                "status": self._status,
                "duration_ms": round((time.perf_counter() - self._started) * 1_000, 2),
                "client": _coarse(self._client),
            },
        )


def _too_many(wait: float) -> TooManyRequests:
    seconds = max(1, math.ceil(wait))
    return TooManyRequests(
        f"this client asks faster than it may; ask again in {seconds} s",
        headers={"retry-after": str(seconds)},
    )


def _coarse(client: str) -> str:
    return coarse_address(client.partition("/")[0])


def _peer(scope: HTTPScope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
