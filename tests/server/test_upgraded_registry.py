"""
The registry of a database of release 0.2.0 answers every question after the upgrade as that release did.

What that release answered is told here by its rules, from its rows: the open ones are what it knew.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry import Registry, adopt_former_rows
from registry.asking.standing import Asked, find
from registry.errors import AuthorityNotFound, DefinitionNotFound
from registry.events import events_after
from registry.former import has_former_rows
from registry.identifiers import canonical_identifier
from server.commands.database.upkeep import check_database
from server.database import MIGRATIONS, prepare
from server.settings import Settings
from storage import Engine, migrate
from storage.copying import copy_rows
from tests.databases import RULE_BROKEN, Place, PostgresPlace, SqlitePlace
from tests.process import ROOT
from tests.server.old_release import restore

pytestmark = pytest.mark.anyio

EDUCATION = "did:web:education.example"
LICENSING = "did:web:licensing.example"
NURSING = "x509_hash:VK09gN_VOO5cOO6uMWjHyG6ExinauYN0-qNvvhKGx5s"
NOBODY = "did:web:nobody.example"
KILLED_AT = (1, 3)  # versions in whose transaction the step is killed
NURSES = {"id": NURSING, "names": {"en": "Fairhaven Nursing"}, "url": None}
COUNCIL = {"id": LICENSING, "names": {"en": "Council"}, "url": None}

# Versions 2 to 4, as imports of that release wrote them: when, in microseconds after version 1 (the clock went back
# once); which open rows were closed; and which entity was opened. The last one makes an authority an entity.
LATER: tuple[tuple[int, str, Any], ...] = (
    (5_000_000, f"""kind = 'entity' AND fact_key = '["{NURSING}"]'""", NURSES),
    (-60_000_000, "kind = 'authorization' AND id % 3 = 0", None),
    (9_000_000, f"""fact_key LIKE '["{LICENSING}"%'""", COUNCIL),
)


@pytest.fixture
def old(place: Place) -> Place:
    return changed(place)


def changed(place: Place) -> Place:
    """Fill a database with the dump, and change it by three more imports."""
    restore(place)
    for version, (later, closed, entity) in enumerate(LATER, start=2):
        at = recorded(place) + later
        place.query(
            f"UPDATE registry_facts SET closed_version = {version}, closed_at = {at}"
            f" WHERE closed_version IS NULL AND {closed}"
        )
        if entity is not None:
            key, body = (msgspec.json.encode(each).decode() for each in ([entity["id"]], entity))
            place.query(
                "INSERT INTO registry_facts (kind, fact_key, body, version, recorded_at)"
                f" VALUES ('entity', '{key}', '{body}', {version}, {at})"
            )
        place.query(f"UPDATE registry_version SET version = {version}, changed_at = {at}")
    return place


def recorded(place: Place) -> int:
    """Return when version 1 was recorded, in microseconds since 1970."""
    return int(place.query("SELECT recorded_at FROM registry_facts WHERE version = 1")[0][0])


class Release020:
    """What release 0.2.0 answers from its open rows."""

    def __init__(self, place: Place) -> None:
        rows = place.query("SELECT kind, body FROM registry_facts WHERE closed_version IS NULL ORDER BY id")
        self.facts: list[tuple[str, Any]] = [(kind, msgspec.json.decode(body)) for kind, body in rows]

    def all(self, *kinds: str) -> list[Any]:
        return [fact for kind, fact in self.facts if kind in kinds]

    def answer(self, kind: str, authority: str, entity: str, action: str, resource: str, at: int) -> str:
        found = [each for each in self.all("authority") if each["id"] == authority]
        if not found:
            return "authority-not-found"
        if not any((d["action"], d["resource"]) == (action, resource) for d in found[0]["defines"]):
            return "definition-not-found"
        about = (authority, entity, action, resource)
        members = ("authority_id", "entity_id", "action", "resource")
        grants = [each for each in self.all(kind) if tuple(each[name] for name in members) == about]
        grants.sort(key=lambda each: each["valid_from"])
        begun = [each for each in grants if each["valid_from"] <= at]
        return _phase((begun[-1:] or grants)[0], at) if grants else "none"


def _phase(grant: Any, at: int) -> str:
    if at < grant["valid_from"]:
        return "not_yet_valid"
    past = [change["state"] for change in grant["history"] if change["since"] <= at]
    if past and past[-1] == "revoked":
        return "revoked"
    if grant["valid_until"] is not None and at >= grant["valid_until"]:
        return "expired"
    return past[-1] if past else "active"


def _questions(release: Release020, now: int) -> Iterator[tuple[str, str, str, str, str, int]]:
    """Yield every entity with every authority and every pair, at each time at which something turns."""
    grants = release.all("authorization", "recognition")
    entities = [each["id"] for each in release.all("entity", "authority")] + [NOBODY, LICENSING]
    pairs = {(d["action"], d["resource"]) for a in release.all("authority") for d in a["defines"]}
    for authority in (EDUCATION, LICENSING, NOBODY):
        for entity in entities:
            for pair in sorted(pairs | {("issue", "Nothing")}):
                same = [g for g in grants if (g["entity_id"], (g["action"], g["resource"])) == (entity, pair)]
                for at in {now, *(turn + off for g in same for turn in _turns(g) for off in (-1, 0, 1))}:
                    for kind in ("authorization", "recognition"):
                        yield kind, authority, entity, *pair, at


def _turns(grant: Any) -> list[int]:
    ends = [grant["valid_until"]] if grant["valid_until"] is not None else []
    return [grant["valid_from"], *ends, *(change["since"] for change in grant["history"])]


def _now(known: Any, kind: str, authority: str, entity: str, action: str, resource: str, at: int) -> str:
    asked = Asked(
        kind=kind,  # type: ignore[arg-type]
        authority=canonical_identifier(authority),
        entity=canonical_identifier(entity),
        action=action,
        resource=resource,
        at=at,
    )
    try:
        found = find(known, asked)
    except AuthorityNotFound:
        return "authority-not-found"
    except DefinitionNotFound:
        return "definition-not-found"
    assert (found.decision == "yes") == (found.reason == "active")
    return "none" if found.reason in ("entity_unknown", "not_granted") else found.reason


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Engine]:
    database = place.open()
    try:
        yield database
    finally:
        database.close()


async def loaded(database: Engine) -> Registry:
    registry = Registry(database, lambda: 0.0)
    await registry.load()
    return registry


async def test_every_question_is_answered_as_before(old: Place) -> None:
    release, now = Release020(old), recorded(old)
    async with opened(old) as database:
        await prepare(database)
        registry = await loaded(database)
        asked = 0
        with registry.reading() as known:
            for question in _questions(release, now):
                asked += 1
                assert _now(known, *question) == release.answer(*question), question
    seen = {release.answer(*question) for question in _questions(release, now)}

    assert asked > 1_000
    assert seen >= {
        "active",
        "suspended",
        "revoked",
        "expired",
        "not_yet_valid",
        "none",
        "authority-not-found",
    }
    assert any(question[2] == NURSING for question in _questions(release, now))


async def test_what_was_known_at_each_former_version_is_known_as_of_then(old: Place) -> None:
    async with opened(old) as database:
        await prepare(database)
        registry = await loaded(database)
        events = await database.read(lambda tx: events_after(tx, 0, 10_000))
        times = sorted({each.recorded_at for each in events})
        nursing = canonical_identifier(NURSING)
        names, authorities = [], []
        for known_at in times:
            with registry.reading(known_at) as known:
                names.append(known.entities_named(nursing)[0].fact.names["en"])
                authorities.append(len(list(known.all("authority"))))
    first = recorded(old)

    assert times[:2] == [first, first + 5_000_000]
    assert times[2] == times[1] + 1, "the clock of then went back; recorded times do not"
    assert times[3:] == [first + 9_000_000]
    assert names == ["Fairhaven Board of Nursing", *["Fairhaven Nursing"] * 3]
    assert authorities == [2, 2, 2, 1]


_KILLED = """
import asyncio, os, signal, sys
from registry import adopt_former_rows
from server.database import MIGRATIONS
from storage import migrate, open_database

