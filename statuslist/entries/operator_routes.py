"""
`/operator/status-lists`: sets, allocations and statuses, for authenticated principals. Routes.
"""

import re
from typing import Any, TypeVar

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from operators import Principal
from statuslist.entries.requests import (
    MAX_CHANGES_BODY_BYTES,
    MAX_CHANGES_PER_CALL,
    Allocate,
    Allocated,
    Changed,
    CreateSet,
    EntryView,
    SetPage,
    SetView,
    read_changes,
)
from statuslist.entries.sets import MAX_PAGE, StatusLists
from statuslist.errors import MalformedValue
from statuslist.formats.forms import is_set_id
from wire import Answer, BadRequest, encode, read_body
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads

T = TypeVar("T")

BASE_PATH = "/operator/status-lists"
_TAGS = ["operators: status lists"]
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_CREATE_EXAMPLE = {"purposes": ["revocation", "suspension"], "length": 131_072}
_ALLOCATE_EXAMPLE = {"count": 1, "mediaType": "application/vc", "reference": "batch 7"}
_CHANGE_EXAMPLE = {
    "changes": [
        {"statusListIndex": "94567", "statusPurpose": "revocation", "status": 1, "reason": "device lost"}
    ]
}


def build_operator_routes(lists: StatusLists) -> list[HTTPRouteHandler]:
    """
    Return the operators' route handlers of the status lists, for a Litestar application.

    The application's response class must render an `Answer`, and its dependencies have `principal`. Each
    write takes the header Idempotency-Key.
    """

    @post(
        BASE_PATH,
        name="create_status_set",
        summary="Create a status set",
        tags=_TAGS,
        responses={201: _described(SetView, "The set; its lists are published within a second.")},
        operation_class=reads(_CREATE_EXAMPLE),
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def create_set(principal: NamedDependency[Principal], request: Request[Any, Any, Any]) -> Answer:
        wanted = await _body(request, CreateSet)
        created = await lists.create_set(principal, wanted, idempotency_key=_idempotency_key(request))
        return _answer(created, 201)

    @get(
        BASE_PATH,
        name="list_status_sets",
        summary="List status sets",
        description=f"In the order of their ids, up to {MAX_PAGE} beyond `after`.",
        tags=_TAGS,
        responses={200: _described(SetPage, "A page of sets.")},
    )
    async def list_sets(
        principal: NamedDependency[Principal], after: FromQuery[str] = "", limit: FromQuery[int] = MAX_PAGE
    ) -> Answer:
        _check_page(after, limit)
        return _answer(await lists.list_sets(principal, after=after, limit=limit))

    @get(
        f"{BASE_PATH}/{{set_id:str}}",
        name="get_status_set",
        summary="Show a status set",
        tags=_TAGS,
        responses={200: _described(SetView, "The set.")},
    )
    async def get_set(principal: NamedDependency[Principal], set_id: FromPath[str]) -> Answer:
        return _answer(await lists.get_set(principal, set_id))

    @post(
        f"{BASE_PATH}/{{set_id:str}}/allocations",
        name="allocate_status_entries",
        summary="Allocate entries, for one credential each",
        tags=_TAGS,
        responses={201: _described(Allocated, "The entries, ready for `credentialStatus`.")},
        operation_class=reads(_ALLOCATE_EXAMPLE),
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def allocate(
        principal: NamedDependency[Principal], set_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = await _body(request, Allocate)
        allocated = await lists.allocate(principal, set_id, wanted, idempotency_key=_idempotency_key(request))
        return _answer(allocated, 201)

    @post(
        f"{BASE_PATH}/{{set_id:str}}/statuses",
        name="change_statuses",
        status_code=200,
        summary="Revoke, suspend, or lift a suspension",
        description=f"Up to {MAX_CHANGES_PER_CALL:,} changes in 1 MiB, all or none. A revocation is final.",
        tags=_TAGS,
        responses={200: _described(Changed, "Durable; published within a second.")},
        operation_class=reads(_CHANGE_EXAMPLE),
        request_max_body_size=MAX_CHANGES_BODY_BYTES,
    )
    async def set_statuses(
        principal: NamedDependency[Principal], set_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = read_changes(await request.body(), request.headers.get("content-type"))
        changed = await lists.set_statuses(
            principal, set_id, wanted, idempotency_key=_idempotency_key(request)
        )
        return _answer(changed)

    @get(
        f"{BASE_PATH}/{{set_id:str}}/statuses/{{index:str}}",
        name="get_status_entry",
        summary="Show the statuses of an entry",
        tags=_TAGS,
        responses={200: _described(EntryView, "The statuses, as the rows have them.")},
    )
    async def get_entry(
        principal: NamedDependency[Principal], set_id: FromPath[str], index: FromPath[str]
    ) -> Answer:
        return _answer(await lists.get_entry(principal, set_id, _read_index(index)))

    return [create_set, list_sets, get_set, allocate, set_statuses, get_entry]


def _described(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


async def _body(request: Request[Any, Any, Any], shape: type[T]) -> T:
    return read_body(await request.body(), request.headers.get("content-type"), shape)


def _idempotency_key(request: Request[Any, Any, Any]) -> str | None:
    key: str | None = request.headers.get("idempotency-key")
    return key


def _answer(value: msgspec.Struct, status: int = 200) -> Answer:
    return Answer(status=status, body=encode(value))


def _check_page(after: str, limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"limit: expected 1 to {MAX_PAGE}")
    if after and not is_set_id(after):
        raise BadRequest("after: expected the id of a set, such as `next` of the page before")


def _read_index(text: str) -> int:
    """Read an index in its one spelling, as in `statusListIndex`."""
    if _INDEX.fullmatch(text) is None:
        raise MalformedValue("expected an index in base 10, without sign or leading zeros")
    return int(text)
