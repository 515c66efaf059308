"""
`docs/authorization.md`: who is answered what by which route, made of what the routes declare. Pure.

    make authorization

Each cell is what `operators.grants.require` decides for somebody with one grant.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from operators.grants import (
    EVERYTHING,
    Grant,
    Permission,
    Principal,
    Role,
    Scope,
    issuer_scope,
    require,
    require_anywhere,
)
from operators.needs import Need, Where
from server.declarations import OPEN, Declared
from wire import Forbidden, ResourceNotFound

OWN, FOREIGN = issuer_scope("own"), issuer_scope("foreign")
_HEAD = """\
# Who may do what

For auditors. `make authorization` makes this page of what the routes of the operator API declare. A test fails
when it is stale; another one asks every route as every role, and compares. What roles are for and how they are
granted is told in [access.md](access.md#roles).

## How to read it

A grant is a role in a scope: everything, one issuer, or one authority of the registry. People and services may
do what one of their grants allows; an API key that is narrowed allows less. A route needs one permission:

- *in everything*: what it shows or changes belongs to no issuer. A grant in one issuer does not do.
- *in any scope*: a list. It leaves out what the caller may not see.
- *in its scope*: that of the resource which the path names: an issuer, a status set, a request for approval.
- *in the scope asked for*: that which the body of the request names.
- *of the principal*: see [principals](#operatorprincipals).
- *none*: it is about whoever asks: who one is, or a request for approval of one's own. Another one's is absent.

A cell has up to three answers: for a resource in the scope of the grant, for one of somebody else, and for one that
does not exist.

| answer | means |
|---|---|
| yes | the request is let in |
| 403 | the caller may know of the resource, and may not do this |
| 404 | the caller is told that there is none; in the same bytes, whether it is somebody else's or absent |
| 401 | no valid API key or token; the same for every route of these tables |

Three examples:

- `GET /operator/issuers/{issuer_id}`, viewer: *yes, 404, 404*. Who views one issuer sees that one, and is told
  of no other.
- `POST /operator/status-lists/{set_id}/statuses`, allocator: *403, 404, 404*. Who allocates entries cannot
  revoke them.
- `POST /operator/cache/purge`, administrator of one issuer: *403*. The caches are everybody's.
"""
_PRINCIPALS = """\
A principal belongs to every scope in which it has grants; one without any grant belongs to everything. With the
permission in one of its scopes it is seen, with the permission in all of them it is changed. To whoever may not
see it, it is absent. *Or itself*: a principal does that to itself and to its own keys, whatever its roles.
"""


def render(declared: Iterable[Declared]) -> str:
    """Return the page."""
    routes = list(declared)
    asking = [(one, one.need) for one in routes if one.need is not None]
    rooms = groupby(asking, key=lambda found: found[0].path.split("/")[2])
    return "\n".join(
        [
            _HEAD,
            *_permissions(),
            *(line for room, found in rooms for line in _room(room, list(found))),
            *_open([one for one in routes if one.need is None]),
        ]
    )


def _permissions() -> Iterator[str]:
    yield "## Roles and their permissions\n"
    yield from _table(
        ("", *Role),
        ((p.value, *("x" if p in role.permissions else "" for role in Role)) for p in Permission),
    )


def _room(name: str, routes: list[tuple[Declared, Need]]) -> Iterator[str]:
    yield f"## /operator/{name}\n"
    if any(need.where is Where.PRINCIPAL for _, need in routes):
        yield _PRINCIPALS
    yield "With a grant in one issuer, or in one authority (own, foreign, absent):\n"
    yield from _table(("route", "needs", *Role), (_row(*one, OWN, (OWN, FOREIGN, None)) for one in routes))
    yield "With a grant in everything (there, absent):\n"
    yield from _table(("route", "needs", *Role), (_row(*one, EVERYTHING, (OWN, None)) for one in routes))


def _row(route: Declared, need: Need, scope: Scope, places: tuple[Scope | None, ...]) -> Iterator[str]:
    yield f"`{route.method} {route.path}`"
    yield _needs(need)
    for role in Role:
        holder = Principal(id="somebody", grants=frozenset({Grant(scope, role)}))
        if need.where in (Where.EVERYTHING, Where.ANYWHERE, Where.OWN):
            yield answer(need, holder, None)
        else:
            yield ", ".join(answer(need, holder, place) for place in places)


def _needs(need: Need) -> str:
    if need.where is Where.OWN:
        return "none"
    where = {
        Where.EVERYTHING: "in everything",
        Where.ANYWHERE: "in any scope",
        Where.NAMED: "in its scope",
        Where.ASKED: "in the scope asked for",
        Where.PRINCIPAL: "of the principal",
    }[need.where]
    return f"{need.permission} {where}{', or itself' if need.or_itself else ''}"


def answer(need: Need, holder: Principal, place: Scope | None) -> str:
    """Return what `holder` is answered by a route with that need; `place`: the resource's scope; None: absent."""
    try:
        _ask(need, holder, place)
    except Forbidden:
        return "403"
    except ResourceNotFound:
        return "404"
    return "yes"


def _ask(need: Need, holder: Principal, place: Scope | None) -> None:
    if need.where is Where.EVERYTHING:
        require(holder, need.permission, EVERYTHING)
    if need.where in (Where.ANYWHERE, Where.ASKED):
        require_anywhere(holder, need.permission)
    if need.where in (Where.EVERYTHING, Where.ANYWHERE, Where.OWN):
        return
    is_hidden = need.where is Where.PRINCIPAL and not holder.may(
        Permission.SEE_PRINCIPALS, place or EVERYTHING
    )
    if place is None or is_hidden:
        raise ResourceNotFound("absent")
    require(holder, need.permission, place)


def _open(routes: list[Declared]) -> Iterator[str]:
    yield "## Without an API key\n"
    yield "These answer whoever reaches the operators' listener, which is on loopback unless you say otherwise:\n"
    yield from _table(("route", "why"), ((f"`{one.method} {one.path}`", OPEN[one.path]) for one in routes))
    yield "OPTIONS of a path names its methods, as `/openapi.json` does. Nothing else answers without a key.\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    cells = list(head)
    yield f"| {' | '.join(cells)} |"
    yield "|---" * len(cells) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
