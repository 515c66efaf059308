"""Who asks for a lease that does not answer is told no in time, and takes no thread from others."""

import asyncio
import threading

import pytest

from storage import Leadership
from storage import leadership as module

pytestmark = pytest.mark.anyio


class HangingLease:
    """A lease that answers when it is let."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked = 0

    def hold(self) -> bool:
        self.asked += 1
        return self.answers.wait(30)

    def release(self) -> None:
        """Nothing is held."""


async def test_steps_share_one_question_that_hangs_and_lead_again_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    lease = HangingLease()
    leadership = Leadership(lease)
    answers = await asyncio.gather(*(leadership.holds() for _ in range(50)))
    free = await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 5)
    asked = lease.asked
    lease.answers.set()
    async with asyncio.timeout(10):
        while not await leadership.holds():
            await asyncio.sleep(0.01)
    await leadership.end()

    assert answers == [False] * 50
    assert asked == 1
    assert free == "free"
