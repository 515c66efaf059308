"""
What somebody has to see to: keys whose time has come, a spare key for each issuer that we host and none of a kind
from which it was moved, and certificates that end soon.

Done by the holder of the lease, which is the one that signs.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from operators import AlarmKind, Issuer, OnState, Principal
from operators.issuers import key_store
from operators.issuers.issuers import Issuers
from operators.issuers.key_changes import KeyChanges
from operators.issuers.keys import left_behind
from server.identity.near_end import why_near_end
from storage import Database, DatabaseUnavailable, Transaction
from wire import Refusal

LOG = logging.getLogger("touchstone.identity")

ACTOR = Principal(id="touchstone-upkeep")
SPARES_AT_ONCE = 20  # new keys in one step; an upgrade of many issuers must not hold up what else is due
LOOK_AGAIN_SECONDS = (
    3_600.0  # monotonic seconds between two looks at all rows, whose certificates come to their end
)
RETRY_SECONDS = 10.0  # ... while a spare key could not be made


class KeyUpkeep:
    """
    Args:
        clock: seconds since 1970: certificates end by it.
        surely_past: as `ClockWatch.surely_past`; keys are activated by it.
        timer: monotonic seconds.
        on_state: told of each issuer that has no spare key and cannot get one, and of certificates that end soon.
    """

    def __init__(
        self,
        database: Database,
        issuers: Issuers,
        changes: KeyChanges,
        *,
        clock: Callable[[], float],
        surely_past: Callable[[], float],
        timer: Callable[[], float],
        on_state: OnState,
    ) -> None:
        self._database = database
        self._issuers = issuers
        self._changes = changes
        self._clock = clock
        self._surely_past = surely_past
        self._timer = timer
        self._on_state = on_state
        self._seen: tuple[int, int] | None = None  # The version of the rows that were looked at.
        self._look_at = 0.0  # When to look at them again, though they are the same; monotonic seconds.
        self._lacking: deque[Issuer] = deque()  # Who has no spare key, and is to get one.
        self._without_key: list[Issuer] = []  # Whose active key was given up, and no other signs yet.
        self._look_for_keys_at = 0.0  # When to look for one; monotonic seconds.
        self._without_spare: set[str] = set()  # Issuers in alarm, as far as we told,
        self._near_end: set[str] = set()  # and keys.

    async def step(self) -> None:
        """
        Activate what is due. Make a few of the spare keys that are lacking; once all are made, look who has none.

        Raises:
            DatabaseUnavailable: the rows cannot be read or written.
        """
        await self._changes.succession.activate_due(actor=ACTOR, past=self._surely_past())
        if not self._lacking:
            await self._look()
        if self._without_key and self._timer() >= self._look_for_keys_at:
            await self._find_keys()
        some = [self._lacking.popleft() for _ in range(min(SPARES_AT_ONCE, len(self._lacking)))]
        for made in await asyncio.gather(*map(self._make_spare, some), return_exceptions=True):
            if isinstance(made, BaseException):
                self._seen = None
                raise made

    def leave(self) -> None:
        """Another process sees to it, and tells from now on."""
        for issuer_id in list(self._without_spare):
            self._tell_spare(issuer_id, None)
        for subject in list(self._near_end):
            self._tell_end(subject, None)
        self._lacking.clear()
        self._seen = None

    async def _look(self) -> None:
        """Look at all rows, where they changed, or it is time again."""
        version = await self._database.read(key_store.version)
        if version == self._seen and self._timer() < self._look_at:
            return
        # Who has no key yet would get the spare one as its first, while the node that added it signs with another.
        await self._database.write(key_store.adopt_older)
        since = self._seen[0] if self._seen is not None and self._timer() < self._look_at else 0
        self._without_key = await self._database.read(key_store.issuers_without_active)
        without = await self._database.read(key_store.issuers_without_spare)
        self._lacking = deque(filter(self._issuers.is_hosted, without))
        for issuer_id in self._without_spare - {issuer.id for issuer in self._lacking}:
            self._tell_spare(issuer_id, None)
        for issuer in await self._database.read(_moved):
            await self._changes.succession.withdraw_left_behind(issuer, actor=ACTOR)
        await self._look_at_certificates(since)
        if since == 0:
            self._look_at = self._timer() + LOOK_AGAIN_SECONDS
        self._seen = version

    async def _find_keys(self) -> None:
        """Let a key sign for each issuer that has none, once its document lists one; an origin may be away."""
        self._look_for_keys_at = self._timer() + RETRY_SECONDS
        for issuer in self._without_key:
            with suppress(Refusal):
                await self._changes.succession.find_successor(issuer, actor=ACTOR)

    async def _look_at_certificates(self, since: int) -> None:
        """Tell of certificates that end soon, of the keys that changed after the version `since`."""
        keys = await self._database.read(lambda tx: key_store.certified_keys(tx, since))
        now = int(self._clock() * 1_000_000)
        faults = await asyncio.to_thread(lambda: [why_near_end(key, now) for key in keys])
        for key, fault in zip(keys, faults, strict=True):
            self._tell_end(f"{key.issuer_id}#{key.key_id}", fault)

    async def _make_spare(self, issuer: Issuer) -> None:
        try:
            if await self._changes.succession.add_spare(issuer, actor=ACTOR):
                LOG.info("made a spare key for %s", issuer.id)
            self._tell_spare(issuer.id, None)
        except DatabaseUnavailable:
            raise
        except Refusal as error:
            self._tell_spare(issuer.id, f"no spare key can be made: {error}")
            self._look_at = min(self._look_at, self._timer() + RETRY_SECONDS)

    def _tell_spare(self, issuer_id: str, fault: str | None) -> None:
        if fault is None:
            self._without_spare.discard(issuer_id)
        else:
            self._without_spare.add(issuer_id)
        self._on_state(AlarmKind.SPARE_MISSING, issuer_id, fault)

    def _tell_end(self, subject: str, fault: str | None) -> None:
        if fault is None:
            self._near_end.discard(subject)
        else:
            self._near_end.add(subject)
        self._on_state(AlarmKind.CERTIFICATE_NEAR_END, subject, fault)


def _moved(tx: Transaction) -> list[Issuer]:
    """Return the issuers with a spare key of the kind from which they were moved."""
    found = key_store.issuers_of_two_kinds(tx)
    return [issuer for issuer in found if left_behind(key_store.keys_of(tx, issuer.id))]
