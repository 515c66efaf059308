"""
One transaction over SQLite (and, next, PostgreSQL): the contract, the engines, audit and idempotency rows.
"""

from storage.audit import MIGRATIONS as AUDIT_MIGRATIONS
from storage.audit import read_audit, record
from storage.database import Database, DatabaseUnavailable, Row, Transaction
from storage.idempotency import MIGRATIONS as IDEMPOTENCY_MIGRATIONS
from storage.idempotency import IdempotencyConflict, forget_before, once
from storage.migrations import Migration, SchemaMismatch, migrate

MIGRATIONS = (*AUDIT_MIGRATIONS, *IDEMPOTENCY_MIGRATIONS)

__all__ = [
    "MIGRATIONS",
    "Database",
    "DatabaseUnavailable",
    "IdempotencyConflict",
    "Migration",
    "Row",
    "SchemaMismatch",
    "Transaction",
    "forget_before",
    "migrate",
    "once",
    "read_audit",
    "record",
]
