"""What a key may carry and until when, by who makes it; and which keys go with one that is revoked."""

from pathlib import Path

import pytest

from operators import EVERYTHING, Grant, Kind, Role, issuer_scope
from operators.access.api_key_changes import DEFAULT_DAYS
from operators.access.views import CreateKey, CreatePrincipal, RotateKey
from operators.actors.grant_store import CLAIMS, HeldGrant, add_grant
from storage import Engine, read_audit
from tests.actors import ROOT, Access
from tests.clock import Clock
from tests.databases import Place
from tests.operators.access.conftest import ACME, asked
from tests.operators.access.test_api_keys import ACME_ONLY, DAY, at, public_id, who_is, works
from tests.operators.approvals.office import Office, pending
from wire import Conflict, Forbidden

pytestmark = pytest.mark.anyio


async def test_claims_that_lapsed_overnight_still_say_whom_it_takes_to_manage_a_person(
    access: Access, database: Engine, clock: Clock
) -> None:
    grants = (asked("issuer:acme", Role.VIEWER),)
    await access.changes.create(ROOT, CreatePrincipal(id="carol", kind=Kind.PERSON, grants=grants))
    now = int(clock() * 1_000_000)
    said = HeldGrant(
        grant=Grant(EVERYTHING, Role.ADMINISTRATOR),
        source=CLAIMS,
        granted_by="sign-in",
        granted_at=now,
        ends_at=now + 1_000_000,
    )
    await database.write(lambda tx: add_grant(tx, "carol", said))
    clock.now += 2

    for change in (
        access.keys.create(ACME, "carol", CreateKey(grants=grants)),
        access.changes.set_active(ACME, "carol", False),
    ):
        with pytest.raises(Forbidden):
            await change
    await access.changes.set_active(ROOT, "carol", False)


# The end of a key.


async def test_a_key_makes_none_of_its_own_that_outlives_it(access: Access, clock: Clock) -> None:
    made = await access.keys.create(ROOT, "of-acme", CreateKey(expires_at=at(clock, 1)))
    itself = await who_is(access, made.api_key)
    for longer in (
        access.keys.create(itself, "of-acme", CreateKey(expires_at=at(clock, 2))),
        access.keys.rotate(itself, made.key.key, RotateKey(expires_at=at(clock, 2))),
    ):
        with pytest.raises(Forbidden, match="ask an administrator"):
            await longer
    another = await access.keys.create(itself, "of-acme", CreateKey())
    shorter = await access.keys.create(itself, "of-acme", CreateKey(expires_at=at(clock, 0.5)))
    rotated = await access.keys.rotate(itself, made.key.key, RotateKey())
    by_another = await access.keys.rotate(ROOT, rotated.key.key, RotateKey())

    assert [key.key.expires_at for key in (another, shorter, rotated, by_another)] == [
        at(clock, days) for days in (1, 0.5, 1, DEFAULT_DAYS)
    ]


async def test_who_administers_all_of_itself_goes_on(access: Access, clock: Clock) -> None:
    """It could as well make another principal like itself; but a narrowed key of it could not."""
    await access.add("boss", Role.ADMINISTRATOR)
    ends = at(clock, 1)
    whole = await access.keys.create(ROOT, "boss", CreateKey(expires_at=ends))
    viewing = CreateKey(expires_at=ends, grants=(asked("everything", Role.VIEWER),))
    narrowed = await access.keys.create(ROOT, "boss", viewing)
    rotated = [
        await access.keys.rotate(await who_is(access, key.api_key), key.key.key, RotateKey())
        for key in (whole, narrowed)
    ]

    assert [key.key.expires_at for key in rotated] == [at(clock, DEFAULT_DAYS), ends]


async def test_a_role_that_ends_prolongs_no_key(access: Access, database: Engine, clock: Clock) -> None:
    await access.changes.create(ROOT, CreatePrincipal(id="deputy", kind=Kind.SERVICE))
    now = int(clock() * 1_000_000)
    held = HeldGrant(
        grant=Grant(EVERYTHING, Role.ADMINISTRATOR),
        source="operator",
        granted_by="root",
        granted_at=now,
        ends_at=now + DAY * 1_000_000,
    )
    await database.write(lambda tx: add_grant(tx, "deputy", held))
    made = await access.keys.create(ROOT, "deputy", CreateKey(expires_at=at(clock, 1)))
    another = await access.keys.create(await who_is(access, made.api_key), "deputy", CreateKey())

    assert another.key.expires_at == at(clock, 1)


