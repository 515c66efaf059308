"""API keys: how long they last, what they carry, how one follows another, and what is kept of them."""

import hashlib
import logging
from typing import Any

import pytest

from operators import Grant, Kind, Principal, Role, issuer_scope
from operators.access.api_key_changes import DEFAULT_DAYS, MAX_DAYS, MAX_KEYS
from operators.access.views import CreateKey, CreatePrincipal, RotateKey
from storage import Engine
from tests.actors import ROOT, Access
from tests.clock import Clock
from tests.databases import Place
from tests.operators.access.conftest import ACME, Counting, all_that_is_kept, asked
from wire import BadRequest, Conflict, Forbidden, ResourceNotFound, Unauthenticated, format_utc

pytestmark = pytest.mark.anyio

DAY = 86_400  # seconds
ACME_ONLY = (asked("issuer:acme", Role.EDITOR),)


def at(clock: Clock, days: float) -> str:
    return format_utc(int((clock() + days * DAY) * 1_000_000))


def public_id(key: str) -> str:
    return key.split("_")[1]


async def who_is(access: Access, key: str) -> Principal:
    return await access.principals.authenticate(f"Bearer {key}")


async def works(access: Access, key: str) -> bool:
    try:
        await who_is(access, key)
    except Unauthenticated:
        return False
    return True


async def test_a_key_ends_after_ninety_days_unless_stated(access: Access, clock: Clock) -> None:
    made = await access.keys.create(ROOT, "of-acme", CreateKey())

    assert made.key.expires_at == at(clock, DEFAULT_DAYS)
    clock.now += DEFAULT_DAYS * DAY - 1
    assert await works(access, made.api_key)
    clock.now += 1
    assert not await works(access, made.api_key)


@pytest.mark.parametrize(
    ("days", "is_taken"), [(0, False), (-1, False), (0.1, True), (400, True), (400.1, False)]
)
async def test_a_key_ends_within_four_hundred_days(
    access: Access, clock: Clock, days: float, is_taken: bool
) -> None:
    assert MAX_DAYS == 400
    create = access.keys.create(ROOT, "of-acme", CreateKey(expires_at=at(clock, days)))

    if is_taken:
        assert (await create).key.expires_at == at(clock, days)
    else:
        with pytest.raises(BadRequest):
            await create


async def test_a_rotated_key_cannot_outlast_the_longest_either(access: Access, clock: Clock) -> None:
    key = await access.key("of-acme")

    with pytest.raises(BadRequest):
        await access.keys.rotate(ROOT, public_id(key), RotateKey(expires_at=at(clock, 401)))


async def test_a_key_carries_what_its_principal_holds_now(access: Access) -> None:
    key = await access.key("of-acme")
    await access.grants.grant(ROOT, "of-acme", asked("issuer:beta", Role.VIEWER))
    await access.grants.end_grant(ROOT, "of-acme", asked("issuer:acme", Role.EDITOR))

    assert (await who_is(access, key)).grants == {Grant(issuer_scope("beta"), Role.VIEWER)}


async def test_a_narrowed_key_carries_no_more_than_both_sides(access: Access) -> None:
    limits = (asked("issuer:acme", Role.VIEWER), asked("everything", Role.AUDITOR))
    made = await access.keys.create(ROOT, "of-both", CreateKey(grants=limits))
    narrowed = await who_is(access, made.api_key)
    permitted = {
        (permission.value, issuer)
        for role in Role
        for permission in role.permissions
        for issuer in ("acme", "beta")
        if narrowed.may(permission, issuer_scope(issuer))
    }

    assert permitted == {("read", "acme"), ("read", "beta")}


async def test_a_narrowed_key_makes_none_that_is_wider(access: Access) -> None:
    narrowed = await who_is(
        access, (await access.keys.create(ROOT, "of-both", CreateKey(grants=ACME_ONLY))).api_key
    )
    like_it = await access.keys.create(narrowed, "of-both", CreateKey())
    less = await access.keys.create(
        narrowed, "of-both", CreateKey(grants=(asked("issuer:acme", Role.VIEWER),))
    )

    assert like_it.key.limits == ACME_ONLY
    assert less.key.limits == (asked("issuer:acme", Role.VIEWER),)
    for wider in ("issuer:beta", "everything"):
        with pytest.raises(Forbidden):
            await access.keys.create(narrowed, "of-both", CreateKey(grants=(asked(wider, Role.EDITOR),)))
    with pytest.raises(Forbidden):
        await access.keys.create(
            narrowed, "of-both", CreateKey(grants=(asked("issuer:acme", Role.ADMINISTRATOR),))
        )


