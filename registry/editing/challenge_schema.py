"""
The table of challenges to those who say that a DID is theirs. Store.
"""

from storage import Migration
from storage.migrations import forbid

MIGRATION = Migration(
    room="registry",
    number=6,
    name="challenges to whoever says that a DID is theirs",
    statements=(
        """
        CREATE TABLE registry_challenges (
            challenge_id TEXT PRIMARY KEY,
            change_set {bigint} NOT NULL,
            identifier TEXT NOT NULL,
            text TEXT NOT NULL,
            expires_at {bigint} NOT NULL,
            met_at {bigint},
            key_id TEXT,
            CHECK ((met_at IS NULL) = (key_id IS NULL))
        )
        """,
        "CREATE INDEX registry_challenges_of ON registry_challenges (change_set)",
        forbid("registry_challenges", "UPDATE WHEN OLD.met_at IS NOT NULL", "a challenge is met once"),
        forbid("registry_challenges", "DELETE WHEN OLD.met_at IS NOT NULL", "what was shown stays known"),
    ),
)
