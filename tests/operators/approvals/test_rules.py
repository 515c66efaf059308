"""What the database refuses, whatever the code above it does: each rule broken by plain SQL."""

import pytest

from operators import Kind
from operators.access.views import CreatePrincipal
from tests.databases import RULE_BROKEN, Place
from tests.operators.approvals.office import Office, pending

pytestmark = pytest.mark.anyio


async def breaks(office: Office, sql: str) -> None:
    with pytest.raises(RULE_BROKEN):
        await office.sql(sql)


def decided(number: int, by: str, state: str = "approved", reason: str = "why", at: int | None = None) -> str:
    moment = "asked_at + 1" if at is None else str(at)
    return (
        f"UPDATE approvals SET state = '{state}', decided_by = '{by}', decided_at = {moment},"
        f" decision_reason = '{reason}' WHERE id = {number}"
    )


async def test_a_decision_that_keeps_the_rules_is_taken(office: Office) -> None:
    """So that those below are refused for what they break alone."""
    assert await office.sql(decided(await office.asks(), "bob")) == 1
    assert await office.sql(decided(await office.asks(), "eve", "rejected")) == 1
    assert await office.sql(decided(await office.asks(), "ada", "withdrawn")) == 1


@pytest.mark.parametrize("state", ["approved", "rejected"])
async def test_the_author_does_not_decide(office: Office, state: str) -> None:
    await office.person("uma", "administrator", "approver")

    await breaks(office, decided(await office.asks("uma"), "uma", state))


@pytest.mark.parametrize("state", ["approved", "rejected"])
async def test_a_service_does_not_decide(office: Office, state: str) -> None:
    await office.service("robot", "approver")

    await breaks(office, decided(await office.asks(), "robot", state))


async def test_a_service_does_not_become_a_person(office: Office) -> None:
    await office.service("robot", "approver")

    await breaks(office, "UPDATE actors SET kind = 'person' WHERE principal_id = 'robot'")


async def test_who_made_a_principal_or_a_key_stays_known(office: Office) -> None:
    await office.api_key("bob", made_by="ada", person="ada")

    await breaks(office, "UPDATE actors SET made_by = 'x' WHERE principal_id = 'ada'")
    for change in ("made_by = 'x'", "person = 'x'", "person = NULL"):
        await breaks(office, f"UPDATE api_key_facts SET {change}")


async def test_the_author_does_not_decide_though_no_party_is_noted(office: Office, place: Place) -> None:
    await office.person("uma", "administrator", "approver")
    await office.person("uma2", "approver", address="uma@example.com")
    number = await office.asks("uma")
    place.drop_rule("approval_parties", "DELETE")
    await office.sql("DELETE FROM approval_parties")

    await breaks(office, decided(number, "uma2"))


async def test_nothing_is_decided_before_it_was_asked(office: Office) -> None:
    number = await office.asks()

    await breaks(office, decided(number, "bob", at=office.now() - 1))
    office.clock.now -= 1
    assert (await office.approves("bob", number)).state == "approved"


async def test_who_is_deactivated_or_unknown_does_not_decide(office: Office) -> None:
    number = await office.asks()
    await office.deactivates("bob")

    await breaks(office, decided(number, "bob"))
    await breaks(office, decided(number, "nobody"))


async def test_who_is_no_approver_of_the_scope_does_not_decide(office: Office) -> None:
    number = await office.asks()
    await office.person("mia", "administrator", "approver@issuer:bank")
    await office.person("max", "approver", source="claims", ends=office.now())
    await office.ends("eve", "approver")

    for name in ("mia", "max", "eve"):
        await breaks(office, decided(number, name))


async def test_who_is_behind_the_author_does_not_decide(office: Office) -> None:
    await office.service("robot", "administrator", made_by="bob")

    await breaks(office, decided(await office.asks("robot"), "bob"))


async def test_an_account_of_the_same_address_does_not_decide(office: Office) -> None:
    await office.person("second", "approver", address="ADA@example.com")

    await breaks(office, decided(await office.asks(), "second"))


async def test_who_has_a_key_of_the_author_does_not_decide(office: Office) -> None:
    await office.api_key("bob", made_by="ada", person="ada")

    await breaks(office, decided(await office.asks(), "bob"))


async def test_nobody_goes_ahead_alone_while_another_can_approve(office: Office) -> None:
    number = await office.asks()
    await breaks(office, decided(number, "ada", "alone"))
    await office.ends("bob", "approver")
    await breaks(office, decided(number, "ada", "alone"))
    await office.ends("eve", "approver")

    assert await office.sql(decided(number, "ada", "alone")) == 1