async def test_a_narrowed_key_rotates_itself_and_no_other(access: Access) -> None:
    whole = await access.key("of-both")
    made = await access.keys.create(ROOT, "of-both", CreateKey(grants=ACME_ONLY))
    narrowed = await who_is(access, made.api_key)
    with pytest.raises(ResourceNotFound):
        await access.keys.revoke(narrowed, public_id(await access.key("of-all")))
    for change in (
        access.keys.rotate(narrowed, public_id(whole), RotateKey()),
        access.keys.revoke(narrowed, public_id(whole)),
    ):
        with pytest.raises(Forbidden):
            await change
    rotated = await access.keys.rotate(narrowed, made.key.key, RotateKey())

    assert rotated.key.limits == ACME_ONLY
    assert await works(access, whole)


async def test_a_narrowed_key_of_an_administrator_does_not_rotate_its_way_out(access: Access) -> None:
    """It administers all of itself, and could so have the text of a key that carries more."""
    grants = (asked("everything", Role.ADMINISTRATOR), asked("everything", Role.AUDITOR))
    await access.changes.create(ROOT, CreatePrincipal(id="boss", kind=Kind.SERVICE, grants=grants))
    whole = await access.key("boss")
    made = await access.keys.create(ROOT, "boss", CreateKey(grants=grants[:1]))
    narrowed = await who_is(access, made.api_key)

    with pytest.raises(Forbidden):
        await access.keys.rotate(narrowed, public_id(whole), RotateKey())
    assert (await access.keys.rotate(narrowed, made.key.key, RotateKey())).key.limits == grants[:1]


async def test_a_principal_has_a_number_of_keys_that_work_and_no_more(access: Access, clock: Clock) -> None:
    for _ in range(MAX_KEYS):
        last = await access.key("of-acme", seconds=DAY)
    with pytest.raises(Conflict):
        await access.key("of-acme")
    await access.keys.revoke(ROOT, public_id(last))
    await access.key("of-acme", seconds=DAY)
    clock.now += DAY
    await access.key("of-acme")


async def test_a_key_that_is_rotated_on_and_on_leaves_no_more_of_them_than_that(access: Access) -> None:
    """Each of them works until its overlap is over."""
    key = public_id(await access.key("of-acme"))
    month = RotateKey(overlap_seconds=30 * DAY)
    for _ in range(2 * MAX_KEYS - 1):
        key = (await access.keys.rotate(ROOT, key, month)).key.key
    with pytest.raises(Conflict, match="200 API keys"):
        await access.keys.rotate(ROOT, key, month)
    await access.keys.revoke(ROOT, (await access.keys.page(ROOT, "of-acme")).keys[0].key)
    await access.keys.rotate(ROOT, key, month)


async def test_who_is_not_itself_gets_no_key_that_grows_with_the_principal(access: Access) -> None:
    """An administrator of one issuer keeps the key; what others grant later is not for it."""
    made = await access.keys.create(ACME, "of-acme", CreateKey())
    again = await access.keys.rotate(ACME, made.key.key, RotateKey())
    theirs = await access.key("of-acme")
    from_theirs = await access.keys.rotate(ACME, public_id(theirs), RotateKey())
    await access.grants.grant(ROOT, "of-acme", asked("issuer:beta", Role.EDITOR))

    for key in (made, again, from_theirs):
        assert key.key.limits == ACME_ONLY
        assert (await who_is(access, key.api_key)).issuers() == {"acme"}
    with pytest.raises(Forbidden):
        await access.keys.create(ACME, "of-acme", CreateKey())


async def test_limits_beyond_the_principals_grants_are_for_who_administers_everything(access: Access) -> None:
    beyond = CreateKey(grants=(asked("everything", Role.EDITOR),))

    with pytest.raises(Forbidden):
        await access.keys.create(ACME, "of-acme", beyond)
    await access.keys.create(ROOT, "of-acme", beyond)


async def test_after_a_rotation_both_work_and_then_one(access: Access, clock: Clock) -> None:
    old = await access.key("of-acme")
    new = await access.keys.rotate(ROOT, public_id(old), RotateKey())
    at_once = (await works(access, old), await works(access, new.api_key))
    clock.now += DAY - 1
    nearly = await works(access, old)
    clock.now += 2
    after = (await works(access, old), await works(access, new.api_key))

    assert (at_once, nearly, after) == ((True, True), True, (False, True))
    shown = {key.key: key.replaced_by for key in (await access.keys.page(ROOT, "of-acme")).keys}
    assert shown == {public_id(old): new.key.key, new.key.key: None}


@pytest.mark.parametrize("seconds", [0, 60, 30 * DAY])
async def test_the_overlap_is_as_long_as_asked_and_never_longer_than_the_key(
    access: Access, clock: Clock, seconds: int
) -> None:
    old = await access.key("of-acme", seconds=DAY)
    await access.keys.rotate(ROOT, public_id(old), RotateKey(overlap_seconds=seconds))
    lives = min(seconds, DAY)
    clock.now += lives - 1 if lives else 0
    before = await works(access, old)
    clock.now += 1
    after = await works(access, old)

    assert (before, after) == (lives > 0, False)


async def revoked(access: Access, clock: Clock, key: str) -> None:
    await access.keys.revoke(ROOT, public_id(key))


