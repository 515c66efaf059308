"""While two can approve, nobody makes people, approvers or their keys alone, nor takes approvers away."""

import msgspec
import pytest

from operators import Kind, Principal, Role
from operators.access.views import AskedGrant, CreateKey, CreatePrincipal, PrincipalView, RotateKey
from operators.approvals.change import ApprovalView
from operators.approvals.deciding import approvers
from operators.approvals.store import find_approval
from operators.issuers.views import CreateIssuer
from tests.operators.approvals.office import Office, pending
from wire import BadRequest, Conflict, Forbidden, Unauthenticated

pytestmark = pytest.mark.anyio

APPROVER = AskedGrant("everything", Role.APPROVER)
MIA = CreatePrincipal(id="mia", kind=Kind.PERSON, name="Mia M.", address="mia@example.com")


async def ada(office: Office) -> Principal:
    return await office.who("ada")


async def only_bob_approves(office: Office) -> None:
    await office.ends("eve", "approver")


async def test_a_person_is_made_when_another_one_approves(office: Office) -> None:
    asked = pending(await office.changes.create(await ada(office), MIA))

    assert asked.request["name"] == "Mia M."
    await office.approves("bob", asked.approval)
    made = await office.changes.show(await ada(office), "mia")
    assert (made.name, made.made_by) == ("Mia M.", "ada")


async def test_with_one_approver_an_administrator_makes_people_and_approvers_alone(office: Office) -> None:
    await only_bob_approves(office)
    assert isinstance(await office.changes.create(await ada(office), MIA), PrincipalView)
    assert (await office.keys.create(await ada(office), "mia", CreateKey())).approval is None
    assert isinstance(await office.grants.grant(await ada(office), "mia", APPROVER), PrincipalView)

    pending(await office.changes.create(await ada(office), msgspec.structs.replace(MIA, id="max")))


async def test_a_second_person_does_not_approve_for_who_made_it(office: Office) -> None:
    """With one approver, who is an administrator: he makes a person, a key for it, and then an approver of it."""
    for name in ("bob", "eve"):
        await office.ends(name, "approver")
    uma = await office.person("uma", "administrator", "approver")
    await office.changes.create(uma, MIA)
    made = await office.keys.create(uma, "mia", CreateKey())
    assert made.approval is None
    await office.grants.grant(uma, "mia", APPROVER)
    number = await office.asks("uma")

    mia = await office.access.principals.authenticate(f"Bearer {made.api_key}")
    with pytest.raises(Forbidden, match="was made by one who asks"):
        await office.approvals.approve(mia, number, "as told")
    assert not await office.is_active()


async def test_a_second_person_made_through_a_service_does_not_approve_for_it(office: Office) -> None:
    for name in ("bob", "eve"):
        await office.ends(name, "approver")
    robot = await office.service("robot", "administrator")
    await office.changes.create(robot, MIA)
    made = await office.keys.create(robot, "mia", CreateKey())
    await office.grants.grant(robot, "mia", APPROVER)
    number = await office.asks("robot")

    mia = await office.access.principals.authenticate(f"Bearer {made.api_key}")
    with pytest.raises(Forbidden, match="was made by one who asks"):
        await office.approvals.approve(mia, number, "as told")


async def test_the_others_approvers_are_not_taken_away_first(office: Office) -> None:
    """One by one, by ending their grants, or by deactivating them."""
    who = await ada(office)
    ending = pending(await office.grants.end_grant(who, "bob", APPROVER))
    leaving = pending(await office.changes.set_active(who, "eve", False))

    assert len(await office.database.read(lambda tx: approvers(tx, office.now()))) == 2
    await office.approvals.reject(await office.who("bob"), ending.approval, "I stay")
    await office.approves("bob", leaving.approval)
    assert isinstance(await office.grants.end_grant(who, "bob", APPROVER), PrincipalView)


