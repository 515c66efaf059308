"""Who may see whom, and hand out what: nobody more than what he administers."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from operators import EVERYTHING, Grant, Kind, Principal, Role
from operators.access.views import (
    MAX_GRANTS,
    AskedGrant,
    CreateKey,
    CreatePrincipal,
    PrincipalView,
    RotateKey,
)
from operators.grants import MAX_SCOPE_CHARS, Permission
from operators.needs import of_principal
from storage import Engine, read_audit
from tests.actors import ROOT, Access, acting
from tests.clock import Clock
from tests.operators.access.conftest import ACME, ADA, BETA, Counting, asked
from wire import BadRequest, Conflict, Forbidden, Refusal, ResourceNotFound

pytestmark = pytest.mark.anyio

Change = Callable[[Access, Principal, str], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "grant": lambda access, who, name: access.grants.grant(who, name, asked("issuer:acme", Role.VIEWER)),
    "end": lambda access, who, name: access.grants.end_grant(who, name, asked("issuer:acme", Role.EDITOR)),
    "deactivate": lambda access, who, name: access.changes.set_active(who, name, False),
    "reactivate": lambda access, who, name: access.changes.set_active(who, name, True),
    "erase": lambda access, who, name: access.changes.erase(who, name),
    "key": lambda access, who, name: access.keys.create(who, name, CreateKey()),
    "rotate": lambda access, who, name: _of_key(access, who, name, access.keys.rotate),
    "revoke": lambda access, who, name: _of_key(access, who, name, access.keys.revoke),
}


async def _of_key(
    access: Access, who: Principal, name: str, change: Callable[..., Awaitable[object]]
) -> object:
    """Change a key of `name`; of nobody, one that is not there."""
    try:
        public_id = (await access.keys.create(ROOT, name, CreateKey())).key.key
    except ResourceNotFound:
        public_id = "A" * 12
    return await change(who, public_id, *((RotateKey(),) if change == access.keys.rotate else ()))


async def refusal_of(change: Awaitable[object]) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await change
    return refused.value


@pytest.mark.parametrize("name", CHANGES)
async def test_a_principal_of_another_issuer_cannot_be_told_from_none(access: Access, name: str) -> None:
    told = set()
    for principal_id in ("of-beta", "of-all", "of-none", "nobody"):
        refused = await refusal_of(CHANGES[name](access, ACME, principal_id))
        told.add((refused.status, refused.type, refused.detail.replace(principal_id, "*")))

    assert len(told) == 1
    assert told.pop()[0] == 404


@pytest.mark.parametrize("name", ["deactivate", "erase", "key", "rotate", "revoke"])
async def test_who_acts_for_others_too_is_left_to_who_administers_them_all(access: Access, name: str) -> None:
    """Else an administrator of one issuer would act for another one, by a key of that principal."""
    refused = await refusal_of(CHANGES[name](access, ACME, "of-both"))

    assert isinstance(refused, Forbidden)
    assert "beta" not in refused.detail


@pytest.mark.parametrize("name", ["grant", "end", "deactivate", "key", "rotate", "revoke"])
async def test_an_administrator_changes_whom_it_administers(access: Access, name: str) -> None:
    await CHANGES[name](access, ACME, "of-acme")


async def test_nothing_is_written_for_who_is_refused(access: Access, database: Engine, clock: Clock) -> None:
    """Or somebody with a key to read could keep the one writer busy."""
    public_id = (await access.keys.create(ROOT, "of-acme", CreateKey())).key.key
    counting: Any = Counting(database)
    server = Access(counting, clock)
    viewer = acting("viewer", Role.VIEWER)
    administer = of_principal("", Permission.ADMINISTER)
    for _ in range(10):
        for let_in, name in ((server.changes.let_in, "of-acme"), (server.keys.let_in, public_id)):
            assert isinstance(await refusal_of(let_in(viewer, name, administer)), ResourceNotFound)
            await let_in(ACME, name, administer)

    assert counting.writes == 0


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
async def test_no_other_role_makes_or_changes_principals(access: Access, role: Role) -> None:
    who = acting("somebody", role)
    for name in CHANGES:
        assert (await refusal_of(CHANGES[name](access, who, "of-acme"))).status in (403, 404)
    wanted = CreatePrincipal(id="new", kind=Kind.SERVICE, grants=(asked("issuer:acme", Role.VIEWER),))
    assert isinstance(await refusal_of(access.changes.create(who, wanted)), Forbidden)


@pytest.mark.parametrize(
    ("grants", "error"),
    [
        ((asked("issuer:acme", Role.EDITOR),), None),
        ((asked("issuer:acme", Role.ADMINISTRATOR),), None),
        ((), Forbidden),
        ((asked("everything", Role.VIEWER),), Forbidden),
        ((asked("issuer:beta", Role.VIEWER),), ResourceNotFound),
        ((asked("issuer:none", Role.VIEWER),), ResourceNotFound),
        ((asked("authority:did:web:a.example", Role.VIEWER),), ResourceNotFound),
        ((asked("issuer:acme", Role.EDITOR), asked("issuer:beta", Role.VIEWER)), ResourceNotFound),
        ((asked("issuer:acme", Role.EDITOR), asked("everything", Role.VIEWER)), Forbidden),
    ],
)
async def test_nobody_hands_out_more_than_it_administers(
    access: Access, grants: tuple[AskedGrant, ...], error: type[Refusal] | None
) -> None:
    create = access.changes.create(ACME, CreatePrincipal(id="new", kind=Kind.SERVICE, grants=grants))

    if error is None:
        await create
    else:
        assert isinstance(await refusal_of(create), error)


async def test_a_narrowed_key_hands_out_no_more_than_it_is_narrowed_to(access: Access) -> None:
    narrowed = Principal(
        id="root",
        grants=ROOT.grants,
        limits=frozenset({Grant(EVERYTHING, Role.EDITOR)} | ACME.grants),
    )
    wanted = CreatePrincipal(id="new", kind=Kind.SERVICE, grants=(asked("issuer:acme", Role.EDITOR),))

    await access.changes.create(narrowed, wanted)
    for grant in (asked("issuer:beta", Role.VIEWER), asked("everything", Role.VIEWER)):
        assert isinstance(await refusal_of(access.grants.grant(narrowed, "new", grant)), Forbidden)
    assert isinstance(await refusal_of(CHANGES["key"](access, narrowed, "of-beta")), ResourceNotFound)


async def test_a_list_has_whom_the_caller_looks_after_and_no_grant_of_others(access: Access) -> None:
    seen = {who.id: await access.changes.page(who) for who in (ROOT, ACME, BETA)}

    assert [one.id for one in seen["root"].principals] == [
        "of-acme",
        "of-all",
        "of-beta",
        "of-both",
        "of-none",
    ]
    assert [one.id for one in seen["acme-admin"].principals] == ["of-acme", "of-both"]
    both = seen["acme-admin"].principals[1]
    assert [grant.scope for grant in both.grants] == ["issuer:acme"]
    assert (await access.changes.show(ACME, "of-both")) == both
    itself = Principal(id="of-both")
    assert len((await access.changes.show(itself, "of-both")).grants) == 2


async def test_whose_grant_has_ended_is_not_listed_and_not_shown(
    access: Access, database: Engine, clock: Clock
) -> None:
    at = int(clock() * 1_000_000)
    await database.write(
        lambda tx: tx.execute(
            "UPDATE grants SET ends_at = :at WHERE principal_id = 'of-acme'", {"at": at + 1}
        )
    )
    before = [one.id for one in (await access.changes.page(ACME)).principals]
    clock.now += 1
    after = [one.id for one in (await access.changes.page(ACME)).principals]

    assert before == ["of-acme", "of-both"]
    assert after == ["of-both"]
    with pytest.raises(ResourceNotFound):
        await access.changes.show(ACME, "of-acme")


async def test_a_grant_that_has_ended_gives_nothing_and_can_be_given_again(
    access: Access, database: Engine, clock: Clock
) -> None:
    key = await access.key("of-acme")
    at = int(clock() * 1_000_000)
    await database.write(
        lambda tx: tx.execute(
            "UPDATE grants SET ends_at = :at WHERE principal_id = 'of-acme'", {"at": at + 1}
        )
    )
    clock.now += 1
    held = (await access.principals.authenticate(f"Bearer {key}")).grants
    given = await access.grants.grant(ROOT, "of-acme", asked("issuer:acme", Role.EDITOR))
    clock.now += 1

    assert held == frozenset()
    assert isinstance(given, PrincipalView)
    assert (await access.principals.authenticate(f"Bearer {key}")).grants != frozenset()


async def test_a_service_never_approves(access: Access) -> None:
    approver = asked("issuer:acme", Role.APPROVER)
    create = access.changes.create(ROOT, CreatePrincipal(id="x", kind=Kind.SERVICE, grants=(approver,)))

    assert isinstance(await refusal_of(create), BadRequest)
    assert isinstance(await refusal_of(access.grants.grant(ROOT, "of-acme", approver)), BadRequest)
    assert isinstance(await refusal_of(access.grants.grant(ROOT, "of-beta", approver)), BadRequest)


async def test_a_principal_holds_a_number_of_grants_and_no_more(access: Access) -> None:
    scopes = [asked(f"authority:did:web:{number}.example", Role.VIEWER) for number in range(MAX_GRANTS)]
    await access.changes.create(ROOT, CreatePrincipal(id="x", kind=Kind.SERVICE, grants=tuple(scopes)))
    refused = await refusal_of(access.grants.grant(ROOT, "x", asked("everything", Role.VIEWER)))

    assert isinstance(refused, Conflict)
    await access.grants.end_grant(ROOT, "x", scopes[0])
    await access.grants.grant(ROOT, "x", asked("everything", Role.VIEWER))


NO_SCOPES = [
    "",
    "everything:",
    "Everything",
    "everything ",
    "issuer",
    "issuer:",
    "authority:",
    "role:acme",
    "issuer:a\0b",
    "issuer:a\nb",
    "authority:\u202edid",
    "issuer:" + "a" * 3_000,
    "authority:" + "a" * (MAX_SCOPE_CHARS + 1),
    "\ud800",
]


NO_ISSUERS = [
    "issuer: ",
    "issuer:acme' OR '1'='1",
    "issuer:%",
    "issuer:ACME",
    "issuer:acme:x",
    "issuer:everything",
    "issuer:\u00e9",
]


async def test_a_scope_that_is_none_is_refused_in_few_words(access: Access) -> None:
    for scope in NO_SCOPES:
        for change in (
            access.grants.grant(ROOT, "of-acme", asked(scope, Role.VIEWER)),
            access.grants.end_grant(ROOT, "of-acme", asked(scope, Role.VIEWER)),
            access.keys.create(ROOT, "of-acme", CreateKey(grants=(asked(scope, Role.VIEWER),))),
        ):
            refused = await refusal_of(change)
            assert isinstance(refused, BadRequest), scope
            assert len(refused.detail) < 500


async def test_an_issuer_that_does_not_exist_is_granted_to_nobody(access: Access) -> None:
    for scope in NO_ISSUERS:
        with pytest.raises(ResourceNotFound):
            await access.grants.grant(ROOT, "of-acme", asked(scope, Role.VIEWER))


HOSTILE_IDS = [
    "",
    "a\0b",
    "../root",
    "A",
    "of_acme",
    "a" * 64,
    "a" * 5_000,
    "' OR 1=1 --",
    "\ud800",
    "of-acme\n",
]


@pytest.mark.parametrize("name", CHANGES)
async def test_an_id_that_is_none_is_a_principal_that_is_not_there(access: Access, name: str) -> None:
    for principal_id in HOSTILE_IDS:
        refused = await refusal_of(CHANGES[name](access, ROOT, principal_id))

        assert isinstance(refused, ResourceNotFound)
        assert len(refused.detail) < 500


async def test_a_public_id_that_is_none_is_a_key_that_is_not_there(access: Access) -> None:
    for public_id in (*HOSTILE_IDS, "B" * 12, "%" * 12):
        for change in (access.keys.rotate(ROOT, public_id, RotateKey()), access.keys.revoke(ROOT, public_id)):
            refused = await refusal_of(change)
            assert isinstance(refused, ResourceNotFound)
            assert refused.detail == "there is no such API key"


async def test_an_account_is_of_one_person(access: Access) -> None:
    await access.changes.create(ROOT, ADA)
    eve = CreatePrincipal(id="eve", kind=Kind.PERSON, issuer=ADA.issuer, subject=ADA.subject)

    with pytest.raises(Conflict):
        await access.changes.create(ROOT, eve)


async def test_each_change_says_who_why_and_what_was_before_and_after(
    access: Access, database: Engine
) -> None:
    who = Principal(
        id="root", grants=ROOT.grants, key="K" * 12, person="ada", reason="caf\u00e9, ticket 4711"
    )
    await access.grants.grant(who, "of-acme", asked("issuer:beta", Role.VIEWER))
    await access.grants.end_grant(who, "of-acme", asked("issuer:beta", Role.VIEWER))
    given, taken = (await database.read(read_audit))[-2:]

    assert (given.action, taken.action) == ("grant.add", "grant.end")
    for row in (given, taken):
        assert row.detail["by"] == {"key": "K" * 12, "person": "ada"}
        assert row.detail["why"] == "caf\u00e9, ticket 4711"
        assert row.detail["grant"] == "viewer of issuer:beta"
        assert row.detail["before"] != row.detail["after"]
    assert given.detail["after"] == taken.detail["before"]


@pytest.mark.parametrize("name", ["break-glass", "touchstone-cli", "touchstone-", "person-0a1b", "person-"])
async def test_an_id_that_is_given_out_without_asking_is_nobodys_to_choose(access: Access, name: str) -> None:
    for kind in Kind:
        with pytest.raises(BadRequest):
            await access.changes.create(ROOT, CreatePrincipal(id=name, kind=kind))


async def test_ids_that_only_look_so_are_free(access: Access) -> None:
    for name in ("break-glass-2", "touchstone", "person", "a-person-0"):
        await access.changes.create(ROOT, CreatePrincipal(id=name, kind=Kind.SERVICE))


async def test_what_was_done_by_a_wide_key_is_not_told_to_a_narrowed_one(access: Access) -> None:
    """The answer is remembered by principal, and both keys are of one."""
    wide = acting("boss", Role.ADMINISTRATOR)
    narrowed = msgspec.structs.replace(wide, limits=ACME.grants)
    change = asked("issuer:acme", Role.VIEWER)
    done = await access.grants.grant(wide, "of-both", change, idempotency_key="k")
    again = [
        await access.grants.grant(who, "of-both", change, idempotency_key="k") for who in (wide, narrowed)
    ]

    told = [{one.scope for one in view.grants} for view in (done, *again) if isinstance(view, PrincipalView)]
    assert told == [{"issuer:acme", "issuer:beta"}] * 2 + [{"issuer:acme"}]
