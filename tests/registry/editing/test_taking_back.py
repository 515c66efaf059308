"""What took effect is taken back by a new change set, from then on; what was true stays true of its time."""

from typing import Any

import pytest

from registry.editing.errors import FactsChanged
from registry.editing.shapes import ChangeSetView
from tests.registry.editing.newsroom import Newsroom
from tests.registry.examples import EDU, UNI, a_grant
from wire import Conflict

pytestmark = pytest.mark.anyio


async def taken_back(newsroom: Newsroom, found: ChangeSetView) -> ChangeSetView:
    """Draft the inverse, and let it take effect."""
    ada = await newsroom.who("ada")
    drafted = await newsroom.drafts.roll_back(ada, found.number)
    submitted = await newsroom.change_sets.submit(ada, drafted.number)
    await newsroom.approves("bob", submitted)
    newsroom.clock.now += 1
    return await newsroom.drafts.show(drafted.number)


def verbs(found: ChangeSetView) -> list[str]:
    return [each.op for each in found.operations]


async def test_a_suspension_is_taken_back_from_then_on(newsroom: Newsroom) -> None:
    suspended = await newsroom.done(newsroom.suspension())
    during = newsroom.later(-0.5)

    back = await taken_back(newsroom, suspended)

    assert (verbs(back), back.inverse_of, back.state) == (["resume"], suspended.number, "effective")
    assert (await newsroom.may(), await newsroom.may(time=during)) == (True, False)
    assert verbs(await taken_back(newsroom, back)) == ["suspend"]


async def test_what_was_added_ends(newsroom: Newsroom) -> None:
    new = {"names": {"en": "New"}, "identifiers": [{"value": "did:web:new.example"}]}
    grant = a_grant(entity_id="did:web:new.example", valid_from="2026-01-01T00:00:00Z")
    added = await newsroom.done(
        {"op": "add", "kind": "entity", "fact": new},
        {"op": "add", "kind": "authorization", "fact": grant},
    )
    before = await newsroom.may("did:web:new.example")

    back = await taken_back(newsroom, added)

    assert (verbs(back), before, await newsroom.may("did:web:new.example")) == (["end", "end"], True, False)
    assert await newsroom.may("did:web:new.example", time="2026-06-01T00:00:00Z")


async def test_what_was_revoked_is_granted_anew_since_a_revocation_is_final(newsroom: Newsroom) -> None:
    revoked = await newsroom.done(newsroom.suspension(op="revoke"))
    during = newsroom.later(-0.5)

    back = await taken_back(newsroom, revoked)

    assert (verbs(back), back.operations[0].reason) == (["add"], "granted again: a revocation is final")
    assert (await newsroom.may(), await newsroom.may(time=during)) == (True, False)


async def test_a_change_is_changed_back(newsroom: Newsroom) -> None:
    def named(text: str) -> dict[str, Any]:
        fact = {"names": {"en": text}, "identifiers": [{"value": UNI}]}
        return {"op": "change", "kind": "entity", "id": newsroom.uni, "fact": fact}

    changed = await newsroom.done(named("Renamed"))

    back = await taken_back(newsroom, changed)

    assert (verbs(back), (back.operations[0].fact or {})["names"]) == (["change"], {"en": "University"})
    assert (await newsroom.wing.profile(UNI)).entity.names == {"en": "University"}


async def test_a_correction_is_corrected_back_and_both_are_known_for_ever(newsroom: Newsroom) -> None:
    known_before = newsroom.later(0)
    newsroom.clock.now += 1
    late = a_grant(valid_from="2025-01-01T00:00:00Z", id=newsroom.grant)
    corrected = await newsroom.done(
        {"op": "correct", "kind": "authorization", "id": newsroom.grant, "fact": late}
    )
    known_between = newsroom.later(-0.5)
    then = {"time": "2024-06-01T00:00:00Z"}
    between = await newsroom.may(**then)

    back = await taken_back(newsroom, corrected)

    assert (verbs(back), between, await newsroom.may(**then)) == (["correct"], False, True)
    assert await newsroom.may(**then, known_at=known_before)
    assert not await newsroom.may(**then, known_at=known_between)


