"""
What the route for identifiers does, without the framework: for the layer in front, which answers reads itself.

It calls the functions that the route calls (`resolver/binding/answering.py`), so that both answer the same.
"""

from collections.abc import Callable
from typing import NamedTuple

from resolver import Resolver
from resolver.binding.answering import answer, answer_local, may_fetch
from resolver.binding.representation import Preferred
from wire import Answer

IDENTIFIERS_PATH = b"/1.0/identifiers/"
TEMPLATE = "/1.0/identifiers/{identifier:path}"  # of the route, for the counters and the log


class Asked(NamedTuple):
    """A read of an identifier: what an answer is made from."""

    raw_path: bytes
    query_string: bytes
    accept: str | None
    no_cache: bool
    client: str


class Identifiers:
    """
    Answers reads of identifiers.

    Args:
        wait_to_renew: takes a client's token for going around the cache; 0, or the seconds until it has one.
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

    def may_fetch(self, raw_path: bytes, query_string: bytes) -> bool:
        """Tell whether a request may make us ask a stranger."""
        return may_fetch(self._resolver, raw_path, query_string)

    def answer_now(self, asked: Asked) -> Answer | None:
        """Return what the route answers, where that needs no network; else None."""
        return answer_local(
            self._resolver,
            asked.raw_path,
            asked.query_string,
            asked.accept,
            no_cache=asked.no_cache,
            preferred=self._preferred,
        )

    async def answer(self, asked: Asked) -> Answer:
        """Return what the route answers."""
        return await answer(
            self._resolver,
            asked.raw_path,
            asked.query_string,
            asked.accept,
            no_cache=asked.no_cache,
            preferred=self._preferred,
            wait_to_renew=lambda: self._wait_to_renew(asked.client),
        )
