"""
Whose business operations are: the authorities whose facts they change. Pure.
"""

from collections.abc import Iterable, Iterator

from operators.grants import EVERYTHING, NotSeen, Permission, Principal, Scope, ScopeKind, require
from registry.editing.operations import id_of
from registry.editing.shapes import Operation
from registry.known import FactChange, Known
from registry.model import Delegation, Fact, Grant

ABSENT = "there is no such fact, or authority"


def scope_of(known: Known, changes: Iterable[FactChange]) -> Scope:
    """
    Return where an editor of changes needs that role: one authority, where they are all of its facts but for
    entities that are new; else everything.
    """
    scopes = {_scope(known, change) for change in changes if not _is_new_entity(known, change)}
    return scopes.pop() if len(scopes) == 1 else EVERYTHING


def require_scope(
    principal: Principal, permission: Permission, known: Known, changes: Iterable[FactChange]
) -> Scope:
    """
    Let `principal` make changes; return their scope.

    Raises:
        NotSeen: one is of an authority that it may not know of; the words are those for one that is not there.
        Forbidden: it has not that permission there.
    """
    listed = list(changes)
    scope = scope_of(known, listed)
    if principal.may(permission, scope):
        return scope
    for change in listed:
        touched = _scope(known, change)
        if touched != EVERYTHING and not principal.may(Permission.READ, touched):
            raise NotSeen(ABSENT)
    require(principal, permission, scope, absent=ABSENT)
    return scope


def require_scope_of(
    principal: Principal, permission: Permission, known: Known, operations: Iterable[Operation]
) -> None:
    """
    Let `principal` propose operations, before they are planned and their faults are told.

    What they make of the facts is not known yet: `require_scope` looks again at that.

    Raises:
        NotSeen, Forbidden: as `require_scope`.
    """
    touched = {scope for each in operations for scope in _touched(known, each)}
    if touched:
        scope = touched.pop() if len(touched) == 1 else EVERYTHING
        require(principal, permission, scope, absent=ABSENT)


def _touched(known: Known, operation: Operation) -> Iterator[Scope]:
    """Yield the scopes of what an operation touches; none of a new entity, nor of a grant without authority."""
    before = known.fact(operation.kind, id_of(known, operation.kind, _named(operation)))
    if operation.kind == "entity":
        if before is not None or operation.op != "add":
            yield EVERYTHING
    elif operation.kind == "authority" and (before is None or operation.op == "void"):
        yield EVERYTHING
    else:
        yield from (authority_scope(each) for each in _spoken_of(known, operation) if each)


def require_seen(principal: Principal, known: Known, operations: Iterable[Operation]) -> None:
    """
    Let `principal` speak of facts, before anything is said of them.

    Raises:
        NotSeen: one is of an authority that it may not know of, or is not there: the answer is the same.
    """
    sees_all = principal.may(Permission.READ, EVERYTHING)
    for index, operation in enumerate(operations):
        for authority_id in _spoken_of(known, operation):
            is_absent = (
                not authority_id and operation.if_match is None
            )  # Else it was there: that is a conflict.
            is_seen = sees_all or principal.may(Permission.READ, authority_scope(authority_id or "-"))
            if not is_seen or is_absent:
                raise NotSeen(ABSENT, pointer=f"/operations/{index}")


def _spoken_of(known: Known, operation: Operation) -> Iterator[str]:
    """Yield the ids of the authorities whose facts an operation is about; "" where there is no such fact."""
    fact, named = operation.fact or {}, _named(operation)
    fact_id = id_of(known, operation.kind, named) if named else ""
    before = known.fact(operation.kind, fact_id) if fact_id else None
    if before is None and operation.op != "add" and fact_id:
        yield ""
    elif operation.kind == "authority":
        yield fact_id
    elif before is not None and (authority_id := _authority_of(before.fact)) is not None:
        yield authority_id
    if isinstance(said := fact.get("authority_id"), str):
        yield id_of(known, "entity", said)


def _named(operation: Operation) -> str:
    return operation.id or str((operation.fact or {}).get("id") or "")


def authority_scope(authority_id: str) -> Scope:
    return Scope(ScopeKind.AUTHORITY, authority_id)


def _scope(known: Known, change: FactChange) -> Scope:
    before = known.fact(change.kind, change.id)
    if change.kind == "authority":
        return EVERYTHING if before is None or change.fact is None else authority_scope(change.id)
    facts = [change.fact, None if before is None else before.fact]
    named = {_authority_of(fact) for fact in facts if fact is not None}
    authority_id = named.pop() if len(named) == 1 else None
    return EVERYTHING if authority_id is None else authority_scope(authority_id)


def _authority_of(fact: Fact) -> str | None:
    return fact.authority_id if isinstance(fact, Grant | Delegation) else None


def _is_new_entity(known: Known, change: FactChange) -> bool:
    return change.kind == "entity" and known.fact("entity", change.id) is None
