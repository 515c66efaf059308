"""
The query of a request, held to what its route declares: each parameter once, each number in its one spelling.

The framework would take the last of several, and reads `1e3` and `1.0` as numbers; what it refuses it refuses
without a name. A route that declares no parameters reads its query itself, or has none.
"""

import re
from functools import lru_cache
from typing import Any

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition

from wire import BadRequest
from wire.words import type_fault

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}", re.ASCII)  # Every number below 2^53, which is all that JSON has.
_CHANGES = ("POST", "PUT", "PATCH", "DELETE")
_MAX_SHOWN = 40  # characters of what was found


async def require_query(request: Request[Any, Any, Any]) -> None:
    """
    Raises:
        BadRequest: a change by an operator has a query though its route reads none (whoever sends `?dryRun=true`
            where there is no dry run would be taken at more than his word); a parameter that the route needs is not
            there; one that it reads is there twice, or is not of its type.
    """
    declared = _declared(request.route_handler)
    if not declared:
        _refuse_query_of_change(request)
        return
    given = {name: request.query_params.getall(name, []) for name in declared}
    for name, values in given.items():
        if len(values) > 1:
            raise BadRequest(f"{name}: expected once, found {len(values)} times")
    for name, field in declared.items():
        if not given[name] and field.is_required:
            raise BadRequest(f"{name}: expected this parameter in the query, and found none")
        if given[name] and (fault := _fault_of(given[name][0], field)) is not None:
            raise BadRequest(f"{name}: {fault}")


def _refuse_query_of_change(request: Request[Any, Any, Any]) -> None:
    is_change = request.method in _CHANGES and request.scope["path"].startswith("/operator/")
    if is_change and (found := request.scope["query_string"]):
        name = found[:_MAX_SHOWN].decode("ascii", "replace")
        raise BadRequest(
            f"expected no query, found {name!r}: this request has all that it may say in its body"
        )


def _fault_of(text: str, field: FieldDefinition) -> str | None:
    if field.annotation is int:
        is_read = _WHOLE.fullmatch(text) is not None
        return None if is_read else f"expected a whole number such as 100, found {text[:_MAX_SHOWN]!r}"
    return type_fault(text[:_MAX_SHOWN], bool) if field.annotation is bool else None


@lru_cache(maxsize=1_024)  # More than there are routes.
def _declared(route: BaseRouteHandler) -> dict[str, FieldDefinition]:
    """Return the parameters that a route reads of its query, and those that what it depends on reads."""
    signatures = [route.parsed_fn_signature]
    signatures += [provided.parsed_fn_signature for provided in route.resolve_dependencies().values()]
    return {
        field.kwarg_definition.name or name: field
        for signature in signatures
        for name, field in signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }
