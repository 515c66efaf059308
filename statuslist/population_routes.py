"""
`/status-lists/aggregation`, `/status-lists/changes` and `/status-lists/bundle`, for whoever holds lists whole.
Routes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from litestar import Controller, Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from statuslist.errors import PositionUnknown
from statuslist.formats.forms import DATA_INTEGRITY, FORM_NAMES, FormName
from statuslist.populations.answers import (
    MAX_SETS,
    Aggregation,
    Bundle,
    ChangedSets,
    answer_aggregation,
    answer_bundle,
    answer_changes,
    has_lists,
)
from statuslist.populations.rows import last_position, manifest_of
from statuslist.publishing.publisher import Publisher
from storage import Database
from wire import Answer, BadRequest, ResourceNotFound
from wire.routing import over

MAX_POSITION = 2**53 - 1
_NO_ISSUER = "there is no issuer of that id that has published a list"
_SINCE = (
    " `since` is a position, `next` of the answer before: what was published up to it is left out. Positions never"
    " go back; without `since` all is told. One that nothing was published at yet is refused (410): begin again."
)


def build_population_routes(
    publisher: Publisher, database: Database, *, clock: Callable[[], float]
) -> type[Controller]:
    """
    Return the routes, for a Litestar application whose response class renders an `Answer`.

    Args:
        clock: seconds since 1970.
    """
    return over(_Routes, publisher=publisher, database=database, clock=clock)


def _told(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


class _Routes(Controller):
    tags = ("status lists",)
    publisher: Publisher
    database: Database
    clock: Callable[[], float]

    @get(
        "/status-lists/aggregation/{issuer_id:str}",
        name="get_status_list_aggregation",
        summary="All token lists of an issuer",
        description="Status List Aggregation (Token Status List, section 9): each list, as JWT and as CWT.",
        responses={200: _told(Aggregation, "Their URIs.")},
    )
    async def get_aggregation(self, issuer_id: FromPath[str], request: Request[Any, Any, Any]) -> Answer:
        _require(request)
        await self.publisher.following.catch_up()
        tenant_of = self.publisher.demand.tenant_of
        answer = answer_aggregation(self.publisher.lists, tenant_of, issuer_id, now=self.clock())
        if answer is None:
            raise ResourceNotFound("there is no issuer of that id that has published a token list")
        return answer

    @get(
        "/status-lists/changes",
        name="get_status_list_changes",
        summary="Which sets of lists were published since",
        description=f"In the order of their positions, up to {MAX_SETS}." + _SINCE,
        responses={
            200: ResponseSpec(ChangedSets, description="Sets, lists and versions.", generate_examples=False)
        },
    )
    async def get_changes(
        self, request: Request[Any, Any, Any], since: FromQuery[int] = 0, issuer: FromQuery[str | None] = None
    ) -> Answer:
        _require(request, "since", "issuer")
        await self._require_position(since)
        tenant_of = self.publisher.demand.tenant_of
        if issuer is not None and not has_lists(self.publisher.lists, tenant_of, issuer):
            raise ResourceNotFound(_NO_ISSUER)
        return answer_changes(self.publisher.lists, tenant_of, issuer, since, now=self.clock())

    @get(
        "/status-lists/bundle/{issuer_id:str}",
        name="get_status_list_bundle",
        summary="All lists of an issuer, with a signed manifest",
        description=(
            "The lists in one `form`, as they are served one by one, and a token in which the issuer says which"
            " lists there are at a position, and of which version at least." + _SINCE
        ),
        responses={200: _told(Bundle, "Manifest and lists.")},
    )
    async def get_bundle(
        self,
        issuer_id: FromPath[str],
        request: Request[Any, Any, Any],
        since: FromQuery[int] = 0,
        form: FromQuery[str] = DATA_INTEGRITY,
    ) -> Answer:
        _require(request, "since", "form")
        wanted = _form_of(form)
        await self._require_position(since)
        held = await self.database.read(partial(manifest_of, issuer_id=issuer_id))
        tenant_of = self.publisher.demand.tenant_of
        if held is None and not has_lists(self.publisher.lists, tenant_of, issuer_id):
            raise ResourceNotFound(_NO_ISSUER)
        return answer_bundle(
            self.publisher.lists,
            tenant_of,
            issuer_id,
            wanted,
            since,
            manifest=None if held is None else held.token,
            now=self.clock(),
        )

    async def _require_position(self, since: int) -> None:
        """
        Refuse a position that nothing has; else see to it that all is told that this node serves.

        Another node may have published what is not known here yet: the rows have its position.
        """
        if not 0 <= since <= MAX_POSITION:
            raise BadRequest(
                f"since: expected a position, 0 to {MAX_POSITION}, such as `next` of the answer before,"
                f" found {since}"
            )
        await self.publisher.following.catch_up()
        if since <= self.publisher.lists.last_position:
            return
        last = await self.database.read(last_position)
        if since > last:
            raise PositionUnknown(
                f"since: expected a position up to {last}, that of what was published last, found {since}; it is of"
                " another deployment or of a lost database, so begin again without `since`"
            )


def _require(request: Request[Any, Any, Any], *names: str) -> None:
    for name in request.query_params:
        if name not in names:
            expected = f"no parameter but {' and '.join(names)}" if names else "no query"
            raise BadRequest(f"expected {expected}, found {name[:40]!r}")


def _form_of(text: str) -> FormName:
    for form in FORM_NAMES:
        if form == text:
            return form
    raise BadRequest(f"form: expected one of {', '.join(FORM_NAMES)}, found {text[:40]!r}")
