"""A restore to a backup that is older than an issuer keeps what that issuer's lists said, or names the issuer."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from operators import KeyState
from operators.issuers.views import CreateIssuer
from server.commands.database.restoring import RestoreReport, restore_file
from server.services import open_services
from statuslist.entries.requests import CreateSet
from statuslist.formats.bitstring import status_at
from storage import sqlite_path
from storage.sqlite_backup import back_up
from tests.databases import SqlitePlace
from tests.server import old_release
from tests.server.deployment import ACTOR, Deployment, settings_of
from tests.statuslist.wing import bits_of
from wire import Conflict

pytestmark = pytest.mark.anyio

PURPOSE = ("revocation",)
FOREIGN = "did:web:late.invalid"


class Loss:
    """
    A backup, an issuer `late` that was added after it, two entries of its set, and the first of them revoked.

    Attributes:
        said: what the restore said.
    """

    def __init__(self, directory: Path) -> None:
        self.settings = settings_of(directory, f"sqlite:///{directory}/touchstone.db")
        self.directory = directory
        self.entries: list[int] = []
        self.said: list[str] = []

    async def happen(self, did: str | None = None) -> None:
        async with self.deployment() as ours:
            await ours.allocate("default", 1)
            await ours.write_down()
        back_up(self.database, self.directory / "backup.db")
        async with self.deployment() as ours:
            await ours.add("late", did=did)
            self.entries = await ours.allocate("late", 2)
            await ours.revoke("late", self.entries[0])
            await ours.write_down()
            await ours.rotate("late")
            await ours.write_down()

    @property
    def database(self) -> Path:
        path = sqlite_path(self.settings.database_url)
        assert path is not None
        return path

    def deployment(self) -> AbstractAsyncContextManager[Deployment]:
        return Deployment.open(self.directory, self.settings.database_url)

    def lose_database(self) -> None:
        for path in self.directory.glob("touchstone.db*"):
            path.unlink()

    async def restore(self) -> RestoreReport:
        self.said.clear()
        return await restore_file(self.settings, self.directory / "backup.db", (), ACTOR, self.said.append)

    def touchstone(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        names = ("public_url", "database_url", "key_dir", "mirror_dir")
        settings = {f"TOUCHSTONE_{name.upper()}": str(getattr(self.settings, name)) for name in names}
        return subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=self.directory,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=60,
        )

    async def revoked(self) -> list[int]:
        async with self.deployment() as ours:
            bits = bits_of(await ours.served("late"))
        return [status_at(bits, index) for index in self.entries]


@pytest.mark.parametrize("did", [None, FOREIGN], ids=["hosted", "foreign"])
async def test_an_issuer_that_a_former_database_has_comes_back_with_its_lists(
    tmp_path: Path, did: str | None
) -> None:
    loss = Loss(tmp_path)
    await loss.happen(did)
    shutil.rmtree(tmp_path / "published")
    report = await loss.restore()
    async with loss.deployment() as ours:
        issuer = await ours.issuer("late")
        audit = await ours.database.read(
            lambda tx: tx.all("SELECT subject FROM audit WHERE action = 'issuer.restore'")
        )

    assert await loss.revoked() == [1, 0]
    assert issuer.did == (did or f"{loss.settings.did}:issuers:late")
    assert [row["subject"] for row in audit] == ["late"]
    assert (report.missing, report.new_sets) == ((), 1)


async def test_an_issuer_of_which_only_the_log_tells_comes_back_if_its_keys_are_here(tmp_path: Path) -> None:
    loss = Loss(tmp_path)
    await loss.happen()
    loss.lose_database()
    report = await loss.restore()
    revoked = await loss.revoked()
    again = await loss.restore()

    assert revoked == await loss.revoked() == [1, 0]
    assert report.missing == again.missing == ()


async def test_an_issuer_whose_keys_are_not_here_is_named(tmp_path: Path) -> None:
    loss = Loss(tmp_path)
    await loss.happen()
    loss.lose_database()
    (tmp_path / "keys").rename(tmp_path / "aside")
    (tmp_path / "keys").mkdir(mode=0o700)
    report = await loss.restore()
    shutil.rmtree(tmp_path / "keys")
    (tmp_path / "aside").rename(tmp_path / "keys")
    complete = await loss.restore()

    (sentence,) = report.missing
    assert sentence.startswith(f"the issuer late is in {tmp_path}/published/issuer-keys/late.log and not in")
    assert "touchstone db add-issuer late" in sentence
    assert complete.missing == ()
    assert await loss.revoked() == [1, 0]


async def test_a_foreign_issuer_of_which_only_the_log_tells_is_named_and_comes_back_once_it_is_added(
    tmp_path: Path,
) -> None:
    loss = Loss(tmp_path)
    await loss.happen(FOREIGN)
    loss.lose_database()
    incomplete = loss.touchstone("db", "restore", "backup.db")
    added = loss.touchstone("db", "add-issuer", "late", "--did", FOREIGN)
    complete = loss.touchstone("db", "restore")

    assert [done.returncode for done in (incomplete, added, complete)] == [1, 0, 0]
    assert f"the issuer late is in {tmp_path}/published/issuer-keys/late.log" in incomplete.stderr
    assert FOREIGN in incomplete.stderr
    assert "then start the server" not in incomplete.stderr
    assert await loss.revoked() == [1, 0]


async def test_a_former_database_of_another_service_brings_no_issuer_in(tmp_path: Path) -> None:
    loss = Loss(tmp_path)
    await loss.happen()
    shutil.rmtree(tmp_path / "published")
    async with loss.deployment() as ours:
        await ours.database.write(
            lambda tx: tx.execute("UPDATE issuers SET did = 'did:web:other.example' WHERE id = 'default'")
        )
    await loss.restore()
    async with loss.deployment() as ours:
        issuers = [issuer.id for issuer in await ours.issuers.all()]

    assert issuers == ["default"]


async def test_without_its_log_an_issuer_that_is_added_again_gets_no_set_of_a_name_that_was_published(
    tmp_path: Path,
) -> None:
    loss = Loss(tmp_path)
    await loss.happen()
    loss.lose_database()
    shutil.rmtree(tmp_path / "published/issuer-keys")
    await loss.restore()
    async with open_services(loss.settings) as services:
        await services.operators.issuers.create(ACTOR, CreateIssuer(id="late"))
        with pytest.raises(Conflict, match="run `touchstone db restore`, or choose another id"):
            await services.status.sets.create_set(
                ACTOR, CreateSet(id="late", issuer_id="late", purposes=PURPOSE)
            )
        await services.status.sets.create_set(
            ACTOR, CreateSet(id="later", issuer_id="late", purposes=PURPOSE)
        )


async def test_an_issuer_of_a_former_database_of_release_0_2_comes_back_with_its_key(tmp_path: Path) -> None:
    loss = Loss(tmp_path)
    async with loss.deployment() as ours:
        await ours.write_down()
    back_up(loss.database, tmp_path / "backup.db")
    loss.lose_database()
    former = SqlitePlace(loss.database)
    old_release.restore(former)
    for name in old_release.KEY_FILES:
        old_release.put_key(former, name, tmp_path / "keys")
    await loss.restore()
    async with loss.deployment() as ours:
        (key,) = await ours.keys("acme")
        document = ours.identities.own_document(loss.settings.did)

    assert document is not None
    assert (key.key_id, key.state) == ("acme-1", KeyState.ACTIVE)
    assert key.public_key is not None


async def test_a_key_is_given_up_while_the_server_is_stopped_and_only_then(tmp_path: Path) -> None:
    loss = Loss(tmp_path)
    async with loss.deployment() as ours:
        lost, spare = [key.key_id for key in await ours.keys("default")]
    since = ("--since", "2026-01-01T00:00:00Z")
    given_up = loss.touchstone("db", "give-up-key", "default", lost, *since, "--reason", "a disk was stolen")
    again = loss.touchstone("db", "give-up-key", "default", lost)
    async with loss.deployment() as ours:
        states = {key.key_id: key.state for key in await ours.keys("default")}
        sql = "SELECT actor, detail FROM audit WHERE action = 'issuer-key.compromised'"
        row = await ours.database.read(lambda tx: tx.one(sql))
    async with open_services(loss.settings):
        served = loss.touchstone("db", "give-up-key", "default", spare)

    assert [done.returncode for done in (given_up, again, served)] == [0, 5, 5]
    assert states == {lost: KeyState.COMPROMISED, spare: KeyState.ACTIVE}
    assert "a server is running on this database" in served.stderr
    assert row is not None
    assert row["actor"] == "touchstone-cli"
    assert json.loads(row["detail"])["why"] == "a disk was stolen"
