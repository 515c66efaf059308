"""The table of nodes. Store. Its migration continues those of the room `server`: `observatory/schema.py`."""

from storage import Migration

MIGRATIONS = (
    Migration(
        room="server",
        number=5,
        name="nodes, and when each was last seen",
        statements=(
            """
            CREATE TABLE nodes (
                name TEXT PRIMARY KEY,
                started_at {bigint} NOT NULL,
                last_seen {bigint} NOT NULL,
                ended_at {bigint}
            )
            """,
        ),
    ),
)
