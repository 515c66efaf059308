"""In an emergency one person suspends what an entity was granted, at once and loudly."""

from typing import Any

import msgspec
import pytest

from operators.grants import NotSeen
from registry.editing.errors import InvalidChangeSet
from registry.editing.shapes import ChangeSetView, Suspension
from registry.errors import IdentifierNotFound
from tests.registry.editing.newsroom import Newsroom
from tests.registry.examples import EDU, LICENSING, UNI, a_grant
from wire import Conflict, Forbidden

pytestmark = pytest.mark.anyio
STOLEN: dict[str, Any] = {"entity": UNI, "reason": "its key was stolen"}


async def suspends(
    newsroom: Newsroom, who: str = "flo", key: str | None = None, **members: Any
) -> ChangeSetView:
    wanted = msgspec.convert({**STOLEN, **members}, Suspension)
    return await newsroom.change_sets.suspend(await newsroom.who(who), wanted, idempotency_key=key)


async def test_one_person_suspends_at_once_and_everybody_is_told(newsroom: Newsroom) -> None:
    found = await suspends(newsroom)

    assert (found.state, found.approval, await newsroom.may()) == ("effective", None, False)
    assert newsroom.alarmed == [
        (found.number, "flo suspended 1 facts: Emergency suspension: its key was stolen")
    ]
    assert [each.value for each in newsroom.change_sets.readings()] == [1]
    assert "registry.emergency-suspend" in await newsroom.audited()
    rows = await newsroom.database.read(
        lambda tx: tx.all("SELECT occasion, change_set FROM registry_versions WHERE version = 2")
    )
    assert [(row["occasion"], row["change_set"]) for row in rows] == [("emergency", found.number)]


@pytest.mark.parametrize("who", ["ada", "bob"])
async def test_nobody_else_does(newsroom: Newsroom, who: str) -> None:
    with pytest.raises(Forbidden, match="break-glass"):
        await suspends(newsroom, who)

    assert (await newsroom.may(), newsroom.alarmed) == (True, [])


async def test_it_is_done_once_for_an_idempotency_key(newsroom: Newsroom) -> None:
    found = [await suspends(newsroom, key="k") for _ in range(2)]

    assert found[0] == found[1]
    assert len(newsroom.alarmed) == 1
    with pytest.raises(Conflict, match="nothing of that is in force"):
        await suspends(newsroom)


async def test_it_is_narrowed_to_one_authority_and_whoever_may_there_does_it(newsroom: Newsroom) -> None:
    await newsroom.office.person("gus", f"break-glass@authority:{newsroom.edu}")
    licensed = a_grant(authority_id=LICENSING, resource="Licence")
    await newsroom.done({"op": "add", "kind": "authorization", "fact": licensed})

    with pytest.raises(Forbidden):
        await suspends(newsroom, "gus")
    with pytest.raises(NotSeen):
        await suspends(newsroom, "gus", authority=LICENSING)
    found = await suspends(newsroom, "gus", authority=EDU)

    assert (found.scope, found.operation_count) == (f"authority:{newsroom.edu}", 1)


async def test_ids_name_what_is_suspended_and_delegations_are_too(newsroom: Newsroom) -> None:
    power = {
        "id": "power",
        "authority_id": EDU,
        "grantor_id": EDU,
        "delegate_id": UNI,
        "actions": ["issue"],
        "valid_from": "2026-01-01T00:00:00Z",
    }
    await newsroom.done({"op": "add", "kind": "delegation", "fact": power})

    named = await suspends(newsroom, entity=None, ids=["power", newsroom.grant])

    assert [each.id for each in named.operations] == ["power", newsroom.grant]
    with pytest.raises(Conflict):
        await suspends(newsroom)


async def test_where_one_is_not_found_nothing_is_suspended_and_all_that_are_not_are_told(
    newsroom: Newsroom,
) -> None:
    with pytest.raises(InvalidChangeSet) as told:
        await suspends(newsroom, entity=None, ids=["nothing", newsroom.grant, "typo"])
    with pytest.raises(InvalidChangeSet):
        await suspends(newsroom, entity=None, ids=[newsroom.grant], authority=LICENSING)
    with pytest.raises(IdentifierNotFound, match="no such entity"):
        await suspends(newsroom, entity="did:web:typo.example")

    assert [each["pointer"] for each in told.value.members["errors"]] == ["/ids/0", "/ids/2"]
    assert (await newsroom.may(), newsroom.alarmed) == (True, [])


async def test_what_waits_for_approval_does_not_undo_it(newsroom: Newsroom) -> None:
    waiting = await newsroom.submitted(newsroom.suspension(op="end", reason=None))
    await suspends(newsroom)

    with pytest.raises(Exception, match="changed meanwhile"):
        await newsroom.approves("bob", waiting)

    assert await newsroom.state_of(waiting) == "conflict"


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"reason": "a\u202eb"}, "/reason"),
        ({"entity": None}, "/entity"),
        ({"ids": ["g"]}, "/entity"),
    ],
)
async def test_a_request_that_contradicts_itself_is_refused(
    newsroom: Newsroom, members: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidChangeSet) as told:
        await suspends(newsroom, **members)

    assert [each["pointer"] for each in told.value.members["errors"]] == [pointer]
