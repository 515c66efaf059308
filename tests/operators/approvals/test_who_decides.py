"""An author never approves: by no second key, no service, no second account, through nobody whose key he made."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from operators import Grant, Kind, Role
from operators.access.views import AskedGrant, CreateKey, CreatePrincipal, RotateKey
from operators.approvals.change import ApprovalView
from operators.grants import EVERYTHING
from storage import Engine
from tests.databases import Place
from tests.operators.approvals.office import WHY, Office
from wire import Conflict, Forbidden, ResourceNotFound

pytestmark = pytest.mark.anyio


async def refused(office: Office, name: str, number: int, why: str, key: str | None = None) -> None:
    """Require that somebody can neither approve nor reject a request, which goes on waiting."""
    who = await office.who(name, key)
    for decide in (office.approvals.approve, office.approvals.reject):
        with pytest.raises(Forbidden, match=why):
            await decide(who, number, WHY)

    assert await office.state_of(number) == "pending"
    assert not await office.is_active()


async def test_the_author_does_not_approve_though_an_approver(office: Office) -> None:
    await office.person("uma", "administrator", "approver")

    await refused(office, "uma", await office.asks("uma"), "you asked for this")


async def test_the_author_does_not_approve_with_another_key(office: Office) -> None:
    await office.person("uma", "administrator", "approver")
    first, second = [await office.api_key("uma", made_by="uma", person="uma") for _ in range(2)]

    await refused(office, "uma", await office.asks("uma", first), "you asked for this", second)


async def test_the_author_does_not_approve_through_the_api_key_when_signed_in(office: Office) -> None:
    await office.person("uma", "administrator", "approver")
    key = await office.api_key("uma", made_by="uma", person="uma")

    await refused(office, "uma", await office.asks("uma"), "you asked for this", key)
    assert await office.asks("uma", key)


async def test_who_made_the_key_of_a_service_does_not_approve_what_it_asks(office: Office) -> None:
    await office.service("robot", "administrator")
    key = await office.api_key("robot", made_by="bob", person="bob")

    await refused(office, "bob", await office.asks("robot", key), "you made robot")
    assert (await office.approves("eve", await office.asks("robot", key))).state == "approved"


async def test_who_made_any_key_of_a_service_does_not_approve_what_another_key_asks(office: Office) -> None:
    await office.service("robot", "administrator")
    await office.api_key("robot", made_by="bob", person="bob")
    other = await office.api_key("robot", made_by="ada", person="ada")

    await refused(office, "bob", await office.asks("robot", other), "you made robot")


async def test_who_made_a_service_does_not_approve_what_it_asks(office: Office) -> None:
    await office.service("robot", "administrator", made_by="bob")

    await refused(office, "bob", await office.asks("robot"), "you made robot")


async def test_who_made_a_service_through_services_does_not_approve_what_it_asks(office: Office) -> None:
    await office.service("maker", "administrator")
    await office.api_key("maker", made_by="bob", person="bob")
    await office.service("robot", "administrator", made_by="maker")

    await refused(office, "bob", await office.asks("robot"), "you made robot")


async def test_who_made_a_key_of_the_person_does_not_approve_what_that_one_asks(office: Office) -> None:
    await office.api_key("ada", made_by="bob", person="bob")

    await refused(office, "bob", await office.asks(), "you made ada")


async def test_nobody_approves_with_a_key_that_the_author_made(office: Office) -> None:
    """Whoever made the key may have kept it, and be the one who approves."""
    key = await office.api_key("bob", made_by="ada", person="ada")
    number = await office.asks()

    await refused(office, "bob", number, "was made by one who asks", key)
    await refused(office, "bob", number, "was made by one who asks")
    await office.keys.revoke(await office.who("bob"), key)
    assert (await office.approves("bob", number)).state == "approved"


async def test_nobody_approves_with_a_key_that_the_service_made_which_asks(office: Office) -> None:
    await office.service("robot", "administrator")
    key = await office.api_key("bob", made_by="robot")

    await refused(office, "bob", await office.asks("robot"), "was made by one who asks", key)


async def test_a_key_made_with_the_key_that_the_author_made_is_his_as_well(office: Office) -> None:
    first = await office.api_key("bob", made_by="ada", person="ada")
    made = await office.keys.create(await office.who("bob", first), "bob", CreateKey())
    rotated = await office.keys.rotate(await office.who("bob", first), first, RotateKey(overlap_seconds=0))
    number = await office.asks()
    await office.keys.revoke(await office.who("bob"), rotated.key.key)

    await refused(office, "bob", number, "was made by one who asks", made.key.key)


@pytest.mark.parametrize("address", ["ada@example.com", "ADA@Example.COM", " ada@example.com "])
async def test_another_account_of_the_same_address_does_not_approve(office: Office, address: str) -> None:
    await office.person("second", "approver", address=address)

    await refused(office, "second", await office.asks(), "somebody else must decide")


@pytest.mark.parametrize(
    ("one", "other"), [("\u0130da@x.example", "ida@x.example"), ("\u00c5da@x.example", "\u00e5da@x.example")]
)
async def test_addresses_with_letters_beyond_ascii_are_compared_alike(
    office: Office, one: str, other: str
) -> None:
    """What the database would refuse is refused before, in words."""
    await office.sql(f"UPDATE people SET address = '{one}' WHERE principal_id = 'ada'")
    await office.person("second", "approver", address=other)

    await refused(office, "second", await office.asks(), "somebody else must decide")


async def test_another_account_of_who_made_the_service_does_not_approve(office: Office) -> None:
    await office.service("robot", "administrator", made_by="bob")
    await office.person("bob2", "approver", address="BOB@example.com")

    await refused(office, "bob2", await office.asks("robot"), "somebody else must decide")


async def test_an_account_that_was_erased_is_nobody_elses(office: Office) -> None:
    """Ada's account, after all that was known of it is forgotten, does not come back as another person."""
    await office.deactivates("ada")
    await office.person("ann", "administrator")
    await office.changes.erase(await office.who("ann"), "ada")
    again = CreatePrincipal(
        id="ada2",
        kind=Kind.PERSON,
        issuer="https://idp.example",
        subject="ada",
        grants=(AskedGrant("everything", Role.APPROVER),),
    )
    asked = await office.changes.create(await office.who("ann"), again)
    assert isinstance(asked, ApprovalView)

    with pytest.raises(Conflict, match="or its account, is there already"):
        await office.approves("bob", asked.approval)


