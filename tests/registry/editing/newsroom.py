"""
People who edit a registry: Ada drafts, Bob and Eve approve, Flo breaks glass; over the real approvals.

The registry has the sample of `tests/registry/examples.py`; the clock stands still unless told.
"""

from pathlib import Path
from typing import Any

import msgspec

from operators import Principal
from operators.approvals.change import ApprovalView
from operators.approvals.rules import APPLY, Policy
from registry import ChangeSets, Drafts
from registry.editing.shapes import ChangeSetView, Draft
from registry.trqp import AuthorizationAnswer
from storage import Engine, Transaction, read_audit
from tests.actors import ROOT
from tests.clock import Clock
from tests.operators.approvals.office import WHY, Office
from tests.registry.examples import EDU, NOW, UNI, a_registry, as_file
from tests.registry.wing import Wing
from wire import format_exact


class Newsroom:
    """
    Attributes:
        alarmed: number, reason of each alarm.
        grant: the id of the one authorization: UNI may issue Degree, says EDU.
        edu, uni: the ids of these two entities.
    """

    def __init__(
        self,
        database: Engine,
        key_dir: Path,
        policy: Policy = Policy(),  # noqa: B008
        clock: Clock | None = None,
    ) -> None:
        self.database = database
        self.clock = clock or Clock(NOW / 1_000_000)
        self.office = Office(database, self.clock, key_dir, policy)
        self.approvals = self.office.approvals
        self.wing = Wing(database, self.clock)
        self.drafts = Drafts(self.wing.registry, database)
        self.alarmed: list[tuple[int, str]] = []
        self.change_sets = ChangeSets(
            self.wing.registry,
            database,
            self.drafts,
            self.approvals,
            on_conflict=self._alarm,
            on_suspended=self._alarm,
        )
        self.approvals.doers |= self.change_sets.doers()
        self.approvals.on_ended[APPLY] = self.change_sets.ended
        self.grant = self.edu = self.uni = ""

    async def open(self, *, approvers: tuple[str, ...] = ("bob", "eve")) -> "Newsroom":
        await self.office.person("ada", "editor")
        await self.office.person("flo", "break-glass")
        for name in approvers:
            await self.office.person(name, "approver")
        await self.wing.import_file(ROOT, as_file(a_registry()))
        page = await self.wing.page()
        [grant] = [each for each in page.grants if each.kind == "authorization"]
        self.grant, self.edu, self.uni = grant.id, grant.authority_id, grant.entity_id
        return self

    async def who(self, name: str) -> Principal:
        return await self.office.who(name)

    async def drafted(self, *operations: dict[str, Any], by: str = "ada", **members: Any) -> ChangeSetView:
        draft = msgspec.convert({"title": "A change", "operations": operations} | members, Draft)
        return await self.drafts.create(await self.who(by), draft)

    async def submitted(self, *operations: dict[str, Any], by: str = "ada", **members: Any) -> ChangeSetView:
        drafted = await self.drafted(*operations, by=by, **members)
        return await self.change_sets.submit(await self.who(by), drafted.number)

    async def approves(self, name: str, found: ChangeSetView) -> ApprovalView:
        assert found.approval is not None
        return await self.approvals.approve(await self.who(name), found.approval, WHY)

    async def done(self, *operations: dict[str, Any], **members: Any) -> ChangeSetView:
        """Draft, submit and approve."""
        found = await self.submitted(*operations, **members)
        await self.approves("bob", found)
        self.clock.now += 1
        return await self.drafts.show(found.number)

    async def state_of(self, found: ChangeSetView) -> str:
        return (await self.drafts.show(found.number)).state

    async def may(self, entity: str = UNI, **context: str) -> bool:
        """Ask whether an entity may issue Degree, says EDU."""
        question = {"entity_id": entity, "authority_id": EDU, "action": "issue", "resource": "Degree"}
        body = msgspec.json.encode(question | ({"context": context} if context else {}))
        answer = await self.wing.authorization(body, "application/json")
        return msgspec.json.decode(answer.body, type=AuthorizationAnswer).authorized

    async def audited(self, prefix: str = "registry.") -> list[str]:
        rows = await self.database.read(read_audit)
        return [row.action for row in rows if row.action.startswith(prefix)]

    def later(self, seconds: float) -> str:
        """Return the text of a time so many seconds from now."""
        return format_exact(int((self.clock() + seconds) * 1_000_000))

    def suspension(self, **members: Any) -> dict[str, Any]:
        return {"op": "suspend", "kind": "authorization", "id": self.grant, "reason": "an audit"} | members

    def _alarm(self, _: Transaction, number: int, reason: str, __: int) -> None:
        self.alarmed.append((number, reason))
