"""Two editors and two approvers at once: nothing is lost, nothing applied twice, and every conflict is told."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from operators import MIGRATIONS as OPERATORS
from registry import MIGRATIONS, Grant
from registry.editing.errors import FactsChanged
from registry.editing.inverse import shown
from registry.editing.shapes import ChangeSetView
from storage import MIGRATIONS as STORAGE
from storage import Engine
from tests.clock import Clock
from tests.databases import Place, migrated
from tests.registry.editing.newsroom import Newsroom
from tests.registry.examples import a_grant
from wire import Conflict, format_exact, parse_utc

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

CHANGE_SETS = 1_000
GRANTS = 40  # few, so that two are often about one
AT_ONCE = 5  # of each editor, and of each approver
EDITORS = ("ada", "abe")
APPROVERS = ("bob", "eve")
REVIEW = parse_utc("2027-01-01T00:00:00Z")
SECOND = 1_000_000  # microseconds


class Ticking(Clock):
    """The clock of this machine; `now` is what a test added to it."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def __call__(self) -> float:
        return time.time() + self.now


class Desk:
    """One process: its newsroom over a database connection of its own, an editor, and an approver."""

    def __init__(self, newsroom: Newsroom, editor: str, approver: str, seed: str) -> None:
        self.newsroom, self.editor, self.approver = newsroom, editor, approver
        self.random = random.Random(seed)
        self.told: Counter[str] = Counter()  # what the editor was told of what it tried

    async def edit(self, count: int, waiting: "asyncio.Queue[ChangeSetView]") -> None:
        """Draft and submit change sets, each of which lets one grant be reviewed a second later than it is."""
        for _ in range(count):
            try:
                found = await self.newsroom.submitted(self._operation(), by=self.editor)
            except FactsChanged:
                self.told["in conflict while it was written"] += 1
                continue
            assert found.state == "submitted"
            self.told["submitted"] += 1
            for _ in range(self.random.choice((1, 1, 1, 2))):  # Some are approved by both at once.
                waiting.put_nowait(found)

    async def approve(self, waiting: "asyncio.Queue[ChangeSetView]", told: dict[int, Counter[str]]) -> None:
        """Approve what waits, for ever."""
        while True:
            found = await waiting.get()
            try:
                await self.newsroom.approves(self.approver, found)
                told[found.number]["approved"] += 1
            except FactsChanged:
                told[found.number]["in conflict"] += 1
            except Conflict:
                told[found.number]["decided before"] += 1
            waiting.task_done()

    def _operation(self) -> dict[str, Any]:
        grant_id = f"grant-{self.random.randrange(GRANTS)}"
        with self.newsroom.wing.registry.reading() as known:
            found = known.fact("authorization", grant_id)
        assert found is not None
        assert isinstance(found.fact, Grant)
        due = (found.fact.review_due or REVIEW) + SECOND
        fact = shown(found.fact) | {"review_due": format_exact(due)}
        return {
            "op": "change",
            "kind": "authorization",
            "id": grant_id,
            "if_match": found.number,
            "fact": fact,
        }


async def a_desk(database: Engine, directory: Path, editor: str, approver: str, *, first: bool) -> Desk:
    newsroom = Newsroom(database, directory, clock=Ticking())
    if first:
        await newsroom.open(approvers=APPROVERS)
        await newsroom.office.person("abe", "editor")
        await newsroom.done(
            *(
                {
                    "op": "add",
                    "kind": "authorization",
                    "fact": a_grant(id=f"grant-{n}", action="issue", resource="Licence", **_window(n)),
                }
                for n in range(GRANTS)
            )
        )
    await newsroom.wing.load()
    return Desk(newsroom, editor, approver, seed=editor)


def _window(n: int) -> dict[str, str]:
    return {"valid_from": f"{2100 + n}-01-01T00:00:00Z", "valid_until": f"{2101 + n}-01-01T00:00:00Z"}


async def test_a_thousand_change_sets_by_two_editors_and_two_approvers(place: Place, tmp_path: Path) -> None:
    async with (
        migrated(place, (*STORAGE, *OPERATORS, *MIGRATIONS)) as one,
        migrated(place, (*STORAGE, *OPERATORS, *MIGRATIONS)) as other,
    ):
        desks = [
            await a_desk(one, tmp_path, "ada", "bob", first=True),
            await a_desk(other, tmp_path, "abe", "eve", first=False),
        ]
        began = desks[0].newsroom.wing.version
        waiting: asyncio.Queue[ChangeSetView] = asyncio.Queue()
        decided: defaultdict[int, Counter[str]] = defaultdict(Counter)
        approving = [
            asyncio.create_task(desk.approve(waiting, decided)) for desk in desks for _ in range(AT_ONCE)
        ]
        share = CHANGE_SETS // (len(desks) * AT_ONCE)
        await asyncio.gather(*(desk.edit(share, waiting) for desk in desks for _ in range(AT_ONCE)))
        await waiting.join()
        for task in approving:
            task.cancel()
        await asyncio.gather(*approving, return_exceptions=True)

        found = await _all(desks[0].newsroom)
        states = Counter(each.state for each in found)
        told = desks[0].told + desks[1].told
        reviews = await _reviews(desks[1].newsroom)

    print(place.dialect, dict(told), dict(sum(decided.values(), Counter())), dict(states))
    became = Counter("approved" if each["approved"] else "in conflict" for each in decided.values())
    effective = states["effective"] - 1  # that which added the grants
    assert sum(told.values()) == share * len(desks) * AT_ONCE
    assert told["submitted"] == len(decided)
    assert (effective, states["conflict"]) == (became["approved"], became["in conflict"])
    assert all(each["approved"] == 1 or each["in conflict"] for each in decided.values())  # Each was told.
    assert effective + states["conflict"] + states["draft"] + 1 == len(found)
    assert states["conflict"] + told["in conflict while it was written"] > 0  # Else nothing was looked at.
    assert sum(reviews.values()) == effective  # None lost, and none twice.
    assert sorted(each.version or 0 for each in found if each.state == "effective") == list(
        range(began, began + effective + 1)
    )


async def _all(newsroom: Newsroom) -> list[Any]:
    found: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = await newsroom.drafts.page(await newsroom.who("bob"), after=after)
        found += page.change_sets
        after = page.next
    return found


async def _reviews(newsroom: Newsroom) -> dict[str, int]:
    """Return how many times each grant was changed, as its own value says."""
    await newsroom.wing.follow()
    with newsroom.wing.registry.reading() as known:
        grants = [found for found in known.all("authorization") if found.fact.id.startswith("grant-")]
    counted = {each.fact.id: ((each.fact.review_due or REVIEW) - REVIEW) // SECOND for each in grants}
    assert {each.fact.id: each.number - 1 for each in grants} == counted
    return counted