async def test_a_service_does_not_go_ahead_alone(office: Office) -> None:
    await office.service("robot", "administrator")
    number = await office.asks("robot")
    for name in ("bob", "eve"):
        await office.ends(name, "approver")

    await breaks(office, decided(number, "robot", "alone"))


async def test_only_the_role_break_glass_goes_past(office: Office) -> None:
    number = await office.asks()
    await office.person("mia", "administrator", "break-glass@issuer:bank")
    for name in ("mia", "bob", "ada"):
        await breaks(office, decided(number, name, "break-glass"))
    await office.person("max", "break-glass@issuer:acme")

    assert await office.sql(decided(number, "max", "break-glass")) == 1


@pytest.mark.parametrize("state", ["approved", "rejected", "break-glass"])
async def test_a_decision_has_a_reason(office: Office, state: str) -> None:
    await office.person("max", "break-glass", "approver")

    await breaks(office, decided(await office.asks(), "max", state, reason=""))


async def test_what_has_expired_is_not_decided(office: Office) -> None:
    number = await office.asks()
    at = office.now() + 604_800_000_000

    await breaks(office, decided(number, "bob", at=at))
    assert await office.sql(decided(number, "bob", at=at - 1)) == 1


async def test_somebody_else_does_not_withdraw(office: Office) -> None:
    await breaks(office, decided(await office.asks(), "bob", "withdrawn"))


@pytest.mark.parametrize(
    "change",
    [
        "request = REPLACE(request, 'acme', 'bank')",
        "digest = 'x'",
        "author = 'eve'",
        "author_key = 'x'",
        "author_person = 'eve'",
        "action = 'other'",
        "scope_id = 'bank'",
        "subject = 'other'",
        "asked_at = asked_at - 1",
        "expires_at = expires_at + 1",
        "reason = 'other'",
    ],
)
async def test_a_request_that_waits_never_changes(office: Office, change: str) -> None:
    number = await office.asks()

    await breaks(office, f"UPDATE approvals SET {change} WHERE id = {number}")
    await breaks(office, decided(number, "bob").replace(" WHERE", f", {change} WHERE"))


async def test_of_a_request_for_a_person_names_are_taken_out_once_and_nothing_is_put_in(
    office: Office,
) -> None:
    wanted = CreatePrincipal(id="mia", kind=Kind.PERSON, name="Mia")
    number = pending(await office.changes.create(await office.who("ada"), wanted)).approval
    decision = decided(number, "bob")

    await breaks(office, decision.replace(" WHERE", ", request = request || ' ' WHERE"))
    assert await office.sql(decision.replace(" WHERE", ", request = '{}' WHERE")) == 1
    await breaks(office, f"UPDATE approvals SET request = '[]' WHERE id = {number}")


@pytest.mark.parametrize(
    "change",
    [
        "state = 'rejected'",
        "state = 'pending', decided_by = NULL, decided_at = NULL, decision_reason = NULL",
        "decided_by = 'eve'",
        "decided_at = decided_at + 1",
        "decision_reason = 'other'",
        "decided_key = 'other'",
    ],
)
async def test_a_decision_never_changes(office: Office, change: str) -> None:
    number = await office.asks()
    await office.sql(decided(number, "bob"))

    await breaks(office, f"UPDATE approvals SET {change} WHERE id = {number}")


async def test_nothing_is_decided_that_was_not_asked(office: Office) -> None:
    await office.asks()
    columns = "action, scope_kind, scope_id, subject, request, digest, author, asked_at, expires_at"

    await breaks(
        office,
        f"INSERT INTO approvals ({columns}, state, decided_by, decided_at, decision_reason)"
        f" SELECT {columns}, 'approved', 'bob', asked_at + 1, 'why' FROM approvals",
    )


async def test_an_author_has_one_request_for_a_change(office: Office) -> None:
    await office.asks()
    columns = "action, scope_kind, scope_id, subject, request, digest, author, asked_at, expires_at, state"

    await breaks(
        office,
        f"INSERT INTO approvals ({columns}) SELECT {columns} FROM approvals",
    )


async def test_requests_and_who_had_a_part_in_them_stay(office: Office) -> None:
    await office.asks()

    for sql in (
        "DELETE FROM approvals",
        "DELETE FROM approval_parties",
        "UPDATE approval_parties SET principal_id = 'x'",
    ):
        await breaks(office, sql)
