"""
The status lists over HTTP: operators' calls and public ones, with the Structs that the server uses. Client.

    async with StatusListClient("http://localhost:8001", api_key=key) as operator:
        allocated = await operator.allocate("badges", Allocate(count=10))

`check_held_list` checks an entry without a server: with the bytes of its list, and the key or DID document of the
list's issuer, at hand.

Importing this loads no HTTP client; making one does (httpx).
"""

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from statuslist.checking.held_list import check_held_list
from statuslist.checking.requests import CheckedEntry, EntryCheck, StatusCheck
from statuslist.entries.requests import (
    Allocate,
    Allocated,
    Changed,
    ChangeSettings,
    ChangeStatuses,
    CreateSet,
    EntryView,
    FindEntries,
    FoundEntries,
    FoundEntry,
    NamedEntry,
    Released,
    ReleaseEntries,
    SetPage,
    SetView,
    StatusChange,
)
from statuslist.formats.forms import DATA_INTEGRITY, FormName
from statuslist.populations.answers import Aggregation, Bundle, ChangedSets
from wire import Refusal
from wire.client import HttpClient, RequestRefused, content_of

__all__ = [
    "Aggregation",
    "Allocate",
    "Allocated",
    "Bundle",
    "ChangeSettings",
    "ChangeStatuses",
    "Changed",
    "ChangedSets",
    "CheckedEntry",
    "CreateSet",
    "EntryCheck",
    "EntryView",
    "FindEntries",
    "FoundEntries",
    "FoundEntry",
    "NamedEntry",
    "ReleaseEntries",
    "Released",
    "RequestRefused",
    "SetPage",
    "SetView",
    "StatusChange",
    "StatusCheck",
    "StatusListClient",
    "StatusListsUnavailable",
    "check_held_list",
]

if TYPE_CHECKING:
    import httpx

T = TypeVar("T", bound=msgspec.Struct)

_SETS = "/operator/status-lists"
_NOT_FROM_A_CACHE = {"cache-control": "no-cache"}


class StatusListsUnavailable(
    Refusal, type="/problems/status-lists-unavailable", title="Status lists unavailable", status=502
):
    """The server cannot be reached."""


