"""Every operators' route, asked as everybody for everything: it does what it declares, and the page says so."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from operators import EVERYTHING, Grant, Role
from operators.actors.actor_store import set_active
from operators.actors.grant_store import end_grant
from operators.actors.key_store import revoke_key
from operators.needs import Where
from server.declarations import OPEN
from server.routes.authorization import render
from storage import Transaction
from tests.server.authorization.__main__ import PAGE
from tests.server.authorization.examples import EXAMPLES
from tests.server.authorization.places import NOW, Caller
from tests.server.authorization.rule import LET_IN, expected
from tests.server.authorization.walker import Cell, Walker, kind_of, walker_in
from tests.server.http_corpus.asking import Answered, of

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


def test_what_answers_without_a_key_is_listed_with_its_reason_and_nothing_else(
    walker: Walker, runner: asyncio.Runner
) -> None:
    is_open = {one.path for one in walker.declared_all if one.need is None}
    told = {path: runner.run(walker.put(of("GET", path))).status for path in is_open}

    assert is_open == OPEN.keys()
    assert 401 not in told.values()


def test_the_page_is_what_the_routes_declare(walker: Walker) -> None:
    assert PAGE.read_text() == render(walker.declared_all), (
        "docs/authorization.md is stale; run: make authorization"
    )


BAD_BODIES: dict[str, bytes] = {
    "no JSON": b"{",
    "another shape": b"[]",
    "too large": b'"' + b"a" * 1_100_000 + b'"',
    "nothing": b"",
}
WRITES = [route for route in ROUTES if route[0] != "GET"]
# Those whose resource the path names; what is refused by the body's scope was read.
NAMING = [route for route in ROUTES if "{" in route[1]]


def _callers(walker: Walker) -> list[Caller]:
    """Return one of each kind: who may, who may read, who may see nothing here."""
    wanted = (
        "administrator-of-issuer",
        "viewer-of-issuer",
        "auditor-of-issuer",
        "editor-of-authority",
        "nobody",
    )
    return [caller for caller in walker.places.callers if caller.name in wanted]


@pytest.mark.parametrize("route", WRITES, ids=" ".join)
def test_who_is_refused_is_refused_before_the_body_is_read(
    walker: Walker, runner: asyncio.Runner, route: tuple[str, str]
) -> None:
    need = walker.declared[route].need
    assert need is not None
    is_by_body = need.where is Where.ASKED
    told = {
        (caller.name, place, name): (wanted, kind_of(EXAMPLES[route], answered))
        for caller in _callers(walker)
        for place in ("own", "foreign", "absent")
        if walker.places.has(EXAMPLES[route].path, caller.scope, place)
        and (wanted := expected(need, caller.role, caller.scope, "own" if is_by_body else place)) != LET_IN
        for name, body in BAD_BODIES.items()
        for answered in [runner.run(walker.ask(route, caller, place, raw=body))]
    }

    assert {case: answers for case, answers in told.items() if answers[0] != answers[1]} == {}
    assert told or is_by_body or need.where is Where.OWN  # Which refuses nobody.


LOST: dict[str, tuple[int, Callable[[Transaction, Caller], object]]] = {
    "the key": (401, lambda tx, who: revoke_key(tx, who.authorization.split("_")[1], NOW)),
    "everything": (401, lambda tx, who: set_active(tx, who.name, False, by="root", at=NOW)),
    "grants": (
        403,
        lambda tx, who: [
            end_grant(tx, who.name, Grant(EVERYTHING, role), by="root", at=NOW) for role in Role
        ],
    ),
}


@pytest.mark.parametrize("route", WRITES, ids=" ".join)
@pytest.mark.parametrize("lost", LOST)
def test_what_is_taken_away_while_the_body_comes_is_taken_away(
    walker: Walker, runner: asyncio.Runner, route: tuple[str, str], lost: str
) -> None:
    """A body may drip for half a minute; who lets it cannot go on with what he had at its beginning."""
    status, take = LOST[lost]
    who = runner.run(walker.places.passing())
    answered = runner.run(walker.ask(route, who, "own", meanwhile=lambda tx: take(tx, who)))

    need = walker.declared[route].need
    # Whoever is known may ask about its own; then it is the service that finds nothing.
    told = {status, 404} if need is not None and need.where is Where.OWN else {status}
    assert answered.status in told
    assert runner.run(walker.acted(who.name)) == []


@pytest.mark.parametrize("route", NAMING, ids=" ".join)
def test_no_method_header_or_body_tells_a_foreign_resource_from_an_absent_one(
    walker: Walker, runner: asyncio.Runner, route: tuple[str, str]
) -> None:
    variants: list[dict[str, Any]] = [
        *({"method": method} for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST", "GET")),
        *({"raw": body} for body in BAD_BODIES.values()),
        {"idempotency_key": "one"},
        {"idempotency_key": "one", "raw": b"{}"},
        {"idempotency_key": "no spaces here"},
        {"touchstone_reason": "%FF"},
        {"content_type": "text/plain"},
        {"if_none_match": "*"},
    ]

    def told(caller: Caller, place: str, variant: dict[str, Any]) -> Answered:
        answered = runner.run(walker.ask(route, caller, place, **variant))
        return answered._replace(body=walker.places.nameless(answered.body))

    different = [
        (caller.name, variant)
        for caller in _callers(walker)
        for variant in variants
        if told(caller, "foreign", variant) != told(caller, "absent", variant)
    ]
    assert different == []
