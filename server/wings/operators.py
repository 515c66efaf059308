"""
Who acts, what is wrong, and the issuers that we host.
"""

from functools import partial

import msgspec

from observatory.alarm_store import acknowledge_all
from operators import AlarmKind, Alarms, Principals
from operators.access.api_key_changes import ApiKeys
from operators.access.grant_changes import GrantChanges
from operators.access.key_ends import KeyEnds
from operators.access.principal_changes import PrincipalChanges
from operators.alarms.store import Told, tell
from operators.approvals.approvals import Approvals
from operators.approvals.rules import Policy as ApprovalPolicy
from operators.issuers.issuers import Issuers
from server.identity.custody import Custody
from server.identity.identities import Identities
from server.identity.own import DEFAULT_ISSUER, require_same_identity
from server.identity.surroundings import Surroundings
from server.sign_in import SigningIn, open_sign_in
from server.wings.resources import Resources
from storage import Transaction


class Operators(msgspec.Struct, frozen=True):
    principals: Principals
    signing_in: SigningIn | None
    access: PrincipalChanges
    grants: GrantChanges
    api_keys: ApiKeys
    key_ends: KeyEnds
    approvals: Approvals
    alarms: Alarms
    issuers: Issuers
    identities: Identities


async def open_operators(resources: Resources) -> Operators:
    """
    Return who acts, what is wrong, and the issuers that we host, whose keys are not looked at yet.

    Raises:
        IdentityChanged: the database was made for another DID.
    """
    signing_in = open_sign_in(
        resources.settings, resources.database, clock=resources.clock, timer=resources.timer
    )
    principals = Principals(
        resources.database,
        clock=resources.clock,
        timer=resources.timer,
        sign_in=None if signing_in is None else signing_in.sign_in.authenticate,
    )
    approvals = _open_approvals(resources)
    access = PrincipalChanges(resources.database, principals, approvals, clock=resources.clock)
    grants = GrantChanges(resources.database, principals, approvals, clock=resources.clock)
    api_keys = ApiKeys(resources.database, principals, approvals, clock=resources.clock)
    approvals.doers |= access.doers() | grants.doers() | api_keys.doers()
    custody = Custody(resources.settings)
    issuers = Issuers(
        resources.database, surroundings=Surroundings(resources.settings, custody), clock=resources.clock
    )
    require_same_identity(resources.settings, await issuers.find(DEFAULT_ISSUER))
    alarms = Alarms(
        resources.database,
        clock=resources.clock,
        on_acknowledged={AlarmKind.KEY_CHANGE: acknowledge_all},
        elsewhere=resources.telemetry.unwritten_elsewhere,
    )
    resources.telemetry.unwritten = alarms.unwritten
    identities = Identities(
        resources.settings,
        resources.database,
        custody=custody,
        holds_keys=resources.share.leads,
        clock=resources.clock,
        timer=resources.timer,
        on_state=alarms.state,
    )
    key_ends = KeyEnds(
        resources.database,
        clock=resources.clock,
        on_state=partial(alarms.state, AlarmKind.API_KEY_NEAR_END),
    )
    return Operators(
        principals, signing_in, access, grants, api_keys, key_ends, approvals, alarms, issuers, identities
    )


def _open_approvals(resources: Resources) -> Approvals:
    settings = resources.settings
    policy = ApprovalPolicy(
        needed_for=frozenset(settings.approvals_for),
        alone=settings.approvals_alone,
        expires_seconds=settings.approval_expires_seconds,
    )

    def alarm(tx: Transaction, subject: str, reason: str, at: int) -> None:
        tell(tx, [Told(AlarmKind.BREAK_GLASS, subject, reason)], at)

    return Approvals(resources.database, clock=resources.clock, policy=policy, on_break_glass=alarm)
