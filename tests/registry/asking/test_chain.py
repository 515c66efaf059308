"""By whose leave something was granted: a chain from the authority down, none too long, nobody twice."""

from typing import Any

import pytest

from registry.asking.chain import chain_of
from registry.model import Authority, Definition, Delegation, Entity, Grant, Identifier, StateChange
from tests.registry.examples import known_of

FROM, AT = 1_000, 5_000  # microseconds since 1970


def a_delegation(grantor: str, delegate: str, **changes: Any) -> Delegation:
    members = {"actions": ("issue",), "valid_from": FROM, "further": 9} | changes
    return Delegation(
        id=f"d-{grantor}-{delegate}", authority_id="top", grantor_id=grantor, delegate_id=delegate, **members
    )


def an_entity(entity_id: str, **window: Any) -> Entity:
    identifiers = (Identifier(value=f"did:web:{entity_id}.example"),)
    return Entity(id=entity_id, names={"en": entity_id}, identifiers=identifiers, **window)


def links(*facts: Delegation | Entity, by: str = "c", at_most: int = 3, **changes: Any) -> list[str] | None:
    """Return who stands in the chain to a grant of `by`, the first delegate of the authority first."""
    authority = Authority(
        id="top",
        governance_framework="https://rules.example/",
        defines=(Definition(action="issue", resource="Degree"),),
        max_delegations=at_most,
    )
    about = {"kind": "authorization", "action": "issue", "resource": "Degree", "valid_from": FROM} | changes
    grant = Grant(id="g", authority_id="top", entity_id="e", granted_by=by, **about)
    entities = {each: an_entity(each) for each in ("a", "b", "c")}
    entities |= {each.id: each for each in facts if isinstance(each, Entity)}
    delegations = [each for each in facts if isinstance(each, Delegation)]
    known = known_of([authority, *entities.values(), *delegations])
    chain = chain_of(known, authority, grant, AT)
    return None if chain is None else [each.delegate_id for each in chain]


A, B, C = a_delegation("top", "a"), a_delegation("a", "b"), a_delegation("b", "c")


def test_a_chain_leads_from_the_authority_to_whoever_granted() -> None:
    assert links(A, B, C) == ["a", "b", "c"]
    assert links(B, C) is None
    assert links(by="top") == []


@pytest.mark.parametrize("who", ["a", "b", "c"])
def test_whoever_is_not_there_any_more_has_no_power(who: str) -> None:
    assert links(A, B, C, an_entity(who, valid_until=AT)) is None
    assert links(A, B, C, an_entity(who, valid_from=AT + 1)) is None
    assert links(A, B, C, an_entity(who, valid_until=AT + 1)) == ["a", "b", "c"]


def test_the_shortest_chain_is_shown() -> None:
    assert links(A, B, C, a_delegation("a", "c")) == ["a", "c"]


@pytest.mark.parametrize(("at_most", "found"), [(3, ["a", "b", "c"]), (2, None), (0, None)])
def test_a_chain_is_no_longer_than_the_authority_allows(at_most: int, found: list[str] | None) -> None:
    assert links(A, B, C, at_most=at_most) == found


def test_an_authority_that_allows_no_delegation_takes_none() -> None:
    assert links(A, by="a", at_most=0) is None


@pytest.mark.parametrize(("further", "found"), [(2, ["a", "b", "c"]), (1, None), (0, None)])
def test_a_power_is_passed_on_as_often_as_it_may_be(further: int, found: list[str] | None) -> None:
    assert links(a_delegation("top", "a", further=further), B, C) == found


def test_what_may_not_be_passed_on_may_be_used() -> None:
    assert links(a_delegation("top", "a", further=0), by="a") == ["a"]


def test_delegations_that_lead_in_a_circle_give_no_power_and_end() -> None:
    circle = (a_delegation("c", "a"), B, C)

    assert links(*circle) is None
    assert links(*circle, a_delegation("top", "b")) == ["b", "c"]


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_from": AT + 1},
        {"valid_until": AT},
        {"history": (StateChange(state="suspended", since=AT),)},
        {"history": (StateChange(state="revoked", since=AT + 9, compromised_since=AT),)},
        {"actions": ("verify",)},
        {"resources": ("Licence",)},
        {"kinds": ("recognition",)},
    ],
)
def test_a_link_that_does_not_hold_at_the_time_or_for_this_breaks_the_chain(changes: dict[str, Any]) -> None:
    assert links(a_delegation("top", "a", **changes), B, C) is None


def test_a_link_that_is_compromised_later_holds_before() -> None:
    later = (StateChange(state="revoked", since=AT + 9, compromised_since=AT + 1),)

    assert links(a_delegation("top", "a", history=later), B, C) == ["a", "b", "c"]


def test_many_who_delegate_to_each_other_are_looked_through_once() -> None:
    """Ten who all delegate to each other have 10! ways between them."""
    names = [f"n{number}" for number in range(10)]
    mesh = [a_delegation(one, other) for one in names for other in names if one != other]

    assert links(*mesh, by="n9", at_most=10) is None
