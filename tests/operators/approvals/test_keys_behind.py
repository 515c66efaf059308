"""Who stands behind the API key with which somebody asks or decides, though it ends this very moment."""

import pytest

from operators import Kind
from operators.access.views import CreateKey, CreatePrincipal
from tests.databases import RULE_BROKEN
from tests.operators.approvals.office import WHY, Office, pending
from wire import Forbidden, Unauthenticated, format_utc

pytestmark = pytest.mark.anyio

MIA = CreatePrincipal(id="mia", kind=Kind.PERSON)


async def ends_now(office: Office, key: str) -> None:
    await office.sql(f"UPDATE api_key_facts SET expires_at = {office.now()} WHERE public_id = '{key}'")


async def test_a_key_that_is_believed_is_not_believed_beyond_its_end(office: Office) -> None:
    wanted = CreateKey(expires_at=format_utc(office.now() + 1_000_000))
    made = await office.keys.create(await office.who("bob"), "bob", wanted)
    office.clock.now += 0.9
    await office.access.principals.authenticate(f"Bearer {made.api_key}")
    office.clock.now += 0.1

    with pytest.raises(Unauthenticated):
        await office.access.principals.authenticate(f"Bearer {made.api_key}")


@pytest.mark.parametrize("person", ["bob", None])
async def test_the_key_that_asks_counts_though_it_is_over(office: Office, person: str | None) -> None:
    """It was believed a moment ago. Whoever made it is behind the service, whatever its row says of a person."""
    await office.service("robot", "administrator")
    key = await office.api_key("robot", made_by="bob", person=person)
    robot = await office.who("robot", key)
    await ends_now(office, key)
    number = await office.asks(robot)

    with pytest.raises(Forbidden, match="you made robot"):
        await office.approves("bob", number)
    with pytest.raises(RULE_BROKEN):
        await office.sql(
            "UPDATE approvals SET state = 'approved', decided_by = 'bob', decided_at = asked_at + 1,"
            f" decision_reason = 'why' WHERE id = {number}"
        )


async def test_the_key_that_asks_counts_though_it_is_revoked(office: Office) -> None:
    await office.service("robot", "administrator")
    key = await office.api_key("robot", made_by="bob", person="bob")
    robot = await office.who("robot", key)
    await office.sql(f"UPDATE api_keys SET revoked_at = 5 WHERE public_id = '{key}'")
    number = await office.asks(robot)

    with pytest.raises(Forbidden, match="you made robot"):
        await office.approves("bob", number)


@pytest.mark.parametrize("table", ["api_keys SET revoked_at", "api_key_facts SET expires_at"])
async def test_nobody_decides_with_a_key_that_is_over(office: Office, table: str) -> None:
    """Above all not with one that the author made, and that nothing forbids any more once it is over."""
    key = await office.api_key("bob", made_by="ada", person="ada")
    bob = await office.who("bob", key)
    number = await office.asks()
    await office.sql(f"UPDATE {table} = {office.now()} WHERE public_id = '{key}'")
    for decide in (office.approvals.approve, office.approvals.reject):
        with pytest.raises(Forbidden, match="not with this API key"):
            await decide(bob, number, WHY)

    with pytest.raises(RULE_BROKEN):
        await office.sql(
            f"UPDATE approvals SET state = 'approved', decided_by = 'bob', decided_key = '{key}',"
            f" decided_at = asked_at + 1, decision_reason = 'why' WHERE id = {number}"
        )
    assert (await office.approves("bob", number)).state == "approved"


async def test_nobody_breaks_the_glass_with_a_key_that_is_over(office: Office) -> None:
    await office.service("fire", "break-glass")
    key = await office.api_key("fire", made_by="bob", person="bob")
    fire = await office.who("fire", key)
    number = await office.asks()
    await ends_now(office, key)

    with pytest.raises(Forbidden, match="not with this API key"):
        await office.approvals.break_glass(fire, number, WHY)


async def test_nobody_approves_of_people_what_nobody_knows_who_asked(office: Office) -> None:
    """As `bootstrap`: its key is in a file, and whoever reads that could approve as himself."""
    await office.service("robot", "administrator")
    await office.service("fire", "break-glass")
    asked = pending(await office.changes.create(await office.who("robot"), MIA))

    assert asked.hint is not None
    assert "let a person ask" in asked.hint
    with pytest.raises(Forbidden, match="let a person ask"):
        await office.approves("bob", asked.approval)
    with pytest.raises(RULE_BROKEN):
        await office.sql(
            "UPDATE approvals SET state = 'approved', decided_by = 'bob', decided_at = asked_at + 1,"
            f" decision_reason = 'why' WHERE id = {asked.approval}"
        )
    let = await office.approvals.break_glass(await office.who("fire"), asked.approval, WHY)
    assert let.state == "break-glass"


async def test_what_a_service_asks_with_the_key_of_a_known_person_is_approved(office: Office) -> None:
    await office.service("robot", "administrator")
    key = await office.api_key("robot", made_by="ada", person="ada")
    asked = pending(await office.changes.create(await office.who("robot", key), MIA))

    assert (await office.approves("bob", asked.approval)).state == "approved"


async def test_who_takes_the_address_of_the_other_does_not_switch_approvals_off(office: Office) -> None:
    await office.sql("UPDATE people SET address = 'eve@example.com' WHERE principal_id = 'bob'")

    pending(await office.changes.create(await office.who("ada"), MIA))


@pytest.mark.parametrize("address", ["", "  "])
async def test_a_blank_address_is_none(office: Office, address: str) -> None:
    """Two people without any are two, and each approves what the other asks."""
    await office.sql(f"UPDATE people SET address = '{address}' WHERE principal_id IN ('ada', 'bob')")
    number = await office.asks()

    assert (await office.approves("bob", number)).state == "approved"
