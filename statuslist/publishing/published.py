"""
The lists that readers get: of each its current bytes, held in memory. Pure but for whom it tells.

Serving needs neither signer nor database.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import msgspec

from statuslist.formats.forms import FormName
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.policy import Policy
from storage import ServedMark
from wire import format_utc


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """
    What readers get of a list.

    Attributes:
        version: of its set, that made it: the list has said the same since.
        valid_from, valid_until: microseconds since 1970.
        renew_at: when it is to be signed anew (`renew_at`).
    """

    list_id: str
    set_id: str
    version: int
    valid_from: int
    valid_until: int
    renew_at: int
    policy: str
    forms: dict[FormName, Artefact]

    @property
    def first(self) -> Artefact:
        """One of its forms: all say the same."""
        return next(iter(self.forms.values()))

    def needs_signature(self, now: int) -> bool:
        """Tell whether it is to be signed anew. So it is where it is not valid yet: the clock was set back."""
        return now >= self.renew_at or self.valid_from > now

    def is_near_end(self, now: int) -> bool:
        """Tell whether less than a quarter of its life is left: signing has failed for as long."""
        return self.valid_until - now < (self.valid_until - self.valid_from) // 4


def renew_at(list_id: str, valid_from: int, valid_until: int) -> int:
    """
    Return when a list is to be signed anew: when half of its life is over, so that a signer that fails then has as
    long again to be mended.

    Up to an eighth of its life earlier, at a time of the list's own, so that lists that were made at one time are
    not all signed at one time for ever.
    """
    life = valid_until - valid_from
    return valid_from + life // 2 - life // 8 * zlib.crc32(list_id.encode()) // 2**32


class PublishedLists:
    """
    What is published of every list, and the version of every set.

    Args:
        policy: how lists are published; answers say its `ttl`.
        clock: seconds since 1970; what lists say of times is compared with it.
        on_published: called on the event loop with a list after it is what `current` gives.
        mark: what the processes of this node serve.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        clock: Callable[[], float],
        on_published: Callable[[Published], None],
        mark: ServedMark,
    ) -> None:
        self.policy = policy
        self._clock = clock
        self._on_published = on_published
        self._mark = mark
        self._current: dict[str, Published] = {}  # Replaced entry by entry, on the event loop only.
        self._versions: dict[str, int] = {}  # Of each set.
        self._positions: dict[str, int] = {}  # Of each set.
        self._lists: dict[str, tuple[str, ...]] = {}  # Of each set, the ids of those that are published.

    def __iter__(self) -> Iterator[Published]:
        return iter(self._current.values())

    def current(self, list_id: str) -> Published | None:
        """Return what is published of a list; None where there is no such list, or not yet."""
        return self._current.get(list_id)

    def version_of(self, list_id: str) -> int:
        """Return the version that made what `current` gives; 0 where it gives none."""
        current = self._current.get(list_id)
        return current.version if current is not None else 0

    def version_of_set(self, set_id: str) -> int:
        """Return the version of a set that readers get; 0: none."""
        return self._versions.get(set_id, 0)

    def of_set(self, set_id: str) -> tuple[Published, ...]:
        """Return what is published of the lists of a set."""
        return tuple(self._current[list_id] for list_id in self._lists.get(set_id, ()))

    @property
    def last_position(self) -> int:
        """The position of what was published last, as far as this process knows; 0: nothing was."""
        return max(self._positions.values(), default=0)

    def since(self, position: int) -> list[tuple[int, str]]:
        """Return the position and the id of each set that was published after a position, in their order."""
        return sorted((at, set_id) for set_id, at in self._positions.items() if at > position)

    def serve(
        self, set_id: str, version: int, made: Sequence[Artefact], *, change: int, position: int
    ) -> bool:
        """
        Serve a version of a set, once the other processes of the node are told that they may be behind.

        Args:
            made: all forms of each list that has new bytes since the version that is served.
            change: a number that no change of this version is beyond.
            position: that of the version among all that were published.

        Returns:
            False where a newer one is served already: looks and publications overlap.
        """
        self._mark.will_serve(change)
        if version <= self.version_of_set(set_id):
            return False
        lists = [self._take(tuple(forms)) for _, forms in groupby(made, key=lambda found: found.list_id)]
        self._versions[set_id] = version
        self._positions[set_id] = position
        for published in lists:  # Once all are served: whoever is told may fail.
            self._on_published(published)
        return True

    def _take(self, forms: Sequence[Artefact]) -> Published:
        first = forms[0]
        published = Published(
            list_id=first.list_id,
            set_id=first.set_id,
            version=first.version,
            valid_from=first.valid_from,
            valid_until=first.valid_until,
            renew_at=renew_at(first.list_id, first.valid_from, first.valid_until),
            policy=first.policy,
            forms={artefact.form: artefact for artefact in forms},
        )
        self._current[first.list_id] = published
        known = self._lists.get(first.set_id, ())
        if first.list_id not in known:
            self._lists[first.set_id] = (*known, first.list_id)
        return published

    def remaining_seconds(self) -> float | None:
        """
        Return how long all lists are good for, for the alarm; None: there are no lists.

        Not at all, 0, where one is not valid yet, or not any more.
        """
        now = self._now()
        ends = [0 if now < found.valid_from else found.valid_until - now for found in self]
        return max(0, min(ends)) / 1_000_000 if ends else None

    @property
    def not_yet_valid(self) -> int:
        """How many lists are dated in the future, so that verifiers refuse them: the clock was set back."""
        now = self._now()
        return sum(found.valid_from > now for found in self)

    def due_for_signature(self) -> Iterable[str]:
        """Return the sets with a list that is to be signed anew."""
        now = self._now()
        return dict.fromkeys(found.set_id for found in self if found.needs_signature(now))

    def will_do(self, set_id: str, seconds: float) -> bool:
        """Tell whether all lists of a set are valid, and in so many seconds not near their end."""
        now = self._now()
        then = now + int(seconds * 1_000_000)
        return all(found.valid_from <= now and not found.is_near_end(then) for found in self.of_set(set_id))

    def near_end(self) -> Iterator[tuple[str, str]]:
        """Yield the lists that run out soon, each with the reason for operators."""
        now = self._now()
        for found in self:
            if found.is_near_end(now):
                yield found.list_id, f"valid until {format_utc(found.valid_until)}, and not signed anew"

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
