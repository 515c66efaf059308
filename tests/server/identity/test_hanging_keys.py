"""A token, or a key directory, that hangs delays no document, no other key, no start and no end."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from operators import Issuer, IssuerKey, KeyState
from operators.issuers import key_store
from operators.issuers.views import CompromiseKey, CreateIssuer
from proofs import Algorithm, Signer
from proofs.key_files import new_key
from server.commands.database.bootstrap import initialise
from server.database import MIGRATIONS, open_of
from server.identity.custody import CUSTODIES, PKCS11, Custody, spki_of
from server.identity.identities import Identities
from server.identity.own import issuer_did
from server.services import Services, open_services
from server.settings import Settings
from statuslist.entries.requests import CreateSet
from storage import DatabaseUnavailable, migrate
from tests.issuers import inserting
from tests.server.identity.keeping import ADMIN
from tests.server.running import quiet, settings_in
from wire import ResourceNotFound

pytestmark = pytest.mark.anyio

SOON_SECONDS = 8.0  # a start waits two seconds for keys; what hangs here hangs until the test has ended
LIST = "late-revocation"


class Hanging(Custody):
    """Never opens keys of the `hanging` custodies, until it is let go."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.hanging: tuple[str, ...] = ()
        self.let_go = threading.Event()
        self.threads: list[threading.Thread] = []

    def open(self, issuer: Issuer, key: IssuerKey) -> Signer:
        if key.custody in self.hanging:
            self.threads.append(threading.current_thread())
            self.let_go.wait()
        return super().open(issuer, key)


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """Those of a deployment with an issuer whose key is in a token."""
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    database = open_of(settings)
    await migrate(database, MIGRATIONS)
    issuer = Issuer(id="tok", did=issuer_did(settings, "tok"))
    await database.write(inserting(issuer, key_in_token()))
    database.close()
    return settings


def key_in_token() -> IssuerKey:
    return IssuerKey(
        issuer_id="tok",
        key_id="key-1",
        custody=PKCS11,
        locator="pkcs11:token=touchstone;object=key-1;type=private",
        state=KeyState.ACTIVE,
        announced_at=0,
        activated_at=0,
        algorithm="P-256",
        public_key=spki_of(new_key(Algorithm.P256).public_key()),
    )


@pytest.fixture
def custody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    custody = Hanging(settings)
    monkeypatch.setattr("server.wings.operators.Custody", lambda _: custody)
    yield custody
    custody.let_go.set()


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[Services]:
    """Start, and stop; each may take `SOON_SECONDS`."""
    opened = open_services(settings)
    async with asyncio.timeout(SOON_SECONDS):
        services = await opened.__aenter__()
    try:
        yield services
    finally:
        async with asyncio.timeout(SOON_SECONDS):
            await opened.__aexit__(None, None, None)


async def active_key(services: Services) -> str:
    key_id = await services.database.read(lambda tx: key_store.signing_key(tx, "default"))
    assert key_id is not None
    return key_id


def holds(services: Services, key_id: str) -> bool:
    try:
        return bool(services.operators.identities.signer_of("default", key_id))
    except ResourceNotFound:
        return False


async def given_up(services: Services) -> str:
    """Give the default issuer's key up; return its id as soon as it has left the document."""
    did = services.settings.did
    active = await active_key(services)
    await services.issuing.changes.compromise(ADMIN, "default", active, CompromiseKey())
    async with asyncio.timeout(SOON_SECONDS):
        while f"{did}#{active}" in (services.operators.identities.own_document(did) or {})["assertionMethod"]:
            await asyncio.sleep(0.05)
    return active


async def test_a_token_that_hangs_delays_its_own_issuers_alone(settings: Settings, custody: Hanging) -> None:
    custody.hanging = (PKCS11,)
    async with started(settings) as services:
        await services.operators.issuers.create(ADMIN, CreateIssuer(id="late"))
        wanted = CreateSet(id="late", issuer_id="late", purposes=("revocation",))
        await services.status.sets.create_set(ADMIN, wanted)
        async with asyncio.timeout(SOON_SECONDS):
            while services.status.publisher.lists.version_of(LIST) < 1:
                await asyncio.sleep(0.05)
        key = await given_up(services)
        hanging = list(custody.threads)

    assert key
    assert len(hanging) == 1
    assert hanging[0].is_alive()
    assert hanging[0].daemon  # It does not keep the process from ending.


async def test_a_key_directory_that_hangs_delays_no_document_and_no_start(
    settings: Settings, custody: Hanging
) -> None:
    custody.hanging = CUSTODIES
    async with started(settings) as services:
        before, after = await given_up(services), await active_key(services)
        held_before = holds(services, after)
        custody.let_go.set()
        async with asyncio.timeout(SOON_SECONDS):
            while not holds(services, after):
                await asyncio.sleep(0.05)

    assert before != after
    assert not held_before


async def test_issuers_that_are_not_followed_any_more_make_what_is_served_old(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Identities) -> bool:
        raise DatabaseUnavailable("the database is away")

    async with started(settings) as services:
        monkeypatch.setattr(Identities, "follow", away)
        async with asyncio.timeout(SOON_SECONDS):
            while services.background.age_seconds() < 3.0:
                await asyncio.sleep(0.05)
        lists = time.monotonic() - services.status.publisher.rows.seen_at

    assert lists < 3.0  # What else is served is as fresh as ever.
