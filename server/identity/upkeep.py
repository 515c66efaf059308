"""
What somebody has to see to: keys whose time has come, and a spare key for each issuer that we host.

Done by the holder of the lease, which is the one that signs.
"""

import logging

from operators import AlarmKind, Issuer, OnState, Principal, Role
from operators.issuers import key_store
from operators.issuers.issuers import Issuers
from operators.issuers.key_changes import KeyChanges
from operators.issuers.views import AddKey
from operators.store import all_issuers
from storage import Database, Transaction
from wire import Refusal

LOG = logging.getLogger("touchstone.identity")

ACTOR = Principal(id="touchstone-upkeep", name="Touchstone", issuer_id=None, roles=frozenset({Role.ADMIN}))
SPARES_AT_ONCE = 20  # new keys in one step; an upgrade of many issuers must not hold up what else is due


class KeyUpkeep:
    """
    Args:
        on_state: told of each issuer that has no spare key and cannot get one.
    """

    def __init__(
        self, database: Database, issuers: Issuers, changes: KeyChanges, *, on_state: OnState
    ) -> None:
        self._database = database
        self._issuers = issuers
        self._changes = changes
        self._on_state = on_state
        self._seen: tuple[int, int] | None = None
        self._without_spare: set[str] = set()

    async def step(self) -> None:
        """
        Activate what is due; where rows changed, or somebody could not get a spare key, look who has none.

        Raises:
            DatabaseUnavailable: the rows cannot be read or written.
        """
        await self._changes.activate_due(actor=ACTOR.id)
        version = await self._database.read(key_store.version)
        if version == self._seen and not self._without_spare:
            return
        await self._database.write(key_store.adopt_older)
        lacking = await self._lacking()
        for issuer in lacking[:SPARES_AT_ONCE]:
            await self._make_spare(issuer)
        for issuer_id in self._without_spare - {issuer.id for issuer in lacking}:
            self._tell(issuer_id, None)
        if len(lacking) <= SPARES_AT_ONCE:
            self._seen = version

    async def _lacking(self) -> list[Issuer]:
        def read(tx: Transaction) -> list[Issuer]:
            spares = {key.issuer_id for key in key_store.all_keys(tx) if key.is_spare}
            return [issuer for issuer in all_issuers(tx) if issuer.id not in spares]

        return [issuer for issuer in await self._database.read(read) if self._issuers.is_hosted(issuer)]

    async def _make_spare(self, issuer: Issuer) -> None:
        try:
            added = await self._changes.add(ACTOR, issuer.id, AddKey())
        except (Refusal, OSError) as error:
            self._tell(issuer.id, f"no spare key can be made: {error}")
        else:
            LOG.info("made the key %s of %s (%s)", added.key, issuer.id, added.state)
            self._tell(issuer.id, None)

    def _tell(self, issuer_id: str, fault: str | None) -> None:
        if fault is None:
            self._without_spare.discard(issuer_id)
        else:
            self._without_spare.add(issuer_id)
        self._on_state(AlarmKind.SPARE_MISSING, issuer_id, fault)
