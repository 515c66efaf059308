"""
What the routes of the operators' listener declare that they need, checked when the application is built.

A route that says nothing of it stops the start, and `make lint`: no request finds a door that nobody locked.
"""

from collections.abc import Iterator

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from operators.needs import NEEDS, Need
from server.auth import Paths

# What answers without an API key on the operators' listener, which is on loopback by default, and why.
OPEN = {
    "/": "says where to go from here",
    "/docs": "the API as a page, the same for everybody",
    "/livez": "asked by the supervisor of the process, which has no key",
    "/metrics": "asked by the monitoring, which has no key; figures and no resource of an issuer",
    "/openapi.json": "the API as OpenAPI, the same for everybody",
    "/problems/{slug}": "what a problem type means, the same for everybody",
    "/readyz": "asked by the load balancer, which has no key; says what is wrong with this server",
}


class NotDeclared(Exception):
    """A route that the server cannot be started with, since it does not say whom it lets in."""


class Declared(msgspec.Struct, frozen=True):
    """A route, and what it needs; None: it answers everybody."""

    method: str
    path: str
    need: Need | None


def declared_by(app: Litestar, paths: Paths) -> list[Declared]:
    """
    Return what each route of `app` declares, by path and method.

    Raises:
        NotDeclared: one does not, or what it declares could not be decided.
    """
    found = [one for route in app.routes for one in _declared(app, route, paths)]
    return sorted(found, key=lambda one: (one.path, one.method))


def _declared(app: Litestar, route: BaseRoute, paths: Paths) -> Iterator[Declared]:
    if not isinstance(route, HTTPRoute):
        raise NotDeclared(f"{route.path}: only HTTP is served to operators")
    for method, (handler, _) in route.route_handler_map.items():
        # Litestar's own answer to OPTIONS names the methods of a path, which /openapi.json tells everybody.
        if method == "OPTIONS" and handler.handler_name == "options_handler":
            continue
        why = _why_not(app, route, handler, paths)
        if why is not None:
            raise NotDeclared(f"{method} {route.path_format}: {why}")
        yield Declared(method, route.path_format, handler.opt.get(NEEDS))


def _why_not(app: Litestar, route: HTTPRoute, handler: HTTPRouteHandler, paths: Paths) -> str | None:
    """Tell what is missing for the dependency `principal` to decide who is let in; None: nothing."""
    need = handler.opt.get(NEEDS)
    if need is None and route.path_format in OPEN:
        return None
    if not isinstance(need, Need):
        return f"declares no need; write {NEEDS}=..., as operators/needs.py has it"
    if any(NEEDS in (layer.opt or {}) for layer in handler.ownership_layers[:-1]):
        return "the need stands above the route, where a new route would have it without saying so"
    if handler.resolve_dependencies().get("principal") is not app.dependencies["principal"]:
        return "another dependency stands in the place of `principal`, which decides"
    if "principal" not in handler.parsed_fn_signature.parameters:
        return "takes no `principal`, so that nobody is asked who acts"
    if need.parameter and need.parameter not in route.path_parameters:
        return f"the path has no parameter {need.parameter}"
    if need.parameter not in paths.known(need.where):
        return f"nothing tells the scope of {need.parameter!r}; add it to `paths_of` in server/app.py"
    return None
