"""
People and services in rows, an issuer with a spare key, and what they ask of one another.

Ada asks, Bob and Eve approve; each of them has an account of an identity provider, and an address.
"""

from pathlib import Path
from typing import Any, TypeVar

from operators import Grant, Kind, Principal, Role
from operators.actors import actor_store, key_store
from operators.actors.actor_store import Actor
from operators.actors.api_keys import new_api_key
from operators.actors.grant_store import OPERATOR, HeldGrant, add_grant, load
from operators.actors.key_store import KeyRow
from operators.approvals.approvals import Approvals
from operators.approvals.change import ApprovalView
from operators.approvals.rules import Policy
from operators.grants import parse_scope
from operators.issuers.key_changes import ACTIVATE
from storage import Engine, Transaction
from tests.actors import Access
from tests.clock import Clock
from tests.operators.issuers.desk import Desk

T = TypeVar("T")
FOR_KEYS = Policy(needed_for=frozenset({ACTIVATE}))
WHY = "seen, and talked over"


class Office:
    """
    Attributes:
        alarmed: subject and reason of each alarm that break-glass raised.
        key: the id of the spare key of acme, which waits to be activated.
    """

    def __init__(self, database: Engine, clock: Clock, key_dir: Path, policy: Policy = FOR_KEYS) -> None:
        self.database, self.clock = database, clock
        self.alarmed: list[tuple[str, str]] = []
        self.approvals = Approvals(database, clock=clock, policy=policy, on_break_glass=self._alarm)
        self.access = Access(database, clock, approvals=self.approvals)
        self.changes, self.grants, self.keys = self.access.changes, self.access.grants, self.access.keys
        self.desk = Desk(database, clock, key_dir, self.approvals)
        self.key = ""
        self._drawn = 0

    async def open(self) -> "Office":
        _, self.key = await self.desk.hosted()
        await self.person("ada", "administrator")
        await self.person("bob", "approver")
        await self.person("eve", "approver")
        return self

    async def person(
        self,
        name: str,
        *roles: str,
        address: str | None = None,
        source: str = OPERATOR,
        ends: int | None = None,
        has_signed_in: bool = True,
    ) -> Principal:
        """Add a person with these roles (`role` or `role@scope`) past all rules; `ends` in microseconds."""
        account = {"issuer": "https://idp.example", "subject": name}
        address = f"{name}@example.com" if address is None else address
        actor = Actor(
            id=name,
            kind=Kind.PERSON,
            name=name.title(),
            address=address,
            made_by="tests",
            made_at=1,
            **account,
        )
        return await self._add(actor, roles, source, ends, has_signed_in)

    async def service(self, name: str, *roles: str, made_by: str = "tests") -> Principal:
        actor = Actor(id=name, kind=Kind.SERVICE, name=name, made_by=made_by, made_at=1)
        return await self._add(actor, roles)

    async def _add(
        self,
        actor: Actor,
        roles: tuple[str, ...],
        source: str = OPERATOR,
        ends: int | None = None,
        has_signed_in: bool = True,
    ) -> Principal:
        def add(tx: Transaction) -> None:
            assert actor_store.insert_actor(tx, actor)
            if has_signed_in:
                tx.execute("UPDATE people SET claims_at = 1 WHERE principal_id = :id", {"id": actor.id})
            for text in roles:
                role, _, scope = text.partition("@")
                grant = Grant(parse_scope(scope or "everything"), Role(role))
                held = HeldGrant(grant=grant, source=source, granted_by="tests", granted_at=1, ends_at=ends)
                assert add_grant(tx, actor.id, held)

        await self.database.write(add)
        return await self.who(actor.id)

    async def who(self, name: str, key: str | None = None) -> Principal:
        """Return a principal as it is now; with `key` as one who came with that API key."""
        now = self.now()
        if key is not None:
            stored = await self.database.read(lambda tx: key_store.find_key(tx, key, now))
            assert stored is not None
            assert stored.principal.id == name
            return stored.principal
        found = await self.database.read(lambda tx: load(tx, name, now))
        assert found is not None
        return found

    async def api_key(self, name: str, *, made_by: str, person: str | None = None) -> str:
        """Give a principal an API key that `made_by` made, past all rules; return its public id."""
        made = new_api_key(self._draw)
        row = KeyRow(
            public_id=made.public_id,
            principal_id=name,
            made_by=made_by,
            created_at=self.now(),
            person=person,
            expires_at=self.now() + 10**15,
        )
        await self.database.write(lambda tx: key_store.insert_key(tx, row, made.digest))
        return made.public_id

    async def asks(self, author: str | Principal = "ada", key: str | None = None) -> int:
        """Ask for the activation of the spare key; return the number of the approval."""
        who = await self.who(author, key) if isinstance(author, str) else author
        view = await self.desk.changes.activate(who, "acme", self.key)
        assert isinstance(view, ApprovalView)
        assert view.state == "pending"
        return view.approval

    async def approves(self, name: str, number: int, key: str | None = None, **given: Any) -> ApprovalView:
        return await self.approvals.approve(await self.who(name, key), number, WHY, **given)

    async def withdraws(self, name: str, number: int) -> ApprovalView:
        return await self.approvals.withdraw(await self.who(name), number)

    async def state_of(self, number: int) -> str:
        return (await self.approvals.show(await self.who("bob"), number)).state

    async def is_active(self) -> bool:
        """Tell whether the spare key signs, or will."""
        row = await self.desk.row(self.key)
        return row.activated_at is not None or row.activates_at is not None

    async def ends(self, name: str, role: str, scope: str = "everything") -> None:
        """End a grant past all rules."""
        await self.sql(
            f"UPDATE grants SET ended_at = 5 WHERE principal_id = '{name}' AND role = '{role}'"
            f" AND scope_kind || ':' || scope_id LIKE '{scope}%'"
        )

    async def deactivates(self, name: str) -> None:
        await self.database.write(
            lambda tx: actor_store.set_active(tx, name, False, by="tests", at=self.now())
        )

    async def sql(self, text: str) -> int:
        return await self.database.write(lambda tx: tx.execute(text))

    async def audited(self, action: str) -> list[tuple[str, dict[str, Any]]]:
        """Return actor and detail of each audit row of an action."""
        rows = await self.desk.audited()
        return [(row.actor, row.detail) for row in rows if row.action == action]

    def _draw(self, size: int) -> bytes:
        self._drawn += 1
        return bytes([self._drawn]) * size

    def _alarm(self, _: Transaction, subject: str, reason: str, __: int) -> None:
        self.alarmed.append((subject, reason))

    def now(self) -> int:
        return int(self.clock() * 1_000_000)


def pending(answered: object) -> ApprovalView:
    """Return a request that waits, where that is the answer."""
    assert isinstance(answered, ApprovalView)
    assert answered.state == "pending"
    return answered
