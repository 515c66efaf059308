"""
Which versions of sources' lists were seen. Store.

It outlives the source, so that whoever removes one and adds it anew cannot have an older list taken up.
"""

from storage import Migration

SEEN_MIGRATION = Migration(
    room="registry",
    number=7,
    name="the newest versions of lists that were seen",
    statements=(
        """
        CREATE TABLE registry_sources_seen (
            id TEXT PRIMARY KEY,
            seen TEXT NOT NULL
        )
        """,
    ),
)
