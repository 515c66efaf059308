"""
`/operator/registry/change-sets/{n}/challenges`: whoever applies shows that a DID is theirs. Routes.
"""

from typing import Any

import msgspec
from litestar import Controller, Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from operators.asking import Acting, answer_of, body_of, require_no_body
from operators.grants import Permission
from operators.needs import named
from registry.editing.challenges import VALID_SECONDS, Challenges
from registry.editing.drafts import Drafts
from registry.editing.routes import CHANGE_SETS, number_of
from registry.editing.shapes import ChallengePage, Met, Response
from wire import Answer
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

CHALLENGES = f"{CHANGE_SETS}/{{change_set:str}}/challenges"


def challenge_routes(drafts: Drafts, challenges: Challenges) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, drafts=drafts, challenges=challenges)


def _described(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


class _Routes(Controller):
    tags = ("operators: registry",)
    request_max_body_size = MAX_BODY_BYTES
    drafts: Drafts
    challenges: Challenges

    @post(
        CHALLENGES,
        needs=named("change_set", Permission.EDIT),
        name="challenge_applicants",
        status_code=201,
        summary="Ask whoever applies to show that its DIDs are its own",
        description="One text for each DID that the change set adds. Its owner signs it with a key that the DID"
        f" document lists under `assertionMethod`, within {VALID_SECONDS // 60} minutes.",
        responses={201: _described(ChallengePage, "The texts to sign.")},
    )
    async def challenge(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may edit in its scope
        change_set: FromPath[str],
        request: Request[Any, Any, Any],
    ) -> Answer:
        await require_no_body(request)
        number = number_of(change_set)
        dids = await self.drafts.new_dids(number)
        return answer_of(await self.challenges.make(number, dids), 201)

    @post(
        f"{CHALLENGES}/{{challenge_id:str}}",
        needs=named("change_set", Permission.EDIT),
        name="meet_challenge",
        status_code=200,
        summary="Show that a DID is whose the change set says",
        description="`jws` is a compact JWS (RFC 7515) over the text, `kid` in its header the DID URL of the key.",
        responses={200: _described(Met, "Which key signed.")},
        operation_class=reads({"jws": "eyJhbGciOiJFZERTQSJ9.SSBjb250cm9s.c2lnbmF0dXJl"}),
    )
    async def meet(
        self,
        principal: Acting,
        change_set: FromPath[str],
        challenge_id: FromPath[str],
        request: Request[Any, Any, Any],
    ) -> Answer:
        response = await body_of(request, Response)
        number = number_of(change_set)
        return answer_of(await self.challenges.meet(principal, number, challenge_id, response.jws))
