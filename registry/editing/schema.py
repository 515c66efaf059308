"""
The tables of change sets. Store.

A change set is never deleted, and never changed once it took effect, was rejected or withdrawn; what was submitted
says what it said until it is given back. Comments are append only.
"""

from storage import Migration
from storage.migrations import forbid

_STATES = (
    "'draft', 'submitted', 'needs_information', 'scheduled', 'effective', 'rejected', 'withdrawn', 'conflict'"
)

MIGRATION = Migration(
    room="registry",
    number=5,
    name="change sets, and comments on them",
    statements=(
        f"""
        CREATE TABLE registry_change_sets (
            id {{identity}},
            title TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ({_STATES})),
            revision {{bigint}} NOT NULL CHECK (revision > 0),
            author TEXT NOT NULL,
            scope_kind TEXT NOT NULL CHECK (scope_kind IN ('everything', 'authority')),
            scope_id TEXT NOT NULL,
            operations TEXT NOT NULL,
            operation_count {{bigint}} NOT NULL,
            base_version {{bigint}} NOT NULL,
            base_at {{bigint}} NOT NULL,
            effective_at {{bigint}},
            occasion TEXT NOT NULL CHECK (occasion IN ('change-set', 'import', 'emergency')),
            inverse_of {{bigint}},
            approval {{bigint}},
            version {{bigint}},
            took_effect_at {{bigint}},
            problem TEXT,
            created_at {{bigint}} NOT NULL,
            updated_at {{bigint}} NOT NULL,
            CHECK ((scope_kind = 'everything') = (scope_id = '')),
            CHECK ((state = 'effective') = (version IS NOT NULL)),
            CHECK (state <> 'scheduled' OR effective_at IS NOT NULL)
        )
        """,
        "CREATE INDEX registry_change_sets_due ON registry_change_sets (effective_at) WHERE state = 'scheduled'",
        "CREATE INDEX registry_change_sets_of ON registry_change_sets (scope_kind, scope_id, id)",
        """
        CREATE TABLE registry_change_set_comments (
            id {identity},
            change_set {bigint} NOT NULL REFERENCES registry_change_sets (id),
            author TEXT NOT NULL,
            at {bigint} NOT NULL,
            text TEXT NOT NULL
        )
        """,
        "CREATE INDEX registry_change_set_comments_of ON registry_change_set_comments (change_set, id)",
        forbid("registry_change_sets", "DELETE", "change sets stay known"),
        forbid(
            "registry_change_sets",
            "UPDATE WHEN OLD.state IN ('effective', 'rejected', 'withdrawn')",
            "what became of a change set is final",
        ),
        forbid(
            "registry_change_sets",
            "UPDATE WHEN NEW.author <> OLD.author OR NEW.created_at <> OLD.created_at OR NEW.id <> OLD.id"
            " OR NEW.occasion <> OLD.occasion OR COALESCE(NEW.inverse_of, 0) <> COALESCE(OLD.inverse_of, 0)"
            " OR NEW.revision < OLD.revision",
            "who made a change set, and why, never changes",
        ),
        forbid(
            "registry_change_sets",
            "UPDATE WHEN (NEW.operations <> OLD.operations OR NEW.scope_kind <> OLD.scope_kind"
            " OR NEW.scope_id <> OLD.scope_id OR NEW.title <> OLD.title OR NEW.base_at <> OLD.base_at"
            " OR COALESCE(NEW.effective_at, 0) <> COALESCE(OLD.effective_at, 0))"
            " AND (OLD.state NOT IN ('draft', 'needs_information', 'conflict') OR NEW.revision = OLD.revision)",
            "what was submitted is what is approved; another one is another revision",
        ),
        forbid("registry_change_set_comments", "UPDATE", "comments are append only"),
        forbid("registry_change_set_comments", "DELETE", "comments are append only"),
    ),
)
