"""
A deployment over a database of a test: real services, real key files, and the mirror, without a server.

    async with Deployment.open(directory, place.url) as ours:
        await ours.add("bank", did="did:web:bank.invalid")
        await ours.rotate("bank")
        await ours.write_down()
"""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from operators import Issuer, IssuerKey, KeyState, Role
from operators.approvals.approvals import Approvals
from operators.issuers import key_store
from operators.issuers.issuers import Issuers
from operators.issuers.key_changes import KeyChanges
from operators.issuers.views import AddKey, CompromiseKey, CreateIssuer
from operators.store import all_issuers
from server.commands.database.bootstrap import initialise
from server.database import open_of
from server.identity.identities import Identities
from server.identity.key_log import KeyLog
from server.identity.surroundings import Surroundings
from server.settings import Settings
from server.settings.policy import policy_of
from statuslist.entries.requests import Allocate, ChangeStatuses, CreateSet, StatusChange
from statuslist.entries.sets import StatusSets
from statuslist.publishing.artefacts import published_artefacts
from statuslist.publishing.mirror import Mirror
from statuslist.publishing.publisher import Publisher
from statuslist.publishing.set_versions import sign_anew
from storage import Engine
from tests.actors import acting
from tests.server.running import quiet

ACTOR = acting("tests", Role.ADMINISTRATOR)


async def is_listed(_issuer: Issuer, _key: IssuerKey) -> str | None:
    """Take the place of a look at a foreign document, which lists every key here."""
    return None


class Deployment:
    """`settings` name the database, the key directory and the mirror."""

    def __init__(self, settings: Settings, database: Engine, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.database = database
        self.identities = Identities(settings, database, clock=clock)
        self.issuers = Issuers(database, surroundings=Surroundings(settings), clock=clock)
        self.changes = KeyChanges(
            database,
            self.issuers,
            document_ttl_seconds=0,
            why_not_listed=is_listed,
            sign_anew=sign_anew,
            approvals=Approvals(database, clock=clock),
            clock=clock,
        )
        assert settings.mirror_path is not None
        self.mirror = Mirror(settings.mirror_path)
        self.log = KeyLog(
            settings.mirror_path, self.identities, service=settings.public_url, clock=clock, timer=clock
        )
        self.publisher = Publisher(
            database,
            signer_of=self.identities.signer_of,
            clock=clock,
            policy=policy_of(settings),
            on_published=self.mirror.take,
        )
        self.sets = StatusSets(
            database,
            clock=clock,
            random_bytes=secrets.token_bytes,
            base_url=settings.public_url,
            on_changed=self.publisher.wake,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls, directory: Path, database_url: str, clock: Callable[[], float] = time.time
    ) -> AsyncIterator["Deployment"]:
        """Open the deployment of a directory, or make it."""
        settings = settings_of(directory, database_url)
        await initialise(settings, sample=False, say=quiet)
        database = open_of(settings)
        try:
            ours = cls(settings, database, clock)
            await ours.identities.refresh()
            await ours.publisher.load()
            yield ours
        finally:
            database.close()

    async def add(self, issuer_id: str, did: str | None = None) -> None:
        """Add an issuer with a key that signs and a spare one; `did`: it is foreign."""
        await self.issuers.create(ACTOR, CreateIssuer(id=issuer_id, did=did))
        if did is not None:
            await self.rotate(issuer_id)
        await self.identities.refresh()

    async def rotate(self, issuer_id: str) -> None:
        """Have a spare key, and let the one that was known for longest sign."""
        await self.changes.add(ACTOR, issuer_id, AddKey())
        await self.changes.activate(ACTOR, issuer_id, None)
        if not any(key.is_spare for key in await self.keys(issuer_id)):
            await self.changes.add(ACTOR, issuer_id, AddKey())
        await self.identities.refresh()

    async def compromise(self, issuer_id: str, key_id: str) -> None:
        await self.changes.compromise(ACTOR, issuer_id, key_id, CompromiseKey())
        await self.identities.refresh()

    async def allocate(self, issuer_id: str, count: int) -> list[int]:
        """Allocate entries in the issuer's one set, which has its id."""
        await self.sets.create_set(
            ACTOR, CreateSet(id=issuer_id, issuer_id=issuer_id, purposes=("revocation",))
        )
        allocated = await self.sets.allocate(ACTOR, issuer_id, Allocate(count=count))
        return [int(entry.credential_status[0].status_list_index) for entry in allocated.entries]

    async def revoke(self, issuer_id: str, index: int) -> None:
        change = StatusChange(status_list_index=str(index), status_purpose="revocation", status=1)
        await self.sets.set_statuses(ACTOR, issuer_id, ChangeStatuses(changes=(change,)))

    async def write_down(self) -> None:
        """Publish what is due, and write the mirror and the logs of keys."""
        await self.publisher.publish_dirty()
        assert await self.mirror.write_due()
        await self.identities.refresh()
        await self.log.step()

    async def keys(self, issuer_id: str) -> list[IssuerKey]:
        return await self.database.read(lambda tx: key_store.keys_of(tx, issuer_id))

    async def key(self, issuer_id: str, state: KeyState) -> IssuerKey:
        """Return the first key in a state."""
        return next(key for key in await self.keys(issuer_id) if key.state is state)

    async def issuer(self, issuer_id: str) -> Issuer:
        return next(each for each in await self.database.read(all_issuers) if each.id == issuer_id)

    async def served(self, issuer_id: str) -> bytes:
        """Return the published revocation list of an issuer's one set, in the first of its forms."""
        found = await self.database.read(lambda tx: published_artefacts(tx, f"{issuer_id}-revocation"))
        return next(each.body for each in found if each.form == "credential.json")

    def log_of(self, issuer_id: str) -> Path:
        assert self.settings.mirror_path is not None
        return self.settings.mirror_path / "issuer-keys" / f"{issuer_id}.log"


def settings_of(directory: Path, database_url: str) -> Settings:
    return Settings(
        public_url="http://localhost:8000",
        database_url=database_url,
        key_dir=f"{directory}/keys",
        mirror_dir=f"{directory}/published",
    )