class StatusListClient(HttpClient):
    """
    Calls one server; the operators' calls need its operator listener and an API key.

    Args:
        base_url: scheme, host and port.
        api_key: sent as a bearer token.
        transport: httpx's transport; tests hand in one that calls the application in process.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        headers = {"authorization": f"Bearer {api_key}"} if api_key is not None else {}
        # `trust_env`: no proxy from the environment gets to see the API key.
        super().__init__(base_url, headers=headers, transport=transport, trust_env=False)

    async def create_set(self, request: CreateSet, *, idempotency_key: str | None = None) -> SetView:
        """Create a status set. This and every call below: raises `RequestRefused`, `StatusListsUnavailable`."""
        return await self._post(_SETS, request, SetView, idempotency_key)

    async def list_sets(self, *, after: str = "", limit: int = 100) -> SetPage:
        """Return a page of sets."""
        return await self._get(f"{_SETS}?after={quote(after, safe='')}&limit={limit}", SetPage)

    async def get_set(self, set_id: str) -> SetView:
        """Return a set."""
        return await self._get(_set_path(set_id), SetView)

    async def allocate(
        self, set_id: str, request: Allocate, *, idempotency_key: str | None = None
    ) -> Allocated:
        """Allocate entries; with a key, a retry after a lost answer gets the same ones."""
        return await self._post(f"{_set_path(set_id)}/allocations", request, Allocated, idempotency_key)

    async def set_statuses(
        self, set_id: str, request: ChangeStatuses, *, idempotency_key: str | None = None
    ) -> Changed:
        """Change statuses, all or none; durable when this returns."""
        return await self._post(f"{_set_path(set_id)}/statuses", request, Changed, idempotency_key)

    async def change_settings(
        self, set_id: str, request: ChangeSettings, *, idempotency_key: str | None = None
    ) -> SetView:
        """Change the profile or the cadence of a set."""
        return await self._post(f"{_set_path(set_id)}/settings", request, SetView, idempotency_key)

    async def add_forms(self, set_id: str, *, idempotency_key: str | None = None) -> SetView:
        """Have a set of an earlier release published with a token list too."""
        headers = {"idempotency-key": idempotency_key} if idempotency_key is not None else {}
        response = await self._send("POST", f"{_set_path(set_id)}/forms", headers=headers)
        return msgspec.json.decode(content_of(response), type=SetView)

    async def release(
        self, set_id: str, request: ReleaseEntries, *, idempotency_key: str | None = None
    ) -> Released:
        """Release entries whose credentials were not issued, all or none; nothing can revoke them any more."""
        return await self._post(f"{_set_path(set_id)}/releases", request, Released, idempotency_key)

    async def find(self, request: FindEntries) -> FoundEntries:
        """Return the entries of a reference, or of a place in a batch."""
        return await self._post("/operator/status-entries/find", request, FoundEntries, None)

    async def get_entry(self, set_id: str, index: int) -> EntryView:
        """Return the statuses of an entry."""
        return await self._get(f"{_set_path(set_id)}/statuses/{index}", EntryView)

    async def get_list(self, list_id: str, form: FormName = DATA_INTEGRITY) -> bytes:
        """Return a published list as served, not verified."""
        response = await self._send("GET", f"/status-lists/{quote(list_id, safe='')}/{form}")
        return content_of(response)

    async def get_form(self, url: str, etag: str) -> bytes | None:
        """
        Return a form by its permanent URL, which must be of this server, in the version of that ETag; not verified.

        Args:
            url, etag: as `get_changes` told them.

        Returns:
            None: another version came, from a cache on the way or another node. Ask again, `get_changes` first.
        """
        headers = _NOT_FROM_A_CACHE | {"accept-encoding": "identity"}  # compressed, it has another ETag
        response = await self._send("GET", urlsplit(url).path, headers=headers)
        body = content_of(response)
        return body if response.headers.get("etag") == etag else None

    async def get_changes(self, *, since: int = 0, issuer: str | None = None) -> ChangedSets:
        """Return which sets were published after a position, a page of them."""
        of = "" if issuer is None else f"&issuer={quote(issuer, safe='')}"
        path = f"/status-lists/changes?since={since}{of}"
        response = await self._send("GET", path, headers=_NOT_FROM_A_CACHE)
        return msgspec.json.decode(content_of(response), type=ChangedSets)

    async def get_bundle(self, issuer_id: str, *, form: FormName = DATA_INTEGRITY, since: int = 0) -> Bundle:
        """Return the lists of an issuer that were published after a position, and its manifest; not verified."""
        return await self._get(
            f"/status-lists/bundle/{quote(issuer_id, safe='')}?form={form}&since={since}", Bundle
        )

    async def get_aggregation(self, issuer_id: str) -> Aggregation:
        """Return the URIs of all token lists of an issuer."""
        return await self._get(f"/status-lists/aggregation/{quote(issuer_id, safe='')}", Aggregation)

    async def check_entries(self, request: EntryCheck) -> StatusCheck:
        """Check status entries of a credential that the caller has verified."""
        return await self._post("/status/check", request, StatusCheck, None)

    async def check_credential(self, token: bytes) -> StatusCheck:
        """Have a whole credential (application/vc+jwt) verified and checked."""
        headers = {"content-type": "application/vc+jwt"}
        response = await self._send("POST", "/status/check", content=token, headers=headers)
        return msgspec.json.decode(content_of(response), type=StatusCheck)

    def _unreachable(self) -> Exception:
        return StatusListsUnavailable("the server of the status lists cannot be reached")

    async def _get(self, path: str, shape: type[T]) -> T:
        return msgspec.json.decode(content_of(await self._send("GET", path)), type=shape)

    async def _post(
        self, path: str, request: msgspec.Struct, shape: type[T], idempotency_key: str | None
    ) -> T:
        headers = {"content-type": "application/json"}
        if idempotency_key is not None:
            headers["idempotency-key"] = idempotency_key
        response = await self._send("POST", path, content=msgspec.json.encode(request), headers=headers)
        return msgspec.json.decode(content_of(response), type=shape)


def _set_path(set_id: str) -> str:
    return f"{_SETS}/{quote(set_id, safe='')}"
