"""
`/operator/me`, `/operator/principals` and `/operator/keys`: who may do what. Routes.
"""

from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from operators.access.api_key_changes import DEFAULT_DAYS, MAX_DAYS, ApiKeys
from operators.access.grant_changes import GrantChanges
from operators.access.principal_changes import MAX_PAGE, PrincipalChanges
from operators.access.views import (
    ApiKeyPage,
    ApiKeyView,
    AskedGrant,
    CreateKey,
    CreatePrincipal,
    MadeKey,
    Me,
    PrincipalPage,
    PrincipalView,
    RotateKey,
    me_view,
)
from operators.approvals.change import ApprovalView
from operators.asking import Acting, answer_of, body_of, key_of, require_no_body, require_page
from operators.grants import Permission, Principal
from operators.model import is_id
from operators.needs import OWN, anywhere, asked, of_principal
from wire import Answer, BadRequest
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

PRINCIPALS = "/operator/principals"
KEYS = "/operator/keys"
_PRINCIPAL = f"{PRINCIPALS}/{{principal_id:str}}"
_KEY = f"{KEYS}/{{public_id:str}}"
_WAITS = "With `approval` in the answer (202), it is done once another person agrees."
_GRANT_EXAMPLE = {"scope": "issuer:acme", "role": "editor"}


def access_routes(changes: PrincipalChanges, grants: GrantChanges, keys: ApiKeys) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, changes=changes, grants=grants, keys=keys)


