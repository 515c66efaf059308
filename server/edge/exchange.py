"""
One request that takes the ordinary way through the application, and what is the same for all of these.

HEAD is asked as GET, and its body dropped; CORS preflight is answered here; the application is given a request id
and the client, and the common headers are added to what it answers.
"""

import time
from typing import TYPE_CHECKING, Any, cast

from litestar.types import HTTPScope, Message, Receive, Send

from registry.asking.browsing import RAW_PATHS as TRUST_PATHS
from registry.ayra import RAW_PATHS as TRQP_PATHS
from resolver.binding.request import STATE_KEY, DidRequest
from resolver.binding.universal import UNIVERSAL_PATHS
from server.edge.answers import ANSWER_KEY, ENCODED_CORS, encoded_headers
from server.edge.callers import Caller
from server.edge.hot_reads import READS
from server.edge.limits import too_many
from server.edge.problems import ClientGone, problem_answer
from server.edge.request_head import RequestHead, request_id_of
from wire import Refusal, ResourceNotFound

if TYPE_CHECKING:
    from server.edge.front import Front

_PREFLIGHT: list[tuple[bytes, bytes]] = [
    *ENCODED_CORS,
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (b"access-control-allow-headers", b"Accept, Cache-Control, Content-Type, If-None-Match, X-Request-ID"),
    (b"access-control-max-age", b"86400"),
]


def is_one_spelling(raw_path: bytes) -> bool:
    """
    Tell whether a path is spelled as we spell it.

    The router would decode escapes, fold slashes and drop the last one; what looks at the raw path (the hot
    table and its eviction, the cost of a request) must never see a second spelling of the same resource.
    Identifiers are the exception: their resources read the raw path themselves, and `//` may stand in a DID URL. So
    is the last slash with which clients of the Universal Resolver ask for what it tells of itself, which never
    changes.
    """
    if raw_path.startswith(b"/1.0/identifiers") or raw_path in UNIVERSAL_PATHS:
        return True
    if raw_path.startswith((*TRQP_PATHS, *TRUST_PATHS)) and not raw_path.endswith(b"/"):
        return True
    return raw_path == b"/" or not (b"//" in raw_path or b"%" in raw_path or raw_path.endswith(b"/"))


class Exchange:
    """
    One request that takes the ordinary way, and its answer.

    `asked` is what was read of a request for an identifier; `wait` are the seconds until the caller has tokens.
    """

    def __init__(
        self,
        front: "Front",
        scope: HTTPScope,
        head: RequestHead,
        caller: Caller,
        asked: DidRequest | None,
        wait: float,
    ) -> None:
        self._front = front
        self._asked = asked
        self._wait = wait
        self._scope = scope
        self._head = head
        self._caller = caller
        self._method = scope["method"]
        self._status = 500
        self._started = time.perf_counter()
        self._begun_at = front.hot_purges
        self._has_begun = False
        self._request_id = request_id_of(head.request_id)

    async def run(self, receive: Receive, send: Send) -> None:
        state = self._scope.setdefault("state", {})
        state["request_id"], state["client"] = self._request_id.decode(), self._caller.account
        state[STATE_KEY] = self._asked
        sender = self._sender(send)
        raw_path = self._scope["raw_path"]
        if self._wait:
            await self._refuse(too_many(self._wait), sender)
        elif not is_one_spelling(raw_path):
            await self._refuse(
                ResourceNotFound("there is no resource with this spelling of its path"), sender
            )
        elif self._method == "OPTIONS" and self._front.is_public:
            await sender({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT[3:]})
            await sender({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            if self._method == "HEAD":
                # A copy: uvicorn drops the body by the method in its own scope.
                self._scope = cast("HTTPScope", {**self._scope, "method": "GET"})
            await self._front.app(self._scope, self._receiver(receive), sender)
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
                common = [*self._front.common, (b"x-request-id", self._request_id)]
                message["headers"] = [*message.get("headers", []), *common]
            elif message["type"] == "http.response.body" and self._method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        return sender

    async def _refuse(self, refusal: Refusal, send: Send) -> None:
        answer = problem_answer(refusal, base_url=self._front.base_url, request_id=self._request_id.decode())
        headers = [*encoded_headers(answer, 0), (b"content-length", str(len(answer.body)).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})

    def _keep_hot(self) -> None:
        """Keep the answer before it is sent: a publisher that evicts meanwhile must find it in the table."""
        scope: Any = self._scope
        answer = scope.get(ANSWER_KEY)
        if answer is not None and self._method in READS:
            self._front.keep_hot(scope, self._head, answer, self._begun_at)

    def _account(self) -> None:
        scope: Any = self._scope
        route = scope.get("path_template") or "unmatched"
        answer = scope.get(ANSWER_KEY)
        self._front.account(
            route,
            self._method,
            self._status,
            self._request_id,
            self._caller,
            self._started,
            "" if answer is None else answer.fault,
            scope["state"].get("principal"),
        )