async def test_services_never_approve_whatever_is_granted_to_them(office: Office) -> None:
    await office.service("robot", "approver")

    await refused(office, "robot", await office.asks(), "only people approve")


async def test_a_service_that_says_it_is_a_person_is_looked_up(office: Office) -> None:
    robot = await office.service("robot", "approver")
    forged = msgspec.structs.replace(robot, kind=Kind.PERSON, person="robot")
    number = await office.asks()

    with pytest.raises(Forbidden, match="only people approve"):
        await office.approvals.approve(forged, number, WHY)


async def test_grants_that_are_only_claimed_are_looked_up(office: Office) -> None:
    eve = await office.who("eve")
    await office.ends("eve", "approver")
    number = await office.asks()

    assert eve.grants
    with pytest.raises(ResourceNotFound):
        await office.approvals.approve(eve, number, WHY)


@pytest.mark.parametrize("scope", ["issuer:acme", "everything"])
async def test_an_approver_of_the_scope_approves(office: Office, scope: str) -> None:
    await office.person("mia", f"approver@{scope}")

    assert (await office.approves("mia", await office.asks())).decided_by == "mia"


async def test_an_approver_of_another_scope_does_not(office: Office) -> None:
    await office.person("mia", "approver@issuer:bank", "viewer")

    await refused(office, "mia", await office.asks(), "needs the role approver for acme")


async def test_a_key_that_is_narrowed_does_not_approve(office: Office) -> None:
    number = await office.asks()
    narrowed = msgspec.structs.replace(
        await office.who("bob"), limits=frozenset({Grant(EVERYTHING, Role.VIEWER)})
    )

    with pytest.raises(Forbidden, match="narrowed"):
        await office.approvals.approve(narrowed, number, WHY)


async def test_an_approver_whose_time_is_over_does_not_approve(office: Office) -> None:
    await office.person("mia", "approver", "viewer", source="claims", ends=office.now() + 5_000_000)
    number = await office.asks()
    mia = await office.who("mia")
    office.clock.now += 5

    with pytest.raises(ResourceNotFound):
        await office.approvals.approve(mia, number, WHY)