# What a key is narrowed to.


async def test_a_key_that_its_author_could_not_make_any_more_is_not_approved(
    database: Engine, clock: Clock, tmp_path: Path
) -> None:
    """Ada asked as an administrator of everything, and is one of an issuer when Bob agrees."""
    office = await Office(database, clock, tmp_path).open()
    await office.person("carl", "viewer@issuer:acme")
    asks = await office.keys.create(await office.who("ada"), "carl", CreateKey())
    await office.ends("ada", "administrator")
    less = HeldGrant(
        grant=Grant(issuer_scope("acme"), Role.ADMINISTRATOR), source="x", granted_by="tests", granted_at=1
    )
    await database.write(lambda tx: add_grant(tx, "ada", less))
    with pytest.raises(Conflict, match="ask anew"):
        await office.approves("bob", pending(asks.approval).approval)

    assert (await office.keys.page(ROOT, "carl")).keys == ()


# Which keys go with one that is revoked.


async def test_a_revoked_key_takes_those_along_that_were_made_with_it(
    access: Access, database: Engine
) -> None:
    stolen = await access.key("of-acme")
    beside = await access.key("of-acme")
    made = await access.keys.create(await who_is(access, stolen), "of-acme", CreateKey(grants=ACME_ONLY))
    again = await access.keys.rotate(await who_is(access, made.api_key), made.key.key, RotateKey())
    revoked = await access.keys.revoke(ROOT, public_id(stolen))
    alive = [await works(access, key) for key in (stolen, made.api_key, again.api_key, beside)]
    rows = [row for row in await database.read(read_audit) if row.action == "key.revoke"]

    assert alive == [False, False, False, True]
    assert revoked.key == public_id(stolen)
    assert set(revoked.also_revoked) == {made.key.key, again.key.key}
    assert {row.subject for row in rows} == {public_id(stolen), made.key.key, again.key.key}


async def test_its_successor_goes_on_and_so_does_the_key_with_which_it_is_revoked(access: Access) -> None:
    old = await access.key("of-acme")
    itself = await who_is(access, old)
    successor = await access.keys.rotate(itself, public_id(old), RotateKey())
    other = await access.keys.create(itself, "of-acme", CreateKey())
    revoked = await access.keys.revoke(await who_is(access, other.api_key), public_id(old))

    assert (revoked.also_revoked, revoked.replaced_by) == ((), successor.key.key)
    assert await works(access, successor.api_key)
    assert await works(access, other.api_key)


async def test_keys_of_others_that_were_made_with_it_go_on_and_can_be_found(access: Access) -> None:
    """A pipeline does not stop since the key of its administrator was replaced."""
    await access.add("boss", Role.ADMINISTRATOR)
    boss = await access.key("boss")
    theirs = await access.keys.create(await who_is(access, boss), "of-acme", CreateKey())
    await access.keys.revoke(ROOT, public_id(boss))
    (shown,) = (await access.keys.page(ROOT, "of-acme")).keys

    assert await works(access, theirs.api_key)
    assert (shown.made_by, shown.made_with) == ("boss", public_id(boss))


async def test_a_key_narrowed_by_a_newer_release_carries_what_is_known_here(
    access: Access, place: Place
) -> None:
    made = await access.keys.create(ROOT, "of-both", CreateKey(grants=ACME_ONLY))
    newer = (
        '[{"scope":{"kind":"issuer","id":"beta"},"role":"curator"},{"scope":{"kind":"tenant","id":"x"},"role":"editor"},'
        '{"scope":{"kind":"issuer","id":"acme"},"role":"viewer"}]'
    )
    place.query(f"UPDATE api_key_facts SET limits = '{newer}' WHERE public_id = '{made.key.key}'")
    found = await who_is(access, made.api_key)

    assert found.limits == {Grant(issuer_scope("acme"), Role.VIEWER)}
    assert found.issuers() == {"acme"}
