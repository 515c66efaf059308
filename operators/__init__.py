"""
Who may act, the issuers they act for, and the alarms that they are told.
"""

from operators.actors.principals import Principals
from operators.actors.schema import FIRST_MIGRATION, GRANTS_MIGRATION, MADE_WITH_MIGRATION
from operators.alarms.alarms import Alarms
from operators.alarms.model import AlarmKind, OnState
from operators.alarms.store import ALARM_MIGRATIONS
from operators.approvals.schema import MIGRATION as APPROVALS_MIGRATION
from operators.audit.schema import AUDIT_MIGRATIONS
from operators.grants import (
    EVERYTHING,
    Grant,
    Kind,
    Permission,
    Principal,
    Role,
    Scope,
    issuer_scope,
    require,
)
from operators.issuers.keys import IssuerKey, KeyState
from operators.issuers.schema import MIGRATIONS as ISSUER_KEY_MIGRATIONS
from operators.model import Issuer, check_id
from operators.sign_in.store import SIGN_IN_MIGRATION

MIGRATIONS = (
    FIRST_MIGRATION,
    *ALARM_MIGRATIONS,
    *ISSUER_KEY_MIGRATIONS,
    GRANTS_MIGRATION,
    *AUDIT_MIGRATIONS,
    SIGN_IN_MIGRATION,
    APPROVALS_MIGRATION,
    MADE_WITH_MIGRATION,
)

__all__ = [
    "EVERYTHING",
    "MIGRATIONS",
    "AlarmKind",
    "Alarms",
    "Grant",
    "Issuer",
    "IssuerKey",
    "KeyState",
    "Kind",
    "OnState",
    "Permission",
    "Principal",
    "Principals",
    "Role",
    "Scope",
    "check_id",
    "issuer_scope",
    "require",
]
