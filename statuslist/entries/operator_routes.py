"""
`/operator/status-lists`: sets, allocations and statuses, for authenticated principals. Routes.
"""

import re
from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from operators import Permission
from operators.asking import Acting, answer_of, body_of, key_of, require_page
from operators.needs import anywhere, asked, named
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
from statuslist.entries.sets import MAX_PAGE, StatusSets
from statuslist.errors import MalformedValue
from statuslist.formats.forms import is_set_id
from wire import Answer, BadRequest
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

BASE_PATH = "/operator/status-lists"
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_CREATE_EXAMPLE = {"purposes": ["revocation", "suspension"], "length": 131_072}
_ALLOCATE_EXAMPLE = {"count": 1, "mediaType": "application/vc", "reference": "batch 7"}
_CHANGE_EXAMPLE = {
    "changes": [
        {"statusListIndex": "94567", "statusPurpose": "revocation", "status": 1, "reason": "device lost"}
    ]
}


def build_operator_routes(sets: StatusSets) -> type[Controller]:
    """
    Return the operators' routes of the status lists, for a Litestar application.

    The application's response class must render an `Answer`, and its dependencies have `principal`. Each
    write takes the header Idempotency-Key.
    """
    return over(_Routes, sets=sets)


def _described(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


class _Routes(Controller):
    tags = ("operators: status lists",)
    request_max_body_size = MAX_BODY_BYTES
    sets: StatusSets

    @post(
        BASE_PATH,
        name="create_status_set",
        needs=asked(Permission.EDIT),
        summary="Create a status set",
        responses={201: _described(SetView, "The set; its lists are published within a second.")},
        operation_class=reads(_CREATE_EXAMPLE),
    )
    async def create_set(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        wanted = await body_of(request, CreateSet)
        created = await self.sets.create_set(principal, wanted, idempotency_key=key_of(request))
        return answer_of(created, 201)

    @get(
        BASE_PATH,
        name="list_status_sets",
        needs=anywhere(Permission.READ),
        summary="List status sets",
        description=f"In the order of their ids, up to {MAX_PAGE} beyond `after`.",
        responses={200: _described(SetPage, "A page of sets.")},
    )
    async def list_sets(
        self, principal: Acting, after: FromQuery[str] = "", limit: FromQuery[int] = MAX_PAGE
    ) -> Answer:
        require_page(limit, MAX_PAGE)
        if after and not is_set_id(after):
            raise BadRequest("after: expected the id of a set, such as `next` of the page before")
        return answer_of(await self.sets.list_sets(principal, after=after, limit=limit))

    @get(
        f"{BASE_PATH}/{{set_id:str}}",
        name="get_status_set",
        needs=named("set_id", Permission.READ),
        summary="Show a status set",
        responses={200: _described(SetView, "The set.")},
    )
    async def get_set(self, principal: Acting, set_id: FromPath[str]) -> Answer:
        return answer_of(await self.sets.get_set(principal, set_id))

    @post(
        f"{BASE_PATH}/{{set_id:str}}/allocations",
        name="allocate_status_entries",
        needs=named("set_id", Permission.ALLOCATE),
        summary="Allocate entries, for one credential each",
        responses={201: _described(Allocated, "The entries, ready for `credentialStatus`.")},
        operation_class=reads(_ALLOCATE_EXAMPLE),
    )
    async def allocate(
        self, principal: Acting, set_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = await body_of(request, Allocate)
        allocated = await self.sets.allocate(principal, set_id, wanted, idempotency_key=key_of(request))
        return answer_of(allocated, 201)

    @post(
        f"{BASE_PATH}/{{set_id:str}}/statuses",
        name="change_statuses",
        needs=named("set_id", Permission.EDIT),
        status_code=200,
        summary="Revoke, suspend, or lift a suspension",
        description=f"Up to {MAX_CHANGES_PER_CALL:,} changes in 1 MiB, all or none. A revocation is final.",
        responses={200: _described(Changed, "Durable; published within a second.")},
        operation_class=reads(_CHANGE_EXAMPLE),
        request_max_body_size=MAX_CHANGES_BODY_BYTES,
    )
    async def set_statuses(
        self, principal: Acting, set_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = read_changes(await request.body(), request.headers.get("content-type"))
        changed = await self.sets.set_statuses(principal, set_id, wanted, idempotency_key=key_of(request))
        return answer_of(changed)

    @get(
        f"{BASE_PATH}/{{set_id:str}}/statuses/{{index:str}}",
        name="get_status_entry",
        needs=named("set_id", Permission.READ),
        summary="Show the statuses of an entry",
        responses={200: _described(EntryView, "The statuses, as the rows have them.")},
    )
    async def get_entry(self, principal: Acting, set_id: FromPath[str], index: FromPath[str]) -> Answer:
        return answer_of(await self.sets.get_entry(principal, set_id, _read_index(index)))


def _read_index(text: str) -> int:
    """Read an index in its one spelling, as in `statusListIndex`."""
    if _INDEX.fullmatch(text) is None:
        raise MalformedValue("expected an index in base 10, without sign or leading zeros")
    return int(text)