async def expired(access: Access, clock: Clock, key: str) -> None:
    clock.now += 91 * DAY


async def rotated(access: Access, clock: Clock, key: str) -> None:
    await access.keys.rotate(ROOT, public_id(key), RotateKey())


@pytest.mark.parametrize("end", [revoked, expired, rotated])
async def test_what_is_over_or_rotated_is_rotated_no_more(access: Access, clock: Clock, end: Any) -> None:
    key = await access.key("of-acme")
    await end(access, clock, key)

    with pytest.raises(Conflict):
        await access.keys.rotate(ROOT, public_id(key), RotateKey())


async def test_a_rotated_key_that_is_revoked_stops_and_its_successor_goes_on(access: Access) -> None:
    key = await access.key("of-acme")
    new = await access.keys.rotate(ROOT, public_id(key), RotateKey())
    await access.keys.revoke(ROOT, public_id(key))

    assert (await works(access, key), await works(access, new.api_key)) == (False, True)


async def test_of_two_who_rotate_at_once_one_is_told_to_look(access: Access) -> None:
    key = await access.key("of-acme")
    outcomes = []
    for _ in range(2):
        try:
            outcomes.append((await access.keys.rotate(ROOT, public_id(key), RotateKey())).key.principal)
        except Conflict:
            outcomes.append("conflict")

    assert outcomes == ["of-acme", "conflict"]


async def test_the_person_behind_a_key_is_who_has_it(access: Access) -> None:
    """Who rotates a key has its text, whoever made it first; that one may not approve what it asks for."""
    people = [
        Principal(id=name, kind=Kind.PERSON, grants=ROOT.grants, person=name) for name in ("ada", "bob")
    ]
    made = await access.keys.create(people[0], "of-acme", CreateKey())
    again = await access.keys.rotate(people[1], made.key.key, RotateKey())
    itself = await who_is(access, again.api_key)
    by_itself = await access.keys.rotate(itself, again.key.key, RotateKey())

    assert [key.key.person for key in (made, again, by_itself)] == ["ada", "bob", "bob"]


async def test_a_key_of_a_release_before_ends_there_too_when_another_takes_its_place(
    access: Access, place: Place, clock: Clock
) -> None:
    """Nodes of 0.2 go by another column, and know nothing of the overlap."""
    old = public_id(await access.key("of-acme"))
    place.query(f"UPDATE api_keys SET expires_at = NULL WHERE public_id = '{old}'")
    place.query(f"UPDATE api_key_facts SET expires_at = NULL WHERE public_id = '{old}'")
    new = await access.keys.rotate(ROOT, old, RotateKey(overlap_seconds=60))

    ends = dict(place.query("SELECT public_id, expires_at FROM api_keys"))
    assert ends == {old: int((clock() + 60) * 1_000_000), new.key.key: 1}


async def last_used(access: Access) -> str | None:
    return (await access.keys.page(ROOT, "of-acme")).keys[0].last_used


async def test_when_a_key_was_last_used_is_shown_to_the_hour_without_a_write_for_each_request(
    access: Access, database: Engine, clock: Clock
) -> None:
    key = await access.key("of-acme")
    counting: Any = Counting(database)
    server = Access(counting, clock)
    unused = await last_used(access)
    clock.now += 1_234
    for _ in range(50):
        clock.now += 1
        await who_is(server, key)
        await server.principals.keep_uses()
    writes = counting.writes
    first = await last_used(access)
    clock.now += 3_600
    await who_is(server, key)
    await server.principals.keep_uses()

    assert (unused, first, await last_used(access)) == (None, "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z")
    assert (writes, counting.writes) == (1, 2)


async def test_a_node_that_is_late_does_not_set_the_last_use_back(
    access: Access, database: Engine, clock: Clock
) -> None:
    key = await access.key("of-acme")
    late = Access(database, Clock(clock.now))
    await who_is(late, key)
    clock.now += 7_200
    await who_is(access, key)
    await access.principals.keep_uses()
    await late.principals.keep_uses()

    assert await last_used(access) == "2027-01-15T10:00:00Z"


async def test_a_refused_key_was_not_used(access: Access) -> None:
    key = await access.key("of-acme")
    await access.keys.revoke(ROOT, public_id(key))
    assert not await works(access, key)
    await access.principals.keep_uses()

    assert await last_used(access) is None


async def test_no_text_of_a_key_is_kept_or_logged(
    access: Access, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = await access.keys.create(ROOT, "of-acme", CreateKey())
    again = await access.keys.rotate(ROOT, made.key.key, RotateKey())
    await who_is(access, again.api_key)
    await access.keys.revoke(ROOT, again.key.key)
    everything = all_that_is_kept(place)

    for key in (made.api_key, again.api_key):
        secret = key.split("_", 2)[2]
        assert secret not in everything
        assert secret not in caplog.text
        assert hashlib.sha256(key.encode()).hexdigest() in everything
