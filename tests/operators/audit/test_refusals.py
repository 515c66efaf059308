"""Refused attempts: one row for a principal, a route and a minute, however often somebody tries."""

import pytest

from operators import Principal
from operators.audit.refusals import FURTHER_ROUTES, MAX_COUNTED, Refusals
from storage import DatabaseUnavailable, Engine, read_audit
from tests.clock import Clock

pytestmark = pytest.mark.anyio

MALLORY = Principal(id="mallory")
ROUTE = "POST /operator/issuers/{issuer_id}"


async def rows(database: Engine) -> list[tuple[str, str, dict[str, object]]]:
    found = await database.read(lambda tx: read_audit(tx, limit=10_000))
    return [(row.actor, row.subject, row.detail) for row in found if row.action == "request.refuse"]


async def test_many_attempts_are_one_row_with_their_count(database: Engine, clock: Clock) -> None:
    refusals = Refusals(database, clock=clock)
    for status in (403, 404, 403):
        refusals.note(MALLORY, ROUTE, status)
    refusals.note(MALLORY, "GET /operator/audit", 403)
    refusals.note(Principal(id="trent"), ROUTE, 403)
    await refusals.flush()
    await refusals.flush()
    refusals.note(MALLORY, ROUTE, 403)
    await refusals.flush()

    assert await rows(database) == [
        ("mallory", ROUTE, {"count": 3, "statuses": {"403": 2, "404": 1}}),
        ("mallory", "GET /operator/audit", {"count": 1, "statuses": {"403": 1}}),
        ("trent", ROUTE, {"count": 1, "statuses": {"403": 1}}),
        ("mallory", ROUTE, {"count": 1, "statuses": {"403": 1}}),
    ]


async def test_a_row_says_which_key_and_who_is_behind_it(database: Engine, clock: Clock) -> None:
    refusals = Refusals(database, clock=clock)
    for key, person in (("k1", "ada"), ("k1", "ada"), ("k2", "ada"), ("k2", "bob")):
        refusals.note(Principal(id="robot", key=key, person=person), ROUTE, 403)
    await refusals.flush()

    assert [(detail["count"], detail["by"]) for _, _, detail in await rows(database)] == [
        (2, {"key": "k1", "person": "ada"}),
        (1, {"key": "k2", "person": "ada"}),
        (1, {"key": "k2", "person": "bob"}),
    ]


async def test_what_is_counted_is_bounded_and_nothing_is_lost(database: Engine, clock: Clock) -> None:
    refusals = Refusals(database, clock=clock)
    for number in range(MAX_COUNTED + 50):
        refusals.note(MALLORY, f"GET /route-{number}", 403)
    await refusals.flush()
    found = await rows(database)

    assert len(found) == MAX_COUNTED + 1
    assert found[-1] == ("mallory", FURTHER_ROUTES, {"count": 50, "statuses": {"403": 50}})


async def test_attempts_wait_for_the_database(
    database: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = Refusals(database, clock=clock)
    refusals.note(MALLORY, ROUTE, 403)

    async def fails(_: object) -> None:
        refusals.note(MALLORY, ROUTE, 404)  # Another request, while the write is under way.
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", fails)
        with pytest.raises(DatabaseUnavailable):
            await refusals.flush()
    await refusals.flush()

    assert await rows(database) == [("mallory", ROUTE, {"count": 2, "statuses": {"403": 1, "404": 1}})]


async def test_strangers_are_a_number_alone(database: Engine, clock: Clock) -> None:
    refusals = Refusals(database, clock=clock)
    refusals.note_unknown()
    refusals.note(MALLORY, ROUTE, 403)
    await refusals.flush()

    assert {reading.name: reading.value for reading in refusals.readings()} == {
        "touchstone_operator_unauthenticated": 1,
        "touchstone_operator_refused": 1,
    }
    assert len(await rows(database)) == 1
