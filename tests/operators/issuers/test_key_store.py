"""The rows of issuers' keys: what changes them, and what nothing undoes."""

import msgspec
import pytest

from operators import Issuer, IssuerKey, KeyState
from operators.issuers import key_store
from operators.issuers.keys import active_key, announced_keys, key_id_of
from operators.store import insert_issuer
from storage import Engine, Transaction
from tests.databases import RULE_BROKEN, Place

pytestmark = pytest.mark.anyio

ACME = Issuer(id="acme", did="did:web:example.com:issuers:acme")
FIRST = IssuerKey(
    issuer_id="acme",
    key_id="key-one",
    custody="file",
    locator="key-one.pem",
    state=KeyState.ACTIVE,
    announced_at=1,
    activated_at=1,
    algorithm="Ed25519",
    public_key=b"one",
)
SECOND = msgspec.structs.replace(
    FIRST, key_id="key-two", state=KeyState.ANNOUNCED, announced_at=2, activated_at=None, public_key=b"two"
)


@pytest.fixture
async def rows(database: Engine) -> Engine:
    def insert(tx: Transaction) -> None:
        insert_issuer(tx, ACME, 1)
        assert key_store.insert_key(tx, FIRST)
        assert key_store.insert_key(tx, SECOND)

    await database.write(insert)
    return database


async def _states(database: Engine) -> dict[str, str]:
    keys = await database.read(lambda tx: key_store.keys_of(tx, "acme"))
    return {key.key_id: key.state.value for key in keys}


async def test_rows_are_read_as_they_were_written(rows: Engine) -> None:
    found = await rows.read(key_store.all_keys)

    assert found == [FIRST, SECOND]
    assert active_key(found) == FIRST
    assert announced_keys(found) == [SECOND]
    assert await rows.read(lambda tx: key_store.signing_key(tx, "acme")) == "key-one"


async def test_an_id_is_given_once(rows: Engine) -> None:
    other = msgspec.structs.replace(FIRST, public_key=b"other")

    assert not await rows.write(lambda tx: key_store.insert_key(tx, other))
    assert (await rows.read(key_store.all_keys))[0].public_key == b"one"


async def test_the_key_that_follows_retires_the_one_before_and_no_key_signs_twice(rows: Engine) -> None:
    assert await rows.write(lambda tx: key_store.activate(tx, SECOND, 5))
    assert await _states(rows) == {"key-one": "retired", "key-two": "active"}
    assert not await rows.write(lambda tx: key_store.activate(tx, FIRST, 6))
    assert await _states(rows) == {"key-one": "retired", "key-two": "active"}


async def test_what_is_compromised_stays_so_and_only_since_earlier(rows: Engine) -> None:
    assert await rows.write(lambda tx: key_store.compromise(tx, FIRST, 50, 60))
    assert not await rows.write(lambda tx: key_store.compromise(tx, FIRST, 55, 61))
    assert await rows.write(lambda tx: key_store.compromise(tx, FIRST, 40, 62))

    assert await _states(rows) == {"key-one": "compromised", "key-two": "announced"}
    assert await rows.read(lambda tx: key_store.signing_key(tx, "acme")) is None


async def test_a_retired_key_is_published_until_what_it_signed_has_ended(rows: Engine) -> None:
    hour = key_store.SIGNED_STEP
    await rows.write(lambda tx: key_store.note_signed(tx, "acme", "key-one", hour + 1))
    await rows.write(lambda tx: key_store.note_signed(tx, "acme", "key-one", hour))
    await rows.write(lambda tx: key_store.activate(tx, SECOND, 5))
    first, second = await rows.read(key_store.all_keys)

    assert first.signed_until == 2 * hour
    assert (first.is_published(2 * hour - 1), first.is_published(2 * hour)) == (True, False)
    assert second.is_published(2 * hour)


async def test_each_change_is_seen_in_the_version_also_one_of_a_release_before(rows: Engine) -> None:
    seen = [await rows.read(key_store.version)]
    await rows.write(lambda tx: key_store.plan_activation(tx, SECOND, 9))
    seen.append(await rows.read(key_store.version))
    other = Issuer(
        id="other",
        did="did:web:example.com:issuers:other",
    )
    await rows.write(lambda tx: insert_issuer(tx, other, 1, first_key="other-1"))
    seen.append(await rows.read(key_store.version))
    adopted = [await rows.write(key_store.adopt_older) for _ in range(2)]

    assert len(set(seen)) == 3
    assert adopted == [True, False]
    assert await rows.read(lambda tx: key_store.signing_key(tx, "other")) == "other-1"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM issuer_keys",
        "DELETE FROM issuer_changes",
        "UPDATE issuer_keys SET custody = 'pkcs11' WHERE key_id = 'key-two'",
        "UPDATE issuer_keys SET locator = 'other.pem' WHERE key_id = 'key-two'",
        "UPDATE issuer_keys SET key_id = 'key-three' WHERE key_id = 'key-two'",
        "UPDATE issuer_keys SET algorithm = 'P-256' WHERE key_id = 'key-one'",
        "UPDATE issuer_keys SET public_key = NULL, algorithm = NULL WHERE key_id = 'key-one'",
        "UPDATE issuer_keys SET state = 'announced' WHERE key_id = 'key-one'",
        "UPDATE issuer_keys SET state = 'compromised' WHERE key_id = 'key-one'",
        "UPDATE issuer_keys SET state = 'active' WHERE key_id = 'key-two'",
    ],
)
async def test_no_statement_undoes_what_is_final(place: Place, rows: Engine, statement: str) -> None:
    with pytest.raises(RULE_BROKEN):
        place.query(statement)


def test_an_id_is_made_of_the_key() -> None:
    assert key_id_of(b"one") != key_id_of(b"two")
    assert key_id_of(b"one") == "key-7692c3ad3540"


async def test_an_older_node_finds_the_key_that_signs_and_none_that_was_given_up(
    place: Place, rows: Engine
) -> None:
    def named() -> str | None:
        ((name,),) = place.query("SELECT key_name FROM issuers WHERE id = 'acme'")
        return name

    await rows.write(lambda tx: key_store.activate(tx, SECOND, 5))
    rotated = named()
    await rows.write(lambda tx: key_store.compromise(tx, SECOND, 6, 7))

    assert rotated == "key-two"
    assert named() is None
    assert not await rows.write(key_store.adopt_older)