async def test_who_approves_nothing_is_deactivated_at_once(office: Office) -> None:
    await office.person("mia", "viewer")

    assert isinstance(await office.changes.set_active(await ada(office), "mia", False), PrincipalView)


async def test_a_person_comes_back_when_another_one_approves(office: Office) -> None:
    await office.person("mia", "viewer")
    await office.service("robot", "viewer")
    for name in ("mia", "robot"):
        await office.deactivates(name)
    asked = pending(await office.changes.set_active(await ada(office), "mia", True))

    await office.approves("bob", asked.approval)
    assert await office.who("mia")
    assert isinstance(await office.changes.set_active(await ada(office), "robot", True), PrincipalView)


async def test_a_key_for_another_person_works_once_it_is_approved(office: Office) -> None:
    await office.person("mia", "viewer")
    made = await office.keys.create(await ada(office), "mia", CreateKey())
    assert made.approval is not None
    with pytest.raises(Unauthenticated):
        await office.access.principals.authenticate(f"Bearer {made.api_key}")
    await office.approves("bob", made.approval.approval)

    assert (await office.access.principals.authenticate(f"Bearer {made.api_key}")).id == "mia"


async def test_a_key_is_what_was_asked_for_though_the_principal_has_more_by_then(office: Office) -> None:
    """What it is narrowed to is bound by the digest, too: all that there was when it was asked for."""
    await office.desk.issuers.create(await ada(office), CreateIssuer(id="bank", did="did:web:bank.example"))
    admin = await office.person("ann", "administrator@issuer:acme", "administrator@issuer:bank")
    await office.person("mia", "viewer@issuer:acme", "editor@issuer:bank")
    made = await office.keys.create(admin, "mia", CreateKey())
    assert made.approval is not None
    await office.grants.grant(await ada(office), "mia", AskedGrant("everything", Role.AUDITOR))
    await office.grants.grant(await ada(office), "ann", AskedGrant("everything", Role.ADMINISTRATOR))
    await office.approves("bob", made.approval.approval)

    mia = await office.access.principals.authenticate(f"Bearer {made.api_key}")
    assert mia.limits is not None
    assert {str(grant) for grant in mia.limits} == {"viewer of issuer:acme", "editor of issuer:bank"}


async def test_a_service_needs_an_approval_for_a_key_of_the_person_behind_it(office: Office) -> None:
    """Whoever has the key of the service is not that person."""
    await office.service("robot", "administrator")
    key = await office.api_key("robot", made_by="bob", person="bob")
    made = await office.keys.create(await office.who("robot", key), "bob", CreateKey())

    assert made.approval is not None


async def test_a_key_of_ones_own_needs_nobody(office: Office) -> None:
    assert (await office.keys.create(await office.who("bob"), "bob", CreateKey())).approval is None


async def test_nobody_else_rotates_the_key_of_a_person(office: Office) -> None:
    """The new key would be in the hands of who rotated it."""
    made = await office.keys.create(await office.who("bob"), "bob", CreateKey())
    with pytest.raises(Conflict, match="only bob rotates this key"):
        await office.keys.rotate(await ada(office), made.key.key, RotateKey())
    rotated = await office.keys.rotate(await office.who("bob"), made.key.key, RotateKey())

    assert rotated.key.principal == "bob"
    assert (await office.keys.revoke(await ada(office), made.key.key)).revoked_at is not None


@pytest.mark.parametrize("role", ["approver", "break-glass"])
async def test_roles_that_get_past_are_given_when_another_one_approves(office: Office, role: str) -> None:
    await office.person("mia", "viewer")
    asked = pending(
        await office.grants.grant(await ada(office), "mia", AskedGrant("issuer:acme", Role(role)))
    )

    await office.approves("eve", asked.approval)
    assert {str(grant.role) for grant in (await office.who("mia")).grants} == {"viewer", role}


