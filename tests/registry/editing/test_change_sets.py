"""A change set from its draft to its effect: approved by another person, scheduled, refused, given back."""

from typing import Any

import msgspec
import pytest

from operators.approvals.rules import EXPIRES_SECONDS
from registry.editing.errors import FactsChanged, InvalidChangeSet, RevisionChanged
from registry.editing.shapes import Draft
from tests.registry.editing.newsroom import Newsroom
from tests.registry.examples import EDU, UNI
from wire import Conflict, Forbidden

pytestmark = pytest.mark.anyio


def a_draft(*operations: dict[str, Any]) -> Draft:
    return msgspec.convert({"title": "A change", "operations": operations}, Draft)


async def test_what_another_person_approves_takes_effect(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    waited = await newsroom.may()

    await newsroom.approves("bob", found)

    after = await newsroom.drafts.show(found.number)
    assert (found.state, waited) == ("submitted", True)
    assert (after.state, after.version, await newsroom.may()) == ("effective", 2, False)
    assert await newsroom.audited() == [
        "registry.import",
        "registry.draft",
        "registry.submit",
        "registry.apply",
    ]


async def test_nobody_approves_his_own(newsroom: Newsroom) -> None:
    await newsroom.office.person("gil", "editor", "approver")
    found = await newsroom.submitted(newsroom.suspension(), by="gil")

    with pytest.raises(Forbidden, match="somebody else must decide"):
        await newsroom.approves("gil", found)

    assert (await newsroom.state_of(found), await newsroom.may()) == ("submitted", True)


async def test_while_nobody_can_approve_it_goes_ahead(bare: Newsroom) -> None:
    found = await bare.submitted(bare.suspension())

    assert (found.state, found.approval, await bare.may()) == ("effective", None, False)


async def test_what_an_approver_rejects_is_over(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    assert found.approval is not None

    await newsroom.approvals.reject(await newsroom.who("bob"), found.approval, "no grounds")

    after = await newsroom.drafts.show(found.number)
    assert (after.state, after.problem, await newsroom.may()) == ("rejected", "no grounds", True)
    with pytest.raises(Conflict, match="by now"):
        await newsroom.change_sets.submit(await newsroom.who("ada"), found.number)


async def test_a_question_gives_it_back_to_its_author_who_submits_another_revision(
    newsroom: Newsroom,
) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    assert found.approval is not None
    asked = await newsroom.change_sets.request_information(
        await newsroom.who("bob"), found.number, "Which decision\nis this by?"
    )
    ada = await newsroom.who("ada")

    draft = a_draft(newsroom.suspension(reason="decision 7"))
    edited = await newsroom.drafts.edit(ada, found.number, asked.revision, draft)
    again = await newsroom.change_sets.submit(ada, found.number)
    await newsroom.approves("eve", again)

    assert (asked.state, edited.state, edited.revision) == ("needs_information", "draft", 2)
    assert await newsroom.office.state_of(found.approval) == "rejected"
    assert (await newsroom.state_of(found), await newsroom.may()) == ("effective", False)
    [comment] = (await newsroom.drafts.comments(found.number)).comments
    assert (comment.author, comment.text) == ("bob", "Which decision\nis this by?")


async def test_what_was_given_back_cannot_be_approved_by_the_old_request(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    await newsroom.database.write(
        lambda tx: tx.execute("UPDATE registry_change_sets SET state = 'needs_information'")
    )

    with pytest.raises(Conflict, match="needs_information"):
        await newsroom.approves("bob", found)

    assert await newsroom.may()


async def test_its_author_withdraws_it_and_its_request(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    assert found.approval is not None

    withdrawn = await newsroom.change_sets.withdraw(await newsroom.who("ada"), found.number)

    assert withdrawn.state == "withdrawn"
    assert await newsroom.office.state_of(found.approval) == "withdrawn"


async def test_only_its_author_edits_submits_and_withdraws_it(newsroom: Newsroom) -> None:
    await newsroom.office.person("gil", "editor")
    gil, found = await newsroom.who("gil"), await newsroom.drafted(newsroom.suspension())

    for attempt in (
        newsroom.drafts.edit(gil, found.number, 1, a_draft(newsroom.suspension())),
        newsroom.change_sets.submit(gil, found.number),
        newsroom.change_sets.withdraw(gil, found.number),
    ):
        with pytest.raises(Conflict, match="only ada"):
            await attempt

    assert await newsroom.state_of(found) == "draft"


async def test_another_revision_than_the_one_looked_at_is_told(newsroom: Newsroom) -> None:
    ada, found = await newsroom.who("ada"), await newsroom.drafted(newsroom.suspension())
    await newsroom.drafts.edit(ada, found.number, 1, a_draft(newsroom.suspension(reason="other")))

    with pytest.raises(RevisionChanged, match="at revision 2, not 1"):
        await newsroom.drafts.edit(ada, found.number, 1, a_draft(newsroom.suspension()))
    with pytest.raises(RevisionChanged, match="at revision 2, not 1"):
        await newsroom.change_sets.submit(ada, found.number, revision=1)


async def test_what_is_submitted_cannot_be_edited(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())

    with pytest.raises(Conflict, match="submitted"):
        await newsroom.drafts.edit(await newsroom.who("ada"), found.number, 1, a_draft(newsroom.suspension()))


async def test_a_fact_that_somebody_else_changed_is_a_conflict_and_nothing_is_done(
    newsroom: Newsroom,
) -> None:
    first = await newsroom.submitted(newsroom.suspension())
    second = await newsroom.submitted(newsroom.suspension(op="revoke"))
    await newsroom.approves("bob", first)

    with pytest.raises(FactsChanged, match="changed meanwhile: it is at revision 2"):
        await newsroom.approves("bob", second)

    told = await newsroom.drafts.show(second.number)
    assert told.state == "conflict"
    assert told.problem is not None
    assert told.problem.startswith("the change set meets 1 conflict: /operations/0: ")
    assert second.approval is not None
    assert await newsroom.office.state_of(second.approval) == "withdrawn"
    assert newsroom.wing.version == 2


async def test_the_revision_of_a_fact_that_was_looked_at_is_named(newsroom: Newsroom) -> None:
    await newsroom.drafted(newsroom.suspension(if_match=1))

    with pytest.raises(FactsChanged, match=r"/operations/0/if_match: .*revision 1"):
        await newsroom.drafted(newsroom.suspension(if_match=2))


async def test_what_was_planned_against_an_older_version_is_a_conflict(newsroom: Newsroom) -> None:
    await newsroom.done(newsroom.suspension())

    await newsroom.drafted(newsroom.suspension(op="resume"), base_version=2)

    with pytest.raises(FactsChanged, match="changed meanwhile"):
        await newsroom.drafted(newsroom.suspension(op="resume"), base_version=1)
    with pytest.raises(InvalidChangeSet, match="/base_version: the registry has no such version"):
        await newsroom.drafted(newsroom.suspension(op="resume"), base_version=3)


async def test_a_scheduled_change_set_takes_effect_at_its_time(newsroom: Newsroom) -> None:
    found = await newsroom.done(newsroom.suspension(), effective_at=newsroom.later(60))
    early = await newsroom.change_sets.apply_due()
    before = await newsroom.may()
    newsroom.clock.now += 61

    late = await newsroom.change_sets.apply_due()

    assert (found.state, early, before) == ("scheduled", 0, True)
    assert (late, await newsroom.state_of(found), await newsroom.may()) == (1, "effective", False)
    assert await newsroom.change_sets.apply_due() == 0


async def test_a_scheduled_one_that_cannot_take_effect_raises_an_alarm(newsroom: Newsroom) -> None:
    scheduled = await newsroom.done(newsroom.suspension(), effective_at=newsroom.later(60))
    await newsroom.done(newsroom.suspension(op="revoke"))
    newsroom.clock.now += 61

    await newsroom.change_sets.apply_due()

    assert await newsroom.state_of(scheduled) == "conflict"
    [(number, reason)] = newsroom.alarmed
    assert (number, "changed meanwhile" in reason) == (scheduled.number, True)


async def test_a_scheduled_one_is_withdrawn_by_its_author_or_an_administrator(newsroom: Newsroom) -> None:
    await newsroom.office.person("max", "administrator")
    scheduled = await newsroom.done(newsroom.suspension(), effective_at=newsroom.later(60))
    newsroom.clock.now += 61

    await newsroom.change_sets.withdraw(await newsroom.who("max"), scheduled.number)

    assert await newsroom.change_sets.apply_due() == 0
    assert await newsroom.may()


async def test_an_author_whose_role_ended_changes_nothing_by_what_waits(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    await newsroom.office.ends("ada", "editor")

    with pytest.raises(Conflict, match="cannot do it now"):
        await newsroom.approves("bob", found)

    assert await newsroom.may()


async def test_the_diff_shows_facts_and_answers_before_and_after(newsroom: Newsroom) -> None:
    found = await newsroom.drafted(newsroom.suspension())

    shown = await newsroom.drafts.differ(found.number)

    [fact], [answer] = shown.facts, shown.answers
    assert (fact.op, fact.id, fact.revision, fact.is_late) == ("suspend", newsroom.grant, 1, False)
    assert fact.before is not None
    assert fact.after is not None
    assert ("history" in fact.before, [each["state"] for each in fact.after["history"]]) == (
        False,
        ["suspended"],
    )
    assert (answer.entity, answer.authority, answer.action) == (UNI, EDU, "issue")
    assert (answer.before, answer.after, shown.is_complete) == ("yes (active)", "no (suspended)", True)


async def test_the_diff_of_what_took_effect_shows_what_it_did(newsroom: Newsroom) -> None:
    found = await newsroom.done(newsroom.suspension())

    [fact] = (await newsroom.drafts.differ(found.number)).facts

    assert fact.after is not None
    assert (fact.op, fact.after["history"][0]["reason"]) == ("suspend", "an audit")


async def test_what_was_done_is_done_once_for_an_idempotency_key(newsroom: Newsroom) -> None:
    ada, draft = await newsroom.who("ada"), a_draft(newsroom.suspension())
    made = [await newsroom.drafts.create(ada, draft, idempotency_key="k") for _ in range(2)]
    submitted = [
        await newsroom.change_sets.submit(ada, made[0].number, idempotency_key="s") for _ in range(2)
    ]

    assert made[0].number == made[1].number
    assert submitted[0].approval == submitted[1].approval
    assert len((await newsroom.drafts.page(ada)).change_sets) == 1


async def test_a_request_that_expired_is_asked_anew(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    newsroom.clock.now += EXPIRES_SECONDS + 1
    await newsroom.approvals.expire(newsroom.clock())
    with pytest.raises(Conflict, match="expired"):
        await newsroom.approves("bob", found)

    again = await newsroom.change_sets.submit(await newsroom.who("ada"), found.number)
    await newsroom.approves("bob", again)

    assert again.approval != found.approval
    assert await newsroom.state_of(found) == "effective"


async def test_whoever_breaks_glass_lets_it_go_ahead_alone(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    assert found.approval is not None

    await newsroom.approvals.break_glass(await newsroom.who("flo"), found.approval, "nobody is there")

    assert (await newsroom.state_of(found), await newsroom.may()) == ("effective", False)


async def test_what_became_of_a_change_set_is_final_in_the_database_too(newsroom: Newsroom) -> None:
    effective, waiting = (
        await newsroom.done(newsroom.suspension()),
        await newsroom.drafted(newsroom.suspension(op="revoke")),
    )
    for statement in (
        f"UPDATE registry_change_sets SET title = 'x' WHERE id = {effective.number}",
        f"UPDATE registry_change_sets SET operations = '[]' WHERE id = {waiting.number}",
        f"UPDATE registry_change_sets SET author = 'x' WHERE id = {waiting.number}",
        f"DELETE FROM registry_change_sets WHERE id = {waiting.number}",
    ):
        with pytest.raises(Exception, match=r"final|revision|never changes|stay known"):
            await newsroom.office.sql(statement)

    assert (await newsroom.drafts.show(effective.number)).title == "A change"
