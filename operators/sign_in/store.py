"""
Tokens that were verified, and what they said of people. Store.

A row of `sign_ins` stands for a token until its end: as long as it is there nobody verifies the token again, so
that people who are in stay in while the identity provider is down. The token itself is not kept.
"""

from operators.actors.actor_store import Actor, account, insert_actor
from operators.actors.grant_store import CLAIMS, HeldGrant, add_grant
from operators.grants import Grant, Kind
from storage import Migration, Transaction

PROVIDER = "identity provider"  # who made a person, and granted; no principal can have this id
_ID_CHARS = 24  # hex characters of the account's digest; 96 bits

SIGN_IN_MIGRATION = Migration(
    room="operators",
    number=6,
    name="tokens that were verified",
    statements=(
        """
        CREATE TABLE sign_ins (
            digest TEXT PRIMARY KEY,
            principal_id TEXT NOT NULL REFERENCES actors (principal_id),
            ends_at {bigint} NOT NULL
        )
        """,
        "CREATE INDEX sign_ins_end ON sign_ins (ends_at)",
    ),
)


def signed_in(tx: Transaction, digest: str, now: int) -> str | None:
    """Return the id of whom a token, by its digest, stands for at `now`; None where it was not verified yet."""
    row = tx.one(
        "SELECT principal_id FROM sign_ins WHERE digest = :digest AND ends_at > :now",
        {"digest": digest, "now": now},
    )
    return None if row is None else str(row["principal_id"])


def insert_sign_in(tx: Transaction, digest: str, principal_id: str, ends_at: int) -> bool:
    """Insert a token that was verified; False where another process was faster."""
    changed = tx.execute(
        "INSERT INTO sign_ins (digest, principal_id, ends_at) VALUES (:digest, :id, :ends_at)"
        " ON CONFLICT DO NOTHING",
        {"digest": digest, "id": principal_id, "ends_at": ends_at},
    )
    return changed == 1


def person_of(tx: Transaction, issuer: str, subject: str) -> str | None:
    """Return the id of the person whom the provider calls `subject`; None where it is not known yet."""
    row = tx.one(
        "SELECT principal_id FROM people WHERE account = :account", {"account": account(issuer, subject)}
    )
    return None if row is None else str(row["principal_id"])


def insert_person(tx: Transaction, issuer: str, subject: str, at: int) -> str | None:
    """Make a person, who has no name yet, and return its id; None where another principal was given that id."""
    principal_id = f"person-{account(issuer, subject)[:_ID_CHARS]}"
    person = Actor(
        id=principal_id,
        kind=Kind.PERSON,
        name=None,
        issuer=issuer,
        subject=subject,
        made_by=PROVIDER,
        made_at=at,
    )
    return principal_id if insert_actor(tx, person) else None


def tell_of(
    tx: Transaction,
    principal_id: str,
    *,
    issuer: str,
    subject: str,
    name: str | None,
    address: str | None,
    issued_at: int,
) -> bool:
    """
    Note what a token says of a person; False where a newer token, by `issued_at`, said it before.

    A name or an address that the token does not tell stays what it is.
    """
    changed = tx.execute(
        "UPDATE people SET issuer = :issuer, subject = :subject, name = COALESCE(:name, name),"
        " address = COALESCE(:address, address), claims_at = :issued_at"
        " WHERE principal_id = :id AND (claims_at IS NULL OR claims_at <= :issued_at)",
        {
            "id": principal_id,
            "issuer": issuer,
            "subject": subject,
            "name": name,
            "address": address,
            "issued_at": issued_at,
        },
    )
    return changed == 1


def replace_grants(
    tx: Transaction, principal_id: str, grants: frozenset[Grant], *, ends_at: int, at: int
) -> None:
    """Let a person hold `grants` until `ends_at`, and nothing else that an earlier token granted."""
    kept = [grant for grant in sorted(grants) if _prolong(tx, principal_id, grant, ends_at=ends_at, at=at)]
    _end_others(tx, principal_id, kept, at)
    for grant in sorted(grants.difference(kept)):
        held = HeldGrant(grant=grant, source=CLAIMS, granted_by=PROVIDER, granted_at=at, ends_at=ends_at)
        add_grant(tx, principal_id, held)


def forget_sign_ins(tx: Transaction, before: int) -> None:
    """
    Delete what ended before `before`; what was granted, and until when, stands in the audit rows.

    The last claims of a person stay when they lapse: they say whom it takes to manage that person.
    """
    tx.execute("DELETE FROM sign_ins WHERE ends_at < :before", {"before": before})
    tx.execute(
        "DELETE FROM grants WHERE source = :claims AND ended_at < :before",
        {"claims": CLAIMS, "before": before},
    )


def _prolong(tx: Transaction, principal_id: str, grant: Grant, *, ends_at: int, at: int) -> bool:
    """Let a grant that holds end at another time; False where it does not hold."""
    changed = tx.execute(
        "UPDATE grants SET ends_at = :ends_at WHERE principal_id = :id AND scope_kind = :kind"
        " AND scope_id = :scope AND role = :role AND source = :claims AND ended_at IS NULL AND ends_at > :at",
        {
            "id": principal_id,
            "kind": grant.scope.kind.value,
            "scope": grant.scope.id,
            "role": grant.role.value,
            "claims": CLAIMS,
            "ends_at": ends_at,
            "at": at,
        },
    )
    return changed == 1


def _end_others(tx: Transaction, principal_id: str, kept: list[Grant], at: int) -> None:
    rows = tx.all(
        "SELECT id, scope_kind, scope_id, role FROM grants WHERE principal_id = :id AND source = :claims"
        " AND ended_at IS NULL",
        {"id": principal_id, "claims": CLAIMS},
    )
    names = {(grant.scope.kind.value, grant.scope.id, grant.role.value) for grant in kept}
    tx.execute_many(
        "UPDATE grants SET ended_at = CASE WHEN ends_at < :at THEN ends_at ELSE :at END, ended_by = :by"
        " WHERE id = :id",
        [
            {"id": row["id"], "at": at, "by": PROVIDER}
            for row in rows
            if (row["scope_kind"], row["scope_id"], row["role"]) not in names
        ],
    )
