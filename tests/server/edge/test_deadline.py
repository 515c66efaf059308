"""A deadline that is moved for every message: it passes once, at the time set last, on one timer."""

import asyncio

import pytest

from server.edge.deadline import Deadline

pytestmark = pytest.mark.anyio


class Passed:
    """Counts how often a deadline passed, and when (seconds since it was made)."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.at: list[float] = []

    def __call__(self) -> None:
        self.at.append(self._loop.time() - self._began)


async def test_it_passes_once_at_the_time_set_last() -> None:
    passed = Passed()
    deadline = Deadline(asyncio.get_running_loop(), passed)
    deadline.set(0.05)
    await asyncio.sleep(0.03)
    deadline.set(0.1)
    await asyncio.sleep(0.3)

    assert len(passed.at) == 1
    assert 0.12 < passed.at[0] < 0.25
    assert not deadline.is_set()


async def test_it_can_be_moved_to_earlier() -> None:
    passed = Passed()
    deadline = Deadline(asyncio.get_running_loop(), passed)
    deadline.set(9)
    deadline.set(0.03)
    await asyncio.sleep(0.1)

    assert len(passed.at) == 1


@pytest.mark.parametrize("end", [Deadline.clear, Deadline.cancel])
async def test_it_does_not_pass_once_it_was_cleared_and_can_be_set_again(end: object) -> None:
    passed = Passed()
    deadline = Deadline(asyncio.get_running_loop(), passed)
    deadline.set(0.02)
    end(deadline)  # type: ignore[operator]
    await asyncio.sleep(0.06)
    passed_before = list(passed.at)
    deadline.set(0.02)
    await asyncio.sleep(0.06)

    assert passed_before == []
    assert len(passed.at) == 1


async def test_moving_it_makes_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    made = []
    call_later = loop.call_later
    monkeypatch.setattr(loop, "call_later", lambda *args: made.append(args) or call_later(*args))
    deadline = Deadline(loop, Passed())
    for _ in range(100):
        deadline.set(5)
        deadline.clear()
    deadline.cancel()

    assert len(made) == 1
