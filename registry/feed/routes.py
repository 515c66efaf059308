"""
`GET /trust/changes`: what changed in the registry, for everybody. Routes.
"""

from typing import Any

from litestar import Controller, Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery

from operators.asking import require_known
from registry.feed.changes import MAX_PAGE, MAX_POSITION, ChangePage
from registry.feed.reading import Feed, Wanted
from registry.feed.store import LOOKED_AT
from wire import Answer, BadRequest
from wire.routing import over

CHANGES = "/trust/changes"
PARAMETERS = ("since", "limit", "kind", "authority", "entity")
DEFAULT_PAGE = 100  # changes
PAGE = ResponseSpec(ChangePage, description="A page of changes.", generate_examples=False)
DESCRIPTION = (
    f"In the order of their positions, which is that of the commits: up to {MAX_PAGE} beyond `since`; of one"
    " `kind`, about one `authority` or one `entity` (an id, or an identifier) where asked. A page looks at"
    f" {LOOKED_AT:,} changes at most, so it may have none, and a `next` that is further. `next` is the `since` of"
    " the page after it, and stays good whatever is edited meanwhile."
)


def feed_routes(feed: Feed) -> type[Controller]:
    """Return the route, for a Litestar application whose response class renders an `Answer`."""
    return over(_Routes, feed=feed)


def wanted_of(
    request: Request[Any, Any, Any], since: int, limit: int, kind: str, authority: str, entity: str
) -> Wanted:
    """
    Raises:
        BadRequest: another parameter, or a number that is none of a position or of a page.
    """
    require_known(request, PARAMETERS)
    if not 0 <= since <= MAX_POSITION:
        raise BadRequest("since: expected a position, such as `next` of the page before")
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"limit: expected 1 to {MAX_PAGE}, found {limit}")
    return Wanted(since=since, limit=limit, kind=kind, authority=authority, entity=entity)


class _Routes(Controller):
    tags = ("registry",)
    feed: Feed

    @get(
        CHANGES,
        name="registry_changes",
        summary="What changed, since when you asked last?",
        description=DESCRIPTION,
        responses={200: PAGE},
    )
    async def changes(
        self,
        request: Request[Any, Any, Any],
        since: FromQuery[int] = 0,
        limit: FromQuery[int] = DEFAULT_PAGE,
        kind: FromQuery[str] = "",
        authority: FromQuery[str] = "",
        entity: FromQuery[str] = "",
    ) -> Answer:
        return await self.feed.answer(wanted_of(request, since, limit, kind, authority, entity))
