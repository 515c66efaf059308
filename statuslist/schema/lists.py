"""
The tables of sets, allocations, statuses and, as releases before sets had versions kept them, of lists. Store.

Rows are the truth: bitstrings and published bytes are projections of them. The bytes of a version are kept while it
is the published one; what was served before is told by its digest and its times, in `served_forms`.

One-way rules are triggers, so that no statement of ours undoes a revocation by mistake, nor does a plain UPDATE or
DELETE in a database shell. They are no defence against somebody who means it: the owner of a database can drop its
triggers, and in SQLite INSERT OR REPLACE passes by them where a shell has not set `recursive_triggers`, as our own
connection does.
"""

from storage import Migration
from storage.migrations import ForbidWhile, Lift, forbid

MIGRATIONS = (
    Migration(
        room="statuslist",
        number=1,
        name="status sets, allocations, statuses, events and published artefacts",
        statements=(
            """
            CREATE TABLE status_sets (
                id TEXT PRIMARY KEY,
                issuer_id TEXT NOT NULL REFERENCES issuers (id),
                length {bigint} NOT NULL CHECK (length >= 131072 AND length <= 67108864),
                permutation_key {blob} NOT NULL,
                next_number {bigint} NOT NULL DEFAULT 0 CHECK (next_number >= 0 AND next_number <= length),
                created_at {bigint} NOT NULL
            )
            """,
            "CREATE INDEX status_sets_by_issuer ON status_sets (issuer_id)",
            """
            CREATE TABLE status_lists (
                id TEXT PRIMARY KEY,
                set_id TEXT NOT NULL REFERENCES status_sets (id),
                purpose TEXT NOT NULL CHECK (purpose IN ('revocation', 'suspension')),
                wanted_version {bigint} NOT NULL DEFAULT 1,
                published_version {bigint} NOT NULL DEFAULT 0,
                UNIQUE (set_id, purpose)
            )
            """,
            """
            CREATE TABLE allocations (
                id {identity},
                set_id TEXT NOT NULL REFERENCES status_sets (id),
                first_number {bigint} NOT NULL,
                count {bigint} NOT NULL CHECK (count >= 1),
                reference TEXT,
                expires_at {bigint},
                actor TEXT NOT NULL,
                at {bigint} NOT NULL,
                UNIQUE (set_id, first_number)
            )
            """,
            """
            CREATE TABLE statuses (
                set_id TEXT NOT NULL REFERENCES status_sets (id),
                purpose TEXT NOT NULL,
                entry_index {bigint} NOT NULL,
                value {bigint} NOT NULL CHECK (value > 0),
                PRIMARY KEY (set_id, purpose, entry_index)
            )
            """,
            """
            CREATE TABLE status_events (
                id {identity},
                set_id TEXT NOT NULL REFERENCES status_sets (id),
                purpose TEXT NOT NULL,
                entry_index {bigint} NOT NULL,
                value {bigint} NOT NULL,
                reason TEXT,
                actor TEXT NOT NULL,
                at {bigint} NOT NULL
            )
            """,
            "CREATE INDEX status_events_by_entry ON status_events (set_id, entry_index)",
            """
            CREATE TABLE artefacts (
                list_id TEXT NOT NULL REFERENCES status_lists (id),
                version {bigint} NOT NULL,
                form TEXT NOT NULL,
                media_type TEXT NOT NULL,
                body {blob} NOT NULL,
                etag TEXT NOT NULL,
                valid_from {bigint} NOT NULL,
                valid_until {bigint} NOT NULL,
                policy TEXT NOT NULL,
                PRIMARY KEY (list_id, version, form)
            )
            """,
            forbid("statuses", "DELETE WHEN OLD.purpose = 'revocation'", "a revocation is final"),
            forbid("statuses", "UPDATE WHEN OLD.purpose = 'revocation'", "a revocation is final"),
            forbid(
                "status_sets", "UPDATE WHEN NEW.permutation_key <> OLD.permutation_key", "would reallocate"
            ),
            forbid("status_sets", "UPDATE WHEN NEW.next_number < OLD.next_number", "would reallocate"),
            forbid("status_sets", "UPDATE WHEN NEW.length <> OLD.length", "a set keeps its length"),
            forbid("status_sets", "DELETE", "credentials refer to the set for ever"),
            forbid(
                "status_lists",
                "UPDATE WHEN NEW.wanted_version < OLD.wanted_version"
                " OR NEW.published_version < OLD.published_version",
                "versions only grow",
            ),
            forbid("status_lists", "DELETE", "credentials refer to the list for ever"),
            forbid("status_events", "UPDATE", "status events are append only"),
            forbid("status_events", "DELETE", "status events are append only"),
            forbid("allocations", "UPDATE", "an allocation is final"),
            forbid("allocations", "DELETE", "an allocation is final"),
            forbid("artefacts", "UPDATE", "a published version never changes"),
        ),
    ),
    Migration(
        room="statuslist",
        number=2,
        name="one-way rules that the first step missed",
        statements=(
            forbid("statuses", "INSERT WHEN NEW.value <> 1", "a status has one bit"),
            forbid("statuses", "UPDATE WHEN NEW.value <> 1", "a status has one bit"),
            forbid(
                "statuses",
                "UPDATE WHEN NEW.purpose = 'revocation' AND OLD.purpose <> 'revocation'",
                "a revocation is made by an insert",
            ),
            forbid(
                "status_sets",
                "UPDATE WHEN NEW.id <> OLD.id OR NEW.issuer_id <> OLD.issuer_id"
                " OR NEW.created_at <> OLD.created_at",
                "credentials refer to the set and its issuer for ever",
            ),
            forbid(
                "status_lists",
                "UPDATE WHEN NEW.id <> OLD.id OR NEW.set_id <> OLD.set_id OR NEW.purpose <> OLD.purpose",
                "credentials refer to the list for ever",
            ),
            forbid("artefacts", "DELETE", "a published version never changes; a step that prunes lifts this"),
        ),
    ),
    Migration(
        room="statuslist",
        number=3,
        name="the order of changes over all lists",
        statements=(
            "ALTER TABLE status_lists ADD COLUMN changed_version {bigint} NOT NULL DEFAULT 0",
            "CREATE INDEX status_lists_by_change ON status_lists (changed_version)",
        ),
    ),
    Migration(
        room="statuslist",
        number=4,
        name="what was served stays known; only the published version keeps its bytes",
        statements=(
            """
            CREATE TABLE served_forms (
                list_id TEXT NOT NULL REFERENCES status_lists (id),
                version {bigint} NOT NULL,
                form TEXT NOT NULL,
                digest TEXT NOT NULL,
                valid_from {bigint} NOT NULL,
                valid_until {bigint} NOT NULL,
                PRIMARY KEY (list_id, version, form)
            )
            """,
            forbid("served_forms", "UPDATE", "what was served stays as it was served"),
            forbid("served_forms", "DELETE", "what was served stays known"),
            Lift("artefacts", room="statuslist", number=2, position=5),
            ForbidWhile(
                "artefacts",
                "DELETE",
                "SELECT 1 FROM status_lists l WHERE l.id = OLD.list_id AND l.published_version <= OLD.version",
                "readers get the published version",
            ),
        ),
    ),
    Migration(
        room="statuslist",
        number=5,
        name="lists of which a restore could not tell what was published last",
        statements=(
            """
            CREATE TABLE withheld_lists (
                list_id TEXT PRIMARY KEY REFERENCES status_lists (id),
                since {bigint} NOT NULL
            )
            """,
        ),
    ),
    Migration(
        room="statuslist",
        number=6,
        name="which versions say nothing new, and only want a fresh signature",
        statements=("ALTER TABLE status_lists ADD COLUMN anew_version {bigint} NOT NULL DEFAULT 0",),
    ),
    Migration(
        room="statuslist",
        number=7,
        name="until when the one key of each issuer has signed lists",
        statements=(
            """
            UPDATE issuer_keys SET signed_until = served.until FROM (
                SELECT s.issuer_id, max(f.valid_until) AS until FROM (
                    SELECT list_id, valid_until FROM served_forms
                    UNION ALL SELECT list_id, valid_until FROM artefacts
                ) f JOIN status_lists l ON l.id = f.list_id JOIN status_sets s ON s.id = l.set_id
                GROUP BY s.issuer_id
            ) served
            WHERE served.issuer_id = issuer_keys.issuer_id AND state = 'active' AND signed_until IS NULL
            """,
        ),
    ),
)
