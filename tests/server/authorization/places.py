"""
Where the walker walks: two issuers with a set, principals and keys each, and everybody who may come.
"""

import secrets
from typing import Any

import msgspec

from operators import EVERYTHING, Grant, Kind, Role, Scope, issuer_scope
from operators.actors import actor_store, key_store
from operators.actors.actor_store import Actor
from operators.actors.api_keys import new_api_key
from operators.actors.grant_store import HeldGrant, add_grant
from operators.actors.key_store import KeyRow
from operators.approvals.change import Change
from operators.approvals.store import insert_approval
from operators.grants import Principal, ScopeKind
from operators.issuers.key_changes import ACTIVATE
from operators.issuers.views import AddKey
from registry.editing.shapes import Draft, Operation
from statuslist.entries.requests import Allocate, CreateSet
from storage import Transaction
from tests.actors import ROOT
from tests.server.http_corpus.world import START, Scene

NOW = int(START * 1_000_000)
YEAR = 365 * 86_400_000_000  # microseconds
EDUCATION, LICENSING = "open-higher-education", "professional-licensing"  # of the sample
AUTHORITY = Scope(ScopeKind.AUTHORITY, EDUCATION)
OWN, FOREIGN, ABSENT = "own", "foreign", "absent"
SCOPES = {"everything": EVERYTHING, "issuer": issuer_scope("acme"), "authority": AUTHORITY}


APPROVALS = ("asked", "rejected", "approved", "burning")
# What each authority granted to whom: to be suspended in an emergency, by a draft, and suspended already.
GRANTED = {
    EDUCATION: ("university-of-rheintal", "university-of-rheintal-degrees", "shinonome-university-degrees"),
    LICENSING: (
        "kenmare-architects",
        "kenmare-architects-licences",
        "engineers-of-collina-licences",
    ),
}


class Caller(msgspec.Struct, frozen=True):
    """Somebody who asks; `role` and the kind of `scope` say what it may expect."""

    name: str
    role: str | None
    scope: str
    authorization: str = ""


