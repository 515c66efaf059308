"""Requests for approval over HTTP: who may ask, see, decide and take back, and what is done with that."""

from collections.abc import Iterator

from operators import Kind, Role
from operators.access.views import AskedGrant, CreatePrincipal
from tests.actors import ROOT, Access
from tests.server.http_corpus.asking import Case, get, post
from tests.server.http_corpus.operators import at_operators, at_rest, doors, read, tell_alarms
from tests.server.http_corpus.world import Scene, Step

APPROVALS = "/operator/approvals"
DECISIONS = ("approve", "reject", "withdraw", "break-glass")
PRINCIPALS = "/operator/principals"
ROUTES = (APPROVALS, f"{APPROVALS}/1", f"{APPROVALS}/99")
WRITES = tuple(f"{APPROVALS}/{number}/{what}" for number in (1, 99) for what in DECISIONS)
WHY = {"reason": "seen"}
_ROLES = {
    "ada": ("everything", Role.ADMINISTRATOR),
    "bob": ("everything", Role.APPROVER),
    "eve": ("everything", Role.APPROVER),
    "acme-approver": ("issuer:acme", Role.APPROVER),
    "other-approver": ("issuer:keyless", Role.APPROVER),
    "fire": ("everything", Role.BREAK_GLASS),
}


def cases() -> Iterator[Step]:
    yield at_rest
    yield people
    yield at_operators(activate("acme", "ada"))
    for part in (lambda: doors(ROUTES, WRITES), _asked, _decided, _people_asked):
        yield from map(at_operators, part())
    yield tell_alarms
    yield at_operators(read("/operator/alarms", "ada"))


async def people(scene: Scene) -> None:
    """Add people with API keys, before they can approve."""
    access = Access(scene.services.database, scene.clock)
    for name in _ROLES:
        await access.changes.create(
            ROOT, CreatePrincipal(id=name, kind=Kind.PERSON, name=name, address=f"{name}@example.com")
        )
        scene.keys[name] = await access.key(name)
    for name, (scope, role) in _ROLES.items():
        await access.grants.grant(ROOT, name, AskedGrant(scope, role), decided=lambda *_: None)


def activate(issuer: str, who: str, **headers: str) -> Case:
    return _as(who, f"/operator/issuers/{issuer}/keys/activate", **headers)


def _as(who: str, path: str, body: object = b"", **headers: str) -> Case:
    return post(path, body, **({"authorization": f"Bearer <key of {who}>"} | headers))


def _asked() -> Iterator[Case]:
    yield activate("acme", "ada")
    yield activate("keyless", "ada", idempotency_key="k1")
    yield activate("keyless", "ada", idempotency_key="k1")
    yield activate("default", "ada", idempotency_key="k1")
    yield _as("ada", "/operator/issuers/default/keys/nothing/activate")
    for who in ("ada", "bob", "acme-approver", "other-approver", "fire", "acme-reader"):
        for query in (
            "",
            "?state=pending",
            "?state=approved",
            "?state=x",
            "?limit=1",
            "?limit=0",
            "?after=1",
        ):
            yield read(APPROVALS + query, who)
        for number in ("1", "2", "99", "0", "-1", "x", "9223372036854775808"):
            yield read(f"{APPROVALS}/{number}", who)


def _decided() -> Iterator[Case]:
    first, second = f"{APPROVALS}/1", f"{APPROVALS}/2"
    for who in ("ada", "other-approver", "fire", "admin"):
        yield _as(who, f"{first}/approve", WHY)
        yield _as(who, f"{first}/reject", WHY)
    for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": "a\nb"}, {"reason": "x" * 501}):
        yield _as("bob", f"{first}/approve", body)
    yield _as("bob", f"{first}/withdraw")
    yield _as("bob", f"{first}/break-glass", WHY)
    for key in ("d1", "d1"):
        yield _as("acme-approver", f"{first}/approve", WHY, idempotency_key=key)
    yield _as("acme-approver", f"{first}/approve", {"reason": "other"}, idempotency_key="d1")
    for what in DECISIONS:
        who = {"withdraw": "ada", "break-glass": "fire"}.get(what, "bob")
        yield _as(who, f"{first}/{what}", b"" if what == "withdraw" else WHY)
    yield read("/operator/issuers/acme", "ada")
    yield _as("acme-approver", f"{second}/reject", WHY)
    yield _as("other-approver", f"{second}/reject", WHY)
    yield _as("ada", f"{second}/withdraw")
    yield activate("keyless", "ada")
    yield _as("ada", f"{APPROVALS}/3/withdraw")
    yield activate("keyless", "ada", touchstone_reason="pressing")
    yield _as("fire", f"{APPROVALS}/4/break-glass", {"reason": "the house is on fire"})
    for query in ("", "?state=approved", "?state=withdrawn", "?state=break-glass"):
        yield read(APPROVALS + query, "bob")


def _people_asked() -> Iterator[Case]:
    mia = {"id": "mia", "kind": "person", "name": "Mia", "address": "mia@example.com"}
    approver = {"scope": "issuer:acme", "role": "approver"}
    yield _as("ada", PRINCIPALS, mia)
    for who in ("bob", "acme-approver", "acme-reader", "reader"):
        yield read(f"{APPROVALS}/5", who)
        yield read(APPROVALS, who)
    yield _as("bob", f"{APPROVALS}/5/approve", WHY)
    yield read(f"{PRINCIPALS}/mia", "ada")
    yield read(f"{APPROVALS}/5", "ada")
    yield _as("ada", f"{PRINCIPALS}/mia/grants", approver)
    yield _as("ada", f"{PRINCIPALS}/bob/grants/end", {"scope": "everything", "role": "approver"})
    yield _as("ada", f"{PRINCIPALS}/bob/deactivate")
    yield _as("eve", f"{APPROVALS}/6/reject", WHY)
    yield _as("bob", f"{APPROVALS}/7/approve", WHY)
    yield _as("bob", f"{APPROVALS}/8/approve", WHY)
    yield _as("eve", f"{APPROVALS}/8/approve", WHY)
    yield _as("ada", f"{PRINCIPALS}/bob/deactivate")  # Anew: by now bob approves nothing.
    yield get(APPROVALS, authorization="Bearer <key of bob>")
