"""A request waits for another person, who decides it once; with the decision the change is made, or neither."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from operators import Principal
from operators.approvals.change import ApprovalView
from operators.approvals.rules import Policy
from operators.issuers.views import CompromiseKey, IssuerKeyView
from storage import IdempotencyConflict
from tests.operators.approvals.office import WHY, Office, pending
from wire import Conflict, Forbidden, ResourceNotFound

pytestmark = pytest.mark.anyio


async def test_what_waits_is_done_when_another_person_approves(office: Office) -> None:
    number = await office.asks()

    assert not await office.is_active()
    decided = await office.approves("bob", number)
    assert (decided.state, decided.decided_by, decided.decision_reason) == ("approved", "bob", WHY)
    assert await office.is_active()
    [(actor, detail)] = await office.audited("issuer-key.plan")
    assert (actor, detail["approval"]) == ("ada", number)
    [(actor, detail)] = await office.audited("approval.approve")
    assert (actor, detail["approval"], detail["why"], detail["author"]) == ("bob", number, WHY, "ada")
    assert detail["digest"] == decided.digest


async def test_the_change_is_made_as_it_was_asked_for(office: Office) -> None:
    """Its audit row names the author, the API key, and why, as if nothing had been in between."""
    public_id = await office.api_key("ada", made_by="ada", person="ada")
    author = await office.who("ada", public_id)
    named = Principal(
        **{name: getattr(author, name) for name in author.__struct_fields__} | {"reason": "due"}
    )
    await office.approves("bob", await office.asks(named))

    [(actor, detail)] = await office.audited("issuer-key.plan")
    assert actor == "ada"
    assert (detail["by"], detail["why"]) == ({"key": public_id, "person": "ada"}, "due")


async def test_the_same_change_asked_for_twice_is_one_request(office: Office) -> None:
    first = await office.asks()

    assert await office.asks() == first
    await office.person("ann", "administrator")
    assert await office.asks("ann") != first
    assert len(await office.audited("approval.ask")) == 2


async def test_a_rejected_request_does_nothing(office: Office) -> None:
    number = await office.asks()
    view = await office.approvals.reject(await office.who("bob"), number, "not today")

    assert (view.state, view.decision_reason) == ("rejected", "not today")
    assert not await office.is_active()
    with pytest.raises(Conflict, match="it is rejected"):
        await office.approves("eve", number)
    assert await office.asks() != number


async def test_a_withdrawn_request_is_not_approved(office: Office) -> None:
    number = await office.asks()
    with pytest.raises(Forbidden, match="only ada"):
        await office.approvals.withdraw(await office.who("bob"), number)
    await office.approvals.withdraw(await office.who("ada"), number)

    with pytest.raises(Conflict, match="it is withdrawn"):
        await office.approves("bob", number)
    assert not await office.is_active()


async def test_an_expired_request_is_not_approved(office: Office) -> None:
    number = await office.asks()
    office.clock.now += 604_800

    assert await office.state_of(number) == "expired"
    with pytest.raises(Conflict, match="it is expired"):
        await office.approves("bob", number)
    with pytest.raises(Conflict, match="it is expired"):
        await office.approvals.withdraw(await office.who("ada"), number)
    assert not await office.is_active()
    assert await office.asks() != number


async def test_a_request_is_approved_once(office: Office) -> None:
    number = await office.asks()
    await office.approves("bob", number)

    for name in ("bob", "eve"):
        with pytest.raises(Conflict, match="it is approved"):
            await office.approves(name, number)
    assert len(await office.audited("issuer-key.plan")) == 1


async def test_of_two_who_decide_at_once_one_does(office: Office) -> None:
    number = await office.asks()
    told = await asyncio.gather(
        office.approves("bob", number),
        office.approves("eve", number),
        office.approvals.reject(await office.who("bob"), number, "no"),
        office.approvals.withdraw(await office.who("ada"), number),
        return_exceptions=True,
    )

    decided = [one for one in told if isinstance(one, ApprovalView)]
    assert len(decided) == 1
    assert all(isinstance(one, Conflict) for one in told if one is not decided[0])
    assert await office.is_active() == (decided[0].state == "approved")
    assert len(await office.audited("issuer-key.plan")) == int(decided[0].state == "approved")


async def test_a_retry_with_the_same_idempotency_key_is_answered_alike(office: Office) -> None:
    """The request stays the same whatever became of it, and so does the decision."""
    ada = await office.who("ada")
    asked = pending(await office.desk.changes.activate(ada, "acme", office.key, idempotency_key="a"))
    decided = await office.approves("bob", asked.approval, idempotency_key="b")

    assert await office.approves("bob", asked.approval, idempotency_key="b") == decided
    with pytest.raises(IdempotencyConflict):
        await office.approvals.approve(await office.who("bob"), asked.approval, "other", idempotency_key="b")
    await office.sql("UPDATE issuer_keys SET activates_at = NULL WHERE state = 'announced'")
    again = await office.desk.changes.activate(ada, "acme", office.key, idempotency_key="a")
    assert isinstance(again, ApprovalView)
    assert (again.approval, again.state) == (asked.approval, "approved")


async def test_a_change_that_fails_decides_nothing(office: Office) -> None:
    number = await office.asks()
    await office.desk.changes.retire(await office.who("ada"), "acme", office.key)

    with pytest.raises(Conflict, match="is retired"):
        await office.approves("bob", number)
    assert await office.state_of(number) == "pending"


async def test_another_key_signs_meanwhile(office: Office) -> None:
    """What was asked for is to replace the one key, not the other."""
    other = await office.desk.add()
    number = await office.asks()
    office.clock.now += 10_000
    pressing = pending(await office.desk.changes.activate(await office.who("ada"), "acme", other))
    await office.approves("eve", pressing.approval)

    with pytest.raises(Conflict, match="not what it was when it was asked for; ask anew"):
        await office.approves("bob", number)
    assert await office.state_of(number) == "pending"


async def test_a_foreign_document_lists_the_key_no_more(office: Office) -> None:
    [key] = await office.desk.foreign()
    office.desk.listed.add(key)
    asked = pending(await office.desk.changes.activate(await office.who("ada"), "bank", key))
    office.desk.listed.clear()

    with pytest.raises(Conflict, match="does not list it"):
        await office.approves("bob", asked.approval)
    office.desk.listed.add(key)
    assert (await office.approves("bob", asked.approval)).state == "approved"


@pytest.mark.parametrize(
    ("meanwhile", "why"),
    [
        (lambda office, _: office.deactivates("bob"), "bob may do nothing any more"),
        (lambda office, _: office.ends("bob", "approver"), "there is no approval of this number"),
        (lambda office, _: office.deactivates("ada"), "ada, who asked for this, may do nothing any more"),
        (lambda office, _: office.ends("ada", "administrator"), "changed just now"),
        (lambda office, number: office.withdraws("ada", number), "it is withdrawn"),
        (lambda office, number: office.approves("eve", number), "it is approved"),
    ],
)
async def test_what_happens_while_a_document_is_looked_at_counts(
    office: Office, meanwhile: Callable[[Office, int], Awaitable[object]], why: str
) -> None:
    """Who may decide, and for whom, is looked at again in the transaction that decides."""
    [key] = await office.desk.foreign()
    office.desk.listed.add(key)
    asked = pending(await office.desk.changes.activate(await office.who("ada"), "bank", key))

    async def look(*_: object) -> None:
        office.desk.changes._why_not_listed = listed
        await meanwhile(office, asked.approval)

    async def listed(*_: object) -> None: ...

    office.desk.changes._why_not_listed = look
    with pytest.raises(Conflict, match=why):
        await office.approves("bob", asked.approval)
    approved = await office.audited("approval.approve")
    assert [actor for actor, _ in approved] == (["eve"] if why == "it is approved" else [])
    assert len(await office.audited("issuer-key.activate")) == len(approved)


async def test_a_key_that_others_may_have_never_waits(office: Office) -> None:
    first = next(key for key, state in (await office.desk.states()).items() if state == "active")
    given_up = await office.desk.changes.compromise(await office.who("ada"), "acme", first, CompromiseKey())

    assert given_up.state == "compromised"
    assert (await office.desk.states())[office.key] == "active"


async def test_without_the_setting_a_key_is_activated_at_once(office: Office) -> None:
    free = Office(office.database, office.clock, office.desk.key_dir, Policy())
    done = await free.desk.changes.activate(await office.who("ada"), "acme", office.key)

    assert isinstance(done, IssuerKeyView)


async def test_a_foreign_request_and_an_absent_one_are_the_same(office: Office) -> None:
    number = await office.asks()
    await office.person("mia", "approver@issuer:other", "editor@issuer:other")
    mia = await office.who("mia")
    told = []
    for asked in (number, number + 1, 0, -1, 2**70):
        for do in (
            office.approvals.show,
            lambda who, n: office.approvals.approve(who, n, WHY),
            lambda who, n: office.approvals.reject(who, n, WHY),
            office.approvals.withdraw,
            lambda who, n: office.approvals.break_glass(who, n, WHY),
        ):
            with pytest.raises(ResourceNotFound) as refused:
                await do(mia, asked)
            told.append((refused.value.detail, refused.value.status, refused.value.members))

    assert len({str(one) for one in told}) == 1
    assert (await office.approvals.page(mia)).approvals == ()


async def test_requests_are_listed_by_state_and_page(office: Office) -> None:
    first = await office.asks()
    await office.approvals.reject(await office.who("bob"), first, "no")
    second = await office.asks()
    page = await office.approvals.page(await office.who("bob"), limit=1)

    assert ([one.approval for one in page.approvals], page.next) == ([first], first)
    rest = await office.approvals.page(await office.who("bob"), after=first)
    assert ([one.approval for one in rest.approvals], rest.next) == ([second], None)
    waiting = await office.approvals.page(await office.who("bob"), state="pending")
    assert [one.approval for one in waiting.approvals] == [second]
    office.clock.now += 604_800
    ended = await office.approvals.page(await office.who("bob"), state="expired")
    assert [one.approval for one in ended.approvals] == [second]
