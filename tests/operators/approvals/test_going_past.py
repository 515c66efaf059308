"""What becomes of a request that nobody can approve, and of one that cannot wait."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from operators import Kind, Role
from operators.access.views import AskedGrant, CreatePrincipal, PrincipalView
from operators.approvals.change import ApprovalView
from operators.approvals.rules import Policy
from operators.issuers.key_changes import ACTIVATE
from storage import Engine
from tests.clock import Clock
from tests.operators.approvals.office import WHY, Office
from wire import Conflict, Forbidden

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lone(database: Engine, clock: Clock, tmp_path: Path) -> Office:
    """An office in which a person goes ahead alone, while nobody else can approve; and nobody can."""
    key_dir = tmp_path / "keys"
    key_dir.mkdir()
    policy = Policy(needed_for=frozenset({ACTIVATE}), alone=True)
    office = await Office(database, clock, key_dir, policy).open()
    for name in ("bob", "eve"):
        await office.ends(name, "approver")
    return office


async def activated(office: Office, name: str = "ada", **given: Any) -> ApprovalView:
    who = await office.who(name)
    view = await office.desk.changes.activate(
        msgspec.structs.replace(who, reason="pressing"), "acme", office.key, **given
    )
    assert isinstance(view, ApprovalView)
    return view


async def test_a_request_that_nobody_can_approve_waits_and_says_what_to_do(office: Office) -> None:
    await office.ends("bob", "approver")
    assert (await activated(office)).hint is None
    await office.ends("eve", "approver")
    waiting = await activated(office)

    assert waiting.state == "pending"
    assert waiting.hint is not None
    assert "role approver for issuer:acme" in waiting.hint
    assert not await office.is_active()
    await office.person("mia", "approver@issuer:acme")
    assert (await office.approvals.show(await office.who("ada"), waiting.approval)).hint is None


async def test_a_person_goes_ahead_alone_by_the_setting_and_the_audit_trail_says_so(lone: Office) -> None:
    view = await activated(lone)

    assert (view.state, view.decided_by, view.decision_reason) == ("alone", "ada", "pressing")
    assert await lone.is_active()
    [(actor, detail)] = await lone.audited("approval.alone")
    assert (actor, detail["approval"], detail["why"]) == ("ada", view.approval, "pressing")
    [(_, detail)] = await lone.audited("issuer-key.plan")
    assert detail["approval"] == view.approval


async def test_a_retry_of_what_went_ahead_alone_is_answered_alike(lone: Office) -> None:
    view = await activated(lone, idempotency_key="k")

    assert await activated(lone, idempotency_key="k") == view
    assert len(await lone.audited("issuer-key.plan")) == 1


async def test_who_approves_alone_goes_ahead_with_what_it_asks(lone: Office) -> None:
    await lone.person("uma", "administrator", "approver")

    assert (await activated(lone, "uma")).state == "alone"


async def test_nobody_goes_ahead_alone_while_another_can_approve(lone: Office) -> None:
    await lone.person("mia", "approver@issuer:acme")

    assert (await activated(lone)).state == "pending"


@pytest.mark.parametrize(
    "address", ["ADA@example.com", "Åda@example.com", "åda@example.com", "mia@example.com"]
)
async def test_nobody_goes_ahead_alone_by_the_address_of_another(lone: Office, address: str) -> None:
    """An address only ever forbids; whoever takes that of the others does not become the only one."""
    await lone.sql("UPDATE people SET address = 'Åda@example.com' WHERE principal_id = 'ada'")
    await lone.person("ada2", "approver", address=address)

    assert (await activated(lone)).state == "pending"


async def test_a_person_goes_ahead_alone_while_the_other_has_neither_key_nor_sign_in(lone: Office) -> None:
    await lone.person("mia", "approver", has_signed_in=False)

    assert (await activated(lone)).state == "alone"


async def test_who_made_the_key_of_a_person_since_does_not_keep_it_from_going_ahead(lone: Office) -> None:
    """What the service finds, the rules of the database find too."""
    await lone.person("mia", "approver")
    assert (await activated(lone)).state == "pending"
    await lone.api_key("ada", made_by="mia", person="mia")

    assert (await activated(lone)).state == "alone"


async def test_an_approver_whose_key_the_author_made_is_somebody_else(lone: Office) -> None:
    """Otherwise whoever makes keys would make himself the only one."""
    await lone.person("mia", "approver")
    await lone.api_key("mia", made_by="ada", person="ada")

    assert (await activated(lone)).state == "pending"


async def test_a_service_never_goes_ahead_alone(lone: Office) -> None:
    await lone.service("robot", "administrator", made_by="ada")

    assert (await activated(lone, "robot")).state == "pending"


async def test_what_fails_alone_is_not_done_and_waits_for_nobody(lone: Office) -> None:
    """A person of that id is there already."""
    await lone.person("max", "approver@issuer:acme")
    await lone.person("moe", "approver@issuer:acme")
    taken = CreatePrincipal(id="max", kind=Kind.PERSON)
    with pytest.raises(Conflict, match="is there already"):
        await lone.changes.create(await lone.who("ada"), taken)

    page = await lone.approvals.page(await lone.who("ada"))
    assert [one.state for one in page.approvals] == ["withdrawn"]
    assert await lone.audited("approval.alone") == []


async def test_break_glass_goes_past_tells_everybody_and_says_why(office: Office) -> None:
    await office.service("fire", "break-glass")
    number = await office.asks()
    view = await office.approvals.break_glass(await office.who("fire"), number, "it burns")

    assert (view.state, view.decided_by, view.decision_reason) == ("break-glass", "fire", "it burns")
    assert await office.is_active()
    told = f"fire let the approval {number} ({ACTIVATE}) go ahead alone"
    assert office.alarmed == [(f"approval {number}", told)]
    [(actor, detail)] = await office.audited("approval.break-glass")
    assert (actor, detail["why"], detail["author"]) == ("fire", "it burns", "ada")
    [(actor, _)] = await office.audited("issuer-key.plan")
    assert actor == "ada"


async def test_the_author_may_break_the_glass(office: Office) -> None:
    await office.person("uma", "administrator", "break-glass")
    number = await office.asks("uma")

    assert (await office.approvals.break_glass(await office.who("uma"), number, WHY)).state == "break-glass"


@pytest.mark.parametrize("role", ["approver", "administrator", "break-glass@issuer:bank"])
async def test_nobody_else_breaks_it(office: Office, role: str) -> None:
    await office.person("mia", role, "viewer")
    number = await office.asks()

    with pytest.raises(Forbidden, match="break-glass"):
        await office.approvals.break_glass(await office.who("mia"), number, WHY)
    assert not await office.is_active()


async def test_break_glass_does_nothing_that_the_author_may_not_do(office: Office) -> None:
    await office.service("fire", "break-glass")
    number = await office.asks()
    await office.ends("ada", "administrator")

    with pytest.raises(Conflict, match="cannot do it now"):
        await office.approvals.break_glass(await office.who("fire"), number, WHY)


async def test_without_a_setting_and_approvers_nothing_waits(office: Office) -> None:
    for name in ("bob", "eve"):
        await office.ends(name, "approver")
    mia = CreatePrincipal(id="mia", kind=Kind.PERSON, grants=(AskedGrant("everything", Role.APPROVER),))

    assert isinstance(await office.changes.create(await office.who("ada"), mia), PrincipalView)
