"""
Change sets and comments, as rows. Store.

Whoever moves a change set says from which states and from which revision; where another one was faster, nothing is
moved, and the caller is told.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from operators.grants import EVERYTHING, Scope, ScopeKind
from registry.editing.inverse import Undone
from registry.editing.shapes import ChangeSetRow, ChangeSetView, Comment, Operation, State
from registry.known import FactChange
from registry.model import TYPES, Fact, FactKind
from storage import Row, Transaction, one_of
from wire import format_exact

_OPERATIONS = msgspec.json.Decoder(tuple[Operation, ...])
_COLUMNS = (
    "id, title, state, revision, author, scope_kind, scope_id, operation_count, base_version, base_at,"
    " effective_at, occasion, inverse_of, approval, version, took_effect_at, problem, created_at, updated_at"
)
_DECODERS = {kind: msgspec.json.Decoder(wanted) for kind, wanted in TYPES.items()}


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an author says; times are microseconds since 1970.

    Attributes:
        base_at: when the newest of what its author looked at was recorded.
    """

    title: str
    operations: str
    operation_count: int
    scope: Scope
    base_version: int
    base_at: int
    effective_at: int | None


class ChangeSet(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `registry_change_sets`."""

    number: int
    state: State
    revision: int
    author: str
    content: Content
    occasion: str
    inverse_of: int | None
    approval: int | None
    version: int | None
    took_effect_at: int | None
    problem: str | None
    created_at: int
    updated_at: int

    @property
    def operations(self) -> tuple[Operation, ...]:
        return _OPERATIONS.decode(self.content.operations)


def insert(
    tx: Transaction, author: str, content: Content, *, occasion: str, inverse_of: int | None, at: int
) -> int:
    """Insert a draft; return its number."""
    [made] = tx.all(
        "INSERT INTO registry_change_sets (title, state, revision, author, scope_kind, scope_id, operations,"
        " operation_count, base_version, base_at, effective_at, occasion, inverse_of, created_at, updated_at)"
        " VALUES (:title, 'draft', 1, :author, :scope_kind, :scope_id, :operations, :operation_count,"
        " :base_version, :base_at, :effective_at, :occasion, :inverse_of, :at, :at) RETURNING id",
        {"author": author, "occasion": occasion, "inverse_of": inverse_of, "at": at, **_values(content)},
    )
    return int(made["id"])


def scope_of(tx: Transaction, number: int) -> Scope | None:
    """Return the scope of a change set; None: there is none of that number."""
    row = tx.one(
        "SELECT scope_kind, scope_id FROM registry_change_sets WHERE id = :number", {"number": number}
    )
    return None if row is None else Scope(ScopeKind(row["scope_kind"]), row["scope_id"])


def find(tx: Transaction, number: int) -> ChangeSet | None:
    row = tx.one("SELECT * FROM registry_change_sets WHERE id = :number", {"number": number})
    return None if row is None else _change_set(row)


def page_after(
    tx: Transaction, scopes: frozenset[Scope], *, state: str | None, after: int, limit: int
) -> list[ChangeSet]:
    """Return at most `limit` change sets of some scopes with a number beyond `after`, without operations."""
    named = None if EVERYTHING in scopes else {f"{one.kind}:{one.id}" for one in scopes}
    condition, values = one_of("scope_kind || ':' || scope_id", named)
    rows = tx.all(
        f"SELECT {_COLUMNS}, '' AS operations FROM registry_change_sets WHERE id > :after AND {condition}"  # noqa: S608 (ours)
        " AND (:state = '' OR state = :state) ORDER BY id LIMIT :limit",
        {"after": after, "state": state or "", "limit": limit, **values},
    )
    return [_change_set(row) for row in rows]


def due(tx: Transaction, now: int, limit: int) -> list[ChangeSet]:
    """Return at most `limit` change sets whose time has come, the earliest first."""
    rows = tx.all(
        "SELECT * FROM registry_change_sets WHERE state = 'scheduled' AND effective_at <= :now"
        " ORDER BY effective_at, id LIMIT :limit",
        {"now": now, "limit": limit},
    )
    return [_change_set(row) for row in rows]


def rewrite(tx: Transaction, before: ChangeSet, content: Content, at: int) -> bool:
    """Let a change set say something else, as a draft of the next revision; tell whether it was still `before`."""
    return bool(
        tx.execute(
            "UPDATE registry_change_sets SET title = :title, operations = :operations, scope_kind = :scope_kind,"
            " operation_count = :operation_count, scope_id = :scope_id, base_version = :base_version,"
            " base_at = :base_at, effective_at = :effective_at, state = 'draft', revision = revision + 1,"
            " approval = NULL, problem = NULL, updated_at = :at WHERE id = :number AND revision = :revision"
            " AND state IN ('draft', 'needs_information', 'conflict')",
            {"number": before.number, "revision": before.revision, "at": at, **_values(content)},
        )
    )


def move(
    tx: Transaction,
    before: ChangeSet,
    states: Iterable[State],
    state: State,
    at: int,
    *,
    problem: str | None = None,
    approval: int | None = None,
    version: int | None = None,
) -> bool:
    """
    Bring a change set from one of some states to another; tell whether it was in one, and at that revision.

    What is submitted has the request for approval that is named, and none of an earlier time.
    """
    condition, values = one_of("state", states)
    asked = ":approval" if state == "submitted" else "COALESCE(:approval, approval)"
    return bool(
        tx.execute(
            f"UPDATE registry_change_sets SET state = :state, problem = :problem, version = :version,"  # noqa: S608 (ours)
            f" approval = {asked}, took_effect_at = :took_effect_at, updated_at = :at"
            f" WHERE id = :number AND revision = :revision AND {condition}",
            {
                "number": before.number,
                "revision": before.revision,
                "state": state,
                "problem": problem,
                "approval": approval,
                "version": version,
                "took_effect_at": None if version is None else at,
                "at": at,
                **values,
            },
        )
    )


def lapsed(tx: Transaction, now: int, limit: int) -> list[ChangeSet]:
    """Return at most `limit` change sets that are submitted, though their request for approval ended undecided."""
    rows = tx.all(
        "SELECT c.* FROM registry_change_sets c JOIN approvals a ON a.id = c.approval WHERE c.state = 'submitted'"
        " AND (a.state = 'expired' OR (a.state = 'pending' AND a.expires_at <= :now)) ORDER BY c.id LIMIT :limit",
        {"now": now, "limit": limit},
    )
    return [_change_set(row) for row in rows]


def give_back(tx: Transaction, before: ChangeSet, problem: str, at: int) -> bool:
    """Let what is submitted be a draft again; tell whether it was, and with the same request for approval."""
    return bool(
        tx.execute(
            "UPDATE registry_change_sets SET state = 'draft', approval = NULL, problem = :problem, updated_at = :at"
            " WHERE id = :number AND revision = :revision AND state = 'submitted' AND approval = :approval",
            {
                "number": before.number,
                "revision": before.revision,
                "approval": before.approval,
                "problem": problem,
                "at": at,
            },
        )
    )


def add_comment(tx: Transaction, number: int, author: str, text: str, at: int) -> None:
    tx.execute(
        "INSERT INTO registry_change_set_comments (change_set, author, at, text)"
        " VALUES (:number, :author, :at, :text)",
        {"number": number, "author": author, "at": at, "text": text},
    )


def comments_of(tx: Transaction, number: int, limit: int) -> tuple[Comment, ...]:
    """Return the comments on a change set, the oldest first."""
    rows = tx.all(
        "SELECT author, at, text FROM registry_change_set_comments WHERE change_set = :number"
        " ORDER BY id LIMIT :limit",
        {"number": number, "limit": limit},
    )
    return tuple(Comment(author=row["author"], at=format_exact(row["at"]), text=row["text"]) for row in rows)


def recorded_at(tx: Transaction, version: int) -> int | None:
    """Return when a version of the registry was recorded; None: there is no such version."""
    if version == 0:
        return 0
    row = tx.one("SELECT recorded_at FROM registry_versions WHERE version = :version", {"version": version})
    return None if row is None else int(row["recorded_at"])


def done_by(tx: Transaction, version: int) -> list[Undone]:
    """Return what a version of the registry made of each fact, and what that was before, in order."""
    rows = tx.all(
        "SELECT e.kind, e.fact_id, e.revision, e.what, e.effective_at, e.body, b.body AS before,"
        " (SELECT MAX(n.revision) FROM registry_events n WHERE n.kind = e.kind AND n.fact_id = e.fact_id) AS newest"
        " FROM registry_events e LEFT JOIN registry_events b"
        " ON b.kind = e.kind AND b.fact_id = e.fact_id AND b.revision = e.revision - 1"
        " WHERE e.version = :version ORDER BY e.position",
        {"version": version},
    )
    return [_undone(row) for row in rows]


def row_view(found: ChangeSet) -> ChangeSetRow:
    """Return a change set as lists show it."""
    return ChangeSetRow(**_shown(found))


def view(found: ChangeSet) -> ChangeSetView:
    """Return a change set as it is shown."""
    return ChangeSetView(**_shown(found), operations=found.operations)


def text_of(operations: Sequence[Operation]) -> str:
    """Return operations as they are kept, one text for each list of them."""
    return msgspec.json.encode(operations, order="deterministic").decode()


def _values(content: Content) -> dict[str, object]:
    values = msgspec.structs.asdict(content)
    scope = values.pop("scope")
    return values | {"scope_kind": scope.kind.value, "scope_id": scope.id}


def _change_set(row: Row) -> ChangeSet:
    return ChangeSet(
        number=row["id"],
        state=row["state"],
        revision=row["revision"],
        author=row["author"],
        content=Content(
            title=row["title"],
            operations=row["operations"],
            operation_count=row["operation_count"],
            scope=Scope(ScopeKind(row["scope_kind"]), row["scope_id"]),
            base_version=row["base_version"],
            base_at=row["base_at"],
            effective_at=row["effective_at"],
        ),
        occasion=row["occasion"],
        inverse_of=row["inverse_of"],
        approval=row["approval"],
        version=row["version"],
        took_effect_at=row["took_effect_at"],
        problem=row["problem"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _shown(found: ChangeSet) -> dict[str, Any]:
    times = {
        name: None if at is None else format_exact(at)
        for name, at in (
            ("created_at", found.created_at),
            ("updated_at", found.updated_at),
            ("effective_at", found.content.effective_at),
            ("took_effect_at", found.took_effect_at),
        )
    }
    content = found.content
    return times | {
        "number": found.number,
        "title": content.title,
        "state": found.state,
        "revision": found.revision,
        "author": found.author,
        "scope": str(content.scope),
        "operation_count": content.operation_count,
        "base_version": content.base_version,
        "approval": found.approval,
        "version": found.version,
        "inverse_of": found.inverse_of,
        "problem": found.problem,
    }


def _undone(row: Row) -> Undone:
    kind: FactKind = row["kind"]
    fact, before = (_fact(kind, row[name]) for name in ("body", "before"))
    change = FactChange(kind, row["fact_id"], fact, row["what"], row["effective_at"])
    return Undone(change, before, row["revision"], row["newest"])


def _fact(kind: FactKind, body: str | None) -> Fact | None:
    fact: Fact | None = None if body is None else _DECODERS[kind].decode(body)
    return fact
