"""Principals and API keys of a database of release 0.2.0, and a node of that release that goes on beside us."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from operators import EVERYTHING, Grant, Kind, Role, issuer_scope
from operators.access.views import AskedGrant, CreateKey, CreatePrincipal, RotateKey
from operators.actors.api_keys import ApiKey, new_api_key
from server.app import operator_app
from server.services import Services
from tests.actors import ROOT
from tests.databases import RULE_BROKEN, Place
from tests.server.old_release import THEN, restore, upgraded
from wire import Unauthenticated

pytestmark = pytest.mark.anyio

NOW = int(THEN * 1_000_000)


class OldNode:
    """What a node of 0.2.0 does with principals, by the statements that it has."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._made = 0

    def add(self, principal_id: str, roles: str, issuer_id: str | None = None) -> None:
        issuer = "NULL" if issuer_id is None else f"'{issuer_id}'"
        self._place.query(
            "INSERT INTO principals (id, name, issuer_id, roles, created_at)"
            f" VALUES ('{principal_id}', 'A name', {issuer}, '{roles}', {NOW}) ON CONFLICT DO NOTHING"
        )

    def key(self, principal_id: str, *, expires_at: int | None = None) -> str:
        self._made += 1
        key: ApiKey = new_api_key(lambda count: bytes([self._made]) * count)
        ends = "NULL" if expires_at is None else expires_at
        self._place.query(
            "INSERT INTO api_keys (public_id, principal_id, digest, created_at, expires_at)"
            f" VALUES ('{key.public_id}', '{principal_id}', '{key.digest}', {NOW}, {ends})"
        )
        return key.text

    def revoke(self, text: str) -> None:
        public_id = text.split("_")[1]
        self._place.query(
            f"UPDATE api_keys SET revoked_at = {NOW} WHERE public_id = '{public_id}' AND revoked_at IS NULL"
        )

    def lets_in(self, text: str) -> tuple[str | None, str] | None:
        """Return for which issuer, and with which roles, a key is good here; None: it is refused."""
        _, public_id, _ = text.split("_", 2)
        rows = self._place.query(
            "SELECT k.digest, k.expires_at, k.revoked_at, p.issuer_id, p.roles FROM api_keys k"
            f" JOIN principals p ON p.id = k.principal_id WHERE k.public_id = '{public_id}'"
        )
        if not rows:
            return None
        digest, expires_at, revoked_at, issuer_id, roles = rows[0]
        is_good = digest == ApiKey(*text.split("_", 2)[1:]).digest
        is_over = revoked_at is not None or (expires_at is not None and expires_at <= NOW)
        return (issuer_id, roles) if is_good and not is_over else None


@pytest.fixture
def old(place: Place) -> Place:
    restore(place)
    return place


@pytest.fixture
def node(old: Place) -> OldNode:
    return OldNode(old)


@pytest.fixture
async def services(old: Place, node: OldNode, tmp_path: Path) -> AsyncIterator[Services]:
    """Release 0.3 over the database, beside the node of 0.2.0."""
    async with upgraded(old, tmp_path) as services:
        yield services


async def grants_of(services: Services, key: str) -> frozenset[Grant]:
    return (await services.operators.principals.authenticate(f"Bearer {key}")).grants


async def test_its_principals_are_services_with_the_grants_that_their_roles_were(
    old: Place, node: OldNode, tmp_path: Path
) -> None:
    node.add("several", "admin reader")
    node.add("looks", "reader", "acme")
    node.add("nothing", "")
    keys = {name: node.key(name) for name in ("bootstrap", "acme-hr", "several", "looks", "nothing")}
    async with upgraded(old, tmp_path) as services:
        found = {name: await grants_of(services, key) for name, key in keys.items()}
        shown = await services.operators.access.show(ROOT, "acme-hr")

    assert found == {
        "bootstrap": {Grant(EVERYTHING, Role.ADMINISTRATOR)},
        "acme-hr": {Grant(issuer_scope("acme"), Role.EDITOR)},
        "several": {Grant(EVERYTHING, Role.ADMINISTRATOR), Grant(EVERYTHING, Role.VIEWER)},
        "looks": {Grant(issuer_scope("acme"), Role.VIEWER)},
        "nothing": {Grant(EVERYTHING, Role.VIEWER)},
    }
    assert (shown.kind, shown.name, shown.made_by) == (Kind.SERVICE, "Acme HR", "release-0.2")
    assert {node.lets_in(keys["acme-hr"]), node.lets_in(keys["bootstrap"])} == {
        ("acme", "issuer"),
        (None, "admin"),
    }