def _described(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


_PRINCIPAL_ANSWERS = {
    200: _described(PrincipalView, "The principal."),
    202: _described(ApprovalView, "The request for approval."),
}


class _Routes(Controller):
    tags = ("operators: principals",)
    request_max_body_size = MAX_BODY_BYTES
    changes: PrincipalChanges
    grants: GrantChanges
    keys: ApiKeys

    @get(
        "/operator/me",
        name="who_am_i",
        summary="Show who acts, with which grants",
        responses={200: _described(Me, "Whose key or token was presented, and what may be done with it.")},
        needs=OWN,
    )
    async def who_am_i(self, principal: Acting) -> Answer:
        return answer_of(me_view(principal))

    @get(
        PRINCIPALS,
        name="list_principals",
        summary="List people and services, with their grants",
        description=f"In the order of their ids, up to {MAX_PAGE} beyond `after`; those with a grant in a scope of"
        " yours.",
        responses={200: _described(PrincipalPage, "A page of principals.")},
        needs=anywhere(Permission.SEE_PRINCIPALS),
    )
    async def list_principals(
        self, principal: Acting, after: FromQuery[str] = "", limit: FromQuery[int] = MAX_PAGE
    ) -> Answer:
        require_page(limit, MAX_PAGE)
        if after and not is_id(after):
            raise BadRequest("after: expected the id of a principal, such as `next` of the page before")
        return answer_of(await self.changes.page(principal, after=after, limit=limit))

    @get(
        _PRINCIPAL,
        name="get_principal",
        summary="Show a person or service, with its grants",
        responses={200: _described(PrincipalView, "The principal.")},
        needs=of_principal("principal_id", Permission.SEE_PRINCIPALS, or_itself=True),
    )
    async def get_principal(self, principal: Acting, principal_id: FromPath[str]) -> Answer:
        return answer_of(await self.changes.show(principal, principal_id))

    @post(
        PRINCIPALS,
        name="create_principal",
        summary="Add a person or a service",
        description="With grants in scopes that you administer; without any, for administrators of everything. A"
        f" person needs the approval of another one, while two can give it. {_WAITS}",
        responses={
            201: _described(PrincipalView, "The principal."),
            202: _described(ApprovalView, "The request for approval."),
        },
        operation_class=reads(
            {
                "id": "acme-backend",
                "kind": "service",
                "name": "ACME's back office",
                "grants": [_GRANT_EXAMPLE],
            }
        ),
        needs=asked(Permission.ADMINISTER),
    )
    async def create_principal(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        wanted = await body_of(request, CreatePrincipal)
        return _made(await self.changes.create(principal, wanted, idempotency_key=key_of(request)), 201)

    @post(
        f"{_PRINCIPAL}/grants",
        name="add_grant",
        status_code=200,
        summary="Give a principal a role in a scope",
        description=f"The role approver needs the approval of another person, while two can give it. {_WAITS}",
        responses=_PRINCIPAL_ANSWERS,
        operation_class=reads(_GRANT_EXAMPLE),
        needs=asked(Permission.ADMINISTER, "principal_id"),
    )
    async def add_grant(
        self, principal: Acting, principal_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = await body_of(request, AskedGrant)
        return _made(
            await self.grants.grant(principal, principal_id, wanted, idempotency_key=key_of(request))
        )

    @post(
        f"{_PRINCIPAL}/grants/end",
        name="end_grant",
        status_code=200,
        summary="Take a role in a scope away",
        description=f"The role approver needs the approval of another person, while two can give it. {_WAITS}",
        responses=_PRINCIPAL_ANSWERS,
        operation_class=reads(_GRANT_EXAMPLE),
        needs=asked(Permission.ADMINISTER, "principal_id"),
    )
    async def end_grant(
        self, principal: Acting, principal_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = await body_of(request, AskedGrant)
        return _made(
            await self.grants.end_grant(principal, principal_id, wanted, idempotency_key=key_of(request))
        )

    @post(
        f"{_PRINCIPAL}/deactivate",
        name="deactivate_principal",
        status_code=200,
        summary="Let a principal do nothing more",
        description=f"It stays known. An approver goes with the approval of another person. {_WAITS}",
        responses=_PRINCIPAL_ANSWERS,
        needs=of_principal("principal_id", Permission.ADMINISTER),
    )
    async def deactivate(
        self, principal: Acting, principal_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        return await self._set_active(principal, principal_id, False, request)

    @post(
        f"{_PRINCIPAL}/reactivate",
        name="reactivate_principal",
        status_code=200,
        summary="Let a deactivated principal act again",
        description=f"A person comes back with the approval of another one. {_WAITS}",
        responses=_PRINCIPAL_ANSWERS,
        needs=of_principal("principal_id", Permission.ADMINISTER),
    )
    async def reactivate(
        self, principal: Acting, principal_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        return await self._set_active(principal, principal_id, True, request)

    @post(
        f"{_PRINCIPAL}/erase",
        name="erase_person",
        status_code=200,
        summary="Forget the name, the address and the account of a person who was deactivated",
        responses={200: _described(PrincipalView, "The person, without a name.")},
        needs=of_principal("principal_id", Permission.ADMINISTER),
    )
    async def erase(
        self, principal: Acting, principal_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        return answer_of(await self.changes.erase(principal, principal_id, idempotency_key=key_of(request)))

    @get(
        f"{_PRINCIPAL}/keys",
        name="list_api_keys",
        summary="List the API keys of a principal, without their secrets",
        responses={200: _described(ApiKeyPage, "The keys, the oldest first.")},
        needs=of_principal("principal_id", Permission.SEE_PRINCIPALS, or_itself=True),
    )
    async def list_keys(self, principal: Acting, principal_id: FromPath[str]) -> Answer:
        return answer_of(await self.keys.page(principal, principal_id))

    @post(
        f"{_PRINCIPAL}/keys",
        name="create_api_key",
        status_code=201,
        summary="Make an API key",
        description=f"It ends after {DEFAULT_DAYS} days, or at `expiresAt`, {MAX_DAYS} days ahead at most; `grants`"
        " narrow it. Its text is in this answer only, and no Idempotency-Key brings it back. A key that you make"
        f" for another person needs an approval, while two people can give it. {_WAITS}",
        responses={
            201: _described(MadeKey, "The key."),
            202: _described(MadeKey, "The key, and the request for approval."),
        },
        operation_class=reads({"expiresAt": "2027-01-31T00:00:00Z"}),
        needs=of_principal("principal_id", Permission.ADMINISTER, or_itself=True),
    )
    async def create_key(
        self, principal: Acting, principal_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = await body_of(request, CreateKey)
        made = await self.keys.create(principal, principal_id, wanted)
        return answer_of(made, 201 if made.approval is None else 202)

    @post(
        f"{_KEY}/rotate",
        name="rotate_api_key",
        status_code=201,
        summary="Make an API key in the place of another",
        description="Narrowed alike. The old one works for `overlapSeconds` more, a day unless stated. A person's"
        " key is rotated by that person alone.",
        responses={201: _described(MadeKey, "The new key.")},
        operation_class=reads({"overlapSeconds": 86_400}),
        needs=of_principal("public_id", Permission.ADMINISTER, or_itself=True),
    )
    async def rotate_key(
        self, principal: Acting, public_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = await body_of(request, RotateKey)
        return answer_of(await self.keys.rotate(principal, public_id, wanted), 201)

    @post(
        f"{_KEY}/revoke",
        name="revoke_api_key",
        status_code=200,
        summary="Revoke an API key",
        description="It may work for half a second more. The keys of the same principal that were made with it are"
        " revoked too, but for the one that took its place, and the one with which you ask.",
        responses={200: _described(ApiKeyView, "The key.")},
        needs=of_principal("public_id", Permission.ADMINISTER, or_itself=True),
    )
    async def revoke_key(
        self, principal: Acting, public_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        return answer_of(await self.keys.revoke(principal, public_id))

    async def _set_active(
        self, principal: Principal, principal_id: str, is_active: bool, request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        return _made(
            await self.changes.set_active(principal, principal_id, is_active, idempotency_key=key_of(request))
        )


def _made(made: PrincipalView | ApprovalView, status: int = 200) -> Answer:
    return answer_of(made, 202 if isinstance(made, ApprovalView) else status)