class Places:
    """
    The names of resources by the scope that they are in, and who asks for them.

    Attributes:
        callers: every role in every kind of scope, and those whose keys are narrowed, or who have no grant.
        strangers: who is told 401, by what is wrong with the key.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._made = 0
        self._names: dict[str, dict[str, str]] = {}
        self.callers: list[Caller] = []
        self.strangers: dict[str, str] = {
            "no key": "",
            "no such key": "Bearer tsk_" + "A" * 12 + "_" + "B" * 43,
        }

    async def build(self) -> None:
        for prefix, scope in (
            ("acme", SCOPES["issuer"]),
            ("main", issuer_scope("default")),
            ("regi", AUTHORITY),
        ):
            await self._resources(prefix, scope)
        gone = {name: f"gone-{name}" for name in ("worker", "leaver", "returner", "erased")}
        self._names["gone"] = gone | {
            "issuer": "nothing",
            "scope": "issuer:nothing",
            "set": "gone-set",
            **dict.fromkeys(("active", "announced", "unwanted", "certified"), "key-000000000000"),
            **dict.fromkeys(APPROVALS, "99999"),
            "index": "7",
            "change_set": "99999",
            "effective": "99999",
            "authority": "e-nothing",
            "granted": "g-nothing",
            "entity": "e-nobody",
            "rotated": "A" * 12,
            "revoked": "B" * 12,
        }
        education, licensing = (await self._edited(EDUCATION), await self._edited(LICENSING))
        for prefix, names in (("acme", education), ("regi", education), ("main", licensing)):
            self._names[prefix] |= names
        await self._scene.services.database.write(self._people)

    async def passing(self) -> Caller:
        """Let somebody come who has every role everywhere, and whom nobody else is."""
        self._made += 1
        name = f"passing-{self._made}"

        def insert(tx: Transaction) -> str:
            _insert(tx, name, Kind.PERSON, *(Grant(EVERYTHING, role) for role in Role))
            return _key(tx, name)

        key = await self._scene.services.database.write(insert)
        return Caller(name, Role.ADMINISTRATOR, "everything", f"Bearer {key}")

    def filled(self, value: Any, scope: str, place: str) -> Any:
        """Return `value` with the names of resources for a caller with a grant in such a scope."""
        prefix = {"own": "regi" if scope == "authority" else "acme", "foreign": "main", "absent": "gone"}[
            place
        ]
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, found in self._names[prefix].items():
            text = text.replace(f"{{{name}}}", found)
        if "{new}" in text:
            self._made += 1
            text = text.replace("{new}", f"new-{self._made}")
        return text if isinstance(value, str) else msgspec.json.decode(text)

    def has(self, value: Any, scope: str, place: str) -> bool:
        """
        Tell whether there are such resources: an authority has neither status sets nor keys to sign with, and an
        issuer grants nothing.
        """
        lacking = {
            "authority": ("issuer", "set", "index", *APPROVALS),
            "issuer": ("authority", "granted", "change_set", "effective"),
        }
        text = msgspec.json.encode(value).decode()
        return place != OWN or not any(f"{{{name}}}" in text for name in lacking.get(scope, ()))

    def nameless(self, body: bytes) -> bytes:
        """Return a body without the names of what was asked for."""
        for names in self._names.values():
            for found in sorted(names.values(), key=len, reverse=True):
                body = body.replace(found.encode(), b"*") if len(found) > 1 else body
        return body

    async def _resources(self, prefix: str, scope: Scope) -> None:
        names = {name: f"{prefix}-{name}" for name in ("worker", "leaver", "returner", "erased")}
        names["scope"] = str(scope)
        if scope.kind is ScopeKind.ISSUER:
            names |= await self._issuing(scope.id, f"{prefix}-set")

        def insert(tx: Transaction) -> None:
            grants = [Grant(scope, role) for role in (Role.ALLOCATOR, Role.EDITOR)]
            for name in ("worker", "leaver", "returner"):
                _insert(tx, names[name], Kind.SERVICE, *grants)
            _insert(tx, names["erased"], Kind.PERSON, *grants)
            for name in ("returner", "erased"):
                actor_store.set_active(tx, names[name], False, by="root", at=NOW)
            for name in ("rotated", "revoked"):
                names[name] = _key(tx, names["worker"]).split("_")[1]

        await self._scene.services.database.write(insert)
        self._names[prefix] = names

    async def _issuing(self, issuer_id: str, set_id: str) -> dict[str, str]:
        """Return a set with an entry, and keys in each state, of an issuer."""
        services = self._scene.services
        sets, keys = services.status.sets, services.issuing.changes
        await sets.create_set(ROOT, CreateSet(id=set_id, purposes=("revocation",), issuer_id=issuer_id))
        taken = await sets.allocate(ROOT, set_id, Allocate(count=2))
        made = [await keys.add(ROOT, issuer_id, AddKey(algorithm="P-256")) for _ in range(3)]
        names = dict(zip(("announced", "unwanted", "certified"), (key.key for key in made), strict=True))
        active = f"{'key' if issuer_id == 'default' else issuer_id}-1"
        index, unissued = (entry.status_list_index for entry in taken.entries)
        names |= await services.database.write(lambda tx: _asked(tx, issuer_id, names["announced"], active))
        return names | {
            "issuer": issuer_id,
            "set": set_id,
            "index": index,
            "unissued": unissued,
            "active": active,
        }

    async def _edited(self, authority: str) -> dict[str, str]:
        """Return an authority of the registry, what it granted, a draft, and a change set that took effect."""
        wing, (entity, granted, other) = self._scene.services.editing, GRANTED[authority]
        draft, effective = [
            await wing.drafts.create(
                ROOT,
                Draft(
                    title="An audit",
                    operations=[Operation(op="suspend", kind="authorization", id=one, reason="an audit")],
                ),
            )
            for one in (granted, other)
        ]
        await wing.change_sets.submit(ROOT, effective.number)
        return {
            "authority": authority,
            "entity": entity,
            "granted": granted,
            "change_set": str(draft.number),
            "effective": str(effective.number),
        }

    def _people(self, tx: Transaction) -> None:
        for role in Role:
            for kind, scope in SCOPES.items():
                name = f"{role}-of-{kind}"
                _insert(tx, name, Kind.PERSON, Grant(scope, role))
                self._come(tx, name, role, kind)
        _insert(tx, "nobody", Kind.SERVICE)
        self._come(tx, "nobody", None, "everything")
        _insert(tx, "newcomer", Kind.PERSON)
        self._come(tx, "newcomer", "", "issuer")
        everywhere, viewer = Grant(EVERYTHING, Role.ADMINISTRATOR), Grant(SCOPES["issuer"], Role.VIEWER)
        of_others = Grant(issuer_scope("default"), Role.ADMINISTRATOR)
        self._come(tx, "administrator-of-everything", "viewer", "issuer", viewer)
        self._come(tx, "viewer-of-issuer", "viewer", "issuer", everywhere)
        self._come(tx, "administrator-of-issuer", None, "issuer", of_others)
        self._come(tx, "administrator-of-everything", None, "everything", *())
        self._strangers(tx)

    def _come(self, tx: Transaction, name: str, role: str | None, kind: str, *limits: Grant) -> None:
        is_narrowed = any(caller.name == name for caller in self.callers)
        text = _key(tx, name, limits=frozenset(limits) if is_narrowed else None)
        shown = f"{name}, narrowed to {', '.join(map(str, limits)) or 'nothing'}" if is_narrowed else name
        self.callers.append(Caller(shown, role, kind, f"Bearer {text}"))

    def _strangers(self, tx: Transaction) -> None:
        _insert(tx, "gone", Kind.SERVICE, Grant(EVERYTHING, Role.ADMINISTRATOR))
        self.strangers["a deactivated principal"] = f"Bearer {_key(tx, 'gone')}"
        actor_store.set_active(tx, "gone", False, by="root", at=NOW)
        ended = _key(tx, "administrator-of-everything", expires_at=NOW)
        revoked = _key(tx, "administrator-of-everything")
        key_store.revoke_key(tx, revoked.split("_")[1], NOW)
        self.strangers |= {"an expired key": f"Bearer {ended}", "a revoked key": f"Bearer {revoked}"}


def _asked(tx: Transaction, issuer_id: str, key_id: str, active: str) -> dict[str, str]:
    """Return requests for the activation of a key, each by another service."""
    found = {}
    for name in APPROVALS:
        author, scope = f"{issuer_id}-{name}-asker", issuer_scope(issuer_id)
        _insert(tx, author, Kind.SERVICE, Grant(scope, Role.ADMINISTRATOR))
        asked = {"issuer": issuer_id, "key": key_id, "replaces": active}
        change = Change(action=ACTIVATE, scope=scope, subject=f"{issuer_id}#{key_id}", request=asked)
        who = Principal(id=author)
        found[name] = str(insert_approval(tx, who, change, {author}, at=NOW, expires_at=NOW + YEAR))
    return found


def _insert(tx: Transaction, name: str, kind: Kind, *grants: Grant) -> None:
    assert actor_store.insert_actor(tx, Actor(id=name, kind=kind, name="", made_by="root", made_at=NOW))
    for grant in grants:
        add_grant(tx, name, HeldGrant(grant=grant, source="operator", granted_by="root", granted_at=NOW))


def _key(
    tx: Transaction, name: str, *, limits: frozenset[Grant] | None = None, expires_at: int = NOW + YEAR
) -> str:
    made = new_api_key(secrets.token_bytes)
    row = KeyRow(
        public_id=made.public_id,
        principal_id=name,
        made_by="root",
        created_at=NOW - 1,
        limits=limits,
        expires_at=expires_at,
    )
    key_store.insert_key(tx, row, made.digest)
    return made.text
