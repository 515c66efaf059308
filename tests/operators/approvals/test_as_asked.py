"""What is approved is what was asked for, and nothing that it became since; and a request ends with its author."""

import pytest

from operators import Role
from operators.access.views import AskedGrant, CreateKey
from operators.approvals.change import ApprovalView
from tests.operators.approvals.office import Office, pending
from wire import Conflict

pytestmark = pytest.mark.anyio

APPROVER = AskedGrant("everything", Role.APPROVER)


async def test_the_deactivation_of_an_approver_is_what_it_was(office: Office) -> None:
    """Asked while it approved for one issuer, which others there decide; not once it approves everything."""
    ada = await office.who("ada")
    await office.person("dan", "approver@issuer:acme")
    await office.person("mia", "approver@issuer:acme")
    asked = pending(await office.changes.set_active(ada, "dan", False))
    wider = pending(await office.grants.grant(ada, "dan", APPROVER))
    await office.approves("bob", wider.approval)

    assert (asked.scope, asked.request["grants"]) == (
        "issuer:acme",
        [{"scope": "issuer:acme", "role": "approver"}],
    )
    with pytest.raises(Conflict, match="ask anew"):
        await office.approves("mia", asked.approval)
    assert await office.who("dan")


async def test_what_comes_back_with_a_person_is_what_was_asked(office: Office) -> None:
    ada = await office.who("ada")
    await office.person("pat", "viewer@issuer:acme")
    await office.person("mia", "approver@issuer:acme")
    await office.changes.set_active(ada, "pat", False)
    asked = pending(await office.changes.set_active(ada, "pat", True))
    await office.grants.grant(ada, "pat", AskedGrant("everything", Role.ADMINISTRATOR))

    with pytest.raises(Conflict, match="ask anew"):
        await office.approves("mia", asked.approval)


async def test_a_person_comes_back_with_what_the_provider_said_last(office: Office) -> None:
    """Whether or not its token has ended since."""
    ada = await office.who("ada")
    await office.person("pat", "editor@issuer:acme", source="claims", ends=office.now() + 5_000_000)
    await office.changes.set_active(ada, "pat", False)
    asked = pending(await office.changes.set_active(ada, "pat", True))
    office.clock.now += 6

    assert asked.request["grants"] == [{"scope": "issuer:acme", "role": "editor"}]
    assert (await office.approves("bob", asked.approval)).state == "approved"


async def test_a_key_is_no_wider_than_its_author_could_make_it_when_it_is_approved(office: Office) -> None:
    """Asked as an administrator of everything, whose keys carry whatever is granted later; and that is over."""
    await office.person("ann", "administrator", "administrator@issuer:acme")
    await office.person("quin", "viewer@issuer:acme")
    made = await office.keys.create(await office.who("ann"), "quin", CreateKey())
    assert made.approval is not None
    await office.ends("ann", "administrator", "everything")

    with pytest.raises(Conflict, match="ask anew"):
        await office.approves("bob", made.approval.approval)


async def test_a_key_is_asked_for_in_the_words_of_the_wire(office: Office) -> None:
    await office.person("quin", "editor@issuer:acme")
    viewer = AskedGrant("issuer:acme", Role.VIEWER)
    made = await office.keys.create(await office.who("ada"), "quin", CreateKey(grants=(viewer,)))

    assert made.approval is not None
    asked = made.approval.request
    assert set(asked) == {"principal", "key", "digest", "grants", "expiresAt"}
    assert (asked["principal"], asked["key"]) == ("quin", made.key.key)
    assert asked["expiresAt"] == made.key.expires_at
    assert asked["grants"] == [{"scope": "issuer:acme", "role": "viewer"}]
    await office.approves("bob", made.approval.approval)
    page = await office.keys.page(await office.who("ada"), "quin")
    assert [(one.limits, one.expires_at) for one in page.keys] == [((viewer,), made.key.expires_at)]


async def test_what_somebody_asked_ends_with_the_deactivation(office: Office) -> None:
    """And does not come back with its author."""
    await office.person("ann", "administrator")
    number = await office.asks()
    await office.changes.set_active(await office.who("ann"), "ada", False)
    asked = pending(await office.changes.set_active(await office.who("ann"), "ada", True))
    await office.approves("bob", asked.approval)

    assert await office.state_of(number) == "expired"


async def test_what_an_api_key_asked_ends_with_the_key(office: Office) -> None:
    key, other = [await office.api_key("ada", made_by="ada", person="ada") for _ in range(2)]
    number = await office.asks("ada", key)
    await office.keys.revoke(await office.who("ada"), other)
    assert await office.state_of(number) == "pending"
    await office.keys.revoke(await office.who("ada"), key)

    assert await office.state_of(number) == "expired"


async def test_a_request_that_ended_does_not_wait_again_when_the_clock_is_set_back(office: Office) -> None:
    number = await office.asks()
    office.clock.now += 604_800
    with pytest.raises(Conflict, match="it is expired"):
        await office.approves("bob", number)
    office.clock.now -= 604_800

    assert await office.state_of(number) == "expired"


async def test_an_activation_that_is_sent_again_is_the_request_that_it_was(office: Office) -> None:
    """Without the name of a key, too, though that one is chosen by then, and no other is there."""
    ada = await office.who("ada")
    first = await office.desk.changes.activate(ada, "acme", None, idempotency_key="k")
    assert isinstance(first, ApprovalView)
    await office.approves("bob", first.approval)
    await office.sql("UPDATE issuer_keys SET state = 'retired' WHERE state = 'announced'")
    again = await office.desk.changes.activate(ada, "acme", None, idempotency_key="k")

    assert isinstance(again, ApprovalView)
    assert (again.approval, again.state) == (first.approval, "approved")


async def test_the_end_of_the_second_approver_is_answered_alike_when_it_is_sent_again(office: Office) -> None:
    """Then nothing needs an approval any more, and there is nothing to take away."""
    ada = await office.who("ada")
    first = pending(await office.grants.end_grant(ada, "eve", APPROVER, idempotency_key="k"))
    await office.approves("bob", first.approval)
    again = await office.grants.end_grant(ada, "eve", APPROVER, idempotency_key="k")

    assert isinstance(again, ApprovalView)
    assert (again.approval, again.state) == (first.approval, "approved")
