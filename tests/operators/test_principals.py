"""Who acts: keys that are not stored, refusals that are all alike, issuers and principals audited."""

import hashlib
from pathlib import Path

import pytest

from operators import MIGRATIONS, Issuer, Principal, Principals, Role, require_writer
from operators.api_keys import new_api_key, parse_api_key
from storage import MIGRATIONS as STORAGE
from storage import Engine, migrate, read_audit
from tests.clock import Clock
from tests.databases import SqlitePlace
from tests.issuers import inserting
from wire import BadRequest, Conflict, Forbidden, ResourceNotFound, Unauthenticated

pytestmark = pytest.mark.anyio


@pytest.fixture
def principals(database: Engine, clock: Clock) -> Principals:
    return Principals(database, clock=clock, timer=clock)


async def a_key(principals: Principals, *, expires_at: int | None = None) -> str:
    await principals.create_principal(
        "op", name="Operator", issuer_id=None, roles=frozenset({Role.ADMIN}), actor="test"
    )
    return await principals.create_key("op", actor="test", expires_at=expires_at)


async def test_a_key_names_its_principal(principals: Principals) -> None:
    key = await a_key(principals)

    assert (await principals.authenticate(f"Bearer {key}")).id == "op"
    assert (await principals.authenticate(f"bearer {key}")).roles == {Role.ADMIN}


async def test_unknown_changed_expired_and_revoked_keys_are_refused_alike(
    principals: Principals, clock: Clock
) -> None:
    key = await a_key(principals)
    expired = await principals.create_key("op", actor="test", expires_at=int(clock.now * 1e6))
    revoked = await principals.create_key("op", actor="test")
    await principals.revoke_key(revoked.split("_")[1], actor="test")
    unknown = "tsk_" + "A" * 12 + "_" + "B" * 43
    changed = key[:20] + ("A" if key[20] != "A" else "B") + key[21:]
    told = set()
    for presented in (unknown, changed, expired, revoked):
        with pytest.raises(Unauthenticated) as refused:
            await principals.authenticate(f"Bearer {presented}")
        told.add((refused.value.detail, refused.value.status, tuple(refused.value.headers.items())))

    assert len(told) == 1
    assert told.pop()[2] == (("www-authenticate", 'Bearer realm="touchstone operators"'),)


async def test_a_key_with_the_public_id_of_another_is_refused(principals: Principals) -> None:
    first, second = await a_key(principals), await principals.create_key("op", actor="test")
    mixed = "_".join([*first.split("_", 2)[:2], second.split("_", 2)[2]])

    with pytest.raises(Unauthenticated):
        await principals.authenticate(f"Bearer {mixed}")


