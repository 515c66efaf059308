"""
Requests for approval, as rows. Store.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from operators.approvals.change import Change
from operators.approvals.rules import ALWAYS, EXPIRED, PENDING, without_names
from operators.grants import EVERYTHING, Principal, Scope, ScopeKind
from storage import Row, Transaction, one_of

ABSENT = "there is no approval of this number"


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `approvals`; times in microseconds since 1970, `request` as JSON."""

    id: int
    action: str
    scope: Scope
    subject: str
    request: dict[str, Any]
    digest: str
    author: str
    author_key: str | None
    author_person: str | None
    reason: str | None
    asked_at: int
    expires_at: int
    state: str
    decided_by: str | None
    decided_key: str | None
    decided_at: int | None
    decision_reason: str | None

    @property
    def is_as_asked(self) -> bool:
        """Whether the row still says what its digest is of."""
        change = Change(action=self.action, scope=self.scope, subject=self.subject, request=self.request)
        return change.digest == self.digest

    def state_at(self, now: int) -> str:
        """Return the state; what waited until its end has expired, whether or not a row says so yet."""
        return EXPIRED if self.state == PENDING and self.expires_at <= now else self.state


class Decision(msgspec.Struct, frozen=True):
    """What becomes of a request, by whom and why; `at` in microseconds since 1970."""

    state: str
    by: Principal
    reason: str | None
    at: int


def find_waiting(tx: Transaction, author: str, digest: str) -> int | None:
    """Return the number of the request that waits for this change, asked by this principal."""
    row = tx.one(
        "SELECT id FROM approvals WHERE author = :author AND digest = :digest AND state = 'pending'",
        {"author": author, "digest": digest},
    )
    return None if row is None else int(row["id"])


def insert_approval(
    tx: Transaction, author: Principal, change: Change, parties: Iterable[str], *, at: int, expires_at: int
) -> int:
    """Insert a request, with all who have a part in it; return its number."""
    values = {
        "action": change.action,
        "scope_kind": change.scope.kind.value,
        "scope_id": change.scope.id,
        "subject": change.subject,
        "request": msgspec.json.encode(change.request, order="sorted").decode(),
        "digest": change.digest,
        "author": author.id,
        "key": author.key,
        "person": author.person,
        "reason": author.reason,
        "at": at,
        "expires_at": expires_at,
    }
    [made] = tx.all(
        "INSERT INTO approvals (action, scope_kind, scope_id, subject, request, digest, author, author_key,"
        " author_person, reason, asked_at, expires_at, state) VALUES (:action, :scope_kind, :scope_id, :subject,"
        " :request, :digest, :author, :key, :person, :reason, :at, :expires_at, 'pending') RETURNING id",
        values,
    )
    add_parties(tx, made["id"], parties)
    return int(made["id"])


def add_parties(tx: Transaction, number: int, parties: Iterable[str]) -> None:
    tx.execute_many(
        "INSERT INTO approval_parties (approval_id, principal_id) VALUES (:number, :id) ON CONFLICT DO NOTHING",
        [{"number": number, "id": one} for one in sorted(parties)],
    )


def parties_of(tx: Transaction, number: int) -> set[str]:
    """Return who had a part in a request when it was asked."""
    rows = tx.all("SELECT principal_id FROM approval_parties WHERE approval_id = :number", {"number": number})
    return {row["principal_id"] for row in rows}


def find_approval(tx: Transaction, number: int) -> Approval | None:
    row = tx.one("SELECT * FROM approvals WHERE id = :number", {"number": number})
    return None if row is None else _approval(row)


class Seen(msgspec.Struct, frozen=True):
    """Where somebody sees requests: those that are no matter of people, and those that are; and its own."""

    author: str
    general: frozenset[Scope]
    of_people: frozenset[Scope]


def approvals_after(
    tx: Transaction, seen: Seen, *, state: str | None, after: int, limit: int, now: int
) -> list[Approval]:
    """Return at most `limit` requests with a number beyond `after`, by number, in a state or in any."""
    scopes = {"general": seen.general, "people": seen.of_people}
    named = {f"{kind} {scope.kind}:{scope.id}" for kind, held in scopes.items() for scope in held}
    condition, values = one_of(f"{_KIND} || ' ' || scope_kind || ':' || scope_id", named)
    everywhere = {kind: int(EVERYTHING in held) for kind, held in scopes.items()}
    rows = tx.all(
        f"SELECT * FROM approvals WHERE id > :after AND (author = :author OR {condition} OR {_ALL})"  # noqa: S608 (ours)
        f" AND (:state = '' OR {_STATE} = :state) ORDER BY id LIMIT :limit",
        {
            "after": after,
            "author": seen.author,
            "state": state or "",
            "now": now,
            "limit": limit,
            **values,
            **everywhere,
        },
    )
    return [_approval(row) for row in rows]


