"""
`/operator/issuers`: issuers, and how one key of theirs follows another. Routes.

Admins of all issuers change; whoever acts for one issuer reads that one.
"""

from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from operators.approvals.change import ApprovalView
from operators.asking import Acting, answer_of, body_of, key_of, require_no_body, require_page
from operators.grants import Permission, Principal
from operators.issuers.issuers import MAX_PAGE, Issuers
from operators.issuers.key_changes import KeyChanges
from operators.issuers.keys import MAX_PUBLISHED
from operators.issuers.views import AddKey, CompromiseKey, CreateIssuer, IssuerKeyView, IssuerPage, IssuerView
from operators.model import is_id
from operators.needs import anywhere, everything, named
from wire import Answer, BadRequest
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

ISSUERS = "/operator/issuers"
_ISSUER = f"{ISSUERS}/{{issuer_id:str}}"
_KEYS = f"{_ISSUER}/keys"
_KEY = f"{_KEYS}/{{key_id:str}}"


def issuer_routes(issuers: Issuers, changes: KeyChanges) -> type[Controller]:
    """
    Return the routes; the application's dependencies must have `principal`.

    Each write takes the header Idempotency-Key.
    """
    return over(_Routes, issuers=issuers, changes=changes)


def _described(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


_ACTIVATED = {
    200: _described(IssuerKeyView, "The key; with `activatesAt`, it will sign from then on."),
    202: _described(ApprovalView, "The request for approval, where another person must agree."),
}


class _Routes(Controller):
    tags = ("operators: issuers",)
    request_max_body_size = MAX_BODY_BYTES
    issuers: Issuers
    changes: KeyChanges

    @get(
        ISSUERS,
        name="list_issuers",
        needs=anywhere(Permission.READ),
        summary="List issuers, with every key that each ever had",
        description=f"In the order of their ids, up to {MAX_PAGE} beyond `after`.",
        responses={200: _described(IssuerPage, "A page of issuers.")},
    )
    async def list_issuers(
        self, principal: Acting, after: FromQuery[str] = "", limit: FromQuery[int] = MAX_PAGE
    ) -> Answer:
        require_page(limit, MAX_PAGE)
        if after and not is_id(after):
            raise BadRequest("after: expected the id of an issuer, such as `next` of the page before")
        return answer_of(await self.issuers.page(principal, after=after, limit=limit))

    @get(
        _ISSUER,
        name="get_issuer",
        needs=named("issuer_id", Permission.READ),
        summary="Show an issuer, with every key that it ever had",
        responses={200: _described(IssuerView, "The issuer.")},
    )
    async def get_issuer(self, principal: Acting, issuer_id: FromPath[str]) -> Answer:
        return answer_of(await self.issuers.show(principal, issuer_id))

    @post(
        ISSUERS,
        name="create_issuer",
        needs=everything(Permission.ADMINISTER),
        summary="Add an issuer",
        description="Without `did` it is hosted: its DID document is served here, and it gets a key and a spare"
        " one, made on the machine that answers; `algorithm` and `custody` are theirs. With `did` it has no keys"
        " yet. For administrators of everything.",
        responses={201: _described(IssuerView, "The issuer.")},
        operation_class=reads({"id": "acme", "owner": "ACME", "algorithm": "P-256"}),
    )
    async def create_issuer(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        wanted = await body_of(request, CreateIssuer)
        return answer_of(await self.issuers.create(principal, wanted, idempotency_key=key_of(request)), 201)

    @post(
        _KEYS,
        name="add_issuer_key",
        needs=named("issuer_id", Permission.ADMINISTER),
        summary="Make a key, and announce it",
        description="It is made on the machine that answers, stands in the DID document of a hosted issuer within"
        f" a second, and signs once it is activated. A document takes {MAX_PUBLISHED} keys at once."
        " For administrators of the issuer.",
        responses={
            201: _described(IssuerKeyView, "The key; of a foreign issuer, what its document must list.")
        },
        operation_class=reads({"algorithm": "P-256"}),
    )
    async def add_key(
        self, principal: Acting, issuer_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted = await body_of(request, AddKey)
        added = await self.changes.add(principal, issuer_id, wanted, idempotency_key=key_of(request))
        return answer_of(added, 201)

    @post(
        f"{_KEYS}/activate",
        name="activate_next_issuer_key",
        needs=named("issuer_id", Permission.ADMINISTER),
        status_code=200,
        summary="Rotate: let the announced key sign that is known for longest",
        description="As the activation of a named key. For administrators of the issuer.",
        responses=_ACTIVATED,
    )
    async def activate_next(
        self, principal: Acting, issuer_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        return await self._activate(principal, issuer_id, None, request)

    @post(
        f"{_KEY}/activate",
        name="activate_issuer_key",
        needs=named("issuer_id", Permission.ADMINISTER),
        status_code=200,
        summary="Let an announced key sign",
        description="At once where every cached copy of the DID document has had time to be replaced, or else as"
        " soon as that is so (`activatesAt`). The key before it is retired, and the issuer's lists are signed"
        " anew. A foreign issuer's document must list the key. For administrators of the issuer.",
        responses=_ACTIVATED,
    )
    async def activate(
        self,
        principal: Acting,
        issuer_id: FromPath[str],
        key_id: FromPath[str],
        request: Request[Any, Any, Any],
    ) -> Answer:
        return await self._activate(principal, issuer_id, key_id, request)

    @post(
        f"{_KEY}/retire",
        name="retire_issuer_key",
        needs=named("issuer_id", Permission.ADMINISTER),
        status_code=200,
        summary="Take back an announced key",
        description="It leaves the DID document, and never signs. An active key is retired by the activation of"
        " the next one. For administrators of the issuer.",
        responses={200: _described(IssuerKeyView, "The key.")},
    )
    async def retire(
        self,
        principal: Acting,
        issuer_id: FromPath[str],
        key_id: FromPath[str],
        request: Request[Any, Any, Any],
    ) -> Answer:
        await require_no_body(request)
        retired = await self.changes.retire(principal, issuer_id, key_id, idempotency_key=key_of(request))
        return answer_of(retired)

    @post(
        f"{_KEY}/compromised",
        name="give_up_issuer_key",
        needs=named("issuer_id", Permission.ADMINISTER),
        status_code=200,
        summary="Give up a key that others may have",
        description="It leaves the DID document at once and for ever. Where it was active, the spare key signs at"
        " once, and the issuer's lists are signed anew. For administrators of the issuer.",
        responses={200: _described(IssuerKeyView, "The key.")},
        operation_class=reads({"since": "2026-11-30T00:00:00Z"}),
    )
    async def compromised(
        self,
        principal: Acting,
        issuer_id: FromPath[str],
        key_id: FromPath[str],
        request: Request[Any, Any, Any],
    ) -> Answer:
        wanted = await body_of(request, CompromiseKey)
        given_up = await self.changes.compromise(
            principal, issuer_id, key_id, wanted, idempotency_key=key_of(request)
        )
        return answer_of(given_up)

    async def _activate(
        self, principal: Principal, issuer_id: str, key_id: str | None, request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        activated = await self.changes.activate(principal, issuer_id, key_id, idempotency_key=key_of(request))
        return answer_of(activated, 202 if isinstance(activated, ApprovalView) else 200)
