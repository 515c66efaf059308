"""
The table of subscribers. Store.

It says who is told of changes and how far each has come. Its loss is told by receivers that hear nothing: they are
registered again, from the position that they have.
"""

from storage import Migration
from storage.migrations import forbid

FEED_MIGRATIONS = (
    Migration(
        room="registry",
        number=4,
        name="subscribers to changes, and how far each has come",
        statements=(
            """
            CREATE TABLE registry_subscribers (
                number {identity},
                id TEXT NOT NULL UNIQUE,
                url TEXT NOT NULL,
                audience TEXT NOT NULL,
                filters TEXT NOT NULL,
                position {bigint} NOT NULL CHECK (position >= 0),
                created_at {bigint} NOT NULL,
                failures {bigint} NOT NULL CHECK (failures >= 0),
                last_error TEXT,
                tried_at {bigint},
                next_try_at {bigint},
                delivered_at {bigint}
            )
            """,
            forbid(
                "registry_subscribers",
                "UPDATE WHEN NEW.number <> OLD.number OR NEW.id <> OLD.id OR NEW.url <> OLD.url"
                " OR NEW.audience <> OLD.audience OR NEW.filters <> OLD.filters",
                "who is told what, and where, stays; remove the subscriber, and add it anew",
            ),
        ),
    ),
)