async def test_what_the_node_beside_makes_works_here_at_once(services: Services, node: OldNode) -> None:
    node.add("late", "issuer", "acme")
    late, more, ending = node.key("late"), node.key("acme-hr"), node.key("late", expires_at=NOW + 10)

    assert await grants_of(services, late) == {Grant(issuer_scope("acme"), Role.EDITOR)}
    assert await grants_of(services, more) == {Grant(issuer_scope("acme"), Role.EDITOR)}
    assert await grants_of(services, ending)
    with pytest.raises(Unauthenticated):
        await grants_of(services, node.key("late", expires_at=NOW - 1))


async def test_a_key_that_either_revokes_is_good_for_neither(services: Services, node: OldNode) -> None:
    theirs, ours = node.key("acme-hr"), node.key("acme-hr")
    await grants_of(services, theirs)
    node.revoke(theirs)
    await services.operators.api_keys.revoke(ROOT, ours.split("_")[1])
    services.operators.principals.forget()

    assert (node.lets_in(theirs), node.lets_in(ours)) == (None, None)
    for key in (theirs, ours):
        with pytest.raises(Unauthenticated):
            await grants_of(services, key)


async def test_what_is_made_or_changed_here_is_refused_by_the_node_beside(
    services: Services, node: OldNode
) -> None:
    """It would know nothing of the grants: a viewer of one issuer could read every other one's lists there."""
    operators = services.operators
    acme = AskedGrant("issuer:acme", Role.ALLOCATOR)
    new = CreatePrincipal(id="new", kind=Kind.SERVICE, grants=(acme,))
    await operators.access.create(ROOT, new)
    made = (await operators.api_keys.create(ROOT, "new", CreateKey())).api_key
    narrowed = (await operators.api_keys.create(ROOT, "bootstrap", CreateKey(grants=(acme,)))).api_key
    changed, gone = node.key("acme-hr"), node.key("bootstrap")
    before = [node.lets_in(key) for key in (changed, gone)]
    await operators.grants.end_grant(ROOT, "acme-hr", AskedGrant("issuer:acme", Role.EDITOR))
    await operators.access.set_active(ROOT, "bootstrap", False)

    assert before == [("acme", "issuer"), (None, "admin")]
    assert [node.lets_in(key) for key in (made, narrowed, changed, gone)] == [None] * 4
    assert await grants_of(services, made) == {Grant(issuer_scope("acme"), Role.ALLOCATOR)}
    assert await grants_of(services, changed) == frozenset()
    with pytest.raises(Unauthenticated):
        await grants_of(services, gone)


async def test_a_rotated_key_ends_for_both(services: Services, node: OldNode, old: Place) -> None:
    first = node.key("bootstrap")
    rotated = await services.operators.api_keys.rotate(
        ROOT, first.split("_")[1], RotateKey(overlap_seconds=60)
    )
    ends = old.query(f"SELECT expires_at FROM api_keys WHERE public_id = '{first.split('_')[1]}'")

    assert node.lets_in(first) == (None, "admin")
    assert node.lets_in(rotated.api_key) is None
    assert ends == [(NOW + 60_000_000,)]


async def test_its_rows_keep_what_they_say(services: Services, old: Place, node: OldNode) -> None:
    await services.operators.grants.grant(ROOT, "acme-hr", AskedGrant("everything", Role.AUDITOR))

    assert old.query("SELECT issuer_id, roles FROM principals WHERE id = 'acme-hr'") == [("acme", "issuer")]


async def test_its_keys_work_over_http(services: Services, node: OldNode) -> None:
    key = node.key("acme-hr")
    transport = httpx.ASGITransport(operator_app(services), client=("127.0.0.1", 1))
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
        sets = (await client.get("/operator/status-lists")).json()["sets"]
        issuers = (await client.get("/operator/issuers")).json()["issuers"]
        refused = await client.get("/operator/alarms")
        foreign = await client.get("/operator/issuers/default")
        absent = await client.get("/operator/issuers/nobody")

    assert {found["issuerId"] for found in sets} == {"acme"}
    assert [found["id"] for found in issuers] == ["acme"]
    assert refused.status_code == 403
    assert (foreign.status_code, absent.status_code) == (404, 404)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM actors",
        "UPDATE actors SET kind = 'person'",
        "DELETE FROM api_key_facts",
        "DELETE FROM grants",
        "UPDATE grants SET role = 'administrator' WHERE role <> 'administrator'",
        "UPDATE grants SET scope_kind = 'everything', scope_id = '' WHERE scope_kind = 'issuer'",
    ],
)
async def test_what_was_granted_stays_known(services: Services, old: Place, statement: str) -> None:
    with pytest.raises(RULE_BROKEN):
        old.query(statement)


async def test_what_the_node_beside_makes_is_listed_though_nobody_uses_it(
    services: Services, node: OldNode
) -> None:
    node.add("unused", "reader")
    async with asyncio.timeout(20):
        while "unused" not in {one.id for one in (await services.operators.access.page(ROOT)).principals}:
            await asyncio.sleep(0.1)
