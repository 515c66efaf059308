"""
Questions that a body asks and memory answers, without the framework: for the layer in front.

It calls the functions that the routes call, so that both answer the same. Whatever is not a plain question that can
be answered at once goes to the route, with what was read of its body: the route alone says what is wrong with it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from litestar.types import HTTPScope, Receive

from wire import Answer

# The answer to a body of a Content-Type; None where that needs a wait. It raises what the route would raise.
AnswerNow = Callable[[bytes, str | None], Answer | None]


class Queries:
    """
    Answers questions that are posted.

    Args:
        paths: who answers, by the raw path.
    """

    def __init__(self, paths: Mapping[bytes, AnswerNow]) -> None:
        self._paths = paths

    def find(self, scope: HTTPScope) -> AnswerNow | None:
        """Return who answers a request; None: it is none of these questions."""
        if scope["method"] != "POST" or scope["query_string"]:
            return None
        return self._paths.get(scope["raw_path"])


def answer_now(ask: AnswerNow, message: Any, scope: HTTPScope) -> Answer | None:
    """Return the answer to a request whose first message came, where it is a plain 200; None: ask the route."""
    if message["type"] != "http.request" or message.get("more_body"):
        return None
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    if len(types) != 1:
        return None
    try:
        answer = ask(message["body"], types[0].decode("latin-1"))
    except Exception:  # It fails in the route as well, which tells it, and logs it in full.
        return None
    is_plain = (
        answer is not None and answer.status == 200 and not (answer.headers or answer.etag or answer.vary)
    )
    return answer if is_plain else None


def again(message: Any, receive: Receive) -> Receive:
    """Return `receive` with a message before all others that was received already."""
    waiting = [message]

    async def receive_again() -> Any:
        return waiting.pop() if waiting else await receive()

    return receive_again
