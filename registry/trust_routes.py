"""
`/trust`: may whoever holds this do that, and who is there? Routes.
"""

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from registry.asking.browsing import (
    AUTHORITIES_PATH,
    DEFAULT_PAGE,
    ENTITIES_PATH,
    MAX_PAGE,
    Wanted,
    require_one_of,
)
from registry.asking.evaluation import EVALUATE_PATH
from registry.asking.moments import parameters
from registry.identifiers import IdentifierKind
from registry.model import Phase
from registry.trust import Trust
from wire import Answer, ResourceNotFound
from wire.body import MAX_BODY_BYTES, NO_ROUTE
from wire.routing import over

ENTITIES_PER_TOKEN = 200  # that are looked at for a page: some 4 ms

Owe = Callable[[str, float], None]

_TIMES = (
    " `time`: as of when; `known_at`: by what was known then; both RFC 3339 in UTC, ending in Z, and at most a"
    " minute ahead."
)
_PAGES = f" Up to `limit` ({MAX_PAGE} at most), from `cursor` on, which is the `next` of the page before."


def build_trust_routes(trust: Trust, owe: Owe = lambda *_: None) -> type[Controller]:
    """
    Return the routes; as `routes.build_routes`.

    Args:
        owe: takes tokens of a client for work that is done; it waits them off before it may ask again.
    """
    return over(_Routes, trust=trust, owe=owe)


def _times_of(time: FromQuery[str | None] = None, known_at: FromQuery[str | None] = None) -> dict[str, str]:
    return parameters(time, known_at)


class _Routes(Controller):
    tags = ("registry",)
    dependencies = {"times": Provide(_times_of, sync_to_thread=False)}  # noqa: RUF012 - as Litestar reads it
    trust: Trust
    owe: Owe

    @post(
        EVALUATE_PATH,
        name="evaluate_trust",
        status_code=200,
        summary="May whoever holds this issue that?",
        description="What a wallet has at hand: exactly one of `did`, `iss`, `x5c`, `jwk`, `x509_hash`, `ni`, and"
        " exactly one of `type`, `vct`, `docType` and `resource`. `action` is `issue` unless you say otherwise."
        " Without `authority`, any authority of the registry counts. docs/registry.md lists the reasons.",
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def evaluate(self, request: Request[Any, Any, Any]) -> Answer:
        content_type = request.headers.get("content-type")
        return await self.trust.evaluate(await request.body(), content_type, _language(request))

    @get(
        ENTITIES_PATH,
        name="list_trust_entities",
        summary="Entities, by what they are called and what was granted to them",
        description="`q`: each word begins a word of a name, in any language; case and accents do not matter."
        " `authority`, `action`, `resource`, `state`: authorized for that, and in that state. `kind`: has an"
        " identifier of that kind." + _PAGES + _TIMES,
    )
    async def entities(
        self,
        request: Request[Any, Any, Any],
        times: NamedDependency[dict[str, str]],
        q: FromQuery[str | None] = None,
        authority: FromQuery[str | None] = None,
        action: FromQuery[str | None] = None,
        resource: FromQuery[str | None] = None,
        in_state: Annotated[str | None, QueryParameter(name="state")] = None,  # `state` is the framework's.
        kind: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = DEFAULT_PAGE,
    ) -> Answer:
        wanted = Wanted(
            q=q,
            authority=authority,
            action=action,
            resource=resource,
            state=require_one_of("state", in_state, Phase),
            kind=require_one_of("kind", kind, IdentifierKind),
        )
        client = request.scope.get("state", {}).get("client", "")

        def owe(entities: int) -> None:
            self.owe(client, max(0.0, entities / ENTITIES_PER_TOKEN - 1))  # One has been paid.

        return await self.trust.entities(wanted, times, cursor, limit, _language(request), owe)

    @get(
        ENTITIES_PATH + "/{entity_id:path}",
        name="show_trust_entity",
        summary="All about one entity",
        description="By its id, or an identifier, percent-encoded as a whole." + _TIMES,
    )
    async def entity(self, request: Request[Any, Any, Any], times: NamedDependency[dict[str, str]]) -> Answer:
        return await self.trust.entity(_below(request, ENTITIES_PATH), times, _language(request))

    @get(
        AUTHORITIES_PATH,
        name="list_trust_authorities",
        summary="Authorities that the registry answers for",
        description=_PAGES.strip() + _TIMES,
    )
    async def authorities(
        self,
        request: Request[Any, Any, Any],
        times: NamedDependency[dict[str, str]],
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = DEFAULT_PAGE,
    ) -> Answer:
        return await self.trust.authorities(times, cursor, limit, _language(request))

    @get(
        AUTHORITIES_PATH + "/{authority_id:path}",
        name="show_trust_authority",
        summary="All about one authority: its rules, and what it defines",
        description="By its id, or an identifier, percent-encoded as a whole." + _TIMES,
    )
    async def authority(
        self, request: Request[Any, Any, Any], times: NamedDependency[dict[str, str]]
    ) -> Answer:
        return await self.trust.authority(_below(request, AUTHORITIES_PATH), times, _language(request))


def _language(request: Request[Any, Any, Any]) -> str | None:
    """Return all Accept-Language headers as one (RFC 9110, section 5.3)."""
    return ", ".join(request.headers.getall("accept-language", [])) or None


def _below(request: Request[Any, Any, Any], base: str) -> bytes:
    """Return the id or identifier below `base`, as the raw path has it; ResourceNotFound where there is none."""
    raw_path: bytes = request.scope["raw_path"]
    found = raw_path.removeprefix(base.encode() + b"/")
    if not found or b"/" in found:
        raise ResourceNotFound(NO_ROUTE)
    return found
