"""Who acts: keys that are not stored, refusals that are all alike, issuers and principals audited."""

import hashlib
from pathlib import Path

import pytest

from operators import EVERYTHING, MIGRATIONS, Grant, Issuer, Role, issuer_scope
from operators.actors.api_keys import new_api_key, parse_api_key
from storage import MIGRATIONS as STORAGE
from storage import Engine, migrate, read_audit
from tests.actors import ROOT, Access
from tests.clock import Clock
from tests.databases import SqlitePlace
from tests.issuers import inserting
from wire import BadRequest, Conflict, ResourceNotFound, Unauthenticated

pytestmark = pytest.mark.anyio


@pytest.fixture
def access(database: Engine, clock: Clock) -> Access:
    return Access(database, clock)


async def a_key(access: Access, *, seconds: float | None = None) -> str:
    await access.add("op", Role.ADMINISTRATOR)
    return await access.key("op", seconds=seconds)


async def test_a_key_names_its_principal(access: Access) -> None:
    key = await a_key(access)

    assert (await access.principals.authenticate(f"Bearer {key}")).id == "op"
    found = await access.principals.authenticate(f"bearer {key}")
    assert found.grants == {Grant(EVERYTHING, Role.ADMINISTRATOR)}


async def test_unknown_changed_expired_and_revoked_keys_are_refused_alike(
    access: Access, clock: Clock
) -> None:
    key = await a_key(access)
    expired, revoked = await access.key("op", seconds=5), await access.key("op")
    await access.keys.revoke(ROOT, revoked.split("_")[1])
    clock.now += 6
    unknown = "tsk_" + "A" * 12 + "_" + "B" * 43
    changed = key[:20] + ("A" if key[20] != "A" else "B") + key[21:]
    told = set()
    for presented in (unknown, changed, expired, revoked):
        with pytest.raises(Unauthenticated) as refused:
            await access.principals.authenticate(f"Bearer {presented}")
        told.add((refused.value.detail, refused.value.status, tuple(refused.value.headers.items())))

    assert len(told) == 1
    assert told.pop()[2] == (("www-authenticate", 'Bearer realm="touchstone operators"'),)


async def test_a_key_with_the_public_id_of_another_is_refused(access: Access) -> None:
    first, second = await a_key(access), await access.key("op")
    mixed = "_".join([*first.split("_", 2)[:2], second.split("_", 2)[2]])

    with pytest.raises(Unauthenticated):
        await access.principals.authenticate(f"Bearer {mixed}")


async def test_a_refused_key_is_not_believed_later(access: Access, clock: Clock) -> None:
    """Only what was found good is remembered; a refusal never replaces or removes it."""
    key = await a_key(access)
    await access.principals.authenticate(f"Bearer {key}")
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await access.principals.authenticate(f"Bearer {key[:-2]}AA")

    assert (await access.principals.authenticate(f"Bearer {key}")).id == "op"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer tsk_x_y", "Bearer " + "x" * 9_999]
)
async def test_a_malformed_header_is_refused(access: Access, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await access.principals.authenticate(header)


async def test_an_expired_key_is_refused(access: Access, clock: Clock) -> None:
    key = await a_key(access, seconds=10)
    await access.principals.authenticate(f"Bearer {key}")
    clock.now += 12.5

    with pytest.raises(Unauthenticated):
        await access.principals.authenticate(f"Bearer {key}")


async def test_a_revoked_key_stops(access: Access) -> None:
    key = await a_key(access)
    await access.principals.authenticate(f"Bearer {key}")
    await access.keys.revoke(ROOT, key.split("_")[1])

    with pytest.raises(Unauthenticated):
        await access.principals.authenticate(f"Bearer {key}")


async def test_another_process_revoking_a_key_stops_it_within_two_seconds(
    access: Access, database: Engine, clock: Clock
) -> None:
    key = await a_key(access)
    await access.principals.authenticate(f"Bearer {key}")
    await Access(database, clock).keys.revoke(ROOT, key.split("_")[1])
    clock.now += 2.1

    with pytest.raises(Unauthenticated):
        await access.principals.authenticate(f"Bearer {key}")


async def test_a_revoked_key_stops_working_though_the_clock_went_back(database: Engine, clock: Clock) -> None:
    timer = Clock()
    access = Access(database, clock, timer)
    key = await a_key(access)
    await access.principals.authenticate(f"Bearer {key}")
    await Access(database, clock).keys.revoke(ROOT, key.split("_")[1])
    clock.now -= 7_200
    timer.now += 2.1

    with pytest.raises(Unauthenticated):
        await access.principals.authenticate(f"Bearer {key}")


def stored_bytes(directory: Path) -> bytes:
    """Every byte that SQLite keeps: the database, its WAL, and what else lies beside them."""
    return b"".join(file.read_bytes() for file in sorted(directory.glob("a.db*")))


async def test_a_key_is_never_stored(tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    database = SqlitePlace(tmp_path / "a.db").open()
    await migrate(database, (*STORAGE, *MIGRATIONS))
    access = Access(database, clock)
    key = await a_key(access)
    await access.principals.authenticate(f"Bearer {key}")
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


async def test_every_change_leaves_an_audit_row_and_no_secret_in_it(access: Access, database: Engine) -> None:
    key = await a_key(access)
    public_id, secret = key.split("_", 2)[1:]
    await access.keys.revoke(ROOT, public_id)
    rows = await database.read(read_audit)

    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("root", "principal.create", "op"),
        ("root", "key.create", public_id),
        ("root", "key.revoke", public_id),
    ]
    assert rows[0].detail["grants"] == ["administrator of everything"]
    assert secret not in repr(rows)


async def test_what_is_refused_leaves_no_audit_row(access: Access, database: Engine) -> None:
    with pytest.raises(ResourceNotFound):
        await access.key("nobody")
    with pytest.raises(ResourceNotFound):
        await access.keys.revoke(ROOT, "A" * 12)
    with pytest.raises(BadRequest):
        await access.add("No Label", Role.VIEWER)

    assert await database.read(read_audit) == []


async def test_a_key_is_revoked_once(access: Access) -> None:
    key = await a_key(access)
    await access.keys.revoke(ROOT, key.split("_")[1])

    with pytest.raises(Conflict):
        await access.keys.revoke(ROOT, key.split("_")[1])


async def test_a_principal_is_there_once_and_keeps_its_grants(access: Access, database: Engine) -> None:
    await database.write(inserting(Issuer(id="uni", did="did:web:uni.example")))
    await access.add("op", Role.EDITOR, Role.VIEWER, issuer_id="uni")
    with pytest.raises(Conflict):
        await access.add("op", Role.EDITOR)
    key = await access.key("op")
    uni = issuer_scope("uni")

    found = await access.principals.authenticate(f"Bearer {key}")
    assert found.grants == {Grant(uni, Role.EDITOR), Grant(uni, Role.VIEWER)}


@pytest.mark.parametrize("name", ["", "Uni", "-a", "a-", "a.b", "a" * 64, "ü", "a\n"])
async def test_an_id_that_is_no_label_is_refused(access: Access, name: str) -> None:
    with pytest.raises(BadRequest):
        await access.add(name, Role.VIEWER)


async def test_a_grant_needs_an_issuer_that_exists(access: Access) -> None:
    with pytest.raises(ResourceNotFound):
        await access.add("op", Role.EDITOR, issuer_id="nobody")
