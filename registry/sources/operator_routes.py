"""
`/operator/registry/sources`: lists elsewhere that the registry follows. Routes.
"""

from typing import Any, cast

from litestar import Controller, Request, delete, get, post
from litestar.params import FromPath

from operators.approvals.change import ApprovalView
from operators.asking import Acting, answer_of, body_of, key_of
from operators.grants import Permission
from operators.needs import everything
from registry.sources.model import LetPass, Source
from registry.sources.sources import Sources
from wire import Answer
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

SOURCES = "/operator/registry/sources"
SOURCE = f"{SOURCES}/{{source_id}}"
_EXAMPLE = {
    "kind": "lote",
    "id": "pid-providers",
    "url": "https://lists.example/pid.jwt",
    "authority_id": "did:web:authority.example",
    "anchors": "-----BEGIN CERTIFICATE-----...",
    "services": {"http://uri.etsi.org/19602/SvcType/PID/Issuance": [{"action": "issue", "resource": "PID"}]},
    "policy": "hold",
}


def source_routes(sources: Sources) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, sources=sources)


class _Routes(Controller):
    tags = ("operators: registry",)
    request_max_body_size = MAX_BODY_BYTES
    sources: Sources

    @get(
        SOURCES,
        needs=everything(Permission.READ),
        name="list_registry_sources",
        summary="The lists that the registry follows, and what became of each",
    )
    async def list_sources(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
    ) -> Answer:
        return answer_of(await self.sources.list())

    @post(
        SOURCES,
        needs=everything(Permission.ADMINISTER),
        name="add_registry_source",
        status_code=201,
        summary="Follow a list of trusted entities (`lote`), or a file of certificates (`pem`)",
        description="It is fetched within seconds, and anew before it ends. With the policy `pass` whatever differs"
        " is recorded at once; with `hold` it waits until somebody lets it pass.",
        operation_class=reads(_EXAMPLE),
    )
    async def add_source(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        source = await body_of(request, cast("type[Source]", Source))
        return answer_of(await self.sources.add(principal, source, idempotency_key=key_of(request)), 201)

    @get(
        f"{SOURCES}/{{source_id:str}}",
        needs=everything(Permission.READ),
        name="show_registry_source",
        summary="A source: what it says otherwise and is held, and what is passed over",
    )
    async def show_source(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        source_id: FromPath[str],
    ) -> Answer:
        return answer_of(await self.sources.show(source_id))

    @post(
        f"{SOURCES}/{{source_id:str}}/refresh",
        needs=everything(Permission.EDIT),
        name="refresh_registry_source",
        status_code=200,
        summary="Look at a source within seconds",
    )
    async def refresh_source(self, principal: Acting, source_id: FromPath[str]) -> Answer:
        return answer_of(await self.sources.refresh(principal, source_id))

    @post(
        f"{SOURCES}/{{source_id:str}}/pass",
        needs=everything(Permission.APPROVE),
        name="pass_registry_source",
        status_code=200,
        summary="Let pass what a source says and what is held",
        description="If it still says so when it is looked at, within seconds. Anything else is held again.",
        operation_class=reads({"sha256": "0" * 64}),
    )
    async def pass_source(
        self, principal: Acting, source_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        asked = await body_of(request, LetPass)
        return answer_of(await self.sources.refresh(principal, source_id, lets_pass=asked.sha256))

    @delete(
        f"{SOURCES}/{{source_id:str}}",
        needs=everything(Permission.ADMINISTER),
        name="remove_registry_source",
        status_code=200,
        summary="Follow a source no more: what it grants ends now",
        description="While two people can approve changes of the registry, another one must agree (202).",
    )
    async def remove_source(
        self, principal: Acting, source_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        removed = await self.sources.remove(principal, source_id, idempotency_key=key_of(request))
        return answer_of(removed, 202 if isinstance(removed, ApprovalView) else 200)
