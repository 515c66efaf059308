"""A scope means an authority of the registry, by whatever it is called when it is given."""

import pytest

from operators import Kind, Role
from operators.access.views import AskedGrant, CreatePrincipal, PrincipalView
from operators.approvals.change import ApprovalView
from storage import Engine
from tests.actors import ROOT, Access
from tests.clock import Clock
from tests.operators.access.conftest import asked
from wire import ResourceNotFound

pytestmark = pytest.mark.anyio

DID = "did:web:education.example"
KNOWN = {DID: "education", "education": "education"}


@pytest.fixture
async def registered(database: Engine, clock: Clock) -> Access:
    found = Access(database, clock)
    found.changes.authority_of = found.grants.authority_of = KNOWN.get
    await found.add("bo")
    return found


def scopes_of(view: PrincipalView | ApprovalView) -> list[str]:
    assert isinstance(view, PrincipalView)
    return [each.scope for each in view.grants]


@pytest.mark.parametrize("name", [DID, "education"])
async def test_a_grant_is_kept_by_the_id_of_the_authority(registered: Access, name: str) -> None:
    made = await registered.grants.grant(ROOT, "bo", asked(f"authority:{name}", Role.EDITOR))

    assert scopes_of(made) == ["authority:education"]


async def test_a_new_principal_has_its_grants_by_the_id_of_the_authority(registered: Access) -> None:
    wanted = CreatePrincipal(
        id="cy", kind=Kind.SERVICE, grants=(AskedGrant(f"authority:{DID}", Role.VIEWER),)
    )

    made = await registered.changes.create(ROOT, wanted)

    assert scopes_of(made) == ["authority:education"]


async def test_an_authority_that_is_not_there_is_refused_at_its_place(registered: Access) -> None:
    unknown = asked("authority:did:web:nobody.example", Role.EDITOR)
    grants = (asked("everything", Role.VIEWER), unknown)

    with pytest.raises(ResourceNotFound) as granted:
        await registered.grants.grant(ROOT, "bo", unknown)
    with pytest.raises(ResourceNotFound) as made:
        await registered.changes.create(ROOT, CreatePrincipal(id="cy", kind=Kind.SERVICE, grants=grants))
    assert (granted.value.pointer, made.value.pointer) == ("/scope", "/grants/1/scope")


async def test_a_grant_that_was_kept_by_an_identifier_can_be_taken_away(
    registered: Access, database: Engine, clock: Clock
) -> None:
    old = Access(database, clock)  # As releases before did: whatever was said was kept.
    await old.grants.grant(ROOT, "bo", asked(f"authority:{DID}", Role.EDITOR))

    left = await registered.grants.end_grant(ROOT, "bo", asked(f"authority:{DID}", Role.EDITOR))

    assert scopes_of(left) == []