async def test_break_glass_is_guarded_wherever_two_approve(office: Office) -> None:
    """With it anywhere one could let a person of one's own past."""
    await office.desk.issuers.create(await ada(office), CreateIssuer(id="default"))
    for name in ("bob", "eve"):
        await office.ends(name, "approver")
    await office.person("max", "approver@issuer:acme")
    await office.person("moe", "approver@issuer:acme")
    glass = AskedGrant("issuer:default", Role.BREAK_GLASS)

    pending(await office.grants.grant(await ada(office), "ada", glass))


async def test_other_roles_are_given_at_once(office: Office) -> None:
    await office.person("mia")
    editor = AskedGrant("everything", Role.EDITOR)

    assert isinstance(await office.grants.grant(await ada(office), "mia", editor), PrincipalView)


async def test_a_service_that_gets_past_is_made_as_a_person_is(office: Office) -> None:
    """And so are its keys; those of other services need nobody."""
    alone = AskedGrant("everything", Role.BREAK_GLASS)
    wanted = CreatePrincipal(id="fire", kind=Kind.SERVICE, grants=(alone,))
    asked = pending(await office.changes.create(await ada(office), wanted))
    await office.approves("bob", asked.approval)
    made = await office.keys.create(await ada(office), "fire", CreateKey())

    assert made.approval is not None
    await office.approves("bob", made.approval.approval)
    with pytest.raises(Conflict, match="only fire rotates"):
        await office.keys.rotate(await ada(office), made.key.key, RotateKey())
    plain = CreatePrincipal(id="robot", kind=Kind.SERVICE, grants=(AskedGrant("everything", Role.EDITOR),))
    assert isinstance(await office.changes.create(await ada(office), plain), PrincipalView)
    assert (await office.keys.create(await ada(office), "robot", CreateKey())).approval is None


async def test_two_accounts_of_one_address_are_two_approvers(office: Office) -> None:
    """Otherwise whoever can set his address at the provider could end the need of approvals."""
    await only_bob_approves(office)
    await office.person("bob2", "approver", address="Bob@Example.com")

    pending(await office.changes.create(await ada(office), MIA))


@pytest.mark.parametrize("source", ["operator", "claims", "another"])
async def test_who_approves_by_what_the_identity_provider_says_counts(office: Office, source: str) -> None:
    await only_bob_approves(office)
    await office.person("max", "approver", source=source, ends=office.now() + 1_000_000)
    pending(await office.changes.create(await ada(office), MIA))
    office.clock.now += 1

    again = msgspec.structs.replace(MIA, id="mia2")
    assert isinstance(await office.changes.create(await ada(office), again), PrincipalView)


async def test_who_is_deactivated_and_services_do_not_count(office: Office) -> None:
    await only_bob_approves(office)
    await office.service("robot", "approver")
    await office.person("max", "approver")
    await office.deactivates("max")

    assert isinstance(await office.changes.create(await ada(office), MIA), PrincipalView)


async def test_two_who_approve_for_an_issuer_guard_what_would_approve_there(office: Office) -> None:
    """An approver of everything would; so would a person, who can be given the role later."""
    for name in ("bob", "eve"):
        await office.ends(name, "approver")
    await office.person("max", "approver@issuer:acme")
    await office.person("moe", "approver@issuer:acme")
    bank = AskedGrant("issuer:default", Role.APPROVER)
    await office.desk.issuers.create(await ada(office), CreateIssuer(id="default"))

    everything = pending(await office.grants.grant(await ada(office), "bob", APPROVER))
    person = pending(await office.changes.create(await ada(office), MIA))
    assert isinstance(await office.grants.grant(await ada(office), "bob", bank), PrincipalView)
    assert everything.hint is not None
    assert person.hint is not None
    assert "for everything" in everything.hint


async def test_what_was_done_is_not_asked_for_when_it_is_sent_again(office: Office) -> None:
    """The answer was lost; meanwhile two can approve, by the very change."""
    await only_bob_approves(office)
    await office.person("mia")
    done = await office.grants.grant(await ada(office), "mia", APPROVER, idempotency_key="k")

    assert await office.grants.grant(await ada(office), "mia", APPROVER, idempotency_key="k") == done
    assert isinstance(done, PrincipalView)


