"""
The file of the index is a copy of the events: lost, damaged or foreign, it is made anew, and never answers wrongly.
"""

import asyncio
import gc
import os
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from registry import Registry
from registry.errors import KnownAtLost
from registry.events import Cause, record_gap
from registry.index import index as taking_up
from registry.index.file import IndexFile
from registry.index.tables import FORMAT
from registry.known import FactChange, Known
from registry.model import Entity, Identifier
from storage import Database, DatabaseUnavailable, Engine
from tests.databases import MayFail, Place, SqlitePlace
from tests.registry.databases import a_database

pytestmark = pytest.mark.anyio

NOW = 1_790_000_000_000_000  # microseconds since 1970


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Engine]:
    async with a_database(place) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "index.sqlite"


def an_entity(number: int, name: str = "") -> Entity:
    identifiers = (Identifier(value=f"did:web:e{number}.example"),)
    return Entity(id=f"e{number}", names={"en": name or f"Entity {number}"}, identifiers=identifiers)


async def add(registry: Registry, *numbers: int, name: str = "") -> int:
    """Record entities as one version; return when."""

    def plan(_: Known, now: int) -> tuple[FactChange, ...]:
        facts = [an_entity(number, name) for number in numbers]
        return tuple(FactChange("entity", fact.id, fact, "add", now) for fact in facts)

    return await registry.edit(plan, lambda _, edit: edit.recorded_at, Cause("ada", "change-set"))


async def a_registry(database: Database, path: Path, **options: Any) -> Registry:
    registry = Registry(database, clock=lambda: NOW / 1_000_000, index_path=path, **options)
    await registry.load()
    return registry


def names(registry: Registry) -> dict[str, str]:
    with registry.reading() as known:
        return {each.fact.id: each.fact.names["en"] for each in known.all("entity")}  # type: ignore[union-attr]


async def rebuilt(database: Database, tmp_path: Path) -> list[Any]:
    """Return what a file says that is made of all events at once."""
    return (await a_registry(database, tmp_path / "anew.sqlite")).index.dump()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_bytes(b"This is no database. " * 1_000)


def _cut(path: Path) -> None:
    os.truncate(path, 4_096 * 3)


