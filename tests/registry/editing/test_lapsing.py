"""A request for approval that ends undecided, or is decided while it is being noted, leaves nothing that waits."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from operators import Principal
from operators.approvals.approvals import Approvals
from operators.approvals.change import ApprovalView
from operators.approvals.rules import EXPIRES_SECONDS
from operators.approvals.store import expire_asked
from registry.editing import store
from registry.editing.drafts import LAPSED
from tests.registry.editing.newsroom import Newsroom

pytestmark = pytest.mark.anyio
Meanwhile = Callable[[int], Awaitable[object]]


async def test_what_nobody_approved_in_time_is_a_draft_again(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    newsroom.clock.now += EXPIRES_SECONDS + 1

    await newsroom.change_sets.apply_due()

    [row] = (await newsroom.drafts.page(await newsroom.who("ada"))).change_sets
    assert (row.number, row.state, row.approval, row.problem) == (found.number, "draft", None, LAPSED)
    assert (await newsroom.audited())[-1] == "registry.lapse"
    assert await newsroom.may()


async def test_whoever_looks_is_not_told_that_it_waits(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    newsroom.clock.now += EXPIRES_SECONDS + 1

    shown = await newsroom.drafts.show(found.number)

    assert (shown.state, shown.problem) == ("draft", LAPSED)
    assert found.approval is not None
    newsroom.clock.now -= EXPIRES_SECONDS
    assert await newsroom.office.state_of(found.approval) == "expired"


async def test_what_a_revoked_key_asked_is_a_draft_again(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    now = newsroom.office.now()
    await newsroom.database.write(lambda tx: expire_asked(tx, now, author="ada"))

    await newsroom.change_sets.apply_due()
    again = await newsroom.change_sets.submit(await newsroom.who("ada"), found.number)
    await newsroom.approves("bob", again)

    assert await newsroom.state_of(found) == "effective"


async def test_what_still_waits_is_left_alone(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    newsroom.clock.now += EXPIRES_SECONDS - 1

    await newsroom.change_sets.apply_due()

    assert await newsroom.state_of(found) == "submitted"


async def test_the_key_of_what_lapsed_submits_nothing_anew(newsroom: Newsroom) -> None:
    ada, drafted = await newsroom.who("ada"), await newsroom.drafted(newsroom.suspension())
    await newsroom.change_sets.submit(ada, drafted.number, idempotency_key="k")
    newsroom.clock.now += EXPIRES_SECONDS + 1
    await newsroom.drafts.show(drafted.number)

    # A key is good for a day, and a request for longer; by a clock that was set back it is.
    newsroom.clock.now -= EXPIRES_SECONDS
    replayed = await newsroom.change_sets.submit(ada, drafted.number, idempotency_key="k")

    assert replayed.state == "draft"


class Hurried(Approvals):
    """Approvals, with something that happens between the request and what its author does next."""

    meanwhile: Meanwhile

    async def ask(self, *given: Any, **named: Any) -> ApprovalView | None:
        asked = await super().ask(*given, **named)
        assert asked is not None
        await self.meanwhile(asked.approval)
        return asked


@pytest.fixture
def hurried(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Hurried:
    monkeypatch.setattr(newsroom.approvals, "__class__", Hurried)
    assert isinstance(newsroom.approvals, Hurried)
    return newsroom.approvals


async def test_what_is_rejected_before_the_request_is_noted_is_rejected(
    newsroom: Newsroom, hurried: Hurried
) -> None:
    bob = await newsroom.who("bob")

    async def reject(number: int) -> None:
        await hurried.reject(bob, number, "no grounds")

    hurried.meanwhile = reject
    found = await newsroom.submitted(newsroom.suspension())

    assert (found.state, found.problem, found.approval is not None) == ("rejected", "no grounds", True)


async def test_a_request_for_what_was_taken_back_meanwhile_is_withdrawn(
    newsroom: Newsroom, hurried: Hurried
) -> None:
    ada: Principal = await newsroom.who("ada")
    drafted = await newsroom.drafted(newsroom.suspension())
    numbers: list[int] = []

    async def withdraw(number: int) -> None:
        numbers.append(number)
        await newsroom.change_sets.withdraw(ada, drafted.number)

    hurried.meanwhile = withdraw
    found = await newsroom.change_sets.submit(ada, drafted.number)

    assert (found.state, await newsroom.office.state_of(numbers[0])) == ("withdrawn", "withdrawn")


async def test_an_older_request_than_the_one_that_is_noted_says_nothing_of_it(newsroom: Newsroom) -> None:
    found = await newsroom.submitted(newsroom.suspension())
    assert found.approval is not None
    await newsroom.office.sql(f"UPDATE registry_change_sets SET approval = {found.approval + 1}")

    await newsroom.approvals.reject(await newsroom.who("bob"), found.approval, "no grounds")

    after = await newsroom.database.read(lambda tx: store.find(tx, found.number))
    assert after is not None
    assert after.state == "submitted"
