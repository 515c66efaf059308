"""
One transaction over SQLite or PostgreSQL: the contract, the engines, audit, idempotency, and following rows.
"""

from storage.audit import MIGRATIONS as AUDIT_MIGRATIONS
from storage.audit import AuditEntry, read_audit, record, record_all
from storage.chain import ChainBroken, SealedRow, verify_chain
from storage.choices import one_of, rows_of
from storage.database import Database, DatabaseUnavailable, Engine, Lease, Row, Together, Transaction
from storage.files import replace_all_durably, replace_durably
from storage.following import Following
from storage.idempotency import MIGRATIONS as IDEMPOTENCY_MIGRATIONS
from storage.idempotency import (
    Asked,
    IdempotencyConflict,
    forget_before,
    once,
    once_each,
    require_key,
    result_of,
)
from storage.leadership import Leadership
from storage.mark import ServedMark
from storage.migrations import Migration, SchemaMismatch, migrate
from storage.opening import open_database, sqlite_path
from storage.release import RELEASE
from storage.sealing import MIGRATIONS as SEALING_MIGRATIONS
from storage.sealing import read_sealed, seal

MIGRATIONS = (*AUDIT_MIGRATIONS, *IDEMPOTENCY_MIGRATIONS, *SEALING_MIGRATIONS)

__all__ = [
    "MIGRATIONS",
    "RELEASE",
    "Asked",
    "AuditEntry",
    "ChainBroken",
    "Database",
    "DatabaseUnavailable",
    "Engine",
    "Following",
    "IdempotencyConflict",
    "Leadership",
    "Lease",
    "Migration",
    "Row",
    "SchemaMismatch",
    "SealedRow",
    "ServedMark",
    "Together",
    "Transaction",
    "forget_before",
    "migrate",
    "once",
    "once_each",
    "one_of",
    "open_database",
    "read_audit",
    "read_sealed",
    "record",
    "record_all",
    "replace_all_durably",
    "replace_durably",
    "require_key",
    "result_of",
    "rows_of",
    "seal",
    "sqlite_path",
    "verify_chain",
]
