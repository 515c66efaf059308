"""`touchstone init`: once, again, a day later, and after a crash between its steps."""

import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from operators import Principals, Role
from server.commands.database.bootstrap import OPERATOR, REVOKE_FILE, initialise, operator_key_path
from server.commands.database.opened import open_database
from server.commands.serve import sample_question
from server.database import MIGRATIONS, open_of
from server.identity.own import IdentityChanged
from server.services import open_services
from server.settings import Settings
from storage import forget_before, migrate
from tests.actors import ADA, Access
from tests.registry.wing import Wing
from tests.server.running import settings_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


async def _init(settings: Settings, *, sample: bool = True) -> list[str]:
    said: list[str] = []
    await initialise(settings, sample=sample, say=said.append)
    return said


def _files(settings: Settings) -> dict[str, bytes]:
    directories = (Path(settings.key_dir), settings.state_dir)
    kept = {
        path
        for folder in directories
        for path in folder.iterdir()
        if path.suffix in (".pem", ".key", ".json")
    }
    return {path.name: path.read_bytes() for path in kept}


async def _forget_idempotency(settings: Settings) -> None:
    database = open_of(settings)
    await database.write(lambda tx: forget_before(tx, int(time.time() * 2_000_000)))
    database.close()


async def test_the_operator_key_is_private_and_never_told(settings: Settings) -> None:
    said = "\n".join(await _init(settings))
    path = operator_key_path(settings)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("tsk_")
    assert path.read_text().strip() not in said
    assert str(path) in said


async def test_init_twice_keeps_all(settings: Settings) -> None:
    await _init(settings)
    before = _files(settings)
    said = await _init(settings)

    assert _files(settings) == before
    assert "created the" not in "".join(said).replace("created the status set", "")


async def test_init_with_the_sample_works_again_after_its_idempotency_keys_are_forgotten(
    settings: Settings,
) -> None:
    """A container that runs `serve --init-sample` is started anew after more than a day."""
    await _init(settings)
    before = _files(settings)
    await _forget_idempotency(settings)
    await _init(settings)

    assert _files(settings) == before


@asynccontextmanager
async def open_registry(settings: Settings) -> AsyncIterator[Wing]:
    async with open_database(settings) as database:
        wing = Wing(database, time.time)
        await wing.load()
        yield wing


async def test_a_crash_before_the_sample_files_is_healed(settings: Settings) -> None:
    await _init(settings)
    (settings.state_dir / REVOKE_FILE).unlink()
    await _forget_idempotency(settings)
    await _init(settings)

    assert (settings.state_dir / REVOKE_FILE).exists()


async def test_the_sample_does_not_replace_what_an_operator_imported(settings: Settings) -> None:
    await _init(settings)
    async with open_registry(settings) as registry:
        changed = (await registry.export()).replace(b"CourseCompletionCredential", b"ChangedCredential")
        await registry.import_file(ADA, changed, corrects=True)
        imported, version = await registry.export(), registry.version
    await _init(settings)
    async with open_registry(settings) as registry:
        exported, now = await registry.export(), registry.version

    assert b"ChangedCredential" in imported
    assert (exported, now) == (imported, version)


async def test_a_crash_between_the_operators_row_and_its_key_file_is_healed(settings: Settings) -> None:
    settings.state_dir.mkdir(parents=True)
    database = open_of(settings, create=True)
    await migrate(database, MIGRATIONS)
    await Access(database, time.time).add(OPERATOR, Role.ADMINISTRATOR)
    database.close()
    path = operator_key_path(settings)
    path.parent.mkdir(parents=True)
    path.with_suffix(".unfinished").write_text("tsk_")
    await _init(settings)
    database = open_of(settings)
    key = path.read_text().strip()
    found = await Principals(database, clock=time.time).authenticate(f"Bearer {key}")
    database.close()

    assert found.id == OPERATOR
    assert not path.with_suffix(".unfinished").exists()


async def test_the_sample_answers_from_the_first_moment(settings: Settings) -> None:
    await _init(settings)
    async with open_registry(settings) as registry:
        assert (await registry.page()).grants


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
async def test_the_question_that_is_printed_is_answered_with_yes_on_any_port(
    settings: Settings, host: str
) -> None:
    port = settings.bind.rpartition(":")[2]
    elsewhere = msgspec.structs.replace(settings, public_url=f"http://{host}:{port}")
    await _init(elsewhere)
    question = msgspec.json.encode(sample_question(elsewhere))
    async with open_registry(elsewhere) as registry:
        answer = msgspec.json.decode((await registry.authorization(question, "application/json")).body)

    assert answer["authorized"] is True
    assert answer["entity_id"] == f"did:web:localhost%3A{port}"


async def test_a_database_of_another_did_is_neither_initialised_nor_served(settings: Settings) -> None:
    await _init(settings)
    moved = msgspec.structs.replace(settings, public_url="https://vc.example")
    with pytest.raises(IdentityChanged) as at_init:
        await _init(moved)
    with pytest.raises(IdentityChanged) as at_start:
        async with open_services(moved):
            pass

    for refused in (at_init, at_start):
        assert settings.did in str(refused.value)
        assert "did:web:vc.example" in str(refused.value)
        assert "TOUCHSTONE_PUBLIC_URL" in str(refused.value)
    async with open_services(settings) as services:
        assert services.operators.identities.own_document(settings.did) is not None
