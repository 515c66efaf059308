"""
Whose set is published next: a queue that is fair between tenants. Pure.

A set stands in it once. It stands in a lane: the changes of its tenant, or the tenant's sets that are only signed
anew, be it that half of their life is over or that their issuer has another key. Lanes take turns, so that whoever
has one set waits for one set of each other lane, not for all of them; and of the slots a tenant has a part at
most, so that slow sets leave some to others.

Urgent changes have a lane of their own, which stands before all others. While one of them is under way, and for a
little while after it, all others have one slot between them: what is under way shares the processors. They keep
that one, and a tenant that calls everything urgent has no more than its part of the slots.

That a key is compromised makes no lane of its own: where nothing else is due, the sets to be signed anew have all
slots of their tenant, and a revocation must not wait behind thousands of them then either.
"""

from collections import Counter, OrderedDict

import msgspec

CALM_AFTER = 8  # others that begin one by one after an urgent one: some tenths of a second


class Lane(msgspec.Struct, frozen=True):
    """
    What takes turns with its like.

    Attributes:
        is_change: somebody waits for what these sets are to say.
        is_urgent: and said so; such lanes come before all others.
    """

    tenant: str
    is_change: bool
    is_urgent: bool = False


class Turns:
    """
    The sets that wait, and those that are under way.

    Args:
        slots: how many may be under way at once.
        per_tenant: ... of one tenant.
    """

    def __init__(self, *, slots: int, per_tenant: int) -> None:
        self._slots = slots
        self._per_tenant = per_tenant
        self._lanes: OrderedDict[Lane, OrderedDict[str, None]] = OrderedDict()  # in the order of their turns
        self._lane_of: dict[str, Lane] = {}  # of the sets that wait
        self._under_way: dict[str, Lane] = {}
        self._hurried = 0  # how many others have to begin one by one yet
        self._held: Counter[str] = Counter()  # slots that each tenant has

    def offer(self, set_id: str, lane: Lane) -> None:
        """Let a set wait in `lane`; nothing changes where it does already, or is under way."""
        if set_id in self._under_way or self._lane_of.get(set_id) == lane:
            return
        self._leave(set_id)
        self._lane_of[set_id] = lane
        self._lanes.setdefault(lane, OrderedDict())[set_id] = None
        if lane.is_urgent:
            self._lanes.move_to_end(lane, last=False)

    def take(self) -> str | None:
        """Return the set whose turn it is, which is under way until `end`; None: none waits that may begin."""
        if len(self._under_way) >= self._slots:
            return None
        # Few lanes are passed over: no more tenants can have their part than there are parts.
        lane = next((lane for lane in self._lanes if self._held[lane.tenant] < self._per_tenant), None)
        if lane is None or not (lane.is_urgent or self._others_may_begin()):
            return None
        set_id = next(iter(self._lanes[lane]))
        if lane.is_urgent:
            self._hurried = CALM_AFTER
        else:
            self._hurried = max(0, self._hurried - 1)
            self._lanes.move_to_end(lane)
        self._leave(set_id)
        self._under_way[set_id] = lane
        self._held[lane.tenant] += 1
        return set_id

    def _others_may_begin(self) -> bool:
        urgent = sum(lane.is_urgent for lane in self._under_way.values())
        others = len(self._under_way) - urgent
        return others == 0 or not (urgent or self._hurried)

    def end(self, set_id: str) -> None:
        """Give back the slot of a set that was taken; it may be offered again."""
        tenant = self._under_way.pop(set_id).tenant
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]

    def clear(self) -> None:
        """Let nothing wait any more; what is under way goes on."""
        self._lanes.clear()
        self._lane_of.clear()

    def _leave(self, set_id: str) -> None:
        lane = self._lane_of.pop(set_id, None)
        if lane is None:
            return
        del self._lanes[lane][set_id]
        if not self._lanes[lane]:
            del self._lanes[lane]