async def test_what_is_decided_names_nobody(office: Office) -> None:
    numbers = []
    for decide in ("approve", "reject", "withdraw", "expire"):
        wanted = msgspec.structs.replace(MIA, id=decide)
        asked = pending(await office.changes.create(await ada(office), wanted))
        numbers.append(asked.approval)
    await office.approves("bob", numbers[0])
    await office.approvals.reject(await office.who("bob"), numbers[1], "no")
    await office.approvals.withdraw(await ada(office), numbers[2])
    office.clock.now += 604_800
    await office.approvals.expire(office.clock())

    states = []
    for number in numbers:
        row = await office.database.read(lambda tx, number=number: find_approval(tx, number))  # type: ignore[misc]
        assert row is not None
        states.append(row.state)
        assert set(row.request) == {"id", "kind", "grants"}
        assert not row.is_as_asked
    assert states == ["approved", "rejected", "withdrawn", "expired"]


async def test_who_is_erased_is_named_by_no_request(office: Office) -> None:
    """Two asked for the same person; one was approved, the other still waits when the person is erased."""
    ann = await office.person("ann", "administrator")
    first = pending(await office.changes.create(await ada(office), MIA))
    second = pending(await office.changes.create(ann, MIA))
    await office.approves("bob", first.approval)
    await office.deactivates("mia")
    await office.changes.erase(ann, "mia")

    shown = await office.approvals.show(ann, second.approval)
    assert (shown.state, shown.request) == ("expired", {"id": "mia", "kind": "person", "grants": []})
    assert shown.digest == second.digest
    assert not await office.database.read(
        lambda tx: tx.all("SELECT id FROM approvals WHERE request LIKE '%Mia M.%' OR request LIKE '%mia@%'")
    )


async def test_requests_about_people_are_for_those_who_see_people(office: Office) -> None:
    await office.person("vic", "viewer")
    await office.person("max", "break-glass")
    number = pending(await office.changes.create(await ada(office), MIA)).approval
    key = await office.asks()

    async def listed(name: str) -> list[int]:
        page = await office.approvals.page(await office.who(name))
        return [one.approval for one in page.approvals]

    assert await listed("vic") == [key]
    for name in ("ada", "bob", "max"):
        assert await listed(name) == [number, key]
        assert isinstance(await office.approvals.show(await office.who(name), number), ApprovalView)


async def test_the_first_approvers_get_their_first_keys_though_both_are_there(office: Office) -> None:
    """Without an identity provider: whoever has no key yet cannot approve the key of the other."""
    for name in ("bob", "eve"):
        await office.ends(name, "approver")
    for name in ("mia", "max"):
        await office.person(name, "approver", has_signed_in=False)
    made = [
        (await office.keys.create(await ada(office), name, CreateKey())).approval for name in ("mia", "max")
    ]

    assert made == [None, None]
    assert (await office.keys.create(await ada(office), "mia", CreateKey())).approval is not None


async def test_an_approver_whose_keys_are_revoked_counts_on(office: Office) -> None:
    for name in ("bob", "eve"):
        await office.ends(name, "approver")
    for name in ("mia", "max"):
        await office.person(name, "approver", has_signed_in=False)
        made = await office.keys.create(await ada(office), name, CreateKey())
        await office.keys.revoke(await ada(office), made.key.key)

    pending(
        await office.changes.create(await ada(office), msgspec.structs.replace(MIA, id="moe", address=None))
    )


@pytest.mark.parametrize("address", ["", " "])
async def test_a_blank_address_is_refused(office: Office, address: str) -> None:
    with pytest.raises(BadRequest, match="expected an address"):
        await office.changes.create(await ada(office), msgspec.structs.replace(MIA, address=address))
