"""
The tables of approvals. Store.

A request never changes, is decided once, and by a person who has no part in it: the service looks, and the rules
here hold whatever the service does. Of a decided request only what is said of a person is taken out.
"""

from storage import Migration
from storage.migrations import ForbidWhile, forbid

_DECIDES = "OLD.state = 'pending' AND NEW.state IN ('approved', 'rejected')"
_ACTIVE_PERSON = "a.kind = 'person' AND a.deactivated_at IS NULL"
# That a grant has ended, or that a deactivated principal has one, says nothing of its API keys.
_HELD = (
    "g.ended_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > NEW.decided_at)"
    " AND (g.scope_kind = 'everything' OR (g.scope_kind = NEW.scope_kind AND g.scope_id = NEW.scope_id))"
)
_PARTY = "SELECT p.principal_id FROM approval_parties p WHERE p.approval_id = NEW.id"
# {one} is the principal that is looked at.
_SAME_ADDRESS = (
    "SELECT 1 FROM people mine JOIN people theirs ON LOWER(TRIM(mine.address)) = LOWER(TRIM(theirs.address))"  # noqa: S608 (ours)
    f" WHERE mine.principal_id = {{one}} AND TRIM(mine.address) <> ''"
    f" AND (theirs.principal_id = NEW.author OR theirs.principal_id IN ({_PARTY}))"
)
_HAS_A_PART = f"({{one}} = NEW.author OR {{one}} IN ({_PARTY}))"
_SAME_PERSON = f"{_HAS_A_PART} OR EXISTS ({_SAME_ADDRESS})"
# Of people and keys, as `rules.ALWAYS`.
_OF_PERSONS = (
    "'principal.create', 'principal.reactivate', 'key.create',"
    " 'principal.deactivate', 'grant.add', 'grant.end'"
)


def _on_update(query: str, message: str) -> ForbidWhile:
    return ForbidWhile("approvals", "UPDATE", query, message)