async def test_a_refused_key_is_not_believed_later(principals: Principals, clock: Clock) -> None:
    """Only what was found good is remembered; a refusal never replaces or removes it."""
    key = await a_key(principals)
    await principals.authenticate(f"Bearer {key}")
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await principals.authenticate(f"Bearer {key[:-2]}AA")

    assert (await principals.authenticate(f"Bearer {key}")).id == "op"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer tsk_x_y", "Bearer " + "x" * 9_999]
)
async def test_a_malformed_header_is_refused(principals: Principals, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await principals.authenticate(header)


async def test_an_expired_key_is_refused(principals: Principals, clock: Clock) -> None:
    key = await a_key(principals, expires_at=int(clock.now + 10) * 1_000_000)
    await principals.authenticate(f"Bearer {key}")
    clock.now += 12.5

    with pytest.raises(Unauthenticated):
        await principals.authenticate(f"Bearer {key}")


async def test_a_revoked_key_stops(principals: Principals) -> None:
    key = await a_key(principals)
    await principals.authenticate(f"Bearer {key}")
    await principals.revoke_key(key.split("_")[1], actor="test")

    with pytest.raises(Unauthenticated):
        await principals.authenticate(f"Bearer {key}")


async def test_another_process_revoking_a_key_stops_it_within_two_seconds(
    principals: Principals, database: Engine, clock: Clock
) -> None:
    key = await a_key(principals)
    await principals.authenticate(f"Bearer {key}")
    await Principals(database, clock=clock).revoke_key(key.split("_")[1], actor="other process")
    clock.now += 2.1

    with pytest.raises(Unauthenticated):
        await principals.authenticate(f"Bearer {key}")


async def test_a_revoked_key_stops_working_though_the_clock_went_back(database: Engine, clock: Clock) -> None:
    timer = Clock()
    principals = Principals(database, clock=clock, timer=timer)
    key = await a_key(principals)
    await principals.authenticate(f"Bearer {key}")
    await Principals(database, clock=clock).revoke_key(key.split("_")[1], actor="other process")
    clock.now -= 7_200
    timer.now += 2.1

    with pytest.raises(Unauthenticated):
        await principals.authenticate(f"Bearer {key}")


def stored_bytes(directory: Path) -> bytes:
    """Every byte that SQLite keeps: the database, its WAL, and what else lies beside them."""
    return b"".join(file.read_bytes() for file in sorted(directory.glob("a.db*")))


async def test_a_key_is_never_stored(tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    database = SqlitePlace(tmp_path / "a.db").open()
    await migrate(database, (*STORAGE, *MIGRATIONS))
    principals = Principals(database, clock=clock)
    key = await a_key(principals)
    await principals.authenticate(f"Bearer {key}")
    in_wal = stored_bytes(tmp_path)
    database.close()
    in_file = stored_bytes(tmp_path)

    secret = key.split("_", 2)[2]
    assert not (tmp_path / "a.db-wal").exists()
    for stored in (in_wal, in_file):
        assert secret.encode() not in stored
        assert hashlib.sha256(key.encode()).hexdigest().encode() in stored
    assert secret not in caplog.text


def test_a_key_does_not_show_itself() -> None:
    key = new_api_key(lambda count: bytes(range(count)))

    assert key.secret not in f"{key!r} {key}"
    assert parse_api_key(key.text) == key


def test_every_key_that_is_made_is_read_back() -> None:
    for seed in range(256):
        key = new_api_key(lambda count, seed=seed: bytes((seed + 37 * n) % 256 for n in range(count)))

        assert parse_api_key(key.text) == key
        assert parse_api_key(key.text + "\n") is None


async def test_every_change_leaves_an_audit_row_and_no_secret_in_it(
    principals: Principals, database: Engine
) -> None:
    key = await a_key(principals)
    public_id, secret = key.split("_", 2)[1:]
    await principals.revoke_key(public_id, actor="root")
    rows = await database.read(read_audit)

    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("test", "principal.create", "op"),
        ("test", "key.create", public_id),
        ("root", "key.revoke", public_id),
    ]
    assert rows[0].detail == {"issuer": None, "roles": ["admin"]}
    assert secret not in repr(rows)


async def test_what_is_refused_leaves_no_audit_row(principals: Principals, database: Engine) -> None:
    with pytest.raises(ResourceNotFound):
        await principals.create_key("nobody", actor="test")
    with pytest.raises(ResourceNotFound):
        await principals.revoke_key("A" * 12, actor="test")
    with pytest.raises(BadRequest):
        await principals.create_principal(
            "No Label", name="", issuer_id=None, roles=frozenset(), actor="test"
        )

    assert await database.read(read_audit) == []


async def test_a_key_is_revoked_once(principals: Principals) -> None:
    key = await a_key(principals)
    await principals.revoke_key(key.split("_")[1], actor="test")

    with pytest.raises(ResourceNotFound):
        await principals.revoke_key(key.split("_")[1], actor="test")


async def test_a_principal_is_there_once_and_keeps_its_issuer(
    principals: Principals, database: Engine
) -> None:
    await database.write(inserting(Issuer(id="uni", did="did:web:uni.example")))
    roles = frozenset({Role.ISSUER, Role.READER})
    made = await principals.create_principal("op", name="O", issuer_id="uni", roles=roles, actor="test")
    with pytest.raises(Conflict):
        await principals.create_principal("op", name="P", issuer_id=None, roles=roles, actor="test")
    key = await principals.create_key("op", actor="test")

    assert await principals.authenticate(f"Bearer {key}") == made
    assert (made.issuer_id, made.roles) == ("uni", roles)


@pytest.mark.parametrize("name", ["", "Uni", "-a", "a-", "a.b", "a" * 64, "ü", "a\n"])
async def test_an_id_that_is_no_label_is_refused(principals: Principals, name: str) -> None:
    with pytest.raises(BadRequest):
        await principals.create_principal(name, name="", issuer_id=None, roles=frozenset(), actor="test")


async def test_a_principal_needs_an_issuer_that_exists(principals: Principals) -> None:
    with pytest.raises(ResourceNotFound):
        await principals.create_principal(
            "op", name="", issuer_id="nobody", roles=frozenset({Role.ISSUER}), actor="test"
        )


def test_a_reader_may_not_change_anything() -> None:
    reader = Principal(id="r", name="", issuer_id=None, roles=frozenset({Role.READER}))

    with pytest.raises(Forbidden):
        require_writer(reader)
