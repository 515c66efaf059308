"""What an auditor asks is answered from what the registry was told, page by page."""

from functools import partial
from typing import Any

import msgspec
import pytest

from operators import MIGRATIONS as OPERATORS
from operators import Grant as Held
from operators import Kind, Role
from operators.access.views import AskedGrant
from operators.actors.actor_store import Actor, insert_actor
from operators.actors.grant_store import HeldGrant, add_grant
from operators.alarms.model import AlarmKind
from operators.approvals.change import Change
from operators.approvals.store import Decision, decide, find_approval, insert_approval
from operators.grants import EVERYTHING, Principal, parse_scope
from registry import MIGRATIONS, Cause, FactChange, Grant, IdentifierNotFound
from registry.asking.standing import Asked
from registry.model import Fact, FactKind, StateChange, kind_of
from registry.reports.due_dates import MAX_COUNTED, DueDates
from registry.reports.reports import Reports
from storage import MIGRATIONS as STORAGE
from storage import Database
from tests.actors import Access, acting
from tests.clock import Clock
from tests.databases import Place, migrated
from tests.registry.examples import EDU, NOW, UNI, facts_from
from tests.registry.wing import Wing
from wire import BadRequest, format_exact, parse_utc

pytestmark = pytest.mark.anyio

DAY = 86_400_000_000
ALL = (*STORAGE, *OPERATORS, *MIGRATIONS)
EVER = (0, 2**62)
ROOT = acting("root", Role.ADMINISTRATOR)


def the_grant(**changes: Any) -> Grant:
    """Return the authorization of the examples, with changes."""
    grant = next(fact for fact in facts_from() if isinstance(fact, Grant))
    return msgspec.structs.replace(grant, **changes)


async def tell(wing: Wing, what: str, *facts: Fact, at: int | None = None) -> None:
    """Let the registry be told of facts, by ada."""
    changes = tuple(
        FactChange(kind_of(fact), fact.id, fact, what, NOW if at is None else at) for fact in facts
    )
    await wing.registry.edit(lambda *_: changes, lambda *_: None, Cause("ada", "change-set", 7))


async def a_wing(database: Database) -> Wing:
    """Return a registry that knows the examples."""
    wing = Wing(database, lambda: NOW / 1_000_000)
    await wing.load()
    await tell(wing, "add", *facts_from())
    return wing


async def test_changes_say_who_told_what_when_and_whether_it_was_late(place: Place) -> None:
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        first = len(facts_from())
        await tell(wing, "correct", the_grant(valid_until=NOW - DAY), at=NOW - DAY)
        reports = Reports(wing.registry, database)
        pages = [await reports.changes(*EVER, after=0, limit=first)]
        pages.append(await reports.changes(*EVER, after=pages[0].next or 0, limit=first))
        recorded = [parse_utc(row.recorded_at) for page in pages for row in page.rows]
        later = await reports.changes(NOW + 1, 2**62, after=0, limit=10)
        earlier = await reports.changes(0, NOW, after=0, limit=10)

    (late,) = pages[1].rows
    assert [row.position for row in pages[0].rows] == list(range(1, first + 1))
    assert (pages[0].next, pages[1].next) == (first, None)
    assert (late.what, late.is_late, late.actor, late.occasion, late.change_set) == (
        *("correct", True, "ada"),
        *("change-set", 7),
    )
    assert not any(row.is_late for row in pages[0].rows)
    assert recorded == sorted(recorded)
    assert later.rows == (late,)
    assert earlier.rows == ()


async def test_the_history_of_a_fact_is_all_that_was_said_of_it(place: Place) -> None:
    suspended = StateChange(state="suspended", since=NOW, reason="Under review.")
    grant = the_grant()
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        await tell(wing, "suspend", the_grant(history=(suspended,)))
        reports = Reports(wing.registry, database)
        found = await reports.history(ROOT, None, grant.id, after=0, limit=10)
        entity = await reports.history(ROOT, None, UNI, after=0, limit=10)
        authority = await reports.history(ROOT, "authority", EDU, after=0, limit=10)
        with pytest.raises(IdentifierNotFound):
            await reports.history(ROOT, None, "nobody", after=0, limit=10)

    assert [(row.revision, row.what, row.kind) for row in found.rows] == [
        (1, "add", "authorization"),
        (2, "suspend", "authorization"),
    ]
    assert found.rows[1].fact is not None
    assert found.rows[1].fact["history"][0]["reason"] == "Under review."
    assert [row.kind for row in entity.rows + authority.rows] == ["entity", "authority"]


