"""
`/operator/registry/change-sets` and `/operator/registry/suspensions`: how the registry is edited. Routes.
"""

import asyncio
import re
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter

from operators.asking import Acting, answer_of, key_of, require_known, require_no_body, require_page
from operators.grants import Permission
from operators.needs import anywhere, asked, named
from registry.editing.change_sets import ChangeSets
from registry.editing.drafts import ABSENT, MAX_PAGE, Drafts
from registry.editing.errors import RevisionNotNamed
from registry.editing.reading import read_request
from registry.editing.shapes import (
    MAX_BYTES,
    MAX_OPERATIONS,
    ChangeSetPage,
    ChangeSetView,
    CommentPage,
    Difference,
    Draft,
    NewComment,
    State,
    Suspension,
    Validation,
)
from wire import Answer, BadRequest, ResourceNotFound, encode
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

CHANGE_SETS = "/operator/registry/change-sets"
SUSPENSIONS = "/operator/registry/suspensions"
_ONE = f"{CHANGE_SETS}/{{change_set:str}}"
_ETAG = re.compile(r'"([1-9][0-9]{0,15})"')
_DRAFT_EXAMPLE = {
    "title": "Suspend a school",
    "operations": [{"op": "suspend", "kind": "authorization", "id": "g-1", "reason": "audit"}],
}


def change_set_routes(drafts: Drafts, change_sets: ChangeSets) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, drafts=drafts, change_sets=change_sets)


