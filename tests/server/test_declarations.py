"""A route that does not say whom it lets in stops the start, and the lint: each way in which one could forget."""

from typing import Any

import pytest
from litestar import Controller, Litestar, MediaType, WebSocket, get, post, websocket
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from operators.grants import Permission, Principal, Scope
from operators.needs import OWN, anywhere, asked, everything, named, of_principal
from server.auth import Named, Paths
from server.declarations import NotDeclared, declared_by

Acting = NamedDependency[Principal]
READ = everything(Permission.READ)


async def nobody() -> Principal:
    return Principal(id="nobody")


async def _of(_: str) -> Scope | None:
    return None


async def _let_in(*_: object) -> None: ...


PATHS = Paths(resources={"issuer_id": Named(_of, str)}, principals={"principal_id": _let_in})


def app_of(*handlers: Any) -> Litestar:
    return Litestar(list(handlers), dependencies={"principal": Provide(nobody)}, openapi_config=None)


def why(*handlers: Any) -> str:
    with pytest.raises(NotDeclared) as refused:
        declared_by(app_of(*handlers), PATHS)
    return str(refused.value)


@get("/operator/good", needs=READ)
async def good(principal: Acting) -> None: ...


@get("/operator/silent")
async def silent(principal: Acting) -> None: ...


@post("/operator/silent")
async def silent_write(principal: Acting) -> None: ...


@get("/operator/words", needs="read")
async def words(principal: Acting) -> None: ...


@get("/operator/unasked", needs=READ)
async def unasked() -> None: ...


@get("/elsewhere")
async def elsewhere(principal: Acting) -> None: ...


async def anybody() -> Principal:
    return Principal(id="anybody")


@get("/operator/own", needs=OWN, dependencies={"principal": Provide(anybody)})
async def own_dependency(principal: Acting) -> None: ...


@get("/operator/{set_id:str}", needs=named("issuer_id", Permission.READ))
async def other_parameter(principal: Acting, set_id: FromPath[str]) -> None: ...


@get("/operator/{set_id:str}", needs=named("set_id", Permission.READ))
async def unknown_parameter(principal: Acting, set_id: FromPath[str]) -> None: ...


@get("/operator/{principal_id:str}", needs=named("principal_id", Permission.READ))
async def principal_as_resource(principal: Acting, principal_id: FromPath[str]) -> None: ...


@get("/operator/{issuer_id:str}", needs=of_principal("issuer_id", Permission.READ))
async def resource_as_principal(principal: Acting, issuer_id: FromPath[str]) -> None: ...


@websocket("/operator/socket", needs=READ)
async def socket(socket: WebSocket[Any, Any, Any], principal: Acting) -> None: ...


@pytest.mark.parametrize(
    ("handler", "word"),
    [
        (silent, "GET /operator/silent: declares no need"),
        (silent_write, "POST /operator/silent: declares no need"),
        (words, "declares no need"),
        (unasked, "takes no `principal`"),
        (elsewhere, "GET /elsewhere: declares no need"),
        (own_dependency, "another dependency"),
        (other_parameter, "has no parameter issuer_id"),
        (unknown_parameter, "nothing tells the scope of 'set_id'"),
        (principal_as_resource, "nothing tells the scope"),
        (resource_as_principal, "nothing tells the scope"),
        (socket, "only HTTP"),
    ],
)
def test_a_route_that_could_not_be_decided_is_refused_and_named(handler: Any, word: str) -> None:
    assert word in why(good, handler)


def test_a_need_above_a_route_is_none_of_its_own() -> None:
    """Else a new route of that controller would be let in by what somebody said of others."""

    class Inheriting(Controller):
        opt = {"needs": READ}  # noqa: RUF012 (as Litestar has it)

        @get("/operator/inherited")
        async def inherited(self, principal: Acting) -> None: ...

    assert "stands above the route" in why(good, Inheriting)


def test_a_second_method_of_a_path_needs_a_declaration_of_its_own() -> None:
    @post("/operator/good")
    async def changed(principal: Acting) -> None: ...

    assert why(good, changed).startswith("POST /operator/good: declares no need")


def test_an_answer_to_options_of_our_own_needs_one_too() -> None:
    @HTTPRouteHandler(
        "/operator/options", http_method=["OPTIONS"], status_code=200, media_type=MediaType.TEXT
    )
    async def options() -> str:
        return "secret"

    assert why(good, options).startswith("OPTIONS /operator/options: declares no need")


@pytest.mark.parametrize("need", [READ, OWN, anywhere(Permission.READ), asked(Permission.EDIT)])
def test_what_is_declared_is_told(need: Any) -> None:
    @get("/operator/other", needs=need)
    async def other(principal: Acting) -> None: ...

    @get("/livez")
    async def livez() -> None: ...

    declared = declared_by(app_of(good, other, livez), PATHS)
    assert [(one.path, one.method, one.need) for one in declared] == [
        ("/livez", "GET", None),
        ("/operator/good", "GET", READ),
        ("/operator/other", "GET", need),
    ]