async def test_an_approver_who_was_deactivated_does_not_approve(office: Office) -> None:
    bob, number = await office.who("bob"), await office.asks()
    await office.deactivates("bob")

    with pytest.raises(Forbidden, match="nothing any more"):
        await office.approvals.approve(bob, number, WHY)


async def test_what_an_author_asked_who_was_deactivated_is_not_done(office: Office) -> None:
    number = await office.asks()
    await office.deactivates("ada")

    with pytest.raises(Conflict, match="ada, who asked for this, may do nothing any more"):
        await office.approves("bob", number)
    assert await office.state_of(number) == "pending"
    assert not await office.is_active()


async def test_what_an_author_asked_who_lost_its_grants_is_not_done(office: Office) -> None:
    number = await office.asks()
    await office.ends("ada", "administrator")

    with pytest.raises(Conflict, match="ada, who asked for this, cannot do it now"):
        await office.approves("bob", number)
    assert await office.state_of(number) == "pending"
    assert not await office.is_active()


async def test_what_was_asked_with_a_key_that_was_revoked_is_not_done(office: Office) -> None:
    key = await office.api_key("ada", made_by="ada", person="ada")
    number = await office.asks("ada", key)
    await office.sql(f"UPDATE api_keys SET revoked_at = 5 WHERE public_id = '{key}'")

    with pytest.raises(Conflict, match="was revoked"):
        await office.approves("bob", number)
    assert not await office.is_active()


async def test_what_a_revoked_key_asked_is_asked_anew_by_another(office: Office) -> None:
    """Otherwise a request that can never be done would stand in the way."""
    key = await office.api_key("ada", made_by="ada", person="ada")
    stuck = await office.asks("ada", key)
    await office.keys.revoke(await office.who("ada"), key)
    number = await office.asks("ada")

    assert number != stuck
    assert await office.state_of(stuck) == "expired"
    assert (await office.approves("bob", number)).state == "approved"


async def test_a_key_that_was_narrowed_asks_for_no_more_later(office: Office) -> None:
    """What the API key of the request is narrowed to holds when it is done, too."""
    key = await office.api_key("ada", made_by="ada", person="ada")
    number = await office.asks("ada", key)
    narrow = msgspec.json.encode([Grant(EVERYTHING, Role.VIEWER)]).decode()
    await office.sql(f"UPDATE api_key_facts SET limits = '{narrow}' WHERE public_id = '{key}'")

    with pytest.raises(Conflict, match="cannot do it now"):
        await office.approves("bob", number)


async def test_a_request_that_was_changed_is_not_approved(office: Office, place: Place) -> None:
    """Somebody who writes past the rules of the database changes what the digest is of."""
    other = await office.desk.add()
    number = await office.asks()
    place.drop_rule("approvals", "UPDATE")
    await office.sql(f"UPDATE approvals SET request = REPLACE(request, '{office.key}', '{other}')")

    with pytest.raises(Conflict, match="its digest is another one"):
        await office.approves("bob", number)
    assert not await office.is_active()


async def test_of_two_processes_that_decide_one_does(office: Office, place: Place, tmp_path: Path) -> None:
    """Each has a connection of its own; what the other one did is seen in the transaction that decides."""
    other: Engine = place.open()
    try:
        there = Office(other, office.clock, tmp_path / "keys")
        there.key = office.key
        for _ in range(5):
            number = await office.asks()
            told = await asyncio.gather(
                *(where.approves(name, number) for where in (office, there) for name in ("bob", "eve")),
                there.approvals.reject(await there.who("eve"), number, "no"),
                return_exceptions=True,
            )
            decided = [one for one in told if isinstance(one, ApprovalView)]
            assert len(decided) == 1
            assert all(isinstance(one, Conflict) for one in told if one is not decided[0])
            await office.sql("UPDATE issuer_keys SET activates_at = NULL WHERE state = 'announced'")
        done = await office.audited("issuer-key.plan")
        approved = await office.audited("approval.approve")
        assert [detail["approval"] for _, detail in done] == [detail["approval"] for _, detail in approved]
    finally:
        other.close()
