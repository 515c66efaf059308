"""People who sign in: who they are here, what they are granted and until when, and while the provider is down."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from operators.actors.actor_store import Actor, account, find_actor, insert_actor, set_active
from operators.actors.grant_store import OPERATOR, HeldGrant, add_grant, grants_of
from operators.grants import EVERYTHING, Grant, Kind, Principal, Role, Scope, ScopeKind
from operators.sign_in.claims import ClaimRule
from operators.sign_in.key_sets import APART_SECONDS, KeySet, ProviderAway
from operators.sign_in.sign_in import Provider, SignIn
from operators.sign_in.store import forget_sign_ins
from resolver.keys.jwk import jwk_to_key
from storage import Engine, read_audit
from storage.audit import AuditRow
from tests.clock import Clock
from tests.operators.sign_in.provider import (
    ACCEPTED,
    ISSUER,
    NOW,
    access_token,
    id_token,
    jwk_named,
    signed,
)
from tests.operators.sign_in.provider import Provider as FakeProvider
from wire import Unauthenticated

pytestmark = pytest.mark.anyio

VIEWER = Grant(EVERYTHING, Role.VIEWER)
EDITOR = Grant(Scope(ScopeKind.ISSUER, "acme"), Role.EDITOR)
ADMINISTRATOR = Grant(EVERYTHING, Role.ADMINISTRATOR)
RULES = tuple(
    ClaimRule("groups", value, grant)
    for value, grant in (("viewers", VIEWER), ("editors", EDITOR), ("admins", ADMINISTRATOR))
)
PROVIDER = Provider(accepted=ACCEPTED, rules=RULES, name_claim="name", address_claim="email")


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("RS256", "ES256")


Opened = Callable[..., SignIn]


@pytest.fixture
def opened(database: Engine, provider: FakeProvider, clock: Clock) -> Opened:
    """Return what opens the sign-in of another process, with other settings where they are given."""

    def open_one(**changed: Any) -> SignIn:
        settings = Provider(
            **({name: getattr(PROVIDER, name) for name in PROVIDER.__struct_fields__} | changed)
        )
        keys = KeySet(provider.fetch, jwk_to_key, timer=clock)
        return SignIn(database, settings, keys, clock=clock, timer=clock)

    return open_one


@pytest.fixture
def sign_in(opened: Opened) -> SignIn:
    return opened()


async def refusal_of(sign_in: SignIn, token: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as refused:
        await sign_in.authenticate(token)
    return refused.value


async def person(database: Engine, principal: Principal) -> Actor:
    actor = await database.read(lambda tx: find_actor(tx, principal.id))
    assert actor is not None
    return actor


async def audited(database: Engine) -> list[AuditRow]:
    return await database.read(read_audit)


async def test_a_person_is_made_at_the_first_sign_in(database: Engine, sign_in: SignIn) -> None:
    token = access_token(groups=["editors", "staff"], name="Ann", email="ann@example.com")

    principal = await sign_in.authenticate(token)

    actor = await person(database, principal)
    assert principal.id.startswith("person-") and len(principal.id) == 31
    assert (principal.kind, principal.grants, principal.person) == (Kind.PERSON, {EDITOR}, principal.id)
    assert (actor.kind, actor.name, actor.address) == (Kind.PERSON, "Ann", "ann@example.com")
    assert (actor.issuer, actor.subject, actor.made_by) == (ISSUER, "8c2d7a", "identity provider")


async def test_one_subject_is_one_person_by_every_token(sign_in: SignIn) -> None:
    tokens = [
        access_token(groups=["editors"]),
        id_token(groups=["editors"]),
        access_token(jti="2", groups=["editors"]),
    ]

    assert len({(await sign_in.authenticate(token)).id for token in tokens}) == 1
    assert (await sign_in.authenticate(access_token(sub="another"))).id != (
        await sign_in.authenticate(tokens[0])
    ).id


async def test_a_person_that_an_administrator_made_before_keeps_its_id(
    database: Engine, sign_in: SignIn
) -> None:
    def make(tx: Any) -> None:
        known = Actor(
            id="ann", kind=Kind.PERSON, name="A.", issuer=ISSUER, subject="8c2d7a", made_by="root", made_at=1
        )
        insert_actor(tx, known)
        granted = HeldGrant(grant=ADMINISTRATOR, source=OPERATOR, granted_by="root", granted_at=1)
        add_grant(tx, "ann", granted)

    await database.write(make)

    principal = await sign_in.authenticate(access_token(groups=["editors"]))

    assert (principal.id, principal.grants) == ("ann", {ADMINISTRATOR, EDITOR})


async def test_a_token_that_tells_no_name_leaves_it(database: Engine, sign_in: SignIn) -> None:
    """ID tokens tell it as a rule, access tokens do not."""
    await sign_in.authenticate(id_token(name="Ann", email="ann@example.com"))
    principal = await sign_in.authenticate(access_token(email="ann@house.example"))

    actor = await person(database, principal)
    assert (actor.name, actor.address) == ("Ann", "ann@house.example")


async def test_an_id_that_another_principal_has_is_not_taken_over(database: Engine, sign_in: SignIn) -> None:
    """Whoever may make principals could otherwise lay one where a person will come."""
    principal_id = f"person-{account(ISSUER, '8c2d7a')[:24]}"
    trap = Actor(id=principal_id, kind=Kind.SERVICE, name="trap", made_by="root", made_at=1)
    await database.write(lambda tx: insert_actor(tx, trap))

    refused = await refusal_of(sign_in, access_token(groups=["admins"]))

    assert refused.detail == "another principal has the id that is this person's"


async def test_a_deactivated_person_stays_out(database: Engine, sign_in: SignIn, clock: Clock) -> None:
    token = access_token(groups=["admins"])
    principal = await sign_in.authenticate(token)
    await database.write(lambda tx: set_active(tx, principal.id, False, by="root", at=1))
    believed = await sign_in.authenticate(token)
    clock.now += 0.6
    rows = len(await audited(database))

    for presented in (token, access_token(jti="new", groups=["admins"])):
        refused = await refusal_of(sign_in, presented)
        assert refused.detail == f"{principal.id} was deactivated"
    assert believed == principal
    assert len(await audited(database)) == rows


# What is granted, and until when.


async def test_grants_end_with_the_token(database: Engine, sign_in: SignIn, clock: Clock) -> None:
    token = access_token(exp=NOW + 300, groups=["editors"])
    principal = await sign_in.authenticate(token)

    def held(at: float) -> Any:
        return database.read(lambda tx: grants_of(tx, principal.id, int(at * 1_000_000)))

    assert [(one.grant, one.source, one.ends_at) for one in await held(NOW + 299)] == [
        (EDITOR, "claims", (NOW + 300) * 1_000_000)
    ]
    assert await held(NOW + 300) == []
    clock.now = NOW + 300
    assert (await refusal_of(sign_in, token)).detail == "this token has expired"


async def test_a_token_without_an_end_in_sight_counts_for_a_day(sign_in: SignIn, clock: Clock) -> None:
    token = access_token(iat=NOW, exp=NOW + 10**8, groups=["editors"])
    await sign_in.authenticate(token)
    clock.now = NOW + 86_399

    assert (await sign_in.authenticate(token)).grants == {EDITOR}
    clock.now = NOW + 86_400
    assert (await refusal_of(sign_in, token)).detail == "this token has expired"


async def test_a_newer_token_takes_away_what_it_no_longer_says(sign_in: SignIn, clock: Clock) -> None:
    older = access_token(iat=NOW - 60, groups=["editors", "viewers"])
    newer = access_token(iat=NOW - 30, groups=["viewers", "admins"])
    await sign_in.authenticate(older)

    assert (await sign_in.authenticate(newer)).grants == {VIEWER, ADMINISTRATOR}
    clock.now += 0.6
    assert (await sign_in.authenticate(older)).grants == {VIEWER, ADMINISTRATOR}


async def test_an_older_token_gives_nothing_back(sign_in: SignIn, database: Engine) -> None:
    """A token from before the person left the group, kept for later."""
    await sign_in.authenticate(access_token(iat=NOW - 30, groups=["viewers"], name="Ann B."))

    principal = await sign_in.authenticate(access_token(iat=NOW - 60, groups=["admins"], name="Ann A."))

    assert principal.grants == {VIEWER}
    assert (await person(database, principal)).name == "Ann B."
    assert (await audited(database))[-1].detail["granted"] is None


async def test_what_an_operator_granted_stays(sign_in: SignIn, database: Engine) -> None:
    principal = await sign_in.authenticate(access_token(groups=["editors"]))
    granted = HeldGrant(grant=EDITOR, source=OPERATOR, granted_by="root", granted_at=1)
    await database.write(lambda tx: add_grant(tx, principal.id, granted))

    assert (await sign_in.authenticate(access_token(jti="2", groups=[]))).grants == {EDITOR}


async def test_what_an_operator_granted_ends_when_the_operator_said(
    sign_in: SignIn, database: Engine, clock: Clock
) -> None:
    principal = await sign_in.authenticate(access_token(exp=NOW + 300, groups=["editors"]))
    granted = HeldGrant(
        grant=EDITOR, source=OPERATOR, granted_by="root", granted_at=1, ends_at=(NOW + 60) * 1_000_000
    )
    await database.write(lambda tx: add_grant(tx, principal.id, granted))
    await sign_in.authenticate(access_token(exp=NOW + 900, groups=["editors"], jti="2"))

    held = await database.read(lambda tx: grants_of(tx, principal.id, NOW * 1_000_000))
    assert {one.source: one.ends_at for one in held} == {
        "operator": (NOW + 60) * 1_000_000,
        "claims": (NOW + 900) * 1_000_000,
    }


async def test_a_role_of_one_issuer_is_not_that_of_another(opened: Opened) -> None:
    other = Grant(Scope(ScopeKind.ISSUER, "other"), Role.EDITOR)
    sign_in = opened(rules=(*RULES, ClaimRule("groups", "others", other)))
    await sign_in.authenticate(access_token(groups=["editors"]))

    assert (await sign_in.authenticate(access_token(groups=["others"], jti="2"))).grants == {other}
    assert (await sign_in.authenticate(access_token(groups=["others", "editors"], jti="3"))).grants == {
        other,
        EDITOR,
    }


async def test_a_grant_is_one_row_however_often_a_person_signs_in(
    sign_in: SignIn, database: Engine, clock: Clock
) -> None:
    for number in range(10):
        clock.now = NOW + number * 200
        token = access_token(
            iat=int(clock.now), exp=int(clock.now) + 300, groups=["editors"], jti=str(number)
        )
        principal = await sign_in.authenticate(token)

    rows = await database.read(lambda tx: tx.all("SELECT * FROM grants WHERE source = 'claims'"))
    assert [(row["granted_at"], row["ends_at"], row["ended_at"]) for row in rows] == [
        (NOW * 1_000_000, (NOW + 2_100) * 1_000_000, None)
    ]
    assert principal.grants == {EDITOR}


async def test_who_comes_back_later_is_granted_anew(sign_in: SignIn, database: Engine, clock: Clock) -> None:
    await sign_in.authenticate(access_token(exp=NOW + 300, groups=["editors", "viewers"]))
    clock.now = NOW + 1_000
    token = access_token(iat=NOW + 1_000, exp=NOW + 1_300, groups=["editors"])

    assert (await sign_in.authenticate(token)).grants == {EDITOR}
    rows = await database.read(
        lambda tx: tx.all("SELECT role, granted_at, ended_at FROM grants ORDER BY granted_at, role")
    )
    first, second = NOW * 1_000_000, (NOW + 1_000) * 1_000_000
    end = (NOW + 300) * 1_000_000
    assert [tuple(row[name] for name in ("role", "granted_at", "ended_at")) for row in rows] == [
        ("editor", first, end),
        ("viewer", first, end),
        ("editor", second, None),
    ]


async def test_a_person_without_any_grant_is_known(sign_in: SignIn) -> None:
    principal = await sign_in.authenticate(access_token(groups=["staff"]))

    assert (principal.kind, principal.grants) == (Kind.PERSON, frozenset())


# Once per token.


async def test_a_sign_in_is_one_audit_row(database: Engine, opened: Opened, clock: Clock) -> None:
    token = access_token(groups=["editors"], name="Ann", email="ann@example.com")
    for _ in range(5):
        principal = await opened().authenticate(token)
        clock.now += 1

    created, signed_in = await audited(database)
    assert (created.action, created.actor, created.subject) == (
        "principal.create",
        principal.id,
        principal.id,
    )
    assert (signed_in.action, signed_in.actor, signed_in.subject) == ("sign-in", principal.id, principal.id)
    assert signed_in.detail["granted"] == ["editor of issuer:acme"]
    assert signed_in.detail["ends_at"] == NOW + 300
    told = f"{created} {signed_in}"
    assert "Ann" not in told and "ann@" not in told and "8c2d7a" not in told and token not in told


async def test_many_requests_at_once_sign_in_once(database: Engine, opened: Opened) -> None:
    processes = [opened() for _ in range(3)]
    token = access_token(groups=["editors"])

    principals = await asyncio.gather(*(one.authenticate(token) for one in processes for _ in range(5)))

    assert len({principal.id for principal in principals}) == 1
    assert [row.action for row in await audited(database)] == ["principal.create", "sign-in"]


async def test_the_token_is_not_kept(database: Engine, sign_in: SignIn) -> None:
    token = access_token()
    await sign_in.authenticate(token)

    (row,) = await database.read(lambda tx: tx.all("SELECT * FROM sign_ins"))

    assert len(row["digest"]) == 64
    assert not any(part in row["digest"] for part in token.split("."))


async def test_a_change_of_grants_is_seen_within_the_second(
    database: Engine, sign_in: SignIn, clock: Clock
) -> None:
    token = access_token(groups=["editors"])
    principal = await sign_in.authenticate(token)
    granted = HeldGrant(grant=ADMINISTRATOR, source=OPERATOR, granted_by="root", granted_at=1)
    await database.write(lambda tx: add_grant(tx, principal.id, granted))
    clock.now += 0.6

    assert (await sign_in.authenticate(token)).grants == {EDITOR, ADMINISTRATOR}


async def test_what_ended_is_forgotten(database: Engine, sign_in: SignIn, clock: Clock) -> None:
    """But not what an operator granted, what still holds, or the last that the provider said of somebody."""
    ann = await sign_in.authenticate(access_token(exp=NOW + 300, groups=["editors"]))
    await sign_in.authenticate(access_token(sub="bo", exp=NOW + 5_000, groups=["editors"]))
    await sign_in.authenticate(access_token(sub="bo", exp=NOW + 5_000, groups=["viewers"], jti="2"))
    granted = HeldGrant(grant=ADMINISTRATOR, source=OPERATOR, granted_by="root", granted_at=1, ends_at=2)
    await database.write(lambda tx: add_grant(tx, ann.id, granted))

    await database.write(lambda tx: forget_sign_ins(tx, (NOW + 600) * 1_000_000))

    def left(tx: Any) -> tuple[int, set[tuple[str, str]]]:
        grants = tx.all("SELECT source, role FROM grants")
        return len(tx.all("SELECT digest FROM sign_ins")), {(row["source"], row["role"]) for row in grants}

    clock.now += 600
    await sign_in.authenticate(access_token(iat=NOW + 600, exp=NOW + 900, groups=["viewers"]))
    before = await database.read(left)
    await database.write(lambda tx: forget_sign_ins(tx, (NOW + 700) * 1_000_000))

    held = {("operator", "administrator"), ("claims", "viewer")}
    assert before == (3, {*held, ("claims", "editor")})
    assert await database.read(left) == (3, held)


# The provider.


async def test_who_is_in_stays_in_while_the_provider_is_down(
    opened: Opened, provider: FakeProvider, clock: Clock
) -> None:
    """On every process, also on one that was started since; until the token ends."""
    token = access_token(exp=NOW + 300, groups=["editors"])
    await opened().authenticate(token)
    provider.is_down = True
    for seconds in (1, 100, 299):
        clock.now = NOW + seconds
        assert (await opened().authenticate(token)).grants == {EDITOR}
    clock.now = NOW + 300

    with pytest.raises(ProviderAway):
        await opened().authenticate(token)


async def test_new_tokens_of_known_keys_go_on_while_the_provider_is_down(
    sign_in: SignIn, provider: FakeProvider
) -> None:
    await sign_in.authenticate(access_token())
    provider.is_down = True

    assert await sign_in.authenticate(access_token(sub="another", jti="2"))


async def test_a_provider_that_hangs_keeps_only_new_tokens_waiting(
    opened: Opened, provider: FakeProvider
) -> None:
    known, new = access_token(groups=["editors"]), access_token(groups=["editors"], jti="2")
    await opened().authenticate(known)
    provider.hangs = asyncio.Event()
    restarted = opened()
    waiting = asyncio.create_task(restarted.authenticate(new))

    for _ in range(3):
        assert (await restarted.authenticate(known)).grants == {EDITOR}
    assert not waiting.done()
    provider.hangs.set()
    assert (await waiting).grants == {EDITOR}


async def test_a_flood_of_unknown_keys_is_one_request_a_minute(
    sign_in: SignIn, provider: FakeProvider, clock: Clock
) -> None:
    await sign_in.authenticate(access_token())
    clock.now += APART_SECONDS
    for number in range(20):
        await refusal_of(sign_in, access_token(header={"kid": f"nobody-{number}"}))

    assert provider.asked == 2


async def test_tokens_of_another_issuer_ask_for_nothing(sign_in: SignIn, provider: FakeProvider) -> None:
    """Whatever their `kid` is: one that is not ours, or the very one of a key of ours."""
    for key_id in ("RS256", "theirs"):
        token = signed({"iss": "https://other.example"}, by="other", header={"alg": "RS256", "kid": key_id})
        refused = await refusal_of(sign_in, token)
        assert refused.detail == "this token is of another issuer"

    assert provider.asked == 0


async def test_our_kid_over_a_key_of_somebody_else_is_refused(sign_in: SignIn) -> None:
    token = access_token(by="other", header={"alg": "RS256", "kid": "RS256"})

    assert (await refusal_of(sign_in, token)).detail == "this token is not valid here"


async def test_keys_are_rotated(sign_in: SignIn, provider: FakeProvider, clock: Clock) -> None:
    first = access_token(groups=["editors"])
    await sign_in.authenticate(first)
    provider.keys = [jwk_named("PS256")]
    clock.now += APART_SECONDS

    assert await sign_in.authenticate(access_token(by="PS256", jti="2"))
    assert await sign_in.authenticate(first)
    assert (await refusal_of(sign_in, access_token(jti="3"))).detail == "this token is not valid here"


async def test_other_settings_verify_again(opened: Opened, provider: FakeProvider, clock: Clock) -> None:
    """An operator who takes a rule away need not wait for tokens to end."""
    token = access_token(groups=["editors", "viewers"])
    await opened().authenticate(token)

    principal = await opened(rules=RULES[:1]).authenticate(token)

    assert principal.grants == {VIEWER}
    elsewhere = ACCEPTED.__class__(issuer=ISSUER, audience="https://elsewhere.example", client_id="")
    assert (
        await refusal_of(opened(accepted=elsewhere), token)
    ).detail == "this token is for another audience"


# What its holder is told.


async def test_a_refusal_is_as_rfc_6750_has_it(sign_in: SignIn, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "touchstone.sign_in"):
        refused = await refusal_of(sign_in, access_token(exp=NOW - 1))

    assert refused.headers == {
        "www-authenticate": 'Bearer realm="touchstone operators", error="invalid_token",'
        ' error_description="this token has expired"'
    }
    assert caplog.messages == ["a token was refused: exp, or a day after iat, is past"]


async def test_a_refused_token_leaves_nothing(sign_in: SignIn, database: Engine) -> None:
    for token in (access_token(exp=NOW - 1), access_token(aud="other"), "a.b.c", "\ud800.b.c"):
        await refusal_of(sign_in, token)

    assert await audited(database) == []
    assert await database.read(lambda tx: tx.all("SELECT * FROM actors")) == []


@pytest.mark.parametrize("claims", [{"email": " "}, {"email": "ann@example.com", "email_verified": False}])
async def test_a_blank_address_or_one_that_is_not_verified_is_none(
    sign_in: SignIn, database: Engine, claims: dict[str, Any]
) -> None:
    principal = await sign_in.authenticate(access_token(**claims))

    assert (await person(database, principal)).address is None


async def test_a_claim_grants_in_the_scope_of_an_authority_by_its_id(opened: Opened) -> None:
    named, unknown = (Scope(ScopeKind.AUTHORITY, each) for each in ("did:web:a.example", "did:web:b.example"))
    rules = tuple(ClaimRule("groups", "admins", Grant(each, Role.EDITOR)) for each in (named, unknown))
    sign_in = opened(rules=rules)
    sign_in.authority_of = {"did:web:a.example": "education"}.get

    principal = await sign_in.authenticate(access_token(groups=["admins"]))

    assert {grant.scope.id for grant in principal.grants} == {"education", "did:web:b.example"}
