"""
The tables of this room. Store.

What the registry was told is never changed or deleted: see `events.py`. The tables of the first step are those of
releases before 0.3, whose rows became events (`former.py`).
"""

from storage import Migration
from storage.migrations import ForbidWhile, forbid

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
    Migration(
        room="registry",
        number=2,
        name="events, which are the truth, and the head that every change locks",
        statements=(
            """
            CREATE TABLE registry_versions (
                version {bigint} PRIMARY KEY CHECK (version > 0),
                recorded_at {bigint} NOT NULL UNIQUE,
                last_position {bigint} NOT NULL UNIQUE,
                actor TEXT NOT NULL,
                occasion TEXT NOT NULL,
                change_set {bigint},
                digest TEXT NOT NULL
            )
            """,
            """
            CREATE TABLE registry_events (
                position {bigint} PRIMARY KEY CHECK (position > 0),
                version {bigint} NOT NULL,
                kind TEXT NOT NULL,
                fact_id TEXT NOT NULL,
                revision {bigint} NOT NULL CHECK (revision > 0),
                what TEXT NOT NULL,
                effective_at {bigint} NOT NULL,
                body TEXT,
                UNIQUE (kind, fact_id, revision)
            )
            """,
            """
            CREATE TABLE registry_head (
                id {bigint} PRIMARY KEY CHECK (id = 1),
                version {bigint} NOT NULL,
                position {bigint} NOT NULL,
                recorded_at {bigint} NOT NULL,
                closed_at {bigint} NOT NULL,
                digest TEXT NOT NULL
            )
            """,
            "INSERT INTO registry_head (id, version, position, recorded_at, closed_at, digest)"
            " VALUES (1, 0, 0, 0, 0, '')",
            *(
                forbid(table, event, "what the registry was told is never changed")
                for table in ("registry_versions", "registry_events")
                for event in ("UPDATE", "DELETE")
            ),
            forbid("registry_head", "DELETE", "the registry never goes back"),
            forbid(
                "registry_head",
                "UPDATE WHEN NEW.version < OLD.version OR NEW.position < OLD.position"
                " OR NEW.recorded_at < OLD.recorded_at OR NEW.closed_at < OLD.closed_at",
                "the registry never goes back",
            ),
            ForbidWhile(
                "registry_versions",
                "INSERT",
                "SELECT 1 FROM registry_head WHERE NEW.recorded_at <= recorded_at OR NEW.recorded_at <= closed_at",
                "recorded times never decrease",
            ),
            # A copy of the database takes the former rows along, before any event.
            ForbidWhile(
                "registry_facts",
                "INSERT",
                "SELECT 1 FROM registry_head WHERE version > 0",
                "this registry is one of events now; upgrade this node",
            ),
            forbid("registry_facts", "UPDATE", "this registry is one of events now; upgrade this node"),
        ),
        oldest_release="0.3.0",
    ),
    Migration(
        room="registry",
        number=3,
        name="standing sources",
        statements=(
            """
            CREATE TABLE registry_sources (
                id TEXT PRIMARY KEY,
                body TEXT NOT NULL,
                state TEXT NOT NULL
            )
            """,
        ),
    ),
)
