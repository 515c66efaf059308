"""Every process sees a change when it next polls the version, and swaps its view whole."""

import json
from pathlib import Path

import pytest

from registry import AuthorityNotFound, IdentifierNotFound
from tests.actors import ADA
from tests.databases import Place
from tests.registry.databases import a_database
from tests.registry.examples import EDU, LICENSING, NOW, UNI, a_grant, a_registry, as_file
from tests.registry.wing import Wing

pytestmark = pytest.mark.anyio

QUESTION = json.dumps(
    {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"}
).encode()


def now() -> float:
    return NOW / 1_000_000


async def is_authorized(wing: Wing) -> bool:
    answer = await wing.authorization(QUESTION, "application/json")
    return json.loads(answer.body)["authorized"] is True


async def test_another_process_sees_an_import_at_its_next_poll(place: Place) -> None:
    async with a_database(place) as ours, a_database(place) as theirs:
        importer, follower = Wing(ours, now), Wing(theirs, now)  # each with an index of its own, as two nodes
        await importer.import_file(ADA, as_file(a_registry()))
        await follower.load()
        assert await is_authorized(follower)

        await importer.import_file(ADA, as_file(a_registry(authorizations=[])))

        assert await is_authorized(follower)
        await follower.follow()
        assert not await is_authorized(follower)
        assert follower.version == 2


async def test_two_processes_of_one_node_answer_from_one_index(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    async with a_database(place) as ours, a_database(place) as theirs:
        importer, other = Wing(ours, now, index_path=path), Wing(theirs, now, index_path=path)
        await other.load()

        await importer.import_file(ADA, as_file(a_registry()))

        assert await is_authorized(other)


async def test_before_anything_is_imported_every_authority_is_unknown(place: Place) -> None:
    async with a_database(place) as database:
        wing = Wing(database, now)
        await wing.load()

        with pytest.raises(AuthorityNotFound):
            await wing.authorization(QUESTION, "application/json")


async def test_a_restart_answers_as_before(place: Place) -> None:
    async with a_database(place) as database:
        wing = Wing(database, now)
        await wing.import_file(ADA, as_file(a_registry()))
        answer = await wing.authorization(QUESTION, "application/json")

    async with a_database(place) as database:
        again = Wing(database, now)
        await again.load()

        assert await again.authorization(QUESTION, "application/json") == answer
        assert again.registry.index.dump() == wing.registry.index.dump()


async def test_operators_see_every_grant_with_its_standing(place: Place) -> None:
    suspended = a_grant(
        action="verify",
        history=[{"state": "suspended", "since": "2026-01-01T00:00:00Z", "reason": "audit"}],
    )
    async with a_database(place) as database:
        wing = Wing(database, now)
        await wing.import_file(ADA, as_file(a_registry(authorizations=[a_grant(), suspended])))

        page = await wing.page()

    assert sorted((row.kind, row.action, row.phase, row.message) for row in page.grants) == [
        ("authorization", "issue", "active", "active since 2024-01-01T00:00:00Z until 2028-01-01T00:00:00Z"),
        ("authorization", "verify", "suspended", "suspended since 2026-01-01T00:00:00Z: audit"),
        ("recognition", "issue", "active", "active since 2024-01-01T00:00:00Z until 2028-01-01T00:00:00Z"),
    ]


async def test_operators_see_all_that_is_said_of_one_identifier(place: Place) -> None:
    async with a_database(place) as database:
        wing = Wing(database, now)
        await wing.import_file(ADA, as_file(a_registry()))

        authority, entity = await wing.profile(EDU), await wing.profile(UNI)
        again = await wing.profile(entity.id)
        with pytest.raises(IdentifierNotFound):
            await wing.profile("did:web:nobody.example")

    assert authority.authority is not None
    assert authority.entity.names == {"en": "Authority"}
    assert [row.authority for row in authority.received] == [LICENSING]
    assert (entity.authority, len(entity.received), again) == (None, 1, entity)
