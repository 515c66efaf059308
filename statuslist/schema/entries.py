"""
The tables of what is known of single entries: references that callers gave them, and which were released. Store.

A reference may name a person, so that only its HMAC is here, under a key that is a file (`entries/references.py`).
It stands by the number of its allocation: neighbours in a request are neighbours in the table.

That a released entry gets no status, and one with a status is not released, is no rule of the tables: a restore may
find that an entry was revoked in a time of which the rows know nothing, and a revocation wins over everything. Such
rows must be copied too.
"""

from storage import Migration
from storage.migrations import ForbidWhile, Lift, forbid

MIGRATIONS = (
    Migration(
        room="statuslist",
        number=9,
        name="references of entries, and entries that were released",
        statements=(
            """
            CREATE TABLE entry_references (
                set_id TEXT NOT NULL REFERENCES status_sets (id),
                number {bigint} NOT NULL,
                format TEXT NOT NULL,
                digest {blob} NOT NULL,
                is_released {bigint} NOT NULL DEFAULT 0 CHECK (is_released IN (0, 1)),
                PRIMARY KEY (set_id, number)
            )
            """,
            # A credential has one entry for each of its formats. One that was never issued leaves its name free.
            "CREATE UNIQUE INDEX entry_references_once ON entry_references (digest, set_id, format)"
            " WHERE is_released = 0",
            "CREATE INDEX entry_references_by_digest ON entry_references (digest)",
            """
            CREATE TABLE reference_key (
                one {bigint} PRIMARY KEY CHECK (one = 1),
                fingerprint {blob} NOT NULL
            )
            """,
            """
            CREATE TABLE released_entries (
                set_id TEXT NOT NULL REFERENCES status_sets (id),
                entry_index {bigint} NOT NULL,
                actor TEXT NOT NULL,
                at {bigint} NOT NULL,
                PRIMARY KEY (set_id, entry_index)
            )
            """,
            "CREATE INDEX allocations_by_reference ON allocations (reference) WHERE reference IS NOT NULL",
            forbid(
                "entry_references",
                "UPDATE WHEN NEW.set_id <> OLD.set_id OR NEW.number <> OLD.number OR NEW.format <> OLD.format"
                " OR NEW.digest <> OLD.digest OR NEW.is_released < OLD.is_released",
                "credentials are revoked by their references",
            ),
            forbid("entry_references", "DELETE", "credentials are revoked by their references"),
            forbid("reference_key", "UPDATE", "references under another key could not be found any more"),
            ForbidWhile(
                "reference_key",
                "DELETE",
                "SELECT 1 FROM entry_references",
                "references under another key could not be found any more",
            ),
            forbid("released_entries", "UPDATE", "a released entry stays released"),
            forbid("released_entries", "DELETE", "a released entry stays released"),
        ),
    ),
    Migration(
        room="statuslist",
        number=11,
        name="references whose key is lost for good",
        statements=(
            """
            CREATE TABLE lost_reference_keys (
                fingerprint {blob} PRIMARY KEY,
                actor TEXT NOT NULL,
                at {bigint} NOT NULL
            )
            """,
            forbid("lost_reference_keys", "UPDATE", "what was given up stays known"),
            forbid("lost_reference_keys", "DELETE", "what was given up stays known"),
            Lift("entry_references", room="statuslist", number=9, position=7),
            ForbidWhile(
                "entry_references",
                "DELETE",
                "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM lost_reference_keys l"
                " JOIN reference_key k ON k.fingerprint = l.fingerprint)",
                "credentials are revoked by their references",
            ),
        ),
    ),
)
