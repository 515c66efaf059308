"""
Which version shows a change: those that wait together share one, and none before the acknowledged one shows it.

What versions say is read by an outsider; who changes, and who publishes, do not know of one another.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from typing import TypeVar

import msgspec
import pytest

from operators import Role
from statuslist.entries.requests import ChangeStatuses, CreateSet
from statuslist.publishing.published import Published
from storage import Database, Transaction
from tests.actors import acting
from tests.databases import Place
from tests.statuslist.outsider import read_form
from tests.statuslist.wing import ROOT, Wing, change_of, signer_for

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]
T = TypeVar("T")

LIST = "badges-revocation"
HOUR = 3_600  # seconds


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        yield opened


async def revoke(wing: Wing, index: int, *, urgent: bool = False) -> int:
    """Return the version that is acknowledged."""
    wanted: ChangeStatuses = msgspec.structs.replace(change_of(index), urgent=urgent)
    changed = await wing.sets.set_statuses(acting("hr", Role.ADMINISTRATOR), "badges", wanted)
    return changed.versions[LIST]


class Witness:
    """Keeps what every version says that it is told of."""

    def __init__(self) -> None:
        self.said: dict[int, set[int]] = {}
        self.bodies: dict[int, bytes] = {}

    def see(self, published: Published) -> None:
        if published.list_id != "badges":
            return
        body = published.forms["token.jwt"].body
        assert self.bodies.setdefault(published.version, body) == body, "a version has one body"
        said = read_form("token.jwt", body, signer_for("acme").public_key)  # type: ignore[arg-type]
        self.said[published.version] = said.revoked or set()

    def first_with(self, index: int) -> int:
        return min(version for version, revoked in self.said.items() if index in revoked)


class Acts:
    """A database in which somebody does something at a point of the next publication."""

    def __init__(self, inner: Database, point: str, act: Callable[[], Awaitable[None]]) -> None:
        self.dialect = inner.dialect
        self._inner, self._point, self._act, self._begun = inner, point, act, False

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        name = getattr(fn, "__name__", "")
        await self._at(f"before {name}")
        result = await self._inner.write(fn)
        self._begun |= name == "begin"
        await self._at(f"after {name}")
        return result

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        result = await self._inner.read(fn)
        await self._at("after read" if self._begun else "")
        return result

    def close(self) -> None:
        self._inner.close()

    async def _at(self, point: str) -> None:
        if point == self._point:
            self._point = "never again"
            await self._act()


@pytest.mark.parametrize("urgent", [False, True])
async def test_changes_that_wait_together_share_one_version(wing: Wing, urgent: bool) -> None:
    wanted = {"id": "badges", "issuerId": "acme", "purposes": ("revocation",), "cadenceSeconds": HOUR}
    await wing.sets.create_set(ROOT, msgspec.convert(wanted, CreateSet))
    indices = await wing.allocate("badges", 5)
    await wing.publisher.publish_dirty()

    acknowledged = [await revoke(wing, index, urgent=urgent) for index in indices]
    await wing.publisher.following.look()
    wing.clock.ahead += 0 if urgent else wing.publisher.demand.next_due(wing.clock.timer())
    await wing.publisher.publish_dirty()

    assert acknowledged == [2] * 5
    assert wing.publisher.lists.version_of_set("badges") == 2
    assert [wing.published_status(LIST, index) for index in indices] == [1] * 5


async def test_an_urgent_change_hurries_the_version_that_others_wait_for(wing: Wing) -> None:
    wanted = {"id": "badges", "issuerId": "acme", "purposes": ("revocation",), "cadenceSeconds": HOUR}
    await wing.sets.create_set(ROOT, msgspec.convert(wanted, CreateSet))
    first, second, third = await wing.allocate("badges", 3)
    await wing.publisher.publish_dirty()

    acknowledged = [
        await revoke(wing, first),
        await revoke(wing, second, urgent=True),
        await revoke(wing, third),
    ]
    await wing.publisher.publish_dirty()

    assert acknowledged == [2, 2, 2]
    assert wing.published_status(LIST, third) == 1


async def test_a_change_makes_one_of_a_version_that_was_wanted_for_its_signatures(wing: Wing) -> None:
    """Nobody waits for signatures; for a change, operators are told when it is late."""
    await wing.create("badges")
    (index,) = await wing.allocate("badges")
    await wing.publisher.publish_dirty()
    wing.tamper(
        "UPDATE set_versions SET wanted_version = 2, anew_version = 2, changed_version = changed_version + 1"
    )
    await wing.publisher.following.look()
    anew = wing.publisher.demand.is_change("badges")

    acknowledged = await revoke(wing, index)
    await wing.publisher.following.look()

    assert (anew, acknowledged) == (False, 2)
    assert wing.publisher.demand.is_change("badges")


@pytest.mark.parametrize(
    "point", ["before begin", "after begin", "after read", "before publish", "after publish"]
)
@pytest.mark.parametrize("is_first", [True, False], ids=["all rows are read", "what changed is read"])
async def test_a_change_beside_a_publication_is_first_shown_by_the_version_that_is_acknowledged(
    wing: Wing, point: str, is_first: bool
) -> None:
    await wing.create("badges", "revocation", "suspension")
    earlier, beside = await wing.allocate("badges", 2)
    witness, acknowledged = Witness(), []

    async def change() -> None:
        await wing.change("badges", earlier, "suspension", 0)
        acknowledged.append(await revoke(wing, beside))

    database = Acts(wing.database, "never" if not is_first else point, change)
    publisher = wing.another_publisher(database=database, on_published=witness.see)
    if not is_first:
        await publisher.publish_dirty()
        database._point, database._begun = point, False
    await wing.change("badges", earlier, "suspension", 1)
    await publisher.publish_dirty()
    await publisher.publish_dirty()

    assert len(acknowledged) == 1
    assert witness.first_with(beside) == acknowledged[0]
    assert wing.published_status("badges-suspension", earlier, publisher) == 0


async def test_of_all_who_change_and_publish_at_once_nobody_sees_a_change_before_or_after_its_version(
    place: Place,
) -> None:
    """Two nodes that both publish, and three writers on each."""
    witness = Witness()
    acknowledged: dict[int, int] = {}
    chance = random.Random(14)
    async with Wing.open(place) as one, Wing.open(place) as other:
        await one.create("badges")
        indices = await one.allocate("badges", 180)
        publishers = [each.another_publisher(on_published=witness.see) for each in (one, other)]
        is_over = False

        async def publishing(which: int) -> None:
            while not is_over:
                await publishers[which].publish_dirty()

        async def writing(wing: Wing, mine: list[int]) -> None:
            for index in mine:
                acknowledged[index] = await revoke(wing, index, urgent=chance.random() < 0.3)
                await asyncio.sleep(chance.random() * 0.01)

        async with asyncio.TaskGroup() as publication:
            for which in range(2):
                publication.create_task(publishing(which))
            async with asyncio.TaskGroup() as writers:
                for number in range(6):
                    writers.create_task(writing((one, other)[number % 2], indices[number::6]))
            is_over = True
        for publisher in publishers:
            await publisher.publish_dirty()

    assert len(acknowledged) == 180
    for index, version in acknowledged.items():
        # Another node may have begun, and published, the next one meanwhile: then that is the first there is.
        assert witness.first_with(index) == min(seen for seen in witness.said if seen >= version)
    assert all(older <= newer for older, newer in pairwise(said for _, said in sorted(witness.said.items())))
    assert len(set(acknowledged.values())) > 10, "they were published beside one another"
