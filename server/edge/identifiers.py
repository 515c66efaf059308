"""
What the route for identifiers does, without the framework: for the layer in front, which answers reads itself.

It calls the functions that the route calls (`resolver/binding/`), so that both answer the same.
"""

from collections.abc import Callable

from litestar.types import HTTPScope

from resolver import Resolver
from resolver.binding.answering import answer_later, answer_now, may_fetch
from resolver.binding.forms import Preferred
from resolver.binding.request import DidRequest, read_request
from resolver.binding.target import RAW_BASE_PATH
from server.edge.request_head import RequestHead
from wire import Answer

IDENTIFIERS_PATH = RAW_BASE_PATH
TEMPLATE = "/1.0/identifiers/{identifier:path}"  # of the route, for the counters and the log
_METHODS = ("GET", "HEAD", "POST")


class Identifiers:
    """
    Reads requests for identifiers, once for all who handle them, and answers them.

    Args:
        wait_to_renew: takes an account's token for going around the cache; 0, or the seconds until it has one.
        preferred: what who has no preference gets.
    """

    def __init__(
        self,
        resolver: Resolver,
        wait_to_renew: Callable[[str], float] = lambda _: 0.0,
        *,
        preferred: Preferred = "result",
    ) -> None:
        self._resolver = resolver
        self._wait_to_renew = wait_to_renew
        self._preferred = preferred

    def read(self, scope: HTTPScope, head: RequestHead) -> DidRequest | None:
        """Return what is asked for, without what a body may add; None of a request for anything else."""
        raw_path = scope["raw_path"]
        if not raw_path.startswith(IDENTIFIERS_PATH) or scope["method"] not in _METHODS:
            return None
        return read_request(
            self._resolver.planner,
            raw_path,
            scope["query_string"],
            head.accept.decode("latin-1") or None,
            no_cache=head.no_cache,
            preferred=self._preferred,
        )

    def may_fetch(self, request: DidRequest) -> bool:
        """Tell whether a request may make us ask a stranger."""
        return may_fetch(self._resolver, request)

    def answer_now(self, request: DidRequest) -> Answer | None:
        """Return what the route answers, where that needs no wait; else None."""
        return answer_now(self._resolver, request)

    async def answer_later(self, request: DidRequest, account: str) -> Answer:
        """Return what the route answers, where that may need one."""
        return await answer_later(self._resolver, request, lambda: self._wait_to_renew(account))