def decided_between(
    tx: Transaction, actions: str, since: int, until: int, *, after: int, limit: int
) -> list[Approval]:
    """
    Return at most `limit` requests with a number beyond `after` that were decided in [since, until), by number.

    Args:
        actions: what the names of their actions begin with, such as "registry.".
    """
    rows = tx.all(
        "SELECT * FROM approvals WHERE id > :after AND decided_at >= :since AND decided_at < :until"
        " AND state IN ('approved', 'rejected', 'alone', 'break-glass')"
        " AND substr(action, 1, :length) = :actions ORDER BY id LIMIT :limit",
        {
            "after": after,
            "since": since,
            "until": until,
            "actions": actions,
            "length": len(actions),
            "limit": limit,
        },
    )
    return [_approval(row) for row in rows]


_STATE = "CASE WHEN state = 'pending' AND expires_at <= :now THEN 'expired' ELSE state END"
_ACTIONS = ", ".join(f"'{action}'" for action in sorted(ALWAYS))
_KIND = f"CASE WHEN action IN ({_ACTIONS}) THEN 'people' ELSE 'general' END"
_ALL = f"CASE WHEN {_KIND} = 'people' THEN :people ELSE :general END = 1"


def decide(tx: Transaction, approval: Approval, decision: Decision) -> bool:
    """
    Decide what waits; False where it does not any more. What is said of a person is taken out with that.

    By a clock that was set back it is decided in the moment in which it was asked for.
    """
    changed = tx.execute(
        "UPDATE approvals SET state = :state, decided_by = :by, decided_key = :key, decided_at = :at,"
        " decision_reason = :reason, request = :request"
        " WHERE id = :number AND state = 'pending' AND expires_at > :at",
        {
            "number": approval.id,
            "state": decision.state,
            "by": decision.by.id,
            "key": decision.by.key,
            "at": max(decision.at, approval.asked_at),
            "reason": decision.reason,
            "request": _nameless(approval),
        },
    )
    return changed == 1


def expire_due(tx: Transaction, now: int) -> None:
    """Let requests end that waited until their end."""
    for row in tx.all("SELECT * FROM approvals WHERE state = 'pending' AND expires_at <= :now", {"now": now}):
        expire(tx, _approval(row), now)


def expire_asked(tx: Transaction, now: int, *, author: str | None = None, key: str | None = None) -> None:
    """Let requests end that a principal asked, or an API key, since that acts no more."""
    rows = tx.all(
        "SELECT * FROM approvals WHERE state = 'pending' AND (author = :author OR author_key = :key)",
        {"author": author or "", "key": key or ""},
    )
    for row in rows:
        expire(tx, _approval(row), now)


def forget_person(tx: Transaction, principal_id: str, now: int) -> None:
    """Take out of all requests what is said of a person; one that still waits ends with that."""
    for row in tx.all("SELECT * FROM approvals WHERE subject = :id", {"id": principal_id}):
        approval = _approval(row)
        if without_names(approval.action, approval.request) != approval.request:
            expire(tx, approval, now)


def expire(tx: Transaction, approval: Approval, now: int) -> None:
    """Let a request end that nobody decided; what is said of a person is taken out with that."""
    tx.execute(
        "UPDATE approvals SET state = 'expired', decided_at = :now, request = :request"
        " WHERE id = :number AND state = 'pending'",
        {"number": approval.id, "now": max(now, approval.asked_at), "request": _nameless(approval)},
    )


def _nameless(approval: Approval) -> str:
    kept = without_names(approval.action, approval.request)
    return msgspec.json.encode(kept, order="sorted").decode()


def _approval(row: Row) -> Approval:
    scope = Scope(ScopeKind(row["scope_kind"]), row["scope_id"])
    values = {name: row[name] for name in Approval.__struct_fields__ if name != "scope"}
    return Approval(**values | {"scope": scope, "request": msgspec.json.decode(row["request"])})
