"""
The lists that readers get: of each one version, held in memory. Pure but for whom it tells.

Serving needs neither signer nor database.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.rendering import Policy
from storage import ServedMark
from wire import format_utc


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """The version of a list that readers get; times in microseconds since 1970."""

    list_id: str
    version: int
    valid_from: int
    valid_until: int
    policy: str
    forms: dict[str, Artefact]

    def needs_signature(self, now: int) -> bool:
        """
        Tell whether half of its life is over: a signer that fails then has as long again to be mended. Or it has
        not begun: the clock was set back, and verifiers refuse it.
        """
        return now >= (self.valid_from + self.valid_until) // 2 or self.valid_from > now

    def is_near_end(self, now: int) -> bool:
        """Tell whether less than a quarter of its life is left: signing has failed for as long."""
        return self.valid_until - now < (self.valid_until - self.valid_from) // 4


class PublishedLists:
    """
    The published version of every list.

    Args:
        policy: how lists are published; answers say its `ttl`.
        clock: seconds since 1970; what lists say of times is compared with it.
        on_published: called on the event loop with a new version after it is what `current` gives.
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

    def __iter__(self) -> Iterator[Published]:
        return iter(self._current.values())

    def current(self, list_id: str) -> Published | None:
        """Return the published version of a list; None where there is no such list, or not yet."""
        return self._current.get(list_id)

    def version_of(self, list_id: str) -> int:
        """Return the number of the version that `current` gives; 0 where it gives none."""
        current = self._current.get(list_id)
        return current.version if current is not None else 0

    def serve(self, forms: Sequence[Artefact], *, change: int) -> bool:
        """
        Serve a version, once the other processes of the node are told that they may be behind.

        Args:
            forms: all forms of the version.
            change: a number that no change of this version is beyond.

        Returns:
            False where a newer one is served already: looks and publications overlap.
        """
        self._mark.will_serve(change)
        first = forms[0]
        if first.version <= self.version_of(first.list_id):
            return False
        published = Published(
            list_id=first.list_id,
            version=first.version,
            valid_from=first.valid_from,
            valid_until=first.valid_until,
            policy=first.policy,
            forms={artefact.form: artefact for artefact in forms},
        )
        self._current[first.list_id] = published
        self._on_published(published)
        return True

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

    def due_for_signature(self) -> list[str]:
        """Return the lists that are to be signed anew."""
        now = self._now()
        return [found.list_id for found in self if found.needs_signature(now)]

    def near_end(self) -> Iterator[tuple[str, str]]:
        """Yield the lists that run out soon, each with the reason for operators."""
        now = self._now()
        for found in self:
            if found.is_near_end(now):
                yield found.list_id, f"valid until {format_utc(found.valid_until)}, and not signed anew"

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
