"""
The tables of anchors and of what a collector has. Store.

An anchor is asked for by a row, signed by whoever holds the key, and then final.
"""

from storage import Migration
from storage.migrations import forbid

AUDIT_MIGRATIONS = (
    Migration(
        room="operators",
        number=5,
        name="anchors of the audit log, and how far it was pushed",
        statements=(
            """
            CREATE TABLE audit_anchors (
                position {bigint} PRIMARY KEY REFERENCES audit_seals (position),
                asked_at {bigint} NOT NULL,
                note TEXT,
                note_key TEXT,
                signed_at {bigint},
                CHECK ((note IS NULL) = (note_key IS NULL) AND (note IS NULL) = (signed_at IS NULL))
            )
            """,
            # For what is asked twice a second: which heads are to be signed.
            "CREATE INDEX audit_anchors_asked ON audit_anchors (position) WHERE note IS NULL",
            forbid("audit_anchors", "DELETE", "an anchor stays"),
            forbid(
                "audit_anchors",
                "UPDATE WHEN OLD.note IS NOT NULL OR NEW.position <> OLD.position OR NEW.asked_at <> OLD.asked_at",
                "an anchor is final",
            ),
            """
            CREATE TABLE audit_pushes (
                collector TEXT PRIMARY KEY,
                position {bigint} NOT NULL,
                at {bigint} NOT NULL
            )
            """,
            forbid("audit_pushes", "DELETE", "what a collector has stays known"),
            forbid(
                "audit_pushes",
                "UPDATE WHEN NEW.position < OLD.position OR NEW.collector <> OLD.collector",
                "what a collector has stays known",
            ),
        ),
    ),
)
