"""
Which requests are answered from the hot table, and what is counted: the same for the layer in front of Litestar and
for the protocol that may answer before it (decision 0016).

A GET or HEAD without query and body, whose path, Accept header and coding the table knows; not with `Cache-Control:
no-cache` where there is an origin to be asked anew; not a status list that another process of the node may serve
in a newer version; and only while the client has tokens. All else is None here, and takes the ordinary way. A hot
answer is counted under the route "hot"; one in `LOG_ONE_HOT_IN` has a log line.
"""

import logging
from collections.abc import Callable

from server.edge.callers import Caller
from server.edge.hot_table import HotAnswer, HotTable
from server.edge.identifiers import IDENTIFIERS_PATH
from server.edge.limits import TokenBuckets
from server.edge.request_head import RequestHead
from server.telemetry.counters import ANSWERED, Telemetry, coarse_client
from wire.coding import wants_gzip

LOG = logging.getLogger("touchstone.requests")

LOG_ONE_HOT_IN = 1_000  # hot answers per log line; at DEBUG each has one (decision 0005)
READS = ("GET", "HEAD")
LISTS_PATH = b"/status-lists/"
_OF_GZIP = b"\n"  # behind Accept; in no header's value


def chosen_by(raw_path: bytes, head: RequestHead) -> bytes:
    """Return what of the headers chooses an answer: Accept, and of lists, which are compressed, the coding."""
    if head.accept_encoding and raw_path.startswith(LISTS_PATH):
        return head.accept + _OF_GZIP if wants_gzip(head.accept_encoding.decode("latin-1")) else head.accept
    return head.accept


class HotReads:
    """
    Reads the table for one listener.

    Args:
        tokens: what a client may spend on hot answers; None: as much as it likes.
        clock: seconds since 1970.
        lists_are_behind: whether another process of the node may serve newer status lists than this one.
    """

    def __init__(
        self,
        table: HotTable,
        *,
        tokens: TokenBuckets | None,
        telemetry: Telemetry,
        clock: Callable[[], float],
        lists_are_behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self._table = table
        self._tokens = tokens
        self._telemetry = telemetry
        self._clock = clock
        self._lists_are_behind = lists_are_behind
        self._answers = 0

    def find(self, method: str, raw_path: bytes, head: RequestHead, caller: Caller) -> HotAnswer | None:
        """Return the answer to a request without a query, its headers refreshed; None: take the ordinary way."""
        if head.has_body or method not in READS:
            return None
        if head.no_cache and raw_path.startswith(IDENTIFIERS_PATH):
            return None  # The resolver is to ask anew; nothing else has a source to be asked.
        if raw_path.startswith(LISTS_PATH) and self._lists_are_behind():
            return None  # The route looks at the rows first.
        now = self._clock()
        found = self._table.find((raw_path, chosen_by(raw_path, head)), now)
        if found is None or (self._tokens is not None and self._tokens.take(caller.account)):
            return None
        found.refresh(now)
        return found

    def account(
        self, method: str, status: int, request_id: bytes, caller: Caller, route: str = "hot"
    ) -> None:
        """Count an answer from memory; log one in `LOG_ONE_HOT_IN`, since a line costs more than the answer."""
        self._telemetry.requests[route, method, status, ""] += 1
        if caller.trusted_for:
            self._telemetry.trusted[caller.trusted_for, ANSWERED] += 1
        self._answers += 1
        if self._answers % LOG_ONE_HOT_IN == 0 or LOG.isEnabledFor(logging.DEBUG):
            self._log(method, status, request_id, caller, route)

    def _log(self, method: str, status: int, request_id: bytes, caller: Caller, route: str) -> None:
        fields: dict[str, object] = {
            "request_id": request_id.decode(),
            "method": method,
            "route": route,
            "status": status,
        }
        fields |= {"client": coarse_client(caller.address), "principal": caller.principal}
        LOG.info("hot answers: %d", self._answers, extra=fields)
