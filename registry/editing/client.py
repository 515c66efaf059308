"""
Change sets over HTTP, with the Structs that the server uses. Client.

    async with EditingClient("http://localhost:8001", api_key=key) as editor:
        drafted = await editor.draft(Draft(title="An audit", operations=[Operation(op="suspend", ...)]))
        submitted = await editor.submit(drafted.number, revision=drafted.revision)

Importing this loads no HTTP client; making one does (httpx).
"""

from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from registry.editing.shapes import (
    ChallengePage,
    ChangeSetPage,
    ChangeSetView,
    CommentPage,
    Difference,
    Draft,
    Met,
    NewComment,
    Operation,
    Response,
    Suspension,
    Validation,
)
from wire import Refusal
from wire.client import HttpClient

__all__ = [
    "ChallengePage",
    "ChangeSetPage",
    "ChangeSetView",
    "CommentPage",
    "Difference",
    "Draft",
    "EditRefused",
    "EditingClient",
    "EditingUnavailable",
    "Met",
    "Operation",
    "Suspension",
    "Validation",
]

T = TypeVar("T", bound=msgspec.Struct)
_CHANGE_SETS = "/operator/registry/change-sets"
_SUSPENSIONS = "/operator/registry/suspensions"


class EditRefused(Exception):
    """
    The server answered with a problem document (RFC 9457).

    Attributes:
        status: the HTTP status; 409 and 412: somebody changed the same meanwhile.
        type: the problem type, a URI.
        problem: the document, with the pointer of each fault under `errors`; empty where the answer was none.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(
            f"{status}: {problem.get('detail') or problem.get('title') or 'no problem document'}"
        )
        self.status = status
        self.type = str(problem.get("type", "about:blank"))
        self.problem = problem


class EditingUnavailable(
    Refusal, type="/problems/registry-editing-unavailable", title="Registry cannot be edited", status=502
):
    """The server cannot be reached."""


class EditingClient(HttpClient):
    """
    Edits one registry; every call raises `EditRefused` and `EditingUnavailable`.

    Args:
        base_url: scheme, host and port of the operator listener.
        api_key: sent as a bearer token.
        options: further arguments of `httpx.AsyncClient`.
    """

    def __init__(self, base_url: str, *, api_key: str, **options: Any) -> None:
        headers = {"authorization": f"Bearer {api_key}"}
        # `trust_env`: no proxy from the environment gets to see the API key.
        super().__init__(base_url, headers=headers, trust_env=False, **options)

    async def draft(self, draft: Draft, *, idempotency_key: str | None = None) -> ChangeSetView:
        """Draft a change set; nothing is changed yet."""
        return await self._do("POST", _CHANGE_SETS, ChangeSetView, draft, idempotency_key=idempotency_key)

    async def edit(self, number: int, revision: int, draft: Draft) -> ChangeSetView:
        """Let a draft say something else; refused (412) where it is at another revision by now."""
        return await self._do("PUT", _path(number), ChangeSetView, draft, revision=revision)

    async def show(self, number: int) -> ChangeSetView:
        """Return a change set."""
        return await self._do("GET", _path(number), ChangeSetView)

    async def page(self, *, state: str = "", after: int = 0, limit: int = 100) -> ChangeSetPage:
        """Return a page of change sets; `next` is the `after` of the one beyond."""
        query = f"?state={state}&after={after}&limit={limit}"
        return await self._do("GET", _CHANGE_SETS + query, ChangeSetPage)

    async def differ(self, number: int) -> Difference:
        """Return what a change set would change, or did, and which answers become others."""
        return await self._do("GET", _path(number, "diff"), Difference)

    async def validate(self, number: int) -> Validation:
        """Return what an approver should know; faults and conflicts are refusals."""
        return await self._do("POST", _path(number, "validate"), Validation)

    async def submit(
        self, number: int, *, revision: int | None = None, idempotency_key: str | None = None
    ) -> ChangeSetView:
        """Let a change set take effect; in the state "submitted" it waits for its `approval`."""
        path = _path(number, "submit")
        return await self._do("POST", path, ChangeSetView, revision=revision, idempotency_key=idempotency_key)

    async def withdraw(self, number: int) -> ChangeSetView:
        """Take a change set back before it takes effect."""
        return await self._do("POST", _path(number, "withdraw"), ChangeSetView)

    async def roll_back(self, number: int, *, idempotency_key: str | None = None) -> ChangeSetView:
        """Draft what takes an effective change set back, from when it takes effect itself."""
        path = _path(number, "rollback")
        return await self._do("POST", path, ChangeSetView, idempotency_key=idempotency_key)

    async def request_information(self, number: int, text: str) -> ChangeSetView:
        """Give a submitted change set back to its author, with a question."""
        asked = NewComment(text=text)
        return await self._do("POST", _path(number, "request-information"), ChangeSetView, asked)

    async def comment(self, number: int, text: str, *, idempotency_key: str | None = None) -> CommentPage:
        """Say something about a change set; return all that was said."""
        said, path = NewComment(text=text), _path(number, "comments")
        return await self._do("POST", path, CommentPage, said, idempotency_key=idempotency_key)

    async def comments(self, number: int) -> CommentPage:
        """Return what was said about a change set."""
        return await self._do("GET", _path(number, "comments"), CommentPage)

    async def challenge(self, number: int) -> ChallengePage:
        """Return a text for each DID that a change set adds, which its owner signs to show that it is theirs."""
        return await self._do("POST", _path(number, "challenges"), ChallengePage)

    async def meet(self, number: int, challenge_id: str, jws: str) -> Met:
        """Show that a DID is its owner's, who signed a text: a compact JWS."""
        path = _path(number, f"challenges/{quote(challenge_id, safe='')}")
        return await self._do("POST", path, Met, Response(jws=jws))

    async def suspend_at_once(
        self, suspension: Suspension, *, idempotency_key: str | None = None
    ) -> ChangeSetView:
        """Suspend in an emergency, alone; for the role break-glass."""
        return await self._do(
            "POST", _SUSPENSIONS, ChangeSetView, suspension, idempotency_key=idempotency_key
        )

    def _unreachable(self) -> Exception:
        return EditingUnavailable("the server of the registry cannot be reached")

    async def _do(
        self,
        method: str,
        path: str,
        shape: type[T],
        asked: msgspec.Struct | None = None,
        *,
        revision: int | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        headers = {} if asked is None else {"content-type": "application/json"}
        headers |= {} if revision is None else {"if-match": f'"{revision}"'}
        headers |= {} if idempotency_key is None else {"idempotency-key": idempotency_key}
        content = b"" if asked is None else msgspec.json.encode(asked)
        response = await self._send(method, path, content=content, headers=headers)
        if response.is_success:
            return msgspec.json.decode(response.content, type=shape)
        try:
            problem = msgspec.json.decode(response.content, type=dict[str, Any])
        except msgspec.MsgspecError:
            problem = {}
        raise EditRefused(response.status_code, problem)


def _path(number: int, what: str = "") -> str:
    return f"{_CHANGE_SETS}/{number}{f'/{what}' if what else ''}"
