"""
The tables of issuers' keys. Store.

One row for each key ever held, and none is deleted. `issuer_changes` has one row, whose version grows with each
change that a process has to take up; a key has the version of its last one, so that only what changed needs to be
read.
"""

from storage import Migration
from storage.migrations import forbid

# Nodes of a release before 0.3, which may run beside this one, add issuers with the name of their one key.
ADOPT_OLDER = """
    INSERT INTO issuer_keys
        (issuer_id, key_id, purpose, custody, locator, state, announced_at, activated_at, version)
    SELECT id, key_name, 'assertionMethod', 'file', key_name || '.pem', 'active', created_at, created_at,
        (SELECT version + 1 FROM issuer_changes)
    FROM issuers i WHERE key_name IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM issuer_keys k WHERE k.issuer_id = i.id)
"""

MIGRATIONS = (
    Migration(
        room="operators",
        number=3,
        name="the keys of issuers",
        statements=(
            """
            CREATE TABLE issuer_keys (
                issuer_id TEXT NOT NULL REFERENCES issuers (id),
                key_id TEXT NOT NULL,
                algorithm TEXT,
                purpose TEXT NOT NULL,
                custody TEXT NOT NULL,
                locator TEXT NOT NULL,
                public_key {blob},
                certificates TEXT,
                state TEXT NOT NULL CHECK (state IN ('announced', 'active', 'retired', 'compromised')),
                announced_at {bigint} NOT NULL,
                activates_at {bigint},
                activated_at {bigint},
                retired_at {bigint},
                compromised_since {bigint},
                compromised_at {bigint},
                signed_until {bigint},
                made_as_spare {bigint} NOT NULL DEFAULT 0 CHECK (made_as_spare IN (0, 1)),
                version {bigint} NOT NULL,
                PRIMARY KEY (issuer_id, key_id),
                CHECK ((algorithm IS NULL) = (public_key IS NULL)),
                CHECK ((state = 'compromised') = (compromised_since IS NOT NULL))
            )
            """,
            "CREATE UNIQUE INDEX issuer_keys_active ON issuer_keys (issuer_id, purpose) WHERE state = 'active'",
            "CREATE INDEX issuer_keys_version ON issuer_keys (version)",
            # For what is asked twice a second: whose time has come.
            "CREATE INDEX issuer_keys_announced ON issuer_keys (activates_at) WHERE state = 'announced'",
            forbid("issuer_keys", "DELETE", "a key that was held stays known"),
            forbid(
                "issuer_keys",
                "UPDATE WHEN NEW.issuer_id <> OLD.issuer_id OR NEW.key_id <> OLD.key_id"
                " OR NEW.purpose <> OLD.purpose OR NEW.announced_at <> OLD.announced_at"
                " OR NEW.custody <> OLD.custody OR NEW.locator <> OLD.locator"
                " OR (OLD.public_key IS NOT NULL AND (NEW.public_key IS NULL OR NEW.public_key <> OLD.public_key))"
                " OR (OLD.algorithm IS NOT NULL AND (NEW.algorithm IS NULL OR NEW.algorithm <> OLD.algorithm))",
                "a key id names one key for ever",
            ),
            forbid(
                "issuer_keys",
                "UPDATE WHEN (OLD.state = 'compromised' AND NEW.state <> 'compromised')"
                " OR (OLD.state = 'retired' AND NEW.state NOT IN ('retired', 'compromised'))"
                " OR (OLD.state = 'active' AND NEW.state = 'announced')",
                "a key that signs no more never signs again",
            ),
            forbid(
                "issuer_keys",
                "UPDATE WHEN OLD.signed_until IS NOT NULL"
                " AND (NEW.signed_until IS NULL OR NEW.signed_until < OLD.signed_until)",
                "what a key signed stays signed",
            ),
            "CREATE TABLE issuer_changes (id {bigint} PRIMARY KEY CHECK (id = 1), version {bigint} NOT NULL)",
            "INSERT INTO issuer_changes (id, version) VALUES (1, 1)",
            forbid("issuer_changes", "DELETE", "nobody would see a change any more"),
            ADOPT_OLDER,
        ),
    ),
)