MIGRATION = Migration(
    room="operators",
    number=7,
    name="approvals",
    statements=(
        """
        CREATE TABLE approvals (
            id {identity},
            action TEXT NOT NULL,
            scope_kind TEXT NOT NULL CHECK (scope_kind IN ('everything', 'issuer', 'authority')),
            scope_id TEXT NOT NULL,
            subject TEXT NOT NULL,
            request TEXT NOT NULL,
            digest TEXT NOT NULL,
            author TEXT NOT NULL,
            author_key TEXT,
            author_person TEXT,
            reason TEXT,
            asked_at {bigint} NOT NULL,
            expires_at {bigint} NOT NULL,
            state TEXT NOT NULL CHECK (state IN
                ('pending', 'approved', 'rejected', 'withdrawn', 'expired', 'alone', 'break-glass')),
            decided_by TEXT,
            decided_key TEXT,
            decided_at {bigint},
            decision_reason TEXT,
            CHECK ((scope_kind = 'everything') = (scope_id = '')),
            CHECK (expires_at > asked_at),
            CHECK ((state = 'pending') = (decided_at IS NULL)),
            CHECK (decided_at IS NULL OR decided_at >= asked_at),
            CHECK ((state IN ('pending', 'expired')) = (decided_by IS NULL)),
            CHECK (state NOT IN ('approved', 'rejected', 'alone', 'break-glass') OR decided_at < expires_at),
            CHECK (state NOT IN ('approved', 'rejected', 'break-glass')
                OR LENGTH(COALESCE(decision_reason, '')) > 0),
            CHECK (state NOT IN ('approved', 'rejected') OR decided_by <> author),
            CHECK (state NOT IN ('withdrawn', 'alone') OR decided_by = author)
        )
        """,
        "CREATE UNIQUE INDEX approvals_waiting ON approvals (author, digest) WHERE state = 'pending'",
        "CREATE INDEX approvals_ending ON approvals (expires_at) WHERE state = 'pending'",
        "CREATE INDEX approvals_of ON approvals (subject)",
        """
        CREATE TABLE approval_parties (
            approval_id {bigint} NOT NULL REFERENCES approvals (id),
            principal_id TEXT NOT NULL,
            PRIMARY KEY (approval_id, principal_id)
        )
        """,
        forbid("approval_parties", "DELETE", "who had a part in a request always had"),
        forbid("approval_parties", "UPDATE", "who had a part in a request always had"),
        forbid("approvals", "DELETE", "what was asked for stays known"),
        forbid("approvals", "INSERT WHEN NEW.state <> 'pending'", "what is decided was asked for before"),
        forbid(
            "approvals",
            "UPDATE WHEN NEW.id <> OLD.id OR NEW.action <> OLD.action OR NEW.scope_kind <> OLD.scope_kind"
            " OR NEW.scope_id <> OLD.scope_id OR NEW.subject <> OLD.subject OR NEW.digest <> OLD.digest"
            " OR NEW.author <> OLD.author OR COALESCE(NEW.author_key, '') <> COALESCE(OLD.author_key, '')"
            " OR COALESCE(NEW.author_person, '') <> COALESCE(OLD.author_person, '')"
            " OR COALESCE(NEW.reason, '') <> COALESCE(OLD.reason, '')"
            " OR NEW.asked_at <> OLD.asked_at OR NEW.expires_at <> OLD.expires_at"
            " OR (NEW.request <> OLD.request AND (OLD.state <> 'pending' OR NEW.state = 'pending'"
            " OR NEW.action <> 'principal.create' OR LENGTH(NEW.request) > LENGTH(OLD.request)))",
            "a request never changes: ask anew",
        ),
        forbid(
            "approvals",
            "UPDATE WHEN OLD.state <> 'pending' AND (NEW.state <> OLD.state OR NEW.decided_at <> OLD.decided_at"
            " OR COALESCE(NEW.decided_by, '') <> COALESCE(OLD.decided_by, '')"
            " OR COALESCE(NEW.decided_key, '') <> COALESCE(OLD.decided_key, '')"
            " OR COALESCE(NEW.decision_reason, '') <> COALESCE(OLD.decision_reason, ''))",
            "a request is decided once",
        ),
        _on_update(
            f"SELECT 1 WHERE {_DECIDES} AND NOT EXISTS"  # noqa: S608 (ours)
            f" (SELECT 1 FROM actors a WHERE a.principal_id = NEW.decided_by AND {_ACTIVE_PERSON})",
            "only a person decides, who may still act",
        ),
        _on_update(
            f"SELECT 1 WHERE {_DECIDES} AND NOT EXISTS (SELECT 1 FROM grants g"  # noqa: S608 (ours)
            f" WHERE g.principal_id = NEW.decided_by AND g.role = 'approver' AND {_HELD})",
            "only an approver of the scope decides",
        ),
        _on_update(
            f"SELECT 1 WHERE {_DECIDES} AND ({_SAME_PERSON.format(one='NEW.decided_by')})",
            "nobody decides what he has a part in",
        ),
        _on_update(
            "SELECT 1 FROM api_keys k JOIN api_key_facts f ON f.public_id = k.public_id"  # noqa: S608 (ours)
            f" WHERE {_DECIDES} AND k.principal_id = NEW.decided_by AND (k.public_id = NEW.decided_key OR"
            " (k.revoked_at IS NULL AND (f.expires_at IS NULL OR f.expires_at > NEW.decided_at)))"
            f" AND (f.made_by = NEW.author OR {_HAS_A_PART.format(one='f.person')})",
            "nobody decides whose API key was made by one who has a part in it",
        ),
        _on_update(
            "SELECT 1 WHERE OLD.state = 'pending' AND NEW.state = 'alone' AND (NOT EXISTS"  # noqa: S608 (ours)
            f" (SELECT 1 FROM actors a WHERE a.principal_id = NEW.author AND {_ACTIVE_PERSON})"
            " OR EXISTS (SELECT 1 FROM grants g JOIN actors a ON a.principal_id = g.principal_id"
            f" LEFT JOIN people h ON h.principal_id = g.principal_id WHERE g.role = 'approver' AND {_HELD}"
            f" AND {_ACTIVE_PERSON} AND (h.claims_at IS NOT NULL"
            " OR EXISTS (SELECT 1 FROM api_keys k WHERE k.principal_id = g.principal_id))"
            f" AND NOT {_HAS_A_PART.format(one='g.principal_id')}))",
            "only a person goes ahead alone, while nobody else can approve",
        ),
        _on_update(
            "SELECT 1 WHERE OLD.state = 'pending' AND NEW.state = 'approved' AND NEW.author_person IS NULL"
            f" AND NEW.action IN ({_OF_PERSONS})",
            "nobody approves what is asked by nobody knows whom",
        ),
        _on_update(
            "SELECT 1 WHERE OLD.state = 'pending' AND NEW.state = 'break-glass' AND NOT EXISTS"  # noqa: S608 (ours)
            " (SELECT 1 FROM grants g JOIN actors a ON a.principal_id = g.principal_id"
            " WHERE g.principal_id = NEW.decided_by AND a.deactivated_at IS NULL"
            f" AND g.role = 'break-glass' AND {_HELD})",
            "only the role break-glass goes past approval",
        ),
    ),
)