async def test_what_was_voided_is_said_again(newsroom: Newsroom) -> None:
    voided = await newsroom.done({"op": "void", "kind": "authorization", "id": newsroom.grant})
    between = await newsroom.may(time="2025-01-01T00:00:00Z")

    back = await taken_back(newsroom, voided)

    assert (verbs(back), between) == (["add"], False)
    assert await newsroom.may(time="2025-01-01T00:00:00Z")


async def test_what_was_changed_again_since_is_not_undone_with_it(newsroom: Newsroom) -> None:
    def reviewed(at: str) -> dict[str, Any]:
        fact = a_grant(review_due=at, id=newsroom.grant)
        return {"op": "change", "kind": "authorization", "id": newsroom.grant, "fact": fact}

    first = await newsroom.done(reviewed("2027-01-01T00:00:00Z"))
    await newsroom.done(reviewed("2027-06-01T00:00:00Z"))

    with pytest.raises(FactsChanged, match="changed again since: it is at revision 3"):
        await newsroom.drafts.roll_back(await newsroom.who("ada"), first.number)


async def test_there_is_nothing_to_take_back_of_a_draft_or_twice(newsroom: Newsroom) -> None:
    ada, draft = await newsroom.who("ada"), await newsroom.drafted(newsroom.suspension())
    voided = await newsroom.done({"op": "void", "kind": "authorization", "id": newsroom.grant})
    await taken_back(newsroom, voided)
    added = await newsroom.done(
        {"op": "add", "kind": "authorization", "fact": a_grant(resource="Licence", authority_id=EDU)}
    )
    await taken_back(newsroom, added)

    with pytest.raises(Conflict, match="draft: there is nothing to take back"):
        await newsroom.drafts.roll_back(ada, draft.number)
    with pytest.raises(Exception, match="it has ended already"):
        await newsroom.drafts.roll_back(ada, added.number)


@pytest.mark.parametrize("how", ["revoke", "end"])
async def test_what_stood_suspended_when_it_ended_is_granted_anew_suspended(
    newsroom: Newsroom, how: str
) -> None:
    await newsroom.done(newsroom.suspension())
    over = await newsroom.done(newsroom.suspension(op=how))

    back = await taken_back(newsroom, over)

    assert (verbs(back), back.state) == (["add"], "effective")
    assert not await newsroom.may()


@pytest.mark.parametrize("since", [["resume", "suspend"], ["void"]])
async def test_a_suspension_that_another_one_followed_is_not_taken_back(
    newsroom: Newsroom, since: list[str]
) -> None:
    first = await newsroom.done(newsroom.suspension())
    for verb in since:
        reason = None if verb == "void" else "an emergency"
        await newsroom.done(newsroom.suspension(op=verb, reason=reason))

    with pytest.raises(FactsChanged, match="changed again since"):
        await newsroom.drafts.roll_back(await newsroom.who("ada"), first.number)


@pytest.mark.parametrize("is_named", [True, False])
async def test_what_was_voided_since_the_editor_looked_is_not_added_over_that(
    newsroom: Newsroom, is_named: bool
) -> None:
    new = {"names": {"en": "New"}, "identifiers": [{"value": "did:web:new.example"}]}
    added = await newsroom.done({"op": "add", "kind": "entity", "fact": new})
    looked_at = await newsroom.drafts.show(added.number)
    [fact] = (await newsroom.drafts.differ(added.number)).facts
    await newsroom.done({"op": "void", "kind": "entity", "id": fact.id})
    operation = {"op": "add", "kind": "entity", "fact": new} | ({"id": fact.id} if is_named else {})

    with pytest.raises(FactsChanged, match="changed meanwhile: it is not there any more"):
        await newsroom.drafted(operation, base_version=looked_at.version)
    assert (await newsroom.drafted(operation)).state == "draft"


async def test_what_is_there_already_is_a_conflict(newsroom: Newsroom) -> None:
    there = {"names": {"en": "University"}, "identifiers": [{"value": UNI}]}

    with pytest.raises(FactsChanged, match="is there already, at revision 1"):
        await newsroom.drafted({"op": "add", "kind": "entity", "fact": there})