class Deadly:
    def __init__(self, inner, last):
        self.dialect, self.read, self._inner, self._last = inner.dialect, inner.read, inner, last

    async def write(self, fn):
        def work(tx):
            done = fn(tx)
            self._last -= 1
            if self._last == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return done
        return await self._inner.write(work)

async def main():
    database = open_database(sys.argv[1])
    await migrate(database, MIGRATIONS)
    await adopt_former_rows(Deadly(database, int(sys.argv[2])))

asyncio.run(main())
"""


@pytest.mark.parametrize("version", KILLED_AT)
async def test_a_step_that_is_killed_is_resumed(old: Place, tmp_path: Path, version: int) -> None:
    whole = SqlitePlace(tmp_path / "whole.db") if old.dialect == "sqlite" else None
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _KILLED, old.url, str(version)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    left = int(old.query("SELECT version FROM registry_head")[0][0])
    faults = [each async for each in check_database(Settings(database_url=old.url), lambda *_: None)]
    async with opened(old) as database:
        assert await database.read(has_former_rows)
        await prepare(database)
        resumed = await loaded(database)
        checked = [each async for each in check_database(Settings(database_url=old.url), lambda *_: None)]
        dump = resumed.index.dump()
        if whole is not None:
            dump_at_once = await _at_once(whole)

    assert killed.returncode == -signal.SIGKILL
    assert left == version - 1
    assert "run: touchstone db migrate" in str(faults[-1].faults)
    assert checked[-1].faults == ()
    assert whole is None or dump == dump_at_once


async def _at_once(place: Place) -> Any:
    """Return what the index says where nobody killed the step."""
    async with opened(changed(place)) as database:
        await prepare(database)
        return (await loaded(database)).index.dump()


async def test_what_nobody_dated_is_so_since_it_was_recorded(old: Place) -> None:
    async with opened(old) as database:
        await prepare(database)
        events = await database.read(lambda tx: events_after(tx, 0, 10_000))
    entities = [each for each in events if each.kind == "entity"]

    assert entities
    assert all(each.effective_at == each.recorded_at for each in entities)


async def test_a_second_start_makes_no_event_again(old: Place) -> None:
    async with opened(old) as database:
        await prepare(database)
        before = await database.read(lambda tx: events_after(tx, 0, 10_000))

        assert await adopt_former_rows(database) == 0
        assert await database.read(lambda tx: events_after(tx, 0, 10_000)) == before


async def test_an_upgraded_database_is_copied_to_the_other_engine(
    old: Place, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    other: Place
    if old.dialect == "sqlite":
        other = PostgresPlace(request.getfixturevalue("postgres"))
    else:
        other = SqlitePlace(tmp_path / "copy.db")
    async with opened(old) as source, opened(other) as copy:
        await prepare(source)
        await migrate(copy, MIGRATIONS)
        await copy_rows(source, copy, MIGRATIONS)
        await prepare(copy)
        dumps = [(await loaded(each)).index.dump() for each in (source, copy)]
        checked = [each async for each in check_database(Settings(database_url=other.url), lambda *_: None)]

    assert dumps[0] == dumps[1]
    assert len(other.query("SELECT 1 FROM registry_facts")) > 40
    assert checked[-1].faults == ()


async def test_a_node_of_the_former_release_writes_nothing_beside_events(old: Place) -> None:
    async with opened(old) as database:
        await prepare(database)

    with pytest.raises(RULE_BROKEN, match="upgrade this node"):
        old.query(
            "INSERT INTO registry_facts (kind, fact_key, body, version, recorded_at)"
            " VALUES ('entity', 'x', '{}', 5, 0)"
        )
    with pytest.raises(RULE_BROKEN, match="upgrade this node"):
        old.query("UPDATE registry_facts SET closed_version = 9, closed_at = 9 WHERE closed_version IS NULL")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("UPDATE registry_events SET body = '{}' WHERE position = 7", "the events of version 1 were changed"),
        ("DELETE FROM registry_events WHERE position = 7", "there is no event 7"),
        ("UPDATE registry_events SET effective_at = 1 WHERE position = 50", "were changed"),
        (
            "UPDATE registry_versions SET actor = 'eve' WHERE version = 2",
            "the events of version 2 were changed",
        ),
        ("UPDATE registry_versions SET occasion = 'import' WHERE version = 2", "were changed"),
        ("UPDATE registry_versions SET change_set = 7 WHERE version = 2", "were changed"),
    ],
)
async def test_a_check_tells_of_events_that_are_not_as_they_were_told(
    old: Place, spoil: str, told: str
) -> None:
    async with opened(old) as database:
        await prepare(database)
    for event in ("UPDATE", "DELETE"):
        old.drop_rule("registry_events", event)
        old.drop_rule("registry_versions", event)
    old.query(spoil)
    checked = [each async for each in check_database(Settings(database_url=old.url), lambda *_: None)]

    assert told in str(checked[-1].faults)


async def test_a_check_tells_of_events_that_are_missing_at_the_end(old: Place) -> None:
    async with opened(old) as database:
        await prepare(database)
    old.drop_rule("registry_events", "DELETE")
    old.query("DELETE FROM registry_events WHERE version = 4")
    checked = [each async for each in check_database(Settings(database_url=old.url), lambda *_: None)]

    assert "are missing" in str(checked[-1].faults)
