"""
The protocol that answers from the hot table itself, as soon as the parser has validated a head (decision 0016).

It is `protocol.py` with one question before a request becomes a cycle, a task and an ASGI scope: does its
answer lie ready? What decides that, the client's tokens, the counter and the log line are those of the layer in
front (`hot_reads.py`); deadlines, caps and refusals are those of the protocol. All that is not quite
ordinary takes the ordinary way:

- an API key, which the layer in front looks up;
- a body, `Expect`, an offer to upgrade, HTTP/1.0, a connection that is to close, a method but GET, a query;
- a request behind one that is not answered yet, so that answers come in order;
- a client that does not take what it was sent, and one that sent `MAX_ANSWERED_AT_ONCE` requests in one read, so
  that one connection holds the event loop for no longer than that.

HEAD is answered by the layer in front. Off by default (`TOUCHSTONE_HOT_PROTOCOL`).
"""

from server.edge.cycle import write_ready
from server.edge.hot_reads import HotReads
from server.edge.protocol import BoundedProtocol
from server.edge.protocol_limits import ProtocolLimits
from server.edge.request_head import RequestHead, request_id_of

MAX_ANSWERED_AT_ONCE = 16  # requests of one read; those behind them wait as they would for the application


def hot_protocol_class(limits: ProtocolLimits, reads: HotReads) -> type[BoundedProtocol]:
    """Return the protocol for one listener, as uvicorn's `http` setting takes it."""
    return type("HotListenerProtocol", (_HotProtocol,), {"limits": limits, "reads": reads})


class _HotProtocol(BoundedProtocol):
    reads: HotReads
    _answered = 0  # requests of the present read

    def data_received(self, data: bytes) -> None:
        self._answered = 0
        super().data_received(data)

    def _begin_cycle(self) -> None:
        if not (self._is_ordinary() and self._answer_hot()):
            super()._begin_cycle()

    def _is_ordinary(self) -> bool:
        """Tell whether nothing but the table decides how this request is answered."""
        parser = self.parser
        return (
            not self._is_framed
            and not self.expect_100_continue
            and parser.get_method() == b"GET"
            and self._version == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self._is_answering()
            and not self.flow.write_paused
            and self._answered < MAX_ANSWERED_AT_ONCE
        )

    def _answer_hot(self) -> bool:
        """Answer from the table; False where it has nothing for this target, or the client is out of tokens."""
        head = RequestHead(self.headers)
        if head.authorization is not None:
            return False
        peer = self.client[0] if self.client else ""
        caller = self.limits.addresses.caller(peer, head.forwarded_for)
        found = self.reads.find("GET", self.url, head, caller)  # A path of the table has no query.
        if found is None:
            return False
        request_id = request_id_of(head.request_id)
        if found.matches(head.if_none_match):
            status, ready, body = 304, found.unmodified_head, b""
        else:
            status, ready, body = 200, found.head, found.answer.body
        write_ready(self.transport, (ready, request_id, b"\r\n"), self.server_state.default_headers, body)
        self._answered += 1
        self.server_state.total_requests += 1
        self.reads.account("GET", status, request_id, caller)
        self._idle.set(self.timeout_keep_alive)
        return True