def _zeros(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(bytes(4_096 * 8))


def _newer(path: Path) -> None:
    file = IndexFile(path)
    file.connection.execute(f"UPDATE progress SET format = {FORMAT + 1}")
    file.connection.execute("CREATE TABLE more (one TEXT)")
    file.close()


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [_empty, _text, _cut, _zeros, _newer, _gone])
async def test_a_spoilt_file_is_made_anew(
    database: Engine, path: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    first = await a_registry(database, path)
    for number in range(40):
        await add(first, number)
    del first
    gc.collect()  # Its connections are closed: nobody may have the file open whose journal is removed.
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    spoil(path)
    registry = await a_registry(database, path)
    await add(registry, 40)

    assert len(names(registry)) == 41
    assert registry.index.dump() == await rebuilt(database, tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_file_that_was_removed_is_answered_from_until_there_is_another(
    database: Engine, path: Path, tmp_path: Path
) -> None:
    one, two = await a_registry(database, path), await a_registry(database, path)
    await add(one, 1)
    path.unlink()
    before = names(one)
    await add(two, 2)
    await one.follow()

    assert before.keys() == {"e1"}
    assert names(one) == names(two) == {"e1": "Entity 1", "e2": "Entity 2"}
    assert one.index.dump() == two.index.dump() == await rebuilt(database, tmp_path)


async def test_damage_that_is_found_by_a_question_is_told_and_mended(database: Engine, path: Path) -> None:
    registry, other = await a_registry(database, path), await a_registry(database, path)
    await add(registry, *range(100))
    await other.follow()
    complete = names(other)
    _checkpoint(path)
    _zeros(path)

    with pytest.raises(DatabaseUnavailable, match="malformed"):
        names(registry)
    await registry.follow()
    await other.follow()
    assert names(registry) == names(other) == complete


async def test_a_fact_that_is_no_json_is_damage(database: Engine, path: Path) -> None:
    registry = await a_registry(database, path)
    await add(registry, 1)
    file = IndexFile(path)
    file.connection.execute("UPDATE revisions SET body = '{'")
    file.close()

    with pytest.raises(DatabaseUnavailable, match="cannot be read"):
        names(registry)
    await registry.follow()
    assert names(registry) == {"e1": "Entity 1"}


def _checkpoint(path: Path) -> None:
    file = IndexFile(path)
    file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()


async def test_a_file_of_another_history_is_made_anew_though_the_numbers_are_the_same(
    database: Engine, path: Path, tmp_path: Path
) -> None:
    await add(await a_registry(database, path), 1)
    async with a_database(SqlitePlace(tmp_path / "other.db")) as other:
        elsewhere = await a_registry(other, tmp_path / "elsewhere.sqlite")
        await add(elsewhere, 1, name="Somebody else")
        await add(elsewhere, 2)
        registry = await a_registry(other, path)

        assert names(registry) == {"e1": "Somebody else", "e2": "Entity 2"}
        assert registry.index.dump() == elsewhere.index.dump()


class Replaced:
    """A database in whose place another one is put while somebody has it open."""

    def __init__(self, inner: Database) -> None:
        self.inner = inner
        self.dialect = inner.dialect

    async def read(self, fn: Any) -> Any:
        return await self.inner.read(fn)

    async def write(self, fn: Any) -> Any:
        return await self.inner.write(fn)

    def close(self) -> None:
        """Whoever opened the inner ones closes them."""


async def test_a_database_that_goes_back_under_a_running_process_is_noticed(
    database: Engine, path: Path, tmp_path: Path
) -> None:
    both = Replaced(database)
    registry = await a_registry(both, path)
    for number in range(3):
        await add(registry, number)
    async with a_database(SqlitePlace(tmp_path / "other.db")) as backup:
        await add(await a_registry(backup, tmp_path / "elsewhere.sqlite"), 0, name="As it was")
        both.inner = backup
        await registry.follow()

        assert names(registry) == {"e0": "As it was"}
        assert registry.version == 1


async def test_what_is_recorded_meanwhile_holds_back_nothing(
    database: Engine, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of events may end within a version that was recorded after the look began."""
    monkeypatch.setattr(taking_up, "BATCH", 3)
    writer = await a_registry(database, tmp_path / "writer.sqlite")
    await add(writer, 1)
    between = Between(database, lambda: add(writer, *range(2, 12)))
    reader = await a_registry(between, path)

    assert names(reader).keys() == {"e1"}
    await reader.follow()
    assert len(names(reader)) == 11
    assert reader.index.dump() == writer.index.dump()


class Between(Replaced):
    """A database to which something happens after the first look."""

    def __init__(self, inner: Database, happens: Callable[[], Any]) -> None:
        super().__init__(inner)
        self._happens: list[Callable[[], Any]] = [happens]

    async def read(self, fn: Any) -> Any:
        found = await self.inner.read(fn)
        while self._happens:
            await self._happens.pop()()
        return found


async def test_many_that_follow_at_once_take_each_event_up_once(
    database: Engine, path: Path, tmp_path: Path
) -> None:
    followers = [await a_registry(database, path) for _ in range(4)]
    writer = await a_registry(database, tmp_path / "writer.sqlite")
    for number in range(20):
        await add(writer, number)
        await asyncio.gather(*(each.follow() for each in followers))

    assert {len(names(each)) for each in followers} == {20}
    assert followers[0].index.dump() == writer.index.dump()


async def test_a_full_disk_is_told_and_what_was_known_stays(
    database: Engine, path: Path, tmp_path: Path
) -> None:
    registry = await a_registry(database, path)
    await add(registry, 1)
    await add(await a_registry(database, tmp_path / "writer.sqlite"), *range(2, 2_000))
    with file_size_limit(65_536):
        with pytest.raises(DatabaseUnavailable):
            await registry.follow()
        while_full = names(registry)
    await registry.follow()

    assert while_full.keys() == {"e1"}
    assert len(names(registry)) == 1_999


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond `limit` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_place_where_no_file_can_be_is_told(database: Engine, path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(DatabaseUnavailable, match="index cannot be used now") as raised:
        await a_registry(database, path)
    assert str(path.parent) not in str(raised.value), "strangers read it"


async def test_what_was_known_is_answered_while_the_database_is_away(database: Engine, path: Path) -> None:
    may_fail = MayFail(database)
    registry = await a_registry(may_fail, path)
    await add(registry, 1)
    may_fail.is_away = True

    with pytest.raises(DatabaseUnavailable):
        await registry.follow()
    assert names(registry) == {"e1": "Entity 1"}


async def test_before_it_is_loaded_a_registry_refuses_questions(database: Engine, path: Path) -> None:
    """Not to know is no answer of no."""
    await add(await a_registry(database, path), 1)
    registry = Registry(database, clock=lambda: 0.0, index_path=path)

    with pytest.raises(DatabaseUnavailable, match="not loaded"):
        names(registry)
    with pytest.raises(DatabaseUnavailable, match="not loaded"):
        _ = registry.version


async def test_a_time_that_a_restore_lost_is_refused_with_the_times(database: Engine, path: Path) -> None:
    registry = await a_registry(database, path)
    backup_at = await add(registry, 1)
    gap = await database.write(lambda tx: record_gap(tx, NOW + 60_000_000, "ada"))
    await registry.follow()
    after = await add(registry, 2)

    for known_at in (backup_at, gap.recorded_at + 1, after):
        await registry.close_until(known_at)
    for known_at in (backup_at + 1, gap.recorded_at):
        with pytest.raises(KnownAtLost, match=r"after 2026-09-21T14:13:20.*until 2026-09-21T14:14:20"):
            await registry.close_until(known_at)
    assert gap.recorded_at == NOW + 60_000_000
    assert names(registry).keys() == {"e1", "e2"}
