"""
How the trust registry is edited: change sets, and files imported as such.
"""

from functools import partial

import msgspec

from operators import AlarmKind
from operators.alarms.store import Told, tell
from operators.approvals.rules import APPLY
from registry.editing.challenges import Challenges
from registry.editing.change_sets import ChangeSets
from registry.editing.drafts import Drafts
from registry.editing.importing import Imports
from registry.editing.validation import Checks
from resolver import Resolver
from server.wings.operators import Operators
from server.wings.registry import RegistryWing
from server.wings.resources import Resources
from storage import Transaction


class Editing(msgspec.Struct, frozen=True):
    drafts: Drafts
    change_sets: ChangeSets
    imports: Imports
    challenges: Challenges


def open_editing(
    resources: Resources, operators: Operators, wing: RegistryWing, resolver: Resolver
) -> Editing:
    """Return what edits the registry; approvals know what to do from here on."""
    challenges = Challenges(resources.database, resolver.dereference, resources.settings.did, resources.clock)
    checks = Checks(resolver.resolve, challenges.met)
    drafts = Drafts(wing.registry, resources.database, checks=checks)
    change_sets = ChangeSets(
        wing.registry,
        resources.database,
        drafts,
        operators.approvals,
        on_conflict=partial(_alarm, AlarmKind.CHANGE_SET_CONFLICT),
        on_suspended=partial(_alarm, AlarmKind.EMERGENCY_SUSPENSION),
    )
    operators.approvals.doers |= change_sets.doers()
    operators.approvals.on_ended[APPLY] = change_sets.ended
    imports = Imports(wing.registry, wing.files, drafts, change_sets, operators.approvals)
    return Editing(drafts, change_sets, imports, challenges)


def _alarm(kind: AlarmKind, tx: Transaction, number: int, reason: str, at: int) -> None:
    tell(tx, [Told(kind, f"change set {number}", reason)], at)
