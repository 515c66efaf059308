"""
Who granted in an authority's name, and by whose leave, at one time. Pure.

The power is looked for at the time that the question is about: where a delegation has ended, what was granted by it
holds no more. A chain has at most `Authority.max_delegations` links, and nobody twice.
"""

from collections.abc import Iterator

from registry.known import Known
from registry.model import Authority, Delegation, Grant, standing_at

Chain = tuple[Delegation, ...]  # from the authority down to whoever granted


def chain_of(known: Known, authority: Authority, grant: Grant, at: int) -> Chain | None:
    """
    Return the delegations by which a grant was given, the authority's own first; () where the authority gave it.

    None: whoever granted it had no such power at `at`.
    """
    if grant.granted_by is None or grant.granted_by == grant.authority_id:
        return ()
    waiting: list[tuple[str, Chain]] = [(grant.granted_by, ())]
    while waiting:  # Breadth first: the shortest chain is shown.
        delegate, below = waiting.pop(0)
        for delegation in _powers(known, grant, delegate, below, at):
            chain = (delegation, *below)
            if delegation.grantor_id == grant.authority_id:
                return chain
            if len(chain) < authority.max_delegations and not _is_in(delegation.grantor_id, chain):
                waiting.append((delegation.grantor_id, chain))
    return None


def _powers(known: Known, grant: Grant, delegate: str, below: Chain, at: int) -> Iterator[Delegation]:
    """Yield the delegations that let `delegate` grant this, though it is passed on as often as `below` is long."""
    for found in known.delegations_to(grant.authority_id, delegate):
        delegation = found.fact
        is_enough = _is_for(delegation, grant) and delegation.further >= len(below)
        if is_enough and standing_at(delegation, at).phase == "active":
            yield delegation


def _is_for(delegation: Delegation, grant: Grant) -> bool:
    return (
        grant.kind in delegation.kinds
        and grant.action in delegation.actions
        and (not delegation.resources or grant.resource in delegation.resources)
    )


def _is_in(entity_id: str, chain: Chain) -> bool:
    return any(each.delegate_id == entity_id for each in chain)
