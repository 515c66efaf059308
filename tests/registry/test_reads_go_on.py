"""No process of a node answers from a registry after another has answered from a newer one."""

import mmap
import timeit
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any

import httpx
import pytest
from litestar import Litestar

from registry import Registry
from registry.routes import AUTHORIZATION_PATH, RECOGNITION_PATH, build_routes
from storage import ServedMark
from storage.mark import SLOT_BYTES
from tests.actors import ADA
from tests.databases import MayFail, Place
from tests.registry.databases import a_database
from tests.registry.examples import EDU, LICENSING, NOW, UNI, a_registry, as_file
from tests.registry.test_routes import PlainResponse

pytestmark = pytest.mark.anyio

AUTHORIZATION = {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"}
RECOGNITION = AUTHORIZATION | {"authority_id": LICENSING, "entity_id": EDU}
QUESTIONS = [
    (AUTHORIZATION_PATH, AUTHORIZATION, "authorized"),
    (RECOGNITION_PATH, RECOGNITION, "recognized"),
]


class TwoProcesses:
    """Two registries of one node: `slow` has no loop that would follow; `fast` imports."""

    def __init__(self, database: Any) -> None:
        self.now = NOW / 1_000_000
        self.memory = mmap.mmap(-1, 2 * SLOT_BYTES)
        self.database = MayFail(database)
        self.slow = self._registry(self.database, 0)
        self.fast = self._registry(database, 1)
        app = Litestar([build_routes(self.slow)], response_class=PlainResponse, logging_config=None)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://registry.example")

    def _registry(self, database: Any, slot: int) -> Registry:
        return Registry(
            database, lambda: self.now, timer=lambda: self.now, mark=ServedMark(self.memory, slot)
        )

    async def take_back_elsewhere(self) -> None:
        await self.fast.import_file(ADA, as_file(a_registry(authorizations=[], recognitions=[])))

    async def ask(self, path: str, question: dict[str, str]) -> dict[str, Any]:
        """Ask the slow process."""
        answer = await self.http.post(path, json=question)
        return dict(answer.raise_for_status().json())


@pytest.fixture
async def two(place: Place) -> AsyncIterator[TwoProcesses]:
    async with a_database(place) as database:
        two = TwoProcesses(database)
        await two.fast.import_file(ADA, as_file(a_registry()))
        await two.slow.load()
        async with two.http:
            yield two


@pytest.mark.parametrize(("path", "question", "member"), QUESTIONS, ids=["authorization", "recognition"])
async def test_grant_that_another_process_no_longer_shows_is_not_shown_here(
    two: TwoProcesses, path: str, question: dict[str, str], member: str
) -> None:
    before = await two.ask(path, question)
    await two.take_back_elsewhere()

    after = await two.ask(path, question)

    assert (before[member], after[member]) == (True, False)
    assert two.slow.view.version == two.fast.view.version == 2


async def test_where_the_newer_rows_cannot_be_read_the_older_answer_and_soon_the_newer(
    two: TwoProcesses,
) -> None:
    await two.take_back_elsewhere()
    two.database.is_away = True
    older = await two.ask(AUTHORIZATION_PATH, AUTHORIZATION)
    two.database.is_away = False
    two.now += 1.0
    newer = await two.ask(AUTHORIZATION_PATH, AUTHORIZATION)

    assert (older["authorized"], newer["authorized"]) == (True, False)


async def test_who_is_as_far_as_the_others_answers_without_the_rows(two: TwoProcesses) -> None:
    await two.take_back_elsewhere()
    await two.slow.refresh()
    two.database.is_away = True

    assert await two.slow.following.catch_up()
    assert (await two.ask(AUTHORIZATION_PATH, AUTHORIZATION))["authorized"] is False


async def test_process_that_is_alone_is_never_behind(place: Place) -> None:
    async with a_database(place) as database:
        alone = Registry(MayFail(database, is_away=True), lambda: 0.0)

        assert await alone.following.catch_up()


async def test_catching_up_costs_next_to_nothing_where_nobody_is_ahead(two: TwoProcesses) -> None:
    await two.slow.refresh()
    seconds = (
        min(timeit.repeat(lambda: _finish(two.slow.following.catch_up()), number=10_000, repeat=5)) / 10_000
    )

    assert seconds < 1e-5  # 0.3 microseconds on a quiet machine
    print(f"\n{seconds * 1e9:.0f} ns")


def _finish(coroutine: Coroutine[Any, Any, bool]) -> None:
    """Run what never waits."""
    with suppress(StopIteration):
        coroutine.send(None)
