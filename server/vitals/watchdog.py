"""
Which processes of a node are to be replaced, and when. Pure, but for what it remembers.

- *Silent*: no beat for `SILENT_SECONDS`, hence a process that was stopped, or whose event loop hangs. It is
  replaced at once: it answers nobody. Where the supervisor itself was late, the machine was suspended or is out
  of breath: then everybody gets all of that time anew.
- *Failed*: its database is in doubt, and only a new process can be trusted with it. It still answers reads, so
  it is asked to end while no other is ending or starting (should the new one not start, the others go on).
- *Turns*: a process that did not live for `CALM_SECONDS` has to wait before it is started again, or replaced, twice
  as long as the last time: a broken disk makes no storm of processes.
"""

import msgspec

from server.telemetry.heartbeats import Beat

SILENT_SECONDS = 10.0  # seconds
START_SECONDS = 120.0  # seconds from its start until a process must have beaten for the first time
LATE_SECONDS = 3.0  # seconds between two looks, after which the supervisor does not trust what it sees
CALM_SECONDS = 60.0  # seconds
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between two starts of a process


class Fault(msgspec.Struct, frozen=True):
    """Why a process is to end; `answers`: it can be asked to, and needs time for the requests that it has."""

    reason: str
    answers: bool


class Watchdog:
    """Times are monotonic seconds."""

    def __init__(self) -> None:
        self._looked_at = 0.0
        self._trusted_since = 0.0
        self._started_at: dict[int, float] = {}
        self._pauses: dict[int, float] = {}

    def started(self, slot: int, now: float) -> None:
        """Note that a process was started in a slot."""
        before = self._started_at.get(slot)
        is_calm = before is None or now - before > CALM_SECONDS
        pause = FIRST_PAUSE if is_calm else min(2 * self._pauses[slot], LONGEST_PAUSE)
        self._started_at[slot], self._pauses[slot] = now, pause

    def due_at(self, slot: int) -> float:
        """Return when a slot may have its next process."""
        return self._started_at[slot] + self._pauses[slot]

    def faults(self, beats: dict[int, Beat], now: float) -> dict[int, Fault]:
        """Return who is to end, of the processes that are not ending already."""
        if now - self._looked_at > LATE_SECONDS:
            self._trusted_since = now
        self._looked_at = now
        silent = {slot: fault for slot, beat in beats.items() if (fault := self._silence(slot, beat, now))}
        return silent or self._failure(beats, now)

    def _silence(self, slot: int, beat: Beat, now: float) -> Fault | None:
        since, patience = (beat.at, SILENT_SECONDS) if beat.at else (self._started_at[slot], START_SECONDS)
        if now - max(since, self._trusted_since) <= patience:
            return None
        return Fault(f"it did not answer for {patience:.0f} seconds", answers=False)

    def _failure(self, beats: dict[int, Beat], now: float) -> dict[int, Fault]:
        """One process at a time; those that are ending or starting are waited for."""
        failed = [slot for slot, beat in beats.items() if beat.has_failed and self.due_at(slot) <= now]
        if not failed or len(beats) < len(self._started_at) or not all(beat.at for beat in beats.values()):
            return {}
        return {failed[0]: Fault("its database had failed", answers=True)}
