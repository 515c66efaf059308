"""Whoever leaves can do nothing more; what a person was called can be forgotten, and nothing else."""

import logging
from pathlib import Path

import msgspec
import pytest

from operators import Role
from operators.access.views import CreateKey, PrincipalView
from operators.approvals.change import ApprovalView
from storage import Engine, read_audit
from tests.actors import ROOT, Access
from tests.clock import Clock
from tests.databases import Place
from tests.operators.access.conftest import ADA, all_that_is_kept, asked
from tests.operators.approvals.office import Office
from wire import Conflict, Refusal, Unauthenticated

pytestmark = pytest.mark.anyio


async def test_a_deactivated_principal_can_do_nothing_and_comes_back_with_what_it_had(access: Access) -> None:
    key = await access.key("of-acme")
    before = await access.principals.authenticate(f"Bearer {key}")
    gone = await access.changes.set_active(ROOT, "of-acme", False)
    with pytest.raises(Unauthenticated):
        await access.principals.authenticate(f"Bearer {key}")
    await access.changes.set_active(ROOT, "of-acme", True)

    assert isinstance(gone, PrincipalView)
    assert gone.deactivated_by == "root"
    assert await access.principals.authenticate(f"Bearer {key}") == before


async def test_it_is_told_when_it_is_so_already(access: Access) -> None:
    with pytest.raises(Conflict):
        await access.changes.set_active(ROOT, "of-acme", True)
    await access.changes.set_active(ROOT, "of-acme", False)
    with pytest.raises(Conflict):
        await access.changes.set_active(ROOT, "of-acme", False)


async def test_nobody_deactivates_himself(access: Access) -> None:
    await access.add("root", Role.ADMINISTRATOR)

    with pytest.raises(Conflict):
        await access.changes.set_active(ROOT, "root", False)


async def test_what_is_revoked_stays_so_when_a_principal_comes_back(access: Access) -> None:
    key = await access.key("of-acme")
    await access.keys.revoke(ROOT, key.split("_")[1])
    await access.changes.set_active(ROOT, "of-acme", False)
    await access.changes.set_active(ROOT, "of-acme", True)

    with pytest.raises(Unauthenticated):
        await access.principals.authenticate(f"Bearer {key}")


async def test_an_erased_person_is_named_nowhere(
    access: Access, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await access.changes.create(ROOT, ADA, idempotency_key="create")
    await access.grants.grant(ROOT, "ada", asked("issuer:beta", Role.VIEWER), idempotency_key="grant")
    await access.grants.end_grant(ROOT, "ada", asked("issuer:beta", Role.VIEWER), idempotency_key="end")
    await access.keys.create(ROOT, "ada", CreateKey())
    before = all_that_is_kept(place)
    await access.changes.set_active(ROOT, "ada", False, idempotency_key="leave")
    erased = await access.changes.erase(ROOT, "ada", idempotency_key="erase")
    after = all_that_is_kept(place)

    for said in (ADA.name, ADA.address, ADA.issuer, ADA.subject):
        assert said is not None
        assert said in before
        assert said not in after
        assert said not in caplog.text
    assert (erased.name, erased.address, erased.issuer, erased.subject) == (None,) * 4
    assert (await access.changes.show(ROOT, "ada")) == erased


async def test_the_same_request_again_is_answered_without_the_name_of_who_was_erased(access: Access) -> None:
    made = await access.changes.create(ROOT, ADA, idempotency_key="create")
    again = await access.changes.create(ROOT, ADA, idempotency_key="create")
    await access.changes.set_active(ROOT, "ada", False)
    await access.changes.erase(ROOT, "ada")
    later = await access.changes.create(ROOT, ADA, idempotency_key="create")

    assert isinstance(made, PrincipalView)
    assert isinstance(later, PrincipalView)
    assert again == made
    assert (made.name, later.name) == (ADA.name, None)
    assert later.grants == made.grants


async def test_what_an_erased_person_did_stays_known(access: Access, database: Engine) -> None:
    await access.changes.create(ROOT, ADA)
    await access.changes.set_active(ROOT, "ada", False)
    await access.changes.erase(ROOT, "ada")
    rows = await database.read(read_audit)

    assert [row.action for row in rows if row.subject == "ada"] == [
        "principal.create",
        "principal.deactivate",
        "principal.erase",
    ]


async def test_only_a_person_who_has_left_is_erased(access: Access) -> None:
    await access.changes.create(ROOT, ADA)
    for name in ("ada", "of-acme"):
        with pytest.raises(Conflict):
            await access.changes.erase(ROOT, name)
    await access.changes.set_active(ROOT, "of-acme", False)
    with pytest.raises(Conflict):
        await access.changes.erase(ROOT, "of-acme")


async def test_an_erased_account_is_nobody_elses(access: Access) -> None:
    """Who comes with that account again is the same person, whatever is forgotten of it."""
    await access.changes.create(ROOT, ADA)
    await access.changes.set_active(ROOT, "ada", False)
    await access.changes.erase(ROOT, "ada")
    other = ADA.__class__(id="eve", kind=ADA.kind, issuer=ADA.issuer, subject=ADA.subject)

    with pytest.raises(Conflict):
        await access.changes.create(ROOT, other)


async def test_a_refused_change_leaves_no_row(access: Access, database: Engine) -> None:
    before = len(await database.read(read_audit))
    for change in (
        access.changes.set_active(ROOT, "nobody", False),
        access.changes.erase(ROOT, "of-acme"),
        access.grants.grant(ROOT, "of-acme", asked("issuer:none", Role.VIEWER)),
        access.grants.grant(ROOT, "of-acme", asked("issuer:acme", Role.EDITOR)),
        access.grants.end_grant(ROOT, "of-acme", asked("issuer:beta", Role.VIEWER)),
    ):
        with pytest.raises(Refusal):
            await change

    assert len(await database.read(read_audit)) == before


async def test_a_person_who_was_asked_for_and_approved_can_be_erased_too(
    database: Engine, clock: Clock, place: Place, tmp_path: Path
) -> None:
    """Requests say who is to be made; those that were rejected, or made anew, said it too."""
    (tmp_path / "keys").mkdir()
    office = await Office(database, clock, tmp_path / "keys").open()
    ada, eve = await office.who("ada"), await office.who("eve")
    wanted = msgspec.structs.replace(ADA, id="lovelace", grants=())

    async def ask(key: str) -> int:
        asked = await office.changes.create(ada, wanted, idempotency_key=key)
        assert isinstance(asked, ApprovalView)
        return asked.approval

    await office.approvals.reject(eve, await ask("one"), "who is that?", idempotency_key="a")
    await office.approvals.withdraw(ada, await ask("two"), idempotency_key="b")
    await office.approvals.approve(eve, await ask("three"), "known to me", idempotency_key="c")
    await office.changes.create(ada, wanted, idempotency_key="three")
    before = all_that_is_kept(place)
    left = await office.changes.set_active(ada, "lovelace", False, idempotency_key="d")
    assert isinstance(left, PrincipalView)
    await office.changes.erase(ada, "lovelace", idempotency_key="e")
    after = all_that_is_kept(place)

    assert before.count(ADA.name) == 1
    for said in (ADA.name, ADA.address, ADA.subject):
        assert said is not None
        assert said not in after
