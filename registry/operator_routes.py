"""
`/operator/registry`: the registry as one file, replaced and exported whole, and what is looked up in it. Routes.
"""

from typing import Any

from litestar import Controller, Request, get, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery

from operators.asking import Acting, answer_of, key_of, require_page
from operators.grants import Permission
from operators.needs import everything
from registry.imports.registry_file import MAX_FILE_BYTES
from registry.listing import MAX_PAGE, GrantPage
from registry.registry import Registry
from wire import Answer, encode, require_media_type
from wire.openapi import reads
from wire.routing import over

REGISTRY = "/operator/registry"
GRANTS = f"{REGISTRY}/grants"
PROFILE = f"{REGISTRY}/profile"


def build_operator_routes(registry: Registry) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, registry=registry)


class _Routes(Controller):
    tags = ("operators: registry",)
    registry: Registry

    @put(
        REGISTRY,
        needs=everything(Permission.EDIT),
        name="import_registry",
        summary="Replace the registry by a file",
        description="All of it, or nothing if the file has a fault; each is told with its pointer and line."
        f" At most {MAX_FILE_BYTES // 1_048_576} MiB. Every process answers from it within a second.",
        request_max_body_size=MAX_FILE_BYTES,
        operation_class=reads({"authorities": [], "entities": [], "authorizations": [], "recognitions": []}),
    )
    async def import_registry(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        require_media_type(request.headers.get("content-type"), "application/json")
        data, key = await request.body(), key_of(request)
        return answer_of(await self.registry.import_file(principal, data, idempotency_key=key))

    @get(
        REGISTRY,
        needs=everything(Permission.READ),
        name="export_registry",
        summary="The registry as a file",
        description="To import it changes nothing.",
    )
    async def export_registry(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
    ) -> Answer:
        return Answer(body=await self.registry.export())

    @get(
        GRANTS,
        needs=everything(Permission.READ),
        name="list_registry_grants",
        summary="Who may do what, and who recognises whom, as of now",
        description=f"Up to {MAX_PAGE} beyond the first `after`. A page of another `version` than the one before it"
        " is of another registry.",
        responses={200: ResponseSpec(GrantPage, description="A page of grants.", generate_examples=False)},
    )
    async def list_grants(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_page(limit, MAX_PAGE, after)
        return answer_of(await self.registry.page(after=after, limit=limit))

    @get(
        PROFILE,
        needs=everything(Permission.READ),
        name="show_registry_profile",
        summary="All about one authority or entity",
        description="By its identifier, `id`.",
    )
    async def show_profile(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        id: FromQuery[str],
    ) -> Answer:
        return Answer(body=encode(await self.registry.profile(id)))
