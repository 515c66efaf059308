"""
A registry file imported over HTTP: at once, or as a change set where another person must agree. Service.
"""

from collections.abc import Sequence
from typing import Any

from operators.approvals.approvals import Approvals
from operators.approvals.change import ApprovalView, Change
from operators.approvals.rules import APPLY
from operators.grants import EVERYTHING, Principal
from registry.editing.change_sets import ChangeSets
from registry.editing.differing import difference
from registry.editing.drafts import IMPORT, Drafts
from registry.editing.inverse import shown
from registry.editing.operations import Planned
from registry.editing.shapes import Difference, Draft, Operation
from registry.files import Files, ImportReport, digest_of_file, report_of
from registry.known import FactChange, Known, Revision
from registry.model import Fact
from registry.registry import Registry

_ANY_CHANGE = Change(action=APPLY, scope=EVERYTHING, subject="registry", request={})


class Imports:
    """
    Args:
        approvals: who knows whether another person must agree.
    """

    def __init__(
        self, registry: Registry, files: Files, drafts: Drafts, change_sets: ChangeSets, approvals: Approvals
    ) -> None:
        self._registry = registry
        self._files = files
        self._drafts = drafts
        self._change_sets = change_sets
        self._approvals = approvals

    async def import_file(
        self, principal: Principal, data: bytes, *, corrects: bool = False, idempotency_key: str | None = None
    ) -> ImportReport | ApprovalView:
        """
        Make a registry file what the registry says from now on, or ask another person to let that happen.

        Raises:
            RegistryFileError, ChangesThePast: as `Files.import_file`.
        """
        if not await self._approvals.needs(_ANY_CHANGE):
            return await self._files.import_file(
                principal, data, corrects=corrects, idempotency_key=idempotency_key
            )
        version, changes = await self._files.changes_of(data, corrects=corrects, as_said=True)
        if not changes:
            return report_of(version, ())
        return await self._propose(principal, data, corrects, changes, idempotency_key)

    async def differ(self, data: bytes, *, corrects: bool = False) -> Difference:
        """Return what the import of a file would do; raises as `import_file`."""
        _, changes = await self._files.changes_of(data, corrects=corrects)

        def look(known: Known, now: int) -> Difference:
            planned = [_planned(each, known.fact(each.kind, each.id)) for each in changes]
            return difference(known, planned, now, version=self._registry.version)

        return (await self._drafts.looking(look))[1]

    async def _propose(
        self,
        principal: Principal,
        data: bytes,
        corrects: bool,
        changes: Sequence[FactChange],
        key: str | None,
    ) -> ImportReport | ApprovalView:
        digest = digest_of_file(data)

        def look(known: Known, _now: int) -> list[Operation]:
            return [_operation(each, known.fact(each.kind, each.id)) for each in changes]

        _, operations = await self._drafts.looking(look)
        draft = Draft(title=f"Import of the registry file {digest}", operations=operations)
        asked = ("import-as-change-set", digest, corrects)
        kept = await self._drafts.keep(principal, draft, asked, key=key, occasion=IMPORT)
        shown = await self._change_sets.submit(principal, kept.number)
        if shown.approval is None or shown.state == "effective":
            return report_of(shown.version or 0, changes)
        return await self._approvals.show(principal, shown.approval)


def _planned(change: FactChange, before: Revision[Fact] | None) -> Planned:
    return Planned(_operation(change, before), change, before)


def _operation(change: FactChange, before: Revision[Fact] | None) -> Operation:
    """Return the operation that makes a change, which `planning.plan` found."""
    verb: Any = change.what
    fact = None if verb == "end" or change.fact is None else shown(change.fact)
    number = None if before is None else before.number
    return Operation(op=verb, kind=change.kind, id=change.id, if_match=number, fact=fact)
