"""
The tables of a set's versions, and of what is published of its lists. Store.

A set has one version, whatever lists and forms it has. A list whose content does not change keeps its bytes, under
the version that made them; so its current bytes are those of its highest version, and the set's version tells that
they are still what it says.

`status_lists` and `artefacts` of earlier steps knew the purposes of the W3C alone, and a version for each list.
What was published then is taken over byte for byte. A set begins one above the highest version of its lists.
"""

from storage import Migration
from storage.migrations import ForbidWhile, Lift, forbid

_HIGHEST = (
    "SELECT set_id, max(wanted_version) AS highest, max(published_version) AS published,"
    " max(CASE WHEN wanted_version > published_version THEN 1 ELSE 0 END) AS is_dirty,"
    " max(changed_version) AS changed FROM status_lists GROUP BY set_id"
)

MIGRATIONS = (
    Migration(
        room="statuslist",
        number=8,
        name="one version for all lists of a set; lists of every kind",
        statements=(
            """
            CREATE TABLE set_versions (
                set_id TEXT PRIMARY KEY REFERENCES status_sets (id),
                profile TEXT NOT NULL,
                cadence_ms {bigint} NOT NULL CHECK (cadence_ms >= 0),
                has_tokens {bigint} NOT NULL CHECK (has_tokens IN (0, 1)),
                wanted_version {bigint} NOT NULL DEFAULT 1,
                published_version {bigint} NOT NULL DEFAULT 0,
                changed_version {bigint} NOT NULL,
                anew_version {bigint} NOT NULL DEFAULT 0,
                floor_version {bigint} NOT NULL DEFAULT 0,
                urgent_version {bigint} NOT NULL DEFAULT 0,
                position {bigint} NOT NULL DEFAULT 0
            )
            """,
            "CREATE INDEX set_versions_by_change ON set_versions (changed_version)",
            "CREATE INDEX set_versions_by_position ON set_versions (position)",
            f"""
            INSERT INTO set_versions
                (set_id, profile, cadence_ms, has_tokens, wanted_version, published_version, changed_version,
                position)
            SELECT set_id, 'default', 1000, 0, highest + 1 + CASE WHEN published > 0 THEN is_dirty ELSE 0 END,
                CASE WHEN published > 0 THEN highest + 1 ELSE 0 END, changed,
                CASE WHEN published > 0 THEN row_number() OVER (ORDER BY set_id) ELSE 0 END
            FROM ({_HIGHEST}) found
            """,  # noqa: S608 (ours)
            forbid("set_versions", "DELETE", "credentials refer to the set for ever"),
            forbid(
                "set_versions",
                "UPDATE WHEN NEW.wanted_version < OLD.wanted_version"
                " OR NEW.published_version < OLD.published_version",
                "versions only grow",
            ),
            forbid(
                "set_versions",
                "UPDATE WHEN NEW.set_id <> OLD.set_id OR NEW.has_tokens < OLD.has_tokens",
                "credentials refer to the lists of the set for ever",
            ),
            """
            CREATE TABLE list_forms (
                list_id TEXT NOT NULL,
                form TEXT NOT NULL,
                version {bigint} NOT NULL,
                set_id TEXT NOT NULL REFERENCES status_sets (id),
                media_type TEXT NOT NULL,
                body {blob} NOT NULL,
                gzip {blob},
                etag TEXT NOT NULL,
                content TEXT NOT NULL,
                valid_from {bigint} NOT NULL,
                valid_until {bigint} NOT NULL,
                policy TEXT NOT NULL,
                PRIMARY KEY (list_id, form, version)
            )
            """,
            "CREATE INDEX list_forms_by_set ON list_forms (set_id, version)",
            """
            INSERT INTO list_forms (list_id, form, version, set_id, media_type, body, etag, content,
                valid_from, valid_until, policy)
            SELECT a.list_id, a.form, a.version, l.set_id, a.media_type, a.body, a.etag, '',
                a.valid_from, a.valid_until, a.policy
            FROM artefacts a JOIN status_lists l ON l.id = a.list_id AND l.published_version = a.version
            """,
            forbid("list_forms", "UPDATE", "a published version never changes"),
            ForbidWhile(
                "list_forms",
                "DELETE",
                "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM list_forms f WHERE f.list_id = OLD.list_id"
                " AND f.form = OLD.form AND f.version > OLD.version)",
                "readers get the published version",
            ),
            """
            CREATE TABLE served_list_forms (
                list_id TEXT NOT NULL,
                version {bigint} NOT NULL,
                form TEXT NOT NULL,
                digest TEXT NOT NULL,
                valid_from {bigint} NOT NULL,
                valid_until {bigint} NOT NULL,
                PRIMARY KEY (list_id, version, form)
            )
            """,
            forbid("served_list_forms", "UPDATE", "what was served stays as it was served"),
            forbid("served_list_forms", "DELETE", "what was served stays known"),
            Lift("artefacts", room="statuslist", number=4, position=4),
            ForbidWhile(
                "artefacts",
                "DELETE",
                "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM served_forms f WHERE f.list_id = OLD.list_id"
                " AND f.form = OLD.form AND f.version = OLD.version)",
                "what was served stays known",
            ),
            "CREATE INDEX status_events_by_set ON status_events (set_id, id)",
            """
            CREATE TABLE list_manifests (
                issuer_id TEXT PRIMARY KEY REFERENCES issuers (id),
                position {bigint} NOT NULL,
                valid_until {bigint} NOT NULL,
                token TEXT NOT NULL
            )
            """,
        ),
    ),
    Migration(
        room="statuslist",
        number=10,
        name="changes that wait together have one version",
        statements=(
            "ALTER TABLE set_versions ADD COLUMN begun_version {bigint} NOT NULL DEFAULT 0",
            "UPDATE set_versions SET begun_version = wanted_version",
            forbid(
                "set_versions",
                "UPDATE WHEN NEW.begun_version < OLD.begun_version",
                "a version may be published without what changes after it was begun",
            ),
        ),
    ),
)
