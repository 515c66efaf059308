"""
The tables of this room. Store.

Facts are never changed or deleted: a new version closes the rows it takes back and adds those it brings, so
that what we said at any recorded time can be told later.
"""

from storage import Migration
from storage.migrations import forbid

MIGRATIONS = (
    Migration(
        room="registry",
        number=1,
        name="facts with both times, and the version that every process polls",
        statements=(
            """
            CREATE TABLE registry_facts (
                id {identity},
                kind TEXT NOT NULL CHECK (kind IN ('authority', 'entity', 'authorization', 'recognition')),
                fact_key TEXT NOT NULL,
                body TEXT NOT NULL,
                version {bigint} NOT NULL,
                recorded_at {bigint} NOT NULL,
                closed_version {bigint},
                closed_at {bigint},
                CHECK ((closed_version IS NULL) = (closed_at IS NULL)),
                CHECK (closed_version > version)
            )
            """,
            """
            CREATE UNIQUE INDEX registry_facts_open ON registry_facts (kind, fact_key)
                WHERE closed_version IS NULL
            """,
            """
            CREATE TABLE registry_version (
                id {bigint} PRIMARY KEY CHECK (id = 1),
                version {bigint} NOT NULL,
                changed_at {bigint} NOT NULL
            )
            """,
            "INSERT INTO registry_version (id, version, changed_at) VALUES (1, 0, 0)",
            forbid("registry_facts", "DELETE", "facts are closed, never deleted"),
            forbid(
                "registry_facts",
                "UPDATE WHEN OLD.closed_version IS NOT NULL OR NEW.body <> OLD.body"
                " OR NEW.fact_key <> OLD.fact_key OR NEW.recorded_at <> OLD.recorded_at",
                "a fact is final; only its closing may be added",
            ),
            forbid(
                "registry_version", "UPDATE WHEN NEW.version < OLD.version", "the version never goes back"
            ),
            forbid("registry_version", "DELETE", "the version never goes back"),
        ),
    ),
)
