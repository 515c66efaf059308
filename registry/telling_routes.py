"""
What the registry tells with GET: the Ayra profile below `/trqp`, and the documents by which it is found. Routes.
"""

from collections.abc import Callable
from typing import Any

from litestar import Controller, Request, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery

from registry.asking.entity_lists import Wanted
from registry.asking.moments import parameters
from registry.ayra import DEFAULT_LIMIT, ECOSYSTEMS_PATH, ENTITIES_PATH, MAX_LIMIT
from registry.telling import Telling
from wire import Answer, BadRequest, ResourceNotFound
from wire.body import NO_ROUTE
from wire.routing import over

_TIMES = (
    " `time`: as of when; `known_at`: by what was known then; both RFC 3339 in UTC, ending in Z, and at most a"
    " minute ahead."
)


FACTS_PER_TOKEN = 200  # that are looked at for a list

Charge = Callable[[str, float], None]  # as `routes.Charge`


def build_telling_routes(telling: Telling, charge: Charge = lambda *_: None) -> type[Controller]:
    """Return the routes of whoever reads the registry; as `routes.build_routes`."""
    return over(_Routes, telling=telling, charge=charge)


def _context_of(time: FromQuery[str | None] = None, known_at: FromQuery[str | None] = None) -> dict[str, str]:
    return parameters(time, known_at)


class _Routes(Controller):
    tags = ("registry",)
    dependencies = {"context": Provide(_context_of, sync_to_thread=False)}  # noqa: RUF012 - as Litestar reads it
    telling: Telling
    charge: Charge

    @get(
        "/.well-known/trqp-metadata.json",
        name="trqp_endpoint",
        summary="Where TRQP is answered, and for whom",
        description="The service metadata document of the draft on discovery (TRQP issue 177, section 7).",
    )
    async def endpoint(self) -> Answer:
        return await self.telling.endpoint()

    @get(
        "/.well-known/trqp-metadata",
        name="trqp_security_profile",
        summary="On which terms TRQP is answered",
        description="The metadata of the TRQP Security and Privacy Profile (TSPP-TRQP-0.1).",
    )
    async def security_profile(self) -> Answer:
        return await self.telling.security_profile()

    @get("/trqp/metadata", name="trqp_metadata", summary="What this registry is", description=_TIMES)
    async def metadata(
        self,
        context: NamedDependency[dict[str, str]],
        authority_id: FromQuery[str | None] = None,
    ) -> Answer:
        return await self.telling.metadata(authority_id, context)

    @get(
        ENTITIES_PATH,
        name="list_trqp_entities",
        summary="Entities, by page",
        description="All; with `authority_id` those to whom it granted something that is in force; with `action`"
        " and `resource`, which go together, those authorized for that. Up to "
        f"{MAX_LIMIT} (`limit`) beyond the first `offset`." + _TIMES,
    )
    async def entities(
        self,
        request: Request[Any, Any, Any],
        context: NamedDependency[dict[str, str]],
        authority_id: FromQuery[str | None] = None,
        action: FromQuery[str | None] = None,
        resource: FromQuery[str | None] = None,
        limit: FromQuery[int] = DEFAULT_LIMIT,
        offset: FromQuery[int] = 0,
    ) -> Answer:
        client = request.scope.get("state", {}).get("client", "")

        def spend(facts: int) -> None:
            self.charge(client, max(0.0, facts / FACTS_PER_TOKEN - 1))  # One has been paid.

        wanted = Wanted(authority_id=authority_id, pair=_pair(action, resource))
        return await self.telling.entities(wanted, context, limit, offset, spend)

    @get(
        ENTITIES_PATH + "/{entity_id:path}",
        name="show_trqp_entity",
        summary="About one entity, or what it is authorized to do",
        description="Percent-encode the identifier as a whole. `/authorizations` after it lists the answers to all"
        " authorization queries about it that are answered with yes." + _TIMES,
    )
    async def entity(
        self,
        request: Request[Any, Any, Any],
        context: NamedDependency[dict[str, str]],
    ) -> Answer:
        raw, is_list = _below(request, ENTITIES_PATH, b"authorizations")
        tell = self.telling.authorizations if is_list else self.telling.entity
        return await tell(raw, context)

    @get(
        ECOSYSTEMS_PATH + "/{ecosystem_id:path}",
        name="show_trqp_ecosystem",
        summary="About one authority, or whom it recognises",
        description="Percent-encode the identifier as a whole. `/recognitions` after it lists the answers to all"
        " recognition queries to it that are answered with yes." + _TIMES,
    )
    async def ecosystem(
        self,
        request: Request[Any, Any, Any],
        context: NamedDependency[dict[str, str]],
    ) -> Answer:
        raw, is_list = _below(request, ECOSYSTEMS_PATH, b"recognitions")
        tell = self.telling.recognitions if is_list else self.telling.ecosystem
        return await tell(raw, context)

    @get(
        "/trqp/lookups/assuranceLevels",
        name="trqp_assurance_levels",
        summary="Levels of assurance: there are none",
        description=_TIMES,
    )
    async def assurance_levels(
        self,
        context: NamedDependency[dict[str, str]],
        authority_id: FromQuery[str | None] = None,
    ) -> Answer:
        return await self.telling.assurance_levels(authority_id, context)

    @get(
        "/trqp/lookups/authorizations",
        name="trqp_authorizations",
        summary="What may be asked",
        description="The actions and resources that an authority defines, or that any does." + _TIMES,
    )
    async def pairs(
        self,
        context: NamedDependency[dict[str, str]],
        authority_id: FromQuery[str | None] = None,
    ) -> Answer:
        return await self.telling.pairs(authority_id, context)

    @get(
        "/trqp/lookups/didMethods",
        name="trqp_did_methods",
        summary="DID methods that are resolved",
        description=_TIMES,
    )
    async def did_methods(
        self,
        context: NamedDependency[dict[str, str]],
        authority_id: FromQuery[str | None] = None,
    ) -> Answer:
        return await self.telling.did_methods(authority_id, context)


def _pair(action: str | None, resource: str | None) -> tuple[str, str] | None:
    if action is None and resource is None:
        return None
    if action is None or resource is None:
        raise BadRequest("`action` and `resource`: expected both or neither")
    return action, resource


def _below(request: Request[Any, Any, Any], base: str, list_name: bytes) -> tuple[bytes, bool]:
    """
    Return the identifier below `base`, as it stands in the raw path, and whether its list is asked for.

    Raises:
        ResourceNotFound: there is more below the identifier, or no identifier.
    """
    raw_path: bytes = request.scope["raw_path"]
    match raw_path.removeprefix(base.encode() + b"/").split(b"/"):
        case [identifier] if identifier:
            return identifier, False
        case [identifier, name] if identifier and name == list_name:
            return identifier, True
    raise ResourceNotFound(NO_ROUTE)
