"""Who acts: keys that are not stored, refusals that are all alike, issuers and principals audited."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from operators import MIGRATIONS, Issuer, Principal, Principals, Role, require_writer
from storage import MIGRATIONS as STORAGE
from storage import migrate, read_audit
from storage.sqlite import SqliteDatabase, open_sqlite
from wire import BadRequest, Conflict, Forbidden, ResourceNotFound, Unauthenticated

pytestmark = pytest.mark.anyio


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    engine = open_sqlite(tmp_path / "test.db", create=True)
    await migrate(engine, (*STORAGE, *MIGRATIONS))
    yield engine
    engine.close()


@pytest.fixture
def principals(database: SqliteDatabase, clock: Clock) -> Principals:
    return Principals(database, clock=clock)


async def a_key(principals: Principals, *, expires_at: int | None = None) -> str:
    await principals.create_principal(
        "op", name="Operator", issuer_id=None, roles=frozenset({Role.ADMIN}), actor="test"
    )
    return await principals.create_key("op", actor="test", expires_at=expires_at)


async def test_a_key_names_its_principal(principals: Principals) -> None:
    key = await a_key(principals)

    assert (await principals.authenticate(f"Bearer {key}")).id == "op"
    assert (await principals.authenticate(f"bearer {key}")).roles == {Role.ADMIN}


async def test_every_wrong_key_is_refused_alike(principals: Principals) -> None:
    key = await a_key(principals)
    other = "tsk_" + "A" * 12 + "_" + "B" * 43
    changed = key[:-1] + ("A" if key[-1] != "A" else "B")
    told = set()
    for header in (f"Bearer {other}", f"Bearer {changed}"):
        with pytest.raises(Unauthenticated) as refused:
            await principals.authenticate(header)
        told.add(refused.value.detail)
        assert "WWW-Authenticate".lower() in {name.lower() for name in refused.value.headers}

    assert len(told) == 1


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer tsk_x_y", "Bearer " + "x" * 9_999]
)
async def test_a_malformed_header_is_refused(principals: Principals, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await principals.authenticate(header)


async def test_an_expired_key_is_refused(principals: Principals, clock: Clock) -> None:
    key = await a_key(principals, expires_at=1_010_000_000)
    await principals.authenticate(f"Bearer {key}")
    clock.now = 1_012.5

    with pytest.raises(Unauthenticated):
        await principals.authenticate(f"Bearer {key}")


async def test_a_revoked_key_stops(principals: Principals) -> None:
    key = await a_key(principals)
    await principals.authenticate(f"Bearer {key}")
    await principals.revoke_key(key.split("_")[1], actor="test")

    with pytest.raises(Unauthenticated):
        await principals.authenticate(f"Bearer {key}")


async def test_another_process_revoking_a_key_stops_it_within_two_seconds(
    principals: Principals, database: SqliteDatabase, clock: Clock
) -> None:
    key = await a_key(principals)
    await principals.authenticate(f"Bearer {key}")
    await Principals(database, clock=clock).revoke_key(key.split("_")[1], actor="other process")
    clock.now += 2.1

    with pytest.raises(Unauthenticated):
        await principals.authenticate(f"Bearer {key}")


async def test_a_key_is_never_stored(principals: Principals, database: SqliteDatabase) -> None:
    key = await a_key(principals)
    database.close()
    stored = database.path.read_bytes()

    assert key.split("_", 2)[2].encode() not in stored
    assert hashlib.sha256(key.encode()).hexdigest().encode() in stored


async def test_an_issuer_is_there_once(principals: Principals, database: SqliteDatabase) -> None:
    issuer = Issuer(id="uni", did="did:web:uni.example")
    await principals.create_issuer(issuer, actor="test")
    for again in (
        issuer,
        Issuer(id="uni2", did="did:web:uni.example"),
        Issuer(id="uni", did="did:web:x.example"),
    ):
        with pytest.raises(Conflict):
            await principals.create_issuer(again, actor="test")
    rows = await database.read(read_audit)

    assert await principals.issuers() == [issuer]
    assert [row.action for row in rows] == ["issuer.create"]


@pytest.mark.parametrize("name", ["", "Uni", "-a", "a-", "a.b", "a" * 64, "ü", "a\n"])
async def test_an_id_that_is_no_label_is_refused(principals: Principals, name: str) -> None:
    with pytest.raises(BadRequest):
        await principals.create_issuer(Issuer(id=name, did="did:web:uni.example"), actor="test")


async def test_a_principal_needs_an_issuer_that_exists(principals: Principals) -> None:
    with pytest.raises(ResourceNotFound):
        await principals.create_principal(
            "op", name="", issuer_id="nobody", roles=frozenset({Role.ISSUER}), actor="test"
        )


def test_a_reader_may_not_change_anything() -> None:
    reader = Principal(id="r", name="", issuer_id=None, roles=frozenset({Role.READER}))

    with pytest.raises(Forbidden):
        require_writer(reader)