async def test_whoever_reads_for_one_authority_sees_the_history_of_what_is_its(place: Place) -> None:
    grant = the_grant()
    scopes = ("authority:" + grant.authority_id, "authority:other", "issuer:" + grant.authority_id)
    own, other, issuer = (
        Principal(id="ed", grants=frozenset({Held(parse_scope(scope), Role.EDITOR)})) for scope in scopes
    )
    asked = ((None, grant.id), (None, EDU), ("authority", EDU), ("entity", UNI), ("entity", EDU))
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        reports = Reports(wing.registry, database)
        seen = [await seen_by(reports, own, *each) for each in asked]
        not_seen = [await seen_by(reports, who, *each) for who in (other, issuer) for each in asked]
        await tell(wing, "correct", the_grant(authority_id="moved"))
        moved = await seen_by(reports, own, None, grant.id)
        before = await seen_by(reports, own, None, "nobody")

    assert seen == [["authorization"], ["authority"], ["authority"], before, before]
    assert not_seen == [before] * 10
    assert moved == before == "the registry was never told of a fact of this id"


async def seen_by(reports: Reports, who: Principal, kind: FactKind | None, reference: str) -> list[str] | str:
    """Return the kinds in a history, or why there is none."""
    try:
        found = await reports.history(who, kind, reference, after=0, limit=10)
    except IdentifierNotFound as error:
        return error.detail
    return [row.kind for row in found.rows]


async def test_a_question_is_answered_as_of_one_time_with_what_was_known_at_another(place: Place) -> None:
    clock = Clock(NOW / 1_000_000)
    question = Asked(
        kind="authorization", authority=EDU, entity=UNI, action="issue", resource="Degree", at=NOW - DAY
    )
    async with migrated(place, ALL) as database:
        wing = Wing(database, clock)
        await wing.load()
        await tell(wing, "add", *facts_from())
        reports = Reports(wing.registry, database)
        clock.now += 60
        known_at = wing.registry.now()
        before = await reports.check(question, known_at)
        clock.now += 60
        await tell(wing, "correct", the_grant(valid_until=NOW - 2 * DAY), at=NOW - 2 * DAY)
        after = await reports.check(question, None)
        again = await reports.check(question, known_at)
        entity = the_grant().entity_id
        by_id = await reports.check(msgspec.structs.replace(question, entity=entity), None)

    assert (before.decision, before.known_at) == ("yes", format_exact(known_at))
    assert (after.decision, after.reason, after.grant) == ("no", "expired", the_grant().id)
    assert again == before
    assert by_id == after


async def test_what_is_due_is_listed_by_its_date_and_over_pages(place: Place) -> None:
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        facts = [the_grant(id=f"g{n}", review_due=NOW + n * DAY, valid_from=NOW + n * DAY) for n in (3, 1, 2)]
        ended = the_grant(id="over", review_due=NOW + DAY, valid_until=NOW - DAY)
        await tell(wing, "add", *facts, ended)
        reports = Reports(wing.registry, database)
        until = NOW + 3 * DAY
        whole = await reports.reviews(until, after="", limit=10)
        first = await reports.reviews(until, after="", limit=1)
        second = await reports.reviews(until, after=first.next or "", limit=1)
        with pytest.raises(BadRequest):
            await reports.reviews(until, after="x", limit=2)

    assert [row.id for row in whole.rows] == ["g1", "g2"]
    assert whole.next is None
    assert first.rows + second.rows == whole.rows
    assert "may issue Degree" in whole.rows[0].about


async def test_what_ends_soon_is_listed_and_what_ended_is_not(place: Place) -> None:
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        uni = next(fact for fact in facts_from() if fact.id == the_grant().entity_id)
        leaving = msgspec.structs.replace(uni.identifiers[0], valid_until=NOW + DAY)  # type: ignore[union-attr]
        await tell(wing, "change", msgspec.structs.replace(uni, identifiers=(leaving,)))
        await tell(wing, "add", the_grant(id="over", valid_until=NOW - DAY))
        await tell(wing, "add", the_grant(id="soon", valid_until=NOW + 2 * DAY))
        found = await Reports(wing.registry, database).ends(NOW + 3 * DAY, after="", limit=10)

    assert [(row.what, row.id) for row in found.rows] == [("identifier-end", uni.id), ("end", "soon")]


