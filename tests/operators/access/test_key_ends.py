"""Keys in use that end soon raise an alarm, which ends with its reason."""

from collections.abc import Callable

import pytest

from operators import Role
from operators.access.key_ends import KeyEnds
from operators.access.views import RotateKey
from storage import Engine
from tests.actors import ROOT, Access
from tests.clock import Clock

pytestmark = pytest.mark.anyio

DAY = 86_400.0  # seconds


class Told:
    """What is wrong now, and how often something was said."""

    def __init__(self) -> None:
        self.open: dict[str, str] = {}

    def __call__(self, subject: str, why: str | None) -> None:
        if why is None:
            del self.open[subject]  # Nothing ends that was not told.
        else:
            self.open[subject] = why


@pytest.fixture
def access(database: Engine, clock: Clock) -> Access:
    return Access(database, clock)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def ends(database: Engine, clock: Clock, told: Told) -> KeyEnds:
    return KeyEnds(database, clock=clock, on_state=told)


async def a_key_in_use(access: Access, clock: Clock, *, days: float = 90.0, used_at: float = 80.0) -> str:
    """Return the public id of a key that was used so many days after its making, when it is that day."""
    await access.add("op", Role.VIEWER)
    key = await access.key("op", seconds=days * DAY)
    clock.now += used_at * DAY
    await access.principals.authenticate(f"Bearer {key}")
    await access.principals.keep_uses()
    return key.split("_")[1]


async def test_a_key_in_use_that_ends_soon_is_told_once_it_is_near(
    access: Access, clock: Clock, ends: KeyEnds, told: Told
) -> None:
    public_id = await a_key_in_use(access, clock, used_at=75.9)
    await ends.look()
    before = dict(told.open)
    clock.now += 0.2 * DAY
    await ends.look()

    assert before == {}
    assert told.open == {f"op#{public_id}": "this API key is used, and ends on 2027-04-15T08:00:00Z"}


async def replaced(access: Access, public_id: str) -> None:
    await access.keys.rotate(ROOT, public_id, RotateKey())


async def revoked(access: Access, public_id: str) -> None:
    await access.keys.revoke(ROOT, public_id)


async def gone(access: Access, _: str) -> None:
    await access.changes.set_active(ROOT, "op", False)


@pytest.mark.parametrize("end", [replaced, revoked, gone])
async def test_it_is_over_when_the_key_is(
    access: Access, clock: Clock, ends: KeyEnds, told: Told, end: Callable[[Access, str], object]
) -> None:
    public_id = await a_key_in_use(access, clock)
    await ends.look()
    was_open = len(told.open)
    await end(access, public_id)  # type: ignore[misc]
    await ends.look()

    assert (was_open, told.open) == (1, {})


async def test_it_is_over_when_the_key_has_ended(
    access: Access, clock: Clock, ends: KeyEnds, told: Told
) -> None:
    await a_key_in_use(access, clock)
    await ends.look()
    was_open = len(told.open)
    clock.now += 10.1 * DAY
    await ends.look()

    assert (was_open, told.open) == (1, {})


async def test_nobody_is_told_of_a_key_that_was_not_used_lately(
    access: Access, clock: Clock, ends: KeyEnds, told: Told
) -> None:
    await a_key_in_use(access, clock, used_at=70)
    clock.now += 8 * DAY
    await ends.look()

    assert told.open == {}


async def test_nobody_is_told_of_a_key_that_was_made_for_a_short_time(
    access: Access, clock: Clock, ends: KeyEnds, told: Told
) -> None:
    await a_key_in_use(access, clock, days=27, used_at=20)
    await ends.look()

    assert told.open == {}


async def test_a_key_that_replaced_itself_and_won_no_time_is_told(
    access: Access, clock: Clock, ends: KeyEnds, told: Told
) -> None:
    """A program that rotates its own key does not prolong it, and stops on the day that it would have."""
    await access.add("op", Role.VIEWER)
    old = await access.key("op", seconds=90 * DAY)
    clock.now += 80 * DAY
    itself = await access.principals.authenticate(f"Bearer {old}")
    new = await access.keys.rotate(itself, old.split("_")[1], RotateKey())
    await access.principals.authenticate(f"Bearer {new.api_key}")
    await access.principals.keep_uses()
    await ends.look()

    assert told.open == {f"op#{new.key.key}": "this API key is used, and ends on 2027-04-15T08:00:00Z"}


async def test_whoever_looks_no_more_ends_what_it_told(
    access: Access, clock: Clock, ends: KeyEnds, told: Told
) -> None:
    await a_key_in_use(access, clock)
    await ends.look()
    ends.leave()
    ends.leave()

    assert told.open == {}