def _described(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


_VIEW = _described(ChangeSetView, "The change set; its ETag is its revision.")


class _Routes(Controller):
    tags = ("operators: registry",)
    request_max_body_size = MAX_BODY_BYTES
    drafts: Drafts
    change_sets: ChangeSets

    @get(
        CHANGE_SETS,
        needs=anywhere(Permission.READ),
        name="list_change_sets",
        summary="List change sets",
        description=f"By number, up to {MAX_PAGE} beyond `after`; those of your scopes, in one `state` or in any.",
        responses={200: _described(ChangeSetPage, "A page of change sets.")},
    )
    async def list_change_sets(
        self,
        principal: Acting,
        request: Request[Any, Any, Any],
        wanted: Annotated[str, QueryParameter(name="state")] = "",  # `state` is taken by the framework.
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_known(request, ("state", "after", "limit"))
        require_page(limit, MAX_PAGE, after)
        return answer_of(await self.drafts.page(principal, state=_state(wanted), after=after, limit=limit))

    @post(
        CHANGE_SETS,
        needs=asked(Permission.EDIT),
        name="create_change_set",
        summary="Draft a change set",
        description=f"Up to {MAX_OPERATIONS} operations and {MAX_BYTES // 1_048_576} MiB. Nothing is changed yet.",
        request_max_body_size=MAX_BYTES,
        responses={201: _VIEW},
        operation_class=reads(_DRAFT_EXAMPLE),
    )
    async def create_change_set(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        draft = await _body_of(request, Draft)
        return await _shown(await self.drafts.create(principal, draft, idempotency_key=key_of(request)), 201)

    @get(
        _ONE,
        needs=named("change_set", Permission.READ),
        name="get_change_set",
        summary="Show a change set",
        responses={200: _VIEW},
    )
    async def get_change_set(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read in its scope
        change_set: FromPath[str],
    ) -> Answer:
        return await _shown(await self.drafts.show(number_of(change_set)))

    @put(
        _ONE,
        needs=named("change_set", Permission.EDIT),
        name="edit_change_set",
        summary="Let a draft say something else",
        description="With `If-Match`: the ETag of what was looked at. Only its author, and not while it waits for"
        " approval.",
        request_max_body_size=MAX_BYTES,
        responses={200: _VIEW},
        operation_class=reads(_DRAFT_EXAMPLE),
    )
    async def edit_change_set(
        self, principal: Acting, change_set: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        revision = _if_match(request)
        if revision is None:
            raise RevisionNotNamed("expected If-Match with the ETag of the change set that was looked at")
        draft = await _body_of(request, Draft)
        return await _shown(
            await self.drafts.edit(
                principal, number_of(change_set), revision, draft, idempotency_key=key_of(request)
            )
        )

    @post(
        f"{_ONE}/validate",
        needs=named("change_set", Permission.READ),
        name="validate_change_set",
        status_code=200,
        summary="What an approver should know of a change set",
        description="Faults and conflicts are errors, with their pointers.",
        responses={200: _described(Validation, "What is to be looked at.")},
    )
    async def validate(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read in its scope
        change_set: FromPath[str],
        request: Request[Any, Any, Any],
    ) -> Answer:
        await require_no_body(request)
        return answer_of(await self.drafts.validate(number_of(change_set)))

    @get(
        f"{_ONE}/diff",
        needs=named("change_set", Permission.READ),
        name="show_change_set_diff",
        summary="What a change set would do, or did",
        description="Each fact before and after, and the questions whose answers become others.",
        responses={200: _described(Difference, "Facts and answers, before and after.")},
    )
    async def diff(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read in its scope
        change_set: FromPath[str],
    ) -> Answer:
        found = await self.drafts.differ(number_of(change_set))
        return await asyncio.to_thread(answer_of, found)

    @post(
        f"{_ONE}/submit",
        needs=named("change_set", Permission.EDIT),
        name="submit_change_set",
        status_code=200,
        summary="Let a change set take effect, once another person agrees",
        description="Where nobody needs to agree it takes effect at once, or at its time. `If-Match` may say which"
        " revision is meant.",
        responses={
            200: _VIEW,
            202: _described(ChangeSetView, "The change set, which waits for `approval`."),
        },
    )
    async def submit(
        self, principal: Acting, change_set: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        shown = await self.change_sets.submit(
            principal, number_of(change_set), revision=_if_match(request), idempotency_key=key_of(request)
        )
        return await _shown(shown, 202 if shown.state == "submitted" else 200)

    @post(
        f"{_ONE}/withdraw",
        needs=named("change_set", Permission.EDIT),
        name="withdraw_change_set",
        status_code=200,
        summary="Take a change set back before it takes effect",
        responses={200: _VIEW},
    )
    async def withdraw(
        self, principal: Acting, change_set: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        number, key = number_of(change_set), key_of(request)
        return await _shown(await self.change_sets.withdraw(principal, number, idempotency_key=key))

    @post(
        f"{_ONE}/request-information",
        needs=named("change_set", Permission.APPROVE),
        name="request_information",
        status_code=200,
        summary="Give a submitted change set back to its author, with a question",
        responses={200: _VIEW},
        operation_class=reads({"text": "Which decision is this by?"}),
    )
    async def request_information(
        self, principal: Acting, change_set: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        comment = await _body_of(request, NewComment)
        return await _shown(
            await self.change_sets.request_information(
                principal, number_of(change_set), comment.text, idempotency_key=key_of(request)
            )
        )

    @post(
        f"{_ONE}/rollback",
        needs=named("change_set", Permission.EDIT),
        name="roll_back_change_set",
        status_code=201,
        summary="Draft what takes a change set back, from then on",
        description="What it revoked is granted anew, since a revocation is final. Nothing is changed yet.",
        responses={201: _VIEW},
    )
    async def roll_back(
        self, principal: Acting, change_set: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        made = await self.drafts.roll_back(principal, number_of(change_set), idempotency_key=key_of(request))
        return await _shown(made, 201)

    @get(
        f"{_ONE}/comments",
        needs=named("change_set", Permission.READ),
        name="list_change_set_comments",
        summary="What was said about a change set",
        responses={200: _described(CommentPage, "The comments, the oldest first.")},
    )
    async def list_comments(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read in its scope
        change_set: FromPath[str],
    ) -> Answer:
        return answer_of(await self.drafts.comments(number_of(change_set)))

    @post(
        f"{_ONE}/comments",
        needs=named("change_set", Permission.READ),
        name="comment_change_set",
        status_code=201,
        summary="Say something about a change set",
        responses={201: _described(CommentPage, "The comments, the oldest first.")},
        operation_class=reads({"text": "The ministry's letter is in the files."}),
    )
    async def comment(
        self, principal: Acting, change_set: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        said = await _body_of(request, NewComment)
        comments = await self.drafts.comment(
            principal, number_of(change_set), said.text, idempotency_key=key_of(request)
        )
        return answer_of(comments, 201)

    @post(
        SUSPENSIONS,
        needs=asked(Permission.BREAK_GLASS),
        name="suspend_at_once",
        status_code=201,
        summary="Emergency: suspend at once what an entity was granted",
        description="By one person with the role break-glass; everybody is told. `authority` narrows it to what one"
        " authority granted; `ids` names what is suspended instead of `entity`.",
        request_max_body_size=MAX_BYTES,
        responses={201: _VIEW},
        operation_class=reads({"entity": "did:web:uni.example", "reason": "its key was stolen"}),
    )
    async def suspend(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        wanted = await _body_of(request, Suspension)
        return await _shown(
            await self.change_sets.suspend(principal, wanted, idempotency_key=key_of(request)), 201
        )


async def _body_of(request: Request[Any, Any, Any], shape: Any) -> Any:
    """Read the body on a thread: a megabyte of operations takes some 20 ms."""
    data, content_type = await request.body(), request.headers.get("content-type")
    return await asyncio.to_thread(read_request, data, content_type, shape)


async def _shown(found: ChangeSetView, status: int = 200) -> Answer:
    """Encode on a thread, as one of an import may have a hundred thousand operations."""
    body = await asyncio.to_thread(encode, found)
    return Answer(status=status, body=body, etag=f'"{found.revision}"')


def number_of(text: str) -> int:
    """Return the number in a path, where the dependency `principal` found the change set before."""
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise ResourceNotFound(ABSENT)
    return int(text)


def _if_match(request: Request[Any, Any, Any]) -> int | None:
    header = request.headers.get("if-match")
    if header is None:
        return None
    if (found := _ETAG.fullmatch(header.strip())) is None:
        raise BadRequest('If-Match: expected one ETag of the change set, such as "3"')
    return int(found[1])


def _state(text: str) -> State | None:
    if not text:
        return None
    try:
        found: State = msgspec.convert(text, State)
    except msgspec.ValidationError:
        raise BadRequest("state: expected a state of change sets, such as submitted") from None
    return found
