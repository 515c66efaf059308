"""
`/operator/status-lists`: sets, allocations and statuses, for authenticated principals. Routes.
"""

import re
from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from credentials.errors import MalformedValue
from operators import Permission
from operators.asking import Acting, answer_of, body_of, key_of, require_known, require_no_body, require_page
from operators.needs import anywhere, asked, named
from statuslist.entries.requests import (
    MAX_ALLOCATED_PER_CALL,
    MAX_CHANGES_BODY_BYTES,
    MAX_CHANGES_PER_CALL,
    MAX_FOUND,
    Allocated,
    Changed,
    ChangeSettings,
    CreateSet,
    EntryView,
    FindEntries,
    FoundEntries,
    Released,
    SetPage,
    SetView,
    read_allocation,
    read_changes,
    read_release,
)
from statuslist.entries.sets import MAX_PAGE, StatusSets
from statuslist.formats.forms import is_set_id
from wire import Answer, BadRequest
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

BASE_PATH = "/operator/status-lists"
FIND_PATH = "/operator/status-entries/find"  # Not below the sets: one may have that id.
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_CREATE_EXAMPLE = {"purposes": ["revocation", "suspension"], "length": 131_072}
_SETTINGS_EXAMPLE = {"profile": "haip", "cadenceSeconds": 600}
_ALLOCATE_EXAMPLE = {"count": 1, "format": "dc+sd-jwt", "references": ["student 4711"]}
_CHANGE_EXAMPLE = {
    "changes": [
        {"statusListIndex": "94567", "statusPurpose": "revocation", "status": 1, "reason": "device lost"}
    ]
}
_RELEASE_EXAMPLE = {"entries": [{"statusListIndex": "94567"}, {"reference": "student 4711"}]}
_FIND_EXAMPLE = {"reference": "student 4711"}


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
        self,
        principal: Acting,
        request: Request[Any, Any, Any],
        after: FromQuery[str] = "",
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_known(request, ("after", "limit"))
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
        f"{BASE_PATH}/{{set_id:str}}/forms",
        name="add_token_list",
        needs=named("set_id", Permission.EDIT),
        status_code=200,
        summary="Have an older set published in all forms",
        description="A set of release 0.2 gets a token list beside its other lists. Its entries stay as they are.",
        responses={200: _described(SetView, "The set; its token list is published within a second.")},
    )
    async def add_forms(
        self, principal: Acting, set_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        return answer_of(await self.sets.add_tokens(principal, set_id, idempotency_key=key_of(request)))

    @post(
        f"{BASE_PATH}/{{set_id:str}}/settings",
        name="change_status_set",
        needs=named("set_id", Permission.EDIT),
        status_code=200,
        summary="Change the profile or the cadence of a status set",
        description="What the body leaves out stays. Under another profile all lists are signed anew at once.",
        responses={200: _described(SetView, "The set.")},
        operation_class=reads(_SETTINGS_EXAMPLE),
    )
    async def change_settings(
        self, principal: Acting, set_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = await body_of(request, ChangeSettings)
        changed = await self.sets.change_settings(principal, set_id, wanted, idempotency_key=key_of(request))
        return answer_of(changed)

    @post(
        f"{BASE_PATH}/{{set_id:str}}/allocations",
        name="allocate_status_entries",
        needs=named("set_id", Permission.ALLOCATE),
        summary="Allocate entries, for one credential each",
        description=(
            f"Up to {MAX_ALLOCATED_PER_CALL:,} entries. The body may have 1 MiB: as many references of 100 bytes"
            " fit; with longer ones, ask for fewer entries at a time. References are compared byte for byte in"
            " UTF-8. `reference` names the whole call; if a later call has the same, both are found by it."
            " `expiresAt` is refused if it is over a minute in the past."
        ),
        responses={201: _described(Allocated, "The entries, each ready for its credential.")},
        operation_class=reads(_ALLOCATE_EXAMPLE),
        request_max_body_size=MAX_CHANGES_BODY_BYTES,
    )
    async def allocate(
        self, principal: Acting, set_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = read_allocation(await request.body(), request.headers.get("content-type"))
        allocated = await self.sets.allocate(principal, set_id, wanted, idempotency_key=key_of(request))
        return answer_of(allocated, 201)

    @post(
        f"{BASE_PATH}/{{set_id:str}}/statuses",
        name="change_statuses",
        needs=named("set_id", Permission.EDIT),
        status_code=200,
        summary="Revoke, suspend, or lift a suspension",
        description=f"Up to {MAX_CHANGES_PER_CALL:,} changes in 1 MiB, all or none. A revocation is final. A"
        " `reason` is kept in the audit log as it is: it must hold no personal data.",
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

    @post(
        f"{BASE_PATH}/{{set_id:str}}/releases",
        name="release_status_entries",
        needs=named("set_id", Permission.EDIT),
        status_code=200,
        summary="Release entries whose credentials were not issued",
        description=f"Up to {MAX_CHANGES_PER_CALL:,}, all or none. Nothing can revoke such an entry any more.",
        responses={200: _described(Released, "Durable; no list changes, and no index is given again.")},
        operation_class=reads(_RELEASE_EXAMPLE),
        request_max_body_size=MAX_CHANGES_BODY_BYTES,
    )
    async def release(
        self, principal: Acting, set_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = read_release(await request.body(), request.headers.get("content-type"))
        released = await self.sets.release(principal, set_id, wanted, idempotency_key=key_of(request))
        return answer_of(released)

    @post(
        FIND_PATH,
        name="find_status_entries",
        needs=asked(Permission.READ),
        status_code=200,
        summary="Find entries by their reference",
        description=f"In all sets of an issuer; up to {MAX_FOUND}. Not in a URL, where it would be logged.",
        responses={200: _described(FoundEntries, "The entries; none where nobody gave one that reference.")},
        operation_class=reads(_FIND_EXAMPLE),
    )
    async def find(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        return answer_of(await self.sets.find(principal, await body_of(request, FindEntries)))

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
