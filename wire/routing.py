"""
How routes get the services that they call. Routes.
"""

from litestar import Controller, Router
from litestar.handlers import BaseRouteHandler


def over(controller: type[Controller], **services: object) -> type[Controller]:
    """
    Return `controller`, which declares the services as its attributes, over these services.

    Raises:
        TypeError: the names are not those that it declares; told at the start, not by the first request.
    """
    declared = controller.__annotations__.keys()
    if declared != services.keys():
        raise TypeError(f"{controller.__qualname__} declares {sorted(declared)}, not {sorted(services)}")
    names = list(vars(controller))

    def opened(self: Controller, owner: Router) -> None:
        controller.__init__(self, owner)
        vars(self).update(services)

    def in_order(self: Controller) -> list[BaseRouteHandler]:
        """Return the routes in the order of the code, which is that of the OpenAPI document, not of their names."""
        return sorted(controller.get_route_handlers(self), key=lambda route: names.index(route.handler_name))

    own = {"__init__": opened, "get_route_handlers": in_order, "__module__": controller.__module__}
    return type(controller.__name__, (controller,), own)
