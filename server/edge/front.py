"""
The layer in front of Litestar: what is the same for every request, and answers that need no application.

In this order:

0. who asks: the client's address, or the service whose API key it shows (`callers.py`, `service_keys.py`);
1. a hot answer to GET or HEAD, where the table has one for exactly this path and Accept header
   (`server/edge/hot_reads.py`);
2. the caller's tokens: each request costs one of memory, and one of what else it may cost; a request for an
   identifier is read for that, once for all that follow (`Identifiers`);
3. a read of an identifier, or a question to the registry, by the functions that the route would call;
4. the application (`server/edge/exchange.py`);
5. the hot table filled (before the answer is sent), the log line, the counter.

What it does not recognise exactly falls through to the routes, which alone define behaviour.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from resolver.binding.request import DidRequest
from resolver.outbound.asker import asking_for
from server.edge.answers import ENCODED_CORS, immutable_start, rendered, unkept_start
from server.edge.callers import Caller, ClientAddresses
from server.edge.cycle import READY_HEAD, ready_head
from server.edge.exchange import Exchange
from server.edge.hot_reads import READS, HotReads, chosen_by
from server.edge.hot_table import HotTable
from server.edge.identifiers import TEMPLATE, Identifiers
from server.edge.limits import Cost, TokenBuckets
from server.edge.queries import AnswerNow, Queries, again, answer_now
from server.edge.request_head import RequestHead, request_id_of
from server.edge.service_keys import ServiceKeys
from server.telemetry.counters import ANSWERED, LIMITED, Telemetry, coarse_client
from wire import Answer, Fault

LOG = logging.getLogger("touchstone.requests")


def cost_of(method: str, *, may_fetch: bool) -> Cost:
    """
    Tell what a request may cost: a stranger's did:web may make us ask a stranger.

    What reaches a route is computation, a page as well: only the hot table answers from memory. So is a batch, or a
    check of statuses; what is fetched for it is charged once it is known.
    """
    if method == "OPTIONS":
        return Cost.HOT
    return Cost.OUTBOUND if may_fetch else Cost.CPU


_NO_BODY = {"type": "http.response.body", "body": b""}


class Front:
    """
    Wraps one Litestar application.

    Args:
        hot: the table of hot answers, or None for the operator's listener.
        buckets: tokens per account and cost; empty where nobody is limited.
        service_keys: which services are trusted callers; None: an API key is the application's business.
        identifiers: how reads of identifiers are answered; None: as any other request.
        queries: how questions that are posted are answered; None: as any other request.
        is_public: whether answers carry CORS headers.
        lists_are_behind: whether another process of the node may serve newer status lists than this one.

    Attributes:
        reads: the hot answers, for whoever may give them earlier than this layer; None: there are none.
        common: the headers of every answer.
        addresses: who a client is, for whoever needs to know before this layer.
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
        service_keys: ServiceKeys | None = None,
        identifiers: Identifiers | None = None,
        queries: Queries | None = None,
        is_public: bool = True,
        lists_are_behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self.app = app
        self.base_url = base_url
        self._telemetry = telemetry
        self.addresses = addresses
        self._service_keys = service_keys
        self._clock = clock
        self._hot = hot
        self._tokens = dict(buckets or {})
        self._memory = self._tokens.pop(Cost.HOT, None)
        self.common = ENCODED_CORS if is_public else ENCODED_CORS[-1:]
        self._identifiers = identifiers
        self._queries = queries
        self.is_public = is_public
        self.reads = (
            HotReads(
                hot, tokens=self._memory, telemetry=telemetry, clock=clock, lists_are_behind=lists_are_behind
            )
            if hot is not None
            else None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        method, raw_path = scope["method"], scope["raw_path"]
        head = RequestHead(scope["headers"])
        peer = scope["client"]
        caller = self.addresses.caller(peer[0] if peer else "", head.forwarded_for)
        if head.authorization is not None and self._service_keys is not None:
            caller = await self._service_keys.caller(head.authorization, caller)
        ask = self._queries.find(scope) if self._queries is not None else None
        if ask is not None:
            await self._answer_query(ask, scope, head, caller, receive, send)
            return
        reads = self.reads
        found = reads.find(method, raw_path, head, caller) if reads and not scope["query_string"] else None
        if reads is None or found is None:
            await self._answer(scope, head, caller, receive, send)
            return
        request_id = request_id_of(head.request_id)
        if found.matches(head.if_none_match):
            status, headers, ready, body = 304, found.unmodified_headers, found.unmodified_head, _NO_BODY
        else:
            status, headers, ready = 200, found.headers, found.head
            body = found.body_message if method == "GET" else _NO_BODY
        start: Any = {"type": "http.response.start", "status": status}
        start["headers"] = [*headers, (b"x-request-id", request_id)]
        start[READY_HEAD] = ready + request_id + b"\r\n"
        await send(start)
        await send(body)  # type: ignore[arg-type]
        reads.account(method, status, request_id, caller)

    async def _answer(
        self, scope: HTTPScope, head: RequestHead, caller: Caller, receive: Receive, send: Send
    ) -> None:
        """Answer a read of an identifier as the route would; what fails so fails there as well, and is told."""
        started, begun_at, method = time.perf_counter(), self.hot_purges, scope["method"]
        identifiers = self._identifiers
        asked = None if identifiers is None else identifiers.read(scope, head)
        may_fetch = identifiers is not None and asked is not None and identifiers.may_fetch(asked)
        cost = cost_of(method, may_fetch=may_fetch)
        wait, answer = self.wait_seconds(cost, caller.account), None
        if identifiers is not None and asked is not None and method in READS and not head.has_body:
            if wait:  # It is refused the ordinary way, which has its price: who floods us waits longer.
                wait = self.wait_seconds(cost, caller.account)
            else:
                try:
                    answer = identifiers.answer_now(asked) or await self._answer_later(asked, caller.account)
                except Exception:  # It fails in the route as well, which tells it, and logs it in full.
                    answer = None
        if answer is None:
            with asking_for(caller.account):
                await Exchange(self, scope, head, caller, asked, wait).run(receive, send)
            return
        self.keep_hot(scope, head, answer, begun_at)
        await self._send(answer, scope, head, caller, send, started, cost)

    async def _answer_query(
        self,
        ask: AnswerNow,
        scope: HTTPScope,
        head: RequestHead,
        caller: Caller,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a question as the route would; what fails so fails there as well, and is told."""
        answer, wait = None, self.wait_seconds(Cost.CPU, caller.account)
        if not wait:
            message = await receive()
            answer, receive = answer_now(ask, message, scope), again(message, receive)
        if answer is None:
            await Exchange(self, scope, head, caller, None, wait).run(receive, send)
            return
        request_id = request_id_of(head.request_id)
        start: Any = {"type": "http.response.start", "status": 200}
        start["headers"], start[READY_HEAD] = unkept_start(answer, request_id)
        await send(start)
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})
        assert self.reads is not None, "the public listener has both"
        self.reads.account("POST", 200, request_id, caller, scope["raw_path"].decode())

    async def _answer_later(self, asked: DidRequest, account: str) -> Answer:
        assert self._identifiers is not None
        with asking_for(account):
            return await self._identifiers.answer_later(asked, account)

    async def _send(
        self,
        answer: Answer,
        scope: HTTPScope,
        head: RequestHead,
        caller: Caller,
        send: Send,
        started: float,
        cost: Cost,
    ) -> None:
        """
        Send the answer to a read of an identifier, as the route would have.

        A success that was only computed is accounted as a hot answer is; all else has its line.
        """
        method, request_id = scope["method"], request_id_of(head.request_id)
        start, body = self._start(answer, head.if_none_match, request_id)
        status = start["status"]
        await send(start)
        is_get = method == "GET"
        await send({"type": "http.response.body", "body": body if is_get else b"", "more_body": False})
        if self.reads is not None and cost is Cost.CPU and status < 400:
            self.reads.account(method, status, request_id, caller, TEMPLATE)
        else:
            self.account(TEMPLATE, method, status, request_id, caller, started, answer.fault)

    def _start(self, answer: Answer, if_none_match: bytes | None, request_id: bytes) -> tuple[Any, bytes]:
        """Return the message that starts the answer, and the body."""
        start: Any = {"type": "http.response.start", "status": 200}
        is_usual = answer.immutable and not answer.headers and if_none_match is None
        if is_usual and self.is_public:
            start["headers"], start[READY_HEAD] = immutable_start(answer, request_id)
            return start, answer.body
        status, headers, body = rendered(answer, self._clock(), if_none_match)
        headers += (*self.common, (b"x-request-id", request_id))
        start["status"], start["headers"] = status, headers
        if not answer.headers:  # Else they may hold words of the document, which uvicorn is to look at.
            start[READY_HEAD] = ready_head(status, headers)
        return start, body

    def account(
        self,
        route: str,
        method: str,
        status: int,
        request_id: bytes,
        caller: Caller,
        started: float,
        fault: Fault = "",
        principal: str | None = None,
    ) -> None:
        """
        Count an answer of the ordinary way, and log it.

        Args:
            started: seconds of `time.perf_counter`.
            fault: who must act on a 5xx (`Refusal.fault`).
            principal: who acts, on the operator's listener; None: nobody whose API key was good.
        """
        self._telemetry.count(route, method, status, fault)
        if caller.trusted_for:
            self._telemetry.trusted[caller.trusted_for, LIMITED if status == 429 else ANSWERED] += 1
        LOG.info(
            "request",
            extra={
                "request_id": request_id.decode(),
                "method": method,
                "route": route,
                "status": status,
                "duration_ms": round((time.perf_counter() - started) * 1_000, 2),
                "client": coarse_client(caller.address),
                "principal": principal or caller.principal,
            },
        )

    def wait_seconds(self, cost: Cost, account: str) -> float:
        """
        Take a token; return 0, or the seconds until the account has one again.

        One of memory goes with it: who has none left for the hot table must not get the same by the dearer way.
        """
        memory, tokens = self._memory, self._tokens.get(cost)
        wait = 0.0 if memory is None else memory.take(account)
        return wait if wait or tokens is None else tokens.take(account)

    @property
    def hot_purges(self) -> int:
        return self._hot.purges if self._hot is not None else 0

    def keep_hot(self, scope: HTTPScope, head: RequestHead, answer: Answer, begun_at: int) -> None:
        """Keep an answer, unless the table was purged since `begun_at` (`hot_purges`) and it may be outdated."""
        if self._hot is None or scope["query_string"]:
            return
        if answer.immutable or begun_at == self._hot.purges:
            self._hot.keep(scope["raw_path"], chosen_by(scope["raw_path"], head), answer)
