"""
Whose turn it is to ask a stranger: what is under way is bounded, and those who wait take turns by client. Service.

A request goes at once where it may. Else it waits with the others of its client. Whenever a slot is given back, or
a token is there, one request of each client in turn is let go, the first of it that may: whoever asks for much
waits behind its own requests, not before those of others. No client has more than its share of the slots, so that
dead hosts, which hold a slot for as long as we wait, do not hold them all. Used on one event loop.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Hashable
from functools import cached_property
from types import TracebackType

import msgspec

from resolver.outbound.asker import Asker, asker
from resolver.outbound.budget import Budget, budget_exceeded, domain_of

MAX_WAITING_PER_CLIENT = 128  # requests; a batch has a hundred
MAX_WAITING = 2_048  # requests of all clients; about 1 KiB each
LEAST_SHARE = 4  # slots that a client may have where there are so many


_ALL = ("all",)


def _key_of(client: str) -> Hashable:
    return "client", client


class SlotCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests may be under way: in all, to one site (`budget.domain_of`), to one host, of one client."""

    total: int
    per_site: int
    per_host: int
    per_client: int


def share_of_client(total: int) -> int:
    """Return how many of `total` slots one client may have: a quarter, so that three who are slow leave room."""
    return min(total, max(LEAST_SHARE, total // 4))


class Turns:
    """
    Args:
        slots: see `SlotCounts`.
        wait_seconds: how long a request waits, unless its asker has more patience.
        budget: the tokens that a request costs beside its slots; None: none.
    """

    def __init__(self, slots: SlotCounts, *, wait_seconds: float, budget: Budget | None = None) -> None:
        self._slots = slots
        self._wait_seconds = wait_seconds
        self._budget = budget
        self._held: dict[Hashable, int] = {}
        # By client, the next one first; each future is set when the turn has come, or its time is over.
        self._waiting: OrderedDict[str, dict[_Turn, asyncio.Future[None]]] = OrderedDict()
        self._waiting_in_all = 0
        self._timer: asyncio.TimerHandle | None = None

    def hold(self, host: str, *, is_known: bool = False) -> "_Turn":
        """
        Wait for a turn, and hold its slots for the `async with` block.

        Args:
            is_known: as of `Budget`.

        Raises:
            OutboundBudgetExceeded: the turn did not come in time, or would not; on entering.
        """
        return _Turn(self, host, asker(), self._slots, is_known=is_known)

    async def take(self, turn: "_Turn") -> None:
        """Wait until `turn` has come; see `hold`."""
        blocked = self._blocked_by(turn)
        # While somebody waits for a token, nobody who has come later takes it.
        if blocked is None and self._timer is None:
            self._let_go(turn)
            return
        patience = self._wait_seconds if turn.who.patience_seconds is None else turn.who.patience_seconds
        if self._is_crowded(turn.client):
            raise budget_exceeded(self._wait_seconds)
        if (wait := self._seconds_to_token(turn)) > patience:
            raise budget_exceeded(wait)
        comes = self._enqueue(turn)
        if blocked is None or blocked[1] < math.inf:
            self._give_turns()
        await self._until(turn, comes, patience)

    async def _until(self, turn: "_Turn", comes: asyncio.Future[None], seconds: float) -> None:
        """Wait for so long; what is not among those who wait any more has its turn."""
        end = asyncio.get_running_loop().call_later(seconds, _set, comes)
        try:
            await comes
        except BaseException:
            if not self._withdraw(turn):
                self.give_back(turn)
            raise
        finally:
            end.cancel()
        if self._withdraw(turn):
            raise budget_exceeded(self._seconds_to_token(turn) or self._wait_seconds)

    def give_back(self, turn: "_Turn") -> None:
        """Give the slots of `turn` to those who wait."""
        for key, _ in turn.caps:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
        if self._waiting:
            self._give_turns()

    def _give_turns(self) -> None:
        """Let one request of each client go in turn, until none may; then wait for the next token."""
        # What has nothing left, and the seconds until it has a token; infinite: until a slot is given back.
        blocked: dict[Hashable, float] = {}
        has_gone = True
        while has_gone:
            has_gone = False
            for client in list(self._waiting):
                turn = self._first_of(client, blocked)
                if turn is not None:
                    self._let_go(turn)
                    _set(self._waiting[client][turn])
                    self._withdraw(turn)
                    has_gone = True
        self._wake_after(min(blocked.values(), default=math.inf))

    def _first_of(self, client: str, blocked: dict[Hashable, float]) -> "_Turn | None":
        """Return the first request of `client` that may go; what stops others is noted, and looked at once."""
        of_client = _key_of(client)
        for turn in self._waiting[client]:
            if _ALL in blocked or of_client in blocked:
                return None
            if not blocked or blocked.keys().isdisjoint(turn.keys):
                found = self._blocked_by(turn)
                if found is None:
                    return turn
                blocked[found[0]] = found[1]
        return None

    def _blocked_by(self, turn: "_Turn") -> tuple[Hashable, float] | None:
        for key, cap in turn.caps:
            if self._held.get(key, 0) >= cap:
                return key, math.inf
        if self._budget is None:
            return None
        for key, seconds in self._budget.waits(turn.host, is_known=turn.is_known):
            if seconds > 0:
                return key, seconds
        return None

    def _seconds_to_token(self, turn: "_Turn") -> float:
        if self._budget is None:
            return 0.0
        return max(seconds for _, seconds in self._budget.waits(turn.host, is_known=turn.is_known))

    def _let_go(self, turn: "_Turn") -> None:
        """Take what `turn` costs; its client comes after all others that wait."""
        if turn.client in self._waiting:
            self._waiting.move_to_end(turn.client)
        for key, _ in turn.caps:
            self._held[key] = self._held.get(key, 0) + 1
        if self._budget is not None:
            self._budget.take(turn.host, is_known=turn.is_known)

    def _is_crowded(self, client: str) -> bool:
        own = self._waiting.get(client, ())
        return len(own) >= MAX_WAITING_PER_CLIENT or self._waiting_in_all >= MAX_WAITING

    def _enqueue(self, turn: "_Turn") -> asyncio.Future[None]:
        """Let `turn` wait with the others of its client; what is returned is set when it has come."""
        comes = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(turn.client, {})[turn] = comes
        self._waiting_in_all += 1
        return comes

    def _withdraw(self, turn: "_Turn") -> bool:
        """Let `turn` wait no more; tell whether it did."""
        own = self._waiting.get(turn.client, {})
        if own.pop(turn, None) is None:
            return False
        self._waiting_in_all -= 1
        if not own:
            del self._waiting[turn.client]
        return True

    def _wake_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and seconds < math.inf:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._give_turns)


class _Turn:
    """
    The turn of one request, held for an `async with` block.

    `caps` are what it holds slots of, and how many there are of each.
    """

    def __init__(self, turns: Turns, host: str, who: Asker, slots: SlotCounts, *, is_known: bool) -> None:
        self._turns = turns
        self.host = host
        self.who = who
        self.client = who.client
        self.is_known = is_known
        self.caps: tuple[tuple[Hashable, int], ...] = (
            (_ALL, slots.total),
            (_key_of(who.client), slots.per_client),
            (("site", domain_of(host)), slots.per_site),
            (("host", host), slots.per_host),
        )

    @cached_property
    def keys(self) -> frozenset[Hashable]:
        """All that may stop it."""
        return frozenset((*(key for key, _ in self.caps), *Budget.keys(self.host, is_known=self.is_known)))

    async def __aenter__(self) -> None:
        await self._turns.take(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.give_back(self)


def _set(comes: asyncio.Future[None]) -> None:
    """Wake who waits; who was cancelled a moment ago knows already."""
    if not comes.done():
        comes.set_result(None)
