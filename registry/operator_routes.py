"""
`/operator/registry`: the registry as one file, replaced and exported whole, and what is looked up in it. Routes.
"""

from typing import Any

from litestar import Controller, Request, get, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery

from operators.approvals.change import ApprovalView
from operators.asking import Acting, answer_of, key_of, require_page
from operators.grants import Permission
from operators.needs import everything
from registry.editing.importing import Imports
from registry.files import Files
from registry.imports.registry_file import MAX_FILE_BYTES
from registry.listing import MAX_PAGE, GrantPage
from storage import require_key
from wire import Answer, encode, require_media_type
from wire.openapi import reads
from wire.routing import over

REGISTRY = "/operator/registry"
GRANTS = f"{REGISTRY}/grants"
PROFILE = f"{REGISTRY}/profile"


def build_operator_routes(files: Files, imports: Imports) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, files=files, imports=imports)


class _Routes(Controller):
    tags = ("operators: registry",)
    files: Files
    imports: Imports

    @put(
        REGISTRY,
        needs=everything(Permission.EDIT),
        name="import_registry",
        summary="Replace the registry by a file",
        description="All of it, or nothing if the file has a fault; each is told with its pointer and line."
        " What the file does not say any more ends now; what it says of the past otherwise than before is refused"
        f" unless `corrects` is true. At most {MAX_FILE_BYTES // 1_048_576} MiB. Every process answers from it"
        " within a second. While two people can approve changes of the registry, another one must agree (202): it"
        " is a change set then. With `dry_run` nothing is changed: the answer is what would be.",
        request_max_body_size=MAX_FILE_BYTES,
        operation_class=reads({"version": 2, "entities": [], "authorities": []}),
    )
    async def import_registry(
        self,
        principal: Acting,
        request: Request[Any, Any, Any],
        corrects: FromQuery[bool] = False,
        dry_run: FromQuery[bool] = False,
    ) -> Answer:
        require_media_type(request.headers.get("content-type"), "application/json")
        data, key = await request.body(), key_of(request)
        if dry_run:
            if key is not None:
                require_key(key)
            return answer_of(await self.imports.differ(data, corrects=corrects))
        done = await self.imports.import_file(principal, data, corrects=corrects, idempotency_key=key)
        return answer_of(done, 202 if isinstance(done, ApprovalView) else 200)

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
        return Answer(body=await self.files.export())

    @get(
        GRANTS,
        needs=everything(Permission.READ),
        name="list_registry_grants",
        summary="Who may do what, and who recognises whom, as of now",
        description=f"Up to {MAX_PAGE} beyond `after`, which is the `next` of the page before.",
        responses={200: ResponseSpec(GrantPage, description="A page of grants.", generate_examples=False)},
    )
    async def list_grants(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        after: FromQuery[str] = "",
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_page(limit, MAX_PAGE)
        return answer_of(await self.files.page(after=after, limit=limit))

    @get(
        PROFILE,
        needs=everything(Permission.READ),
        name="show_registry_profile",
        summary="All about one entity",
        description="By its id, or one of its identifiers.",
    )
    async def show_profile(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        id: FromQuery[str],
    ) -> Answer:
        return Answer(body=encode(await self.files.profile(id)))
