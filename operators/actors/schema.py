"""
The tables of principals, people, grants and API keys. Store.

`principals` and `api_keys` are those of release 0.1, and nodes of 0.2 may run beside this one. They go by
`principals.roles` and `issuer_id`, which keep what they say. What is made or changed here is not for them: in
`api_keys` such a key has ended long ago (`HIDDEN`), and its true end stands in `api_key_facts`. A revocation is
written where both look. What they make meanwhile is adopted (`ADOPT_OLDER`).
"""

from storage import Migration, Transaction
from storage.migrations import forbid

HIDDEN = 1  # microseconds since 1970; the end of a key in the eyes of releases before 0.3
FORMER = "release-0.2"  # who granted what was adopted

_ROLES = {"admin": "administrator", "issuer": "editor", "reader": "viewer"}


def _adopted(word: str, role: str) -> str:
    # A principal without any role could read, as every principal could.
    is_so = f"' ' || p.roles || ' ' LIKE '% {word} %'" + (" OR p.roles = ''" if role == "viewer" else "")
    return (
        "INSERT INTO grants (principal_id, scope_kind, scope_id, role, source, granted_by, granted_at)"  # noqa: S608 (ours)
        " SELECT p.id, CASE WHEN p.issuer_id IS NULL THEN 'everything' ELSE 'issuer' END,"
        f" COALESCE(p.issuer_id, ''), '{role}', '{FORMER}', '{FORMER}', p.created_at FROM principals p"
        f" WHERE ({is_so}) AND NOT EXISTS (SELECT 1 FROM actors a WHERE a.principal_id = p.id)"
    )


# Each principal and key that has no row of ours gets one; run in one transaction, in this order.
ADOPT_OLDER = (
    *(_adopted(word, role) for word, role in _ROLES.items()),
    "INSERT INTO actors (principal_id, kind, made_by, made_at)"  # noqa: S608 (ours)
    f" SELECT p.id, 'service', '{FORMER}', p.created_at FROM principals p"
    " WHERE NOT EXISTS (SELECT 1 FROM actors a WHERE a.principal_id = p.id)",
    "INSERT INTO api_key_facts (public_id, made_by, expires_at)"  # noqa: S608 (ours)
    f" SELECT k.public_id, '{FORMER}', k.expires_at FROM api_keys k"
    " WHERE NOT EXISTS (SELECT 1 FROM api_key_facts f WHERE f.public_id = k.public_id)",
)

_WAITING = (
    "SELECT 1 AS waiting FROM principals p WHERE NOT EXISTS (SELECT 1 FROM actors a WHERE a.principal_id = p.id)"
    " UNION ALL SELECT 1 FROM api_keys k"
    " WHERE NOT EXISTS (SELECT 1 FROM api_key_facts f WHERE f.public_id = k.public_id) LIMIT 1"
)

FIRST_MIGRATION = Migration(
    room="operators",
    number=1,
    name="issuers, principals and API keys",
    statements=(
        """
            CREATE TABLE issuers (
                id TEXT PRIMARY KEY,
                did TEXT NOT NULL UNIQUE,
                key_name TEXT,
                owner TEXT NOT NULL,
                created_at {bigint} NOT NULL
            )
            """,
        """
            CREATE TABLE principals (
                id TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                issuer_id TEXT REFERENCES issuers (id),
                roles TEXT NOT NULL,
                created_at {bigint} NOT NULL
            )
            """,
        """
            CREATE TABLE api_keys (
                public_id TEXT PRIMARY KEY,
                principal_id TEXT NOT NULL REFERENCES principals (id),
                digest TEXT NOT NULL,
                created_at {bigint} NOT NULL,
                expires_at {bigint},
                revoked_at {bigint}
            )
            """,
    ),
)

MADE_WITH_MIGRATION = Migration(
    room="operators",
    number=8,
    name="the API key with which another was made",
    statements=("ALTER TABLE api_key_facts ADD COLUMN made_with TEXT",),
)

GRANTS_MIGRATION = Migration(
    room="operators",
    number=4,
    name="people and services, and their grants",
    statements=(
        """
        CREATE TABLE actors (
            principal_id TEXT PRIMARY KEY REFERENCES principals (id),
            kind TEXT NOT NULL CHECK (kind IN ('person', 'service')),
            made_by TEXT NOT NULL,
            made_at {bigint} NOT NULL,
            deactivated_at {bigint},
            deactivated_by TEXT
        )
        """,
        """
        CREATE TABLE people (
            principal_id TEXT PRIMARY KEY REFERENCES actors (principal_id),
            account TEXT UNIQUE,
            issuer TEXT,
            subject TEXT,
            name TEXT,
            address TEXT,
            claims_at {bigint}
        )
        """,
        """
        CREATE TABLE grants (
            id {identity},
            principal_id TEXT NOT NULL REFERENCES principals (id),
            scope_kind TEXT NOT NULL CHECK (scope_kind IN ('everything', 'issuer', 'authority')),
            scope_id TEXT NOT NULL,
            role TEXT NOT NULL,
            source TEXT NOT NULL,
            granted_by TEXT NOT NULL,
            granted_at {bigint} NOT NULL,
            ends_at {bigint},
            ended_at {bigint},
            ended_by TEXT,
            CHECK ((scope_kind = 'everything') = (scope_id = ''))
        )
        """,
        "CREATE UNIQUE INDEX grants_held ON grants (principal_id, scope_kind, scope_id, role, source)"
        " WHERE ended_at IS NULL",
        "CREATE INDEX grants_by_role ON grants (role) WHERE ended_at IS NULL",
        """
        CREATE TABLE api_key_facts (
            public_id TEXT PRIMARY KEY REFERENCES api_keys (public_id),
            made_by TEXT NOT NULL,
            person TEXT,
            limits TEXT,
            expires_at {bigint},
            used_at {bigint},
            replaced_by TEXT
        )
        """,
        forbid("actors", "DELETE", "a principal that was known stays known"),
        forbid(
            "actors",
            "UPDATE WHEN NEW.principal_id <> OLD.principal_id OR NEW.kind <> OLD.kind"
            " OR NEW.made_by <> OLD.made_by",
            "a principal is a person or a service for ever, and of one maker",
        ),
        forbid("people", "DELETE", "a person is erased by emptying the row"),
        forbid(
            "people",
            "UPDATE WHEN OLD.account IS NOT NULL AND (NEW.account IS NULL OR NEW.account <> OLD.account)",
            "an account is of one person for ever",
        ),
        forbid("grants", "DELETE WHEN OLD.source <> 'claims'", "what was granted stays known"),
        forbid(
            "grants",
            "UPDATE WHEN OLD.ended_at IS NOT NULL OR NEW.principal_id <> OLD.principal_id"
            " OR NEW.scope_kind <> OLD.scope_kind OR NEW.scope_id <> OLD.scope_id OR NEW.role <> OLD.role"
            " OR NEW.source <> OLD.source",
            "a grant ends, and is never another one",
        ),
        forbid("api_key_facts", "DELETE", "a key that was given out stays known"),
        forbid(
            "api_key_facts",
            "UPDATE WHEN NEW.made_by <> OLD.made_by OR COALESCE(NEW.person, '') <> COALESCE(OLD.person, '')",
            "who made a key always made it",
        ),
        *ADOPT_OLDER,
    ),
)


def adopt_older(tx: Transaction) -> None:
    """Take over what nodes of a release before 0.3 made since."""
    for statement in ADOPT_OLDER:
        tx.execute(statement)


def is_any_waiting(tx: Transaction) -> bool:
    """Tell whether there is something to adopt."""
    return tx.one(_WAITING) is not None
