"""
Who granted in an authority's name, and by whose leave, at one time. Pure.

The power is looked for at the time that the question is about: where a delegation has ended, or was compromised by
then, or whoever has the power is not there any more, what was granted by it holds no more. A chain has at most
`Authority.max_delegations` links, and nobody twice.
"""

from collections.abc import Iterator

from registry.known import Known, Revision
from registry.model import Authority, Delegation, Entity, Grant, covers, standing_at

Chain = tuple[Delegation, ...]  # from the authority down to whoever granted


def chain_of(known: Known, authority: Authority, grant: Grant, at: int) -> Chain | None:
    """
    Return the delegations by which a grant was given, the authority's own first; () where the authority gave it.

    None: whoever granted it had no such power at `at`.
    """
    if grant.granted_by is None or grant.granted_by == grant.authority_id:
        return ()
    waiting: list[tuple[str, Chain]] = [(grant.granted_by, ())]
    seen = {grant.granted_by}
    while waiting:  # Breadth first: the shortest chain is shown, and whoever is met again has no shorter one.
        delegate, below = waiting.pop(0)
        if len(below) == authority.max_delegations:
            continue
        for delegation in _powers(known, grant, delegate, below, at):
            chain = (delegation, *below)
            if delegation.grantor_id == grant.authority_id:
                return chain
            if delegation.grantor_id not in seen:
                seen.add(delegation.grantor_id)
                waiting.append((delegation.grantor_id, chain))
    return None


def powers_above(known: Known, grant: Grant) -> Iterator[Revision[Delegation] | Revision[Entity]]:
    """Yield every delegation that whoever granted may have its power from at some time, and who they are given."""
    if grant.granted_by is None:
        return
    waiting = [grant.granted_by]
    seen = {grant.authority_id}
    while waiting:
        delegate = waiting.pop()
        if delegate not in seen:
            seen.add(delegate)
            if (entity := known.entity(delegate)) is not None:
                yield entity
            for found in known.delegations_to(grant.authority_id, delegate):
                yield found
                waiting.append(found.fact.grantor_id)


def _powers(known: Known, grant: Grant, delegate: str, below: Chain, at: int) -> Iterator[Delegation]:
    """Yield the delegations that let `delegate` grant this, though it is passed on as often as `below` is long."""
    entity = known.entity(delegate)
    if entity is None or not covers(entity.fact.valid_from, entity.fact.valid_until, at):
        return
    for found in known.delegations_to(grant.authority_id, delegate):
        delegation = found.fact
        if _is_for(delegation, grant) and delegation.further >= len(below) and _is_in_force(delegation, at):
            yield delegation


def _is_in_force(delegation: Delegation, at: int) -> bool:
    standing = standing_at(delegation, at)
    is_compromised = standing.compromised_since is not None and standing.compromised_since <= at
    return standing.phase == "active" and not is_compromised


def _is_for(delegation: Delegation, grant: Grant) -> bool:
    return (
        grant.kind in delegation.kinds
        and grant.action in delegation.actions
        and (not delegation.resources or grant.resource in delegation.resources)
    )
