"""
Every route, asked by everybody for every resource, over the real operators' application.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from operators.actors.principals import BELIEVED_SECONDS
from server.app import declared_of
from server.declarations import Declared
from storage import Transaction, read_audit
from tests.server.authorization.examples import EXAMPLES, Example
from tests.server.authorization.places import Caller, Places
from tests.server.authorization.rule import FORBIDDEN, LET_IN, NOT_FOUND
from tests.server.http_corpus.asking import Answered, Case, ask, of, post
from tests.server.http_corpus.audit import settle
from tests.server.http_corpus.operators import at_rest
from tests.server.http_corpus.world import Scene, scene_in

Change = Callable[[Transaction], object]


class Cell(msgspec.Struct, frozen=True):
    """A request, and what came of it."""

    caller: Caller
    place: str
    answered: Answered


class Walker:
    def __init__(self, scene: Scene, places: Places) -> None:
        self.places = places
        self.declared_all = declared_of(scene.services)
        self.declared = {(one.method, one.path): one for one in self.declared_all if one.need}
        self._scene = scene

    async def walk(self, route: tuple[str, str]) -> list[Cell]:
        """Ask one route as everybody, for what is the caller's own, somebody else's, and not there."""
        example = EXAMPLES[route]
        return [
            Cell(caller, place, await self.ask(route, caller, place))
            for caller in self.places.callers
            for place in ("own", "foreign", "absent")
            # Nothing is foreign to whoever acts for everything.
            if not (caller.scope == "everything" and place == "foreign")
            and self.places.has([example.path, example.body], caller.scope, place)
        ]

    async def ask(
        self,
        route: tuple[str, str],
        caller: Caller,
        place: str,
        *,
        method: str = "",
        raw: bytes | None = None,
        meanwhile: Change | None = None,
        **headers: str,
    ) -> Answered:
        """
        Ask as `caller`; `raw` takes the place of the body, `method` that of the route's.

        `meanwhile` happens in the database, by another process, before the last of the body has come.
        """
        method, example = method or route[0], EXAMPLES[route]
        path = self.places.filled(example.path, caller.scope, place)
        body = b"" if example.body is None else self.places.filled(example.body, caller.scope, place)
        sent = {"authorization": caller.authorization} | headers
        if method == "GET":
            return await self.put(of(method, path, **sent))
        case = post(path, body if raw is None else raw, **sent)._replace(method=method)
        return await self.put(case) if meanwhile is None else await self._drip(case, meanwhile)

    async def put(self, case: Case) -> Answered:
        return await ask(self._scene.apps["operator"], case)

    async def acted(self, name: str) -> list[str]:
        """Return what a principal did that is in the audit trail."""
        rows = await self._scene.services.database.read(read_audit)
        return [row.action for row in rows if row.actor == name]

    async def _drip(self, case: Case, change: Change) -> Answered:
        async def happens() -> None:
            await self._scene.services.database.write(change)
            self._scene.clock.pass_(BELIEVED_SECONDS)

        return await ask(self._scene.apps["operator"], case, meanwhile=happens)


@asynccontextmanager
async def walker_in(directory: Path) -> AsyncIterator[Walker]:
    async with scene_in(directory) as scene:
        await at_rest(scene)
        places = Places(scene)
        await places.build()
        await settle(scene)
        yield Walker(scene, places)


def kind_of(example: Example, answered: Answered) -> str:
    """Return which of the rule's answers that is; or the status, which is none of them."""
    if 200 <= answered.status < 300 or answered.status in example.also:
        return LET_IN
    return {403: FORBIDDEN, 404: NOT_FOUND}.get(answered.status, f"{answered.status} {answered.body!r}")


def route_name(one: Declared) -> str:
    return f"{one.method} {one.path}"
