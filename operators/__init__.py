"""
Who may act, the issuers they act for, and the alarms that they are told.
"""

from operators.alarm_model import AlarmKind, OnState
from operators.alarm_store import ALARM_MIGRATIONS
from operators.alarms import Alarms
from operators.issuers.keys import IssuerKey, KeyState
from operators.issuers.schema import MIGRATIONS as ISSUER_KEY_MIGRATIONS
from operators.model import Issuer, Principal, Role, check_id, require_writer
from operators.principals import Principals
from operators.store import PRINCIPAL_MIGRATIONS

MIGRATIONS = (*PRINCIPAL_MIGRATIONS, *ALARM_MIGRATIONS, *ISSUER_KEY_MIGRATIONS)

__all__ = [
    "MIGRATIONS",
    "AlarmKind",
    "Alarms",
    "Issuer",
    "IssuerKey",
    "KeyState",
    "OnState",
    "Principal",
    "Principals",
    "Role",
    "check_id",
    "require_writer",
]
