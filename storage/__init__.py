"""
One transaction over SQLite (and, next, PostgreSQL): the contract, the engines, audit and idempotency rows.
"""

from storage.audit import record
from storage.database import Database, DatabaseUnavailable, Row, Transaction
from storage.idempotency import IdempotencyConflict, once
from storage.migrations import Migration, migrate

__all__ = [
    "Database",
    "DatabaseUnavailable",
    "IdempotencyConflict",
    "Migration",
    "Row",
    "Transaction",
    "migrate",
    "once",
    "record",
]
