"""
How a process follows rows that it serves from memory, and where it is behind looks at them before it answers.

A look takes up what the rows say. There is one at a time, whoever wants it: the loop that follows, or an answer
that must not be older than what another process of the node serves (`storage.mark`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from storage.database import DatabaseUnavailable
from storage.mark import ServedMark

CATCH_UP_SECONDS = 0.5  # that an answer waits for what another process serves already
AGAIN_SECONDS = 0.25  # after it waited in vain, until one waits again

_log = logging.getLogger(__name__)


class Following:
    """
    One process's looks at the rows of one subject.

    Args:
        look: takes up what the rows say, and tells `mark` before it serves it; raises DatabaseUnavailable.
        subject: what is followed, for the log.
        mark: what the processes of this node serve of it.
        timer: monotonic seconds.

    Attributes:
        is_behind: tells whether another process of the node may serve what this one has not looked for.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[None]],
        subject: str,
        *,
        mark: ServedMark,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_behind = mark.is_behind
        self._take_up = look
        self._subject = subject
        self._mark = mark
        self._timer = timer
        self._again_at = float("-inf")  # Monotonic seconds.
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> None:
        """
        Take up what the rows say.

        Raises:
            DatabaseUnavailable: they cannot be read; what was served before still is.
        """
        async with self._one_at_a_time:
            await self._look()

    async def catch_up(self) -> bool:
        """
        Look at the rows before an answer, where another process of the node serves what may be newer.

        Returns:
            Whether what is served here is as new as what any process of the node served until now. False where
            the rows cannot be read in time: what is served then must be kept by no cache.
        """
        if not self._mark.is_behind():
            return True
        if self._timer() < self._again_at:
            return False
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS), self._one_at_a_time:
                if self._mark.is_behind():  # Else somebody looked while we waited.
                    await self._look()
        except (TimeoutError, DatabaseUnavailable) as error:
            _log.warning("%s: behind another process of this node: %s", self._subject, error)
            self._again_at = self._timer() + AGAIN_SECONDS
            return False
        return True

    async def _look(self) -> None:
        others = self._mark.others()
        await self._take_up()
        self._mark.has_looked(others)