async def test_access_says_who_holds_what_and_not_who_held_it(place: Place) -> None:
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        access = Access(database, lambda: NOW / 1_000_000)
        await access.add("ada", Role.EDITOR)
        await access.add("bob", Role.AUDITOR, Role.VIEWER)
        await access.grants.end_grant(ROOT, "bob", AskedGrant("everything", Role.VIEWER))
        reports = Reports(wing.registry, database)
        first = await reports.access(after=0, limit=1)
        rest = await reports.access(after=first.next or 0, limit=10)

    assert [(row.principal, row.role, row.scope) for row in first.rows + rest.rows] == [
        ("ada", "editor", "everything"),
        ("bob", "auditor", "everything"),
    ]


async def test_approvals_say_who_decided_what_about_the_registry(place: Place) -> None:
    ada, bob = acting("ada", Role.EDITOR), acting("bob", Role.APPROVER)
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)

        def enter(tx: Any) -> None:
            insert_actor(tx, Actor(id="bob", kind=Kind.PERSON, name="Bob", made_by="root", made_at=NOW))
            role = Held(EVERYTHING, Role.APPROVER)
            held = HeldGrant(grant=role, source="operator", granted_by="root", granted_at=NOW)
            add_grant(tx, "bob", held)

        await database.write(enter)

        def work(tx: Any, action: str) -> None:
            change = Change(action=action, scope=EVERYTHING, subject="7", request={})
            number = insert_approval(tx, ada, change, [], at=NOW - 5, expires_at=NOW + DAY)
            approval = find_approval(tx, number)
            assert approval is not None
            decide(tx, approval, Decision("rejected", bob, "too early", NOW))

        for action in ("registry.apply", "issuer.create"):
            await database.write(partial(work, action=action))
        reports = Reports(wing.registry, database)
        found = await reports.approvals(*EVER, after=0, limit=10)
        before = await reports.approvals(0, NOW, after=0, limit=10)

    assert [(row.author, row.decided_by, row.state, row.reason) for row in found.rows] == [
        ("ada", "bob", "rejected", "too early")
    ]
    assert before.rows == ()


async def test_an_alarm_comes_before_a_date_and_goes_when_nothing_is_due(place: Place) -> None:
    told: dict[AlarmKind, str | None] = {}
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        dates = DueDates(wing.registry, lambda kind, _, why: told.update({kind: why}))
        await dates.look()
        quiet = dict(told)
        await tell(wing, "add", the_grant(id="g1", review_due=NOW - DAY, valid_until=NOW + 10 * DAY))
        await dates.look()
        loud = dict(told)
        await tell(
            wing, "change", the_grant(id="g1", review_due=NOW + 300 * DAY, valid_until=NOW + 400 * DAY)
        )
        await dates.look()

    assert quiet == {AlarmKind.REGISTRY_REVIEW: None, AlarmKind.REGISTRY_NEAR_END: None}
    assert (loud[AlarmKind.REGISTRY_REVIEW] or "").startswith("1 to be looked at again within 14 days")
    assert (loud[AlarmKind.REGISTRY_NEAR_END] or "").startswith(
        "1 ending within 14 days, the first on 2026-12-04"
    )
    assert told == quiet


async def test_however_much_has_ended_the_alarm_sees_what_is_due(place: Place) -> None:
    told: dict[AlarmKind, str | None] = {}
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        past = {"review_due": NOW - 20 * DAY, "valid_from": NOW - 30 * DAY, "valid_until": NOW - DAY}
        revoked = StateChange(state="revoked", since=NOW - 2 * DAY)
        final = {"review_due": NOW - 20 * DAY, "valid_until": NOW + DAY, "history": (revoked,)}
        await tell(wing, "add", *(the_grant(id=f"past{n}", **past) for n in range(MAX_COUNTED)))
        await tell(wing, "add", *(the_grant(id=f"final{n}", **final) for n in range(MAX_COUNTED)))
        await tell(wing, "add", the_grant(id="g1", review_due=NOW, valid_until=NOW + 2 * DAY))
        await DueDates(wing.registry, lambda kind, _, why: told.update({kind: why})).look()
        reviews = await Reports(wing.registry, database).reviews(NOW + DAY, after="", limit=10)

    assert (told[AlarmKind.REGISTRY_REVIEW] or "").startswith("1 to be looked at again")
    assert (told[AlarmKind.REGISTRY_NEAR_END] or "").startswith("1 ending")
    assert ([row.id for row in reviews.rows], reviews.next) == (["g1"], None)


async def test_whoever_told_of_nothing_ends_no_alarm_of_another(place: Place) -> None:
    told: list[AlarmKind] = []
    async with migrated(place, ALL) as database:
        wing = await a_wing(database)
        DueDates(wing.registry, lambda kind, *_: told.append(kind)).leave()

    assert told == []
