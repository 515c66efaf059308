"""
Whose turn it is to ask a stranger: what is under way is bounded, and those who wait take turns by client. Service.

A request goes at once where it may. Else it waits with the others of its client. Whenever a slot is given back, or
a token is there, one request of each client in turn is let go, the first of it that may: whoever asks for much
waits behind its own requests, not before those of others. No client has more than its share of the slots, so that
dead hosts, which hold a slot for as long as we wait, do not hold them all. Used on one event loop.
"""

import asyncio
import math
from collections import Counter, OrderedDict
from collections.abc import Hashable
from types import TracebackType

import msgspec

from resolver.outbound.asker import asker
from resolver.outbound.budget import Budget, budget_exceeded, domain_of

MAX_WAITING_PER_CLIENT = 128  # requests; a batch has a hundred
MAX_WAITING = 2_048  # requests of all clients; about 1 KiB each
LEAST_SHARE = 4  # slots that a client may have where there are so many


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
        self._held: Counter[Hashable] = Counter()
        self._waiting: OrderedDict[str, OrderedDict[_Request, asyncio.Event]] = (
            OrderedDict()
        )  # the next client first
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
        who = asker()
        patience = self._wait_seconds if who.patience_seconds is None else who.patience_seconds
        return _Turn(self, _Request(host, who.client, is_known=is_known, slots=self._slots), patience)

    async def take(self, request: "_Request", patience: float) -> None:
        """Wait for the turn of `request`; see `hold`."""
        if not self._waiting and self._blocked_by(request) is None:
            self._let_go(request)
            return
        if self._is_crowded(request.client):
            raise budget_exceeded(self._wait_seconds)
        if (wait := self._seconds_to_token(request)) > patience:
            raise budget_exceeded(wait)
        turn = self._enqueue(request)
        try:
            self._give_turns()
            async with asyncio.timeout(patience):
                await turn.wait()
        except BaseException as error:
            if turn.is_set():
                self.give_back(request)
            else:
                self._withdraw(request)
            if not isinstance(error, TimeoutError):
                raise
            raise budget_exceeded(self._seconds_to_token(request) or self._wait_seconds) from None

    def give_back(self, request: "_Request") -> None:
        """Give the slots of `request` to those who wait."""
        for key, _ in request.caps:
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
                request = self._first_of(client, blocked)
                if request is not None:
                    self._waiting.move_to_end(client)
                    self._let_go(request)
                    self._withdraw(request).set()
                    has_gone = True
        self._wake_after(min(blocked.values(), default=math.inf))

    def _first_of(self, client: str, blocked: dict[Hashable, float]) -> "_Request | None":
        """Return the first request of `client` that may go; what stops others is noted, and looked at once."""
        for request in self._waiting[client]:
            if not blocked.keys().isdisjoint(request.common_keys):
                return None
            if blocked.keys().isdisjoint(request.keys):
                found = self._blocked_by(request)
                if found is None:
                    return request
                blocked[found[0]] = found[1]
        return None

    def _blocked_by(self, request: "_Request") -> tuple[Hashable, float] | None:
        for key, cap in request.caps:
            if self._held[key] >= cap:
                return key, math.inf
        if self._budget is None:
            return None
        for key, seconds in self._budget.waits(request.host, is_known=request.is_known):
            if seconds > 0:
                return key, seconds
        return None

    def _seconds_to_token(self, request: "_Request") -> float:
        if self._budget is None:
            return 0.0
        return max(seconds for _, seconds in self._budget.waits(request.host, is_known=request.is_known))

    def _let_go(self, request: "_Request") -> None:
        for key, _ in request.caps:
            self._held[key] += 1
        if self._budget is not None:
            self._budget.take(request.host, is_known=request.is_known)

    def _is_crowded(self, client: str) -> bool:
        own = self._waiting.get(client, ())
        return len(own) >= MAX_WAITING_PER_CLIENT or self._waiting_in_all >= MAX_WAITING

    def _enqueue(self, request: "_Request") -> asyncio.Event:
        """Let `request` wait with the others of its client; what is returned is set when its turn has come."""
        turn = self._waiting.setdefault(request.client, OrderedDict())[request] = asyncio.Event()
        self._waiting_in_all += 1
        return turn

    def _withdraw(self, request: "_Request") -> asyncio.Event:
        own = self._waiting[request.client]
        turn = own.pop(request)
        self._waiting_in_all -= 1
        if not own:
            del self._waiting[request.client]
        return turn

    def _wake_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and seconds < math.inf:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._give_turns)


class _Request:
    """A request that wants its turn: `caps` are what it holds slots of, and how many there are of each."""

    def __init__(self, host: str, client: str, *, is_known: bool, slots: SlotCounts) -> None:
        self.host = host
        self.client = client
        self.is_known = is_known
        site = domain_of(host)
        self.caps: tuple[tuple[Hashable, int], ...] = (
            (("all",), slots.total),
            (("client", client), slots.per_client),
            (("site", site), slots.per_site),
            (("host", host), slots.per_host),
        )
        self.keys = frozenset((*(key for key, _ in self.caps), *Budget.keys(host, is_known=is_known)))
        self.common_keys = frozenset(key for key, _ in self.caps[:2])  # of all requests of the client


class _Turn:
    """The slots of one request, for an `async with` block."""

    def __init__(self, turns: Turns, request: _Request, patience: float) -> None:
        self._turns = turns
        self._request = request
        self._patience = patience

    async def __aenter__(self) -> None:
        await self._turns.take(self._request, self._patience)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.give_back(self._request)
