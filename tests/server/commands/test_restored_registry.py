"""After a restore the registry answers as of no time that is lost, and never from the index of what was lost."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from registry import Registry
from registry.errors import AuthorityNotFound, KnownAtLost
from registry.events import Cause, close
from registry.known import FactChange
from registry.model import Entity, Identifier
from server.commands.database.bootstrap import initialise
from server.commands.database.upkeep import back_up_database
from server.database import open_of
from storage import sqlite_path
from storage.sqlite_backup import back_up
from tests.databases import Place, PostgresPlace, SqlitePlace
from tests.postgres import Cluster
from tests.registry.wing import Wing
from tests.server.deployment import settings_of
from tests.server.running import quiet
from wire import Answer, format_exact

pytestmark = pytest.mark.anyio

AHEAD = 3_600_000_000  # microseconds that the clock of one node is ahead


class Told(NamedTuple):
    """Who has an identifier, and when that was recorded."""

    name: str
    recorded_at: int


class Node:
    """
    One node: its index file outlives what happens to the database, and names its entities by a number.

    Attributes:
        settings: of the database that is there now.
    """

    def __init__(self, directory: Path, place: Place, cluster: Cluster | None) -> None:
        self.settings = settings_of(directory, place.url)
        self._directory = directory
        self._place = place
        self._cluster = cluster
        self._backup = ""  # URL, of a PostgreSQL.

    @asynccontextmanager
    async def registry(self, *, elsewhere: bool = False) -> AsyncIterator[Registry]:
        """Open the registry of this node, or that of another one."""
        database = open_of(self.settings)
        try:
            index = None if elsewhere else self.settings.registry_index
            registry = Registry(database, time.time, index_path=index)
            await registry.load()
            yield registry
        finally:
            database.close()

    async def tell(self, number: int, name: str, *, elsewhere: bool = False) -> Told:
        async with self.registry(elsewhere=elsewhere) as registry:
            recorded_at = await registry.edit(
                lambda _, now: (_named(number, name, now),),
                lambda _, edit: edit.recorded_at,
                Cause("ada", "change-set"),
            )
        return Told(name, recorded_at)

    async def names(self, known_at: int | None = None) -> dict[str, str]:
        async with self.registry() as registry:
            if known_at is not None:
                await registry.close_until(known_at)
            with registry.reading(known_at) as known:
                facts = [each.fact for each in known.all("entity")]
        return {fact.id: fact.names["en"] for fact in facts if isinstance(fact, Entity)}

    async def ask(self, known_at: int) -> Answer:
        """Ask by TRQP, by what was known at a time."""
        database = open_of(self.settings)
        try:
            wing = Wing(database, time.time, index_path=self.settings.registry_index)
            await wing.load()
            context = {"known_at": format_exact(known_at)}
            question = {"entity_id": "x:1", "authority_id": "x:2", "action": "issue", "resource": "y"}
            body = json.dumps(question | {"context": context}).encode()
            return await wing.answering.authorization(body, "application/json")
        finally:
            database.close()

    def back_up(self) -> None:
        """Keep what the database is now."""
        path = sqlite_path(self.settings.database_url)
        if path is not None:
            back_up(path, self._directory / "backup.db")
        else:
            self._backup = self._copied(self._place.url)

    def restore(self) -> None:
        """Put the backup back, as an operator does."""
        if sqlite_path(self.settings.database_url) is not None:
            self._touchstone("db", "restore", "backup.db")
        else:
            self.settings = settings_of(self._directory, self._copied(self._backup))
            self._touchstone("db", "restore")

    def _copied(self, url: str) -> str:
        """Return the URL of a copy of a PostgreSQL database."""
        assert self._cluster is not None
        copy = PostgresPlace(self._cluster)
        self._cluster.drop_database(copy.name)
        self._cluster.create_database(copy.name, template=url.rpartition("/")[2])
        return copy.url

    def _touchstone(self, *arguments: str) -> None:
        names = ("public_url", "database_url", "key_dir", "mirror_dir")
        variables = {f"TOUCHSTONE_{name.upper()}": str(getattr(self.settings, name)) for name in names}
        done = subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=self._directory,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr


def _named(number: int, name: str, now: int) -> FactChange:
    identifiers = (Identifier(value=f"did:web:e{number}.example"),)
    fact = Entity(id=f"e{number}", names={"en": name}, identifiers=identifiers)
    return FactChange("entity", fact.id, fact, "add", now)


@pytest.fixture
async def node(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> Node:
    cluster = request.getfixturevalue("postgres") if place.dialect == "postgres" else None
    node = Node(tmp_path, place, cluster)
    await initialise(node.settings, sample=False, say=quiet)
    return node


async def test_what_was_recorded_since_the_backup_is_refused_and_said_why(node: Node) -> None:
    before = await node.tell(1, "before")
    node.back_up()
    lost = await node.tell(2, "lost")
    was_known = await node.names(lost.recorded_at)
    began = time.time_ns() // 1_000
    node.restore()
    after = await node.tell(3, "after")

    assert was_known == {"e1": "before", "e2": "lost"}
    assert await node.names() == {"e1": "before", "e3": "after"}
    assert await node.names(before.recorded_at) == {"e1": "before"}
    assert await node.names(after.recorded_at) == {"e1": "before", "e3": "after"}
    for known_at in (before.recorded_at + 1, lost.recorded_at, began):
        with pytest.raises(KnownAtLost, match="the database was restored: what was recorded after"):
            await node.names(known_at)
        with pytest.raises(KnownAtLost) as refused:
            await node.ask(known_at)
        assert refused.value.status == 410
    with pytest.raises(AuthorityNotFound):
        await node.ask(after.recorded_at)


async def test_what_is_lost_begins_with_the_backup(tmp_path: Path) -> None:
    """However long ago the registry last changed."""
    node = Node(tmp_path, SqlitePlace(tmp_path / "touchstone.db"), None)
    await initialise(node.settings, sample=False, say=quiet)
    before = await node.tell(1, "before")
    unchanged = time.time_ns() // 1_000
    await back_up_database(node.settings, tmp_path / "backup.db", lambda *_: None)
    lost = await node.tell(2, "lost")
    node.restore()

    assert before.recorded_at < unchanged
    assert await node.names(unchanged) == {"e1": "before"}
    with pytest.raises(KnownAtLost):
        await node.names(lost.recorded_at)


async def test_what_is_lost_begins_with_the_last_promise_in_other_backups(node: Node) -> None:
    await node.tell(1, "before")
    unchanged = time.time_ns() // 1_000
    async with node.registry() as registry:
        ahead = Registry(registry._database, lambda: time.time() + 2)
        await ahead.close_up()
    node.back_up()
    await node.tell(2, "lost")
    node.restore()

    assert await node.names(unchanged) == {"e1": "before"}


async def test_a_database_of_an_earlier_release_is_backed_up_all_the_same(tmp_path: Path) -> None:
    node = Node(tmp_path, SqlitePlace(tmp_path / "touchstone.db"), None)
    sqlite3.connect(tmp_path / "touchstone.db").execute("CREATE TABLE old (id TEXT)").connection.close()

    await back_up_database(node.settings, tmp_path / "backup.db", lambda *_: None)

    found = sqlite3.connect(tmp_path / "backup.db").execute("SELECT name FROM sqlite_master").fetchall()
    assert found == [("old",)]


async def test_other_events_with_the_numbers_of_those_lost_are_not_taken_for_them(node: Node) -> None:
    """The index file of the node is at version 3; so is the restored database, by the time this node looks."""
    await node.tell(1, "before")
    node.back_up()
    await node.tell(2, "lost")
    await node.tell(2, "lost, too")
    node.restore()  # Version 2 is the gap.
    await node.tell(2, "after", elsewhere=True)

    assert await node.names() == {"e1": "before", "e2": "after"}


async def test_promises_that_a_fast_clock_made_are_lost_with_the_database(tmp_path: Path) -> None:
    """Where the database that was there can be read, as of until when it answered is known."""
    node = Node(tmp_path, SqlitePlace(tmp_path / "touchstone.db"), None)
    await initialise(node.settings, sample=False, say=quiet)
    await node.tell(1, "before")
    node.back_up()
    promised = time.time_ns() // 1_000 + AHEAD
    database = open_of(node.settings)
    await database.write(lambda tx: close(tx, promised))
    database.close()
    node.restore()

    with pytest.raises(KnownAtLost):
        await node.names(promised)
    assert (await node.tell(2, "after")).recorded_at > promised


async def test_a_restore_of_a_backup_from_before_an_earlier_one_refuses_both_spans(node: Node) -> None:
    before = await node.tell(1, "before")
    node.back_up()
    first = await node.tell(2, "lost first")
    node.restore()
    second = await node.tell(2, "lost as well")
    node.restore()

    for lost in (first, second):
        with pytest.raises(KnownAtLost):
            await node.names(lost.recorded_at)
    assert await node.names(before.recorded_at) == await node.names() == {"e1": "before"}
