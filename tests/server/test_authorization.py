"""Every operators' route, asked as everybody for everything: it does what it declares, and the page says so."""

import asyncio
from collections.abc import Iterator

import pytest

from server.routes.authorization import render
from tests.server.authorization.__main__ import PAGE
from tests.server.authorization.examples import EXAMPLES
from tests.server.authorization.rule import expected
from tests.server.authorization.walker import Cell, Walker, kind_of, walker_in

ROUTES = list(EXAMPLES)
_TO_DO = "add a line to EXAMPLES in tests/server/authorization/examples.py, and run: make authorization"


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def walker(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walker]:
    opened = walker_in(tmp_path_factory.mktemp("walk"))
    yield runner.run(opened.__aenter__())
    runner.run(opened.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def walked(walker: Walker, runner: asyncio.Runner) -> dict[tuple[str, str], list[Cell]]:
    return {route: runner.run(walker.walk(route)) for route in ROUTES if route in walker.declared}


def test_every_route_is_walked(walker: Walker) -> None:
    new = sorted(walker.declared.keys() - EXAMPLES.keys())
    old = sorted(EXAMPLES.keys() - walker.declared.keys())

    assert not new, f"{new} are not asked: {_TO_DO}"
    assert not old, f"{old} are routes no more: take their lines out of examples.py"


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_everybody_is_answered_what_the_route_declares(
    walker: Walker, walked: dict[tuple[str, str], list[Cell]], route: tuple[str, str]
) -> None:
    need = walker.declared[route].need
    assert need is not None
    wrong = {
        f"{cell.caller.name}, {cell.place}": (wanted, found)
        for cell in walked[route]
        if (wanted := expected(need, cell.caller.role, cell.caller.scope, cell.place))
        != (found := kind_of(EXAMPLES[route], cell.answered))
    }

    assert not wrong, "who, and which resource: what was to be answered, and what was"


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_what_is_let_in_is_done(walked: dict[tuple[str, str], list[Cell]], route: tuple[str, str]) -> None:
    """Otherwise the example would be one that fails before it comes to who asks."""
    done = any(200 <= cell.answered.status < 300 for cell in walked[route])

    assert done != bool(EXAMPLES[route].never_done)


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_a_foreign_resource_is_answered_as_an_absent_one_to_the_byte(
    walker: Walker, walked: dict[tuple[str, str], list[Cell]], route: tuple[str, str]
) -> None:
    told: dict[str, dict[str, object]] = {}
    for cell in walked[route]:
        if cell.place != "own" and not (200 <= cell.answered.status < 300):
            answer = cell.answered._replace(body=walker.places.nameless(cell.answered.body))
            told.setdefault(cell.caller.name, {})[cell.place] = answer
    different = {
        name: answers
        for name, answers in told.items()
        if "foreign" in answers and answers["foreign"] != answers.get("absent")
    }

    assert not different


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_nobody_without_a_valid_key_is_let_in(
    walker: Walker, runner: asyncio.Runner, route: tuple[str, str]
) -> None:
    """And all of them are told the same, whether the resource is there or not."""
    known = walker.places.callers[0]
    told = set()
    for authorization in walker.places.strangers.values():
        for place in ("own", "foreign", "absent"):
            answered = runner.run(walker.ask(route, known, place, authorization=authorization))
            told.add(answered.status)

    assert told == {401}


def test_the_page_is_what_the_routes_declare(walker: Walker) -> None:
    assert PAGE.read_text() == render(walker.declared_all), (
        "docs/authorization.md is stale; run: make authorization"
    )
