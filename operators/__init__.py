"""
Who may act, and the issuers they act for.
"""

from operators.model import Issuer, Principal, Role, check_id, require_writer
from operators.principals import Principals
from operators.store import MIGRATIONS

__all__ = ["MIGRATIONS", "Issuer", "Principal", "Principals", "Role", "check_id", "require_writer"]
