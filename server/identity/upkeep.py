"""
What somebody has to see to: keys whose time has come, a spare key for each issuer that we host, and certificates
that end soon.

Done by the holder of the lease, which is the one that signs.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping

from operators import AlarmKind, Issuer, IssuerKey, OnState
from operators.issuers import key_store
from operators.issuers.issuers import Issuers
from operators.issuers.key_changes import KeyChanges
from operators.store import all_issuers
from server.identity.near_end import why_near_end
from storage import Database, DatabaseUnavailable
from wire import Refusal

LOG = logging.getLogger("touchstone.identity")

ACTOR = "touchstone-upkeep"
SPARES_AT_ONCE = 20  # new keys in one step; an upgrade of many issuers must not hold up what else is due
LOOK_AGAIN_SECONDS = (
    3_600.0  # monotonic seconds between two looks at all rows, whose certificates come to their end
)
RETRY_SECONDS = 10.0  # ... while a spare key could not be made


class KeyUpkeep:
    """
    Args:
        clock: seconds since 1970: certificates end by it.
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
        timer: Callable[[], float],
        on_state: OnState,
    ) -> None:
        self._database = database
        self._issuers = issuers
        self._changes = changes
        self._clock = clock
        self._timer = timer
        self._on_state = on_state
        self._seen: tuple[int, int] | None = None  # The version of the rows that were looked at.
        self._look_at = 0.0  # When to look at them again, though they are the same; monotonic seconds.
        self._lacking: deque[Issuer] = deque()  # Who has no spare key, and is to get one.
        self._without_spare: set[str] = set()  # Issuers in alarm, as far as we told,
        self._near_end: set[str] = set()  # and keys.

    async def step(self) -> None:
        """
        Activate what is due. Make a few of the spare keys that are lacking; once all are made, look who has none.

        Raises:
            DatabaseUnavailable: the rows cannot be read or written.
        """
        await self._changes.activate_due(actor=ACTOR)
        if not self._lacking:
            await self._look()
        some = [self._lacking.popleft() for _ in range(min(SPARES_AT_ONCE, len(self._lacking)))]
        for made in await asyncio.gather(*map(self._make_spare, some), return_exceptions=True):
            if isinstance(made, BaseException):
                self._seen = None
                raise made

    def leave(self) -> None:
        """Another process sees to it, and tells from now on."""
        for issuer_id in list(self._without_spare):
            self._tell_spare(issuer_id, None)
        self._tell_ends({})
        self._lacking.clear()
        self._seen = None

    async def _look(self) -> None:
        """Look at all rows, where they changed, or it is time again."""
        version = await self._database.read(key_store.version)
        if version == self._seen and self._timer() < self._look_at:
            return
        # Who has no key yet would get the spare one as its first, while the node that added it signs with another.
        await self._database.write(key_store.adopt_older)
        issuers, keys = await self._database.read(lambda tx: (all_issuers(tx), key_store.all_keys(tx)))
        self._lacking, ends = await asyncio.to_thread(self._found_in, issuers, keys)
        for issuer_id in self._without_spare - {issuer.id for issuer in self._lacking}:
            self._tell_spare(issuer_id, None)
        self._tell_ends(ends)
        self._seen, self._look_at = version, self._timer() + LOOK_AGAIN_SECONDS

    def _found_in(
        self, issuers: list[Issuer], keys: list[IssuerKey]
    ) -> tuple[deque[Issuer], dict[str, str | None]]:
        """Return the issuers without a spare key, and what is wrong with the end of each certificate chain."""
        spares = {key.issuer_id for key in keys if key.is_spare}
        now = int(self._clock() * 1_000_000)
        ends = {f"{key.issuer_id}#{key.key_id}": why_near_end(key, now) for key in keys if key.certificates}
        lacking = (
            issuer for issuer in issuers if issuer.id not in spares and self._issuers.is_hosted(issuer)
        )
        return deque(lacking), ends

    async def _make_spare(self, issuer: Issuer) -> None:
        try:
            if await self._changes.add_spare(issuer, actor=ACTOR):
                LOG.info("made a spare key for %s", issuer.id)
            self._tell_spare(issuer.id, None)
        except DatabaseUnavailable:
            raise
        except (Refusal, OSError) as error:
            self._tell_spare(issuer.id, f"no spare key can be made: {error}")
            self._look_at = min(self._look_at, self._timer() + RETRY_SECONDS)

    def _tell_spare(self, issuer_id: str, fault: str | None) -> None:
        if fault is None:
            self._without_spare.discard(issuer_id)
        else:
            self._without_spare.add(issuer_id)
        self._on_state(AlarmKind.SPARE_MISSING, issuer_id, fault)

    def _tell_ends(self, ends: Mapping[str, str | None]) -> None:
        for subject in self._near_end - ends.keys():
            self._on_state(AlarmKind.CERTIFICATE_NEAR_END, subject, None)
        for subject, fault in ends.items():
            self._on_state(AlarmKind.CERTIFICATE_NEAR_END, subject, fault)
        self._near_end = {subject for subject, fault in ends.items() if fault is not None}
