"""
The tables of this room: what was seen of registered DIDs, heads of logs, purges of caches. Store.

Rows of migrations name the room `server`, where these tables lay first.

Observations are evidence: what was seen stays as it was seen. Of an interval only its end moves, and only forward;
`seen_before` is the sighting before the last one, or the first.
"""

from storage import Migration
from storage.migrations import forbid

MIGRATIONS = (
    Migration(
        room="server",
        number=1,
        name="documents seen of registered DIDs, and key changes that nobody announced",
        statements=(
            """
            CREATE TABLE observed_documents (
                digest TEXT PRIMARY KEY,
                body {blob} NOT NULL,
                keys TEXT NOT NULL
            )
            """,
            """
            CREATE TABLE observations (
                id {identity},
                did TEXT NOT NULL,
                digest TEXT NOT NULL REFERENCES observed_documents (digest),
                first_seen {bigint} NOT NULL,
                seen_before {bigint} NOT NULL,
                last_seen {bigint} NOT NULL,
                CHECK (first_seen <= seen_before AND seen_before <= last_seen)
            )
            """,
            "CREATE INDEX observations_by_did ON observations (did, first_seen)",
            "CREATE INDEX observations_by_end ON observations (did, last_seen)",
            """
            CREATE TABLE key_change_alarms (
                id {identity},
                did TEXT NOT NULL,
                raised_at {bigint} NOT NULL,
                before_digest TEXT NOT NULL REFERENCES observed_documents (digest),
                after_digest TEXT NOT NULL REFERENCES observed_documents (digest),
                changes TEXT NOT NULL,
                acknowledged_at {bigint},
                acknowledged_by TEXT,
                CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
            )
            """,
            "CREATE INDEX key_change_alarms_open ON key_change_alarms (did) WHERE acknowledged_at IS NULL",
            """
            CREATE TABLE key_change_announcements (
                did TEXT PRIMARY KEY,
                not_after {bigint} NOT NULL,
                announced_by TEXT NOT NULL
            )
            """,
            forbid(
                "observed_documents",
                "UPDATE WHEN OLD.digest <> NEW.digest OR OLD.keys <> NEW.keys OR length(OLD.body) > 0",
                "a document stays as it was seen; one that was not kept may be, later",
            ),
            forbid("observed_documents", "DELETE", "a document that was seen stays"),
            forbid(
                "observations",
                "UPDATE WHEN OLD.did <> NEW.did OR OLD.digest <> NEW.digest"
                " OR OLD.first_seen <> NEW.first_seen OR OLD.last_seen > NEW.last_seen"
                " OR OLD.seen_before > NEW.seen_before",
                "of an observation only the end moves, and only forward",
            ),
            forbid("observations", "DELETE", "an observation stays"),
            forbid("key_change_alarms", "DELETE", "an alarm is acknowledged, never deleted"),
        ),
    ),
    Migration(
        room="server",
        number=2,
        name="the highest version seen of each did:webvh log",
        statements=(
            """
            CREATE TABLE log_heads (
                scid TEXT PRIMARY KEY,
                number {bigint} NOT NULL,
                version_id TEXT NOT NULL,
                first_used_at {bigint} NOT NULL,
                last_used_day {bigint} NOT NULL
            )
            """,
            "CREATE INDEX log_heads_by_use ON log_heads (last_used_day, first_used_at)",
            forbid(
                "log_heads",
                "UPDATE WHEN NEW.number < OLD.number"
                " OR (NEW.number = OLD.number AND NEW.version_id <> OLD.version_id)",
                "a log never goes back",
            ),
        ),
    ),
    Migration(
        room="server",
        number=3,
        name="purges of caches, which every process follows by number",
        statements=(
            """
            CREATE TABLE cache_purges (
                number {identity},
                asked_at {bigint} NOT NULL,
                did TEXT,
                host TEXT
            )
            """,
        ),
    ),
    Migration(
        room="server",
        number=4,
        name="key changes that nobody has acknowledged are alarms",
        statements=(
            """
            INSERT INTO alarms (kind, subject, reason, since, last_seen)
            SELECT 'key-change', did, 'its keys changed before this release; see /operator/key-changes',
                   min(raised_at), max(raised_at)
            FROM key_change_alarms WHERE acknowledged_at IS NULL GROUP BY did
            """,
        ),
    ),
)
