"""What is wanted becomes changes: the past stays, unless somebody corrects it."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from registry import AuthorityNotFound, ChangesThePast, DefinitionNotFound, Fact, RegistryFileError
from registry.asking.standing import Asked, find
from registry.imports.planning import Contradiction, plan
from registry.imports.registry_file import read_registry_file
from registry.known import FactChange, Known, Overlaid
from registry.model import Authority, Definition, Delegation, Identifier, Vouching, kind_of
from tests.registry.examples import EDU, UNI, known_of
from tests.registry.told import (
    ENTITIES,
    NOW,
    a_grant,
    an_authority,
    an_entity,
    at,
)

OTHER, DEAN = "did:web:other.example", "did:web:dean.example"
THEN, LATER = at("2025-06-01"), NOW + 1
MOVED = at("2025-01-01")
DELEGATED = Delegation(
    id="d1",
    authority_id="edu",
    grantor_id="edu",
    delegate_id="dean",
    actions=("issue",),
    valid_from=at("2024-01-01"),
)
LICENCE = Definition(action="issue", resource="Licence")
DEGREE = Definition(action="issue", resource="Degree")


def edu(*defines: Definition, **more: Any) -> Authority:
    return replace(an_authority(**more), defines=defines or (DEGREE, LICENCE))


BASE: tuple[Fact, ...] = (*ENTITIES, edu(), a_grant())
BY_DEAN: tuple[Fact, ...] = (*BASE, an_entity("dean", DEAN), DELEGATED, a_grant(granted_by="dean"))
LICENCE_ONLY = edu(LICENCE)


def having(*new: Fact, base: Iterable[Fact] = BASE) -> list[Fact]:
    return list({(kind_of(fact), fact.id): fact for fact in (*base, *new)}.values())


def after(facts: Iterable[Fact], changes: Iterable[FactChange]) -> Known:
    return Overlaid(known_of(facts), changes, NOW)


def ask(known: Known, when: int, entity: str = UNI, action: str = "issue") -> str:
    """Return the decision on a Degree, or that it is not defined."""
    asked = Asked(
        kind="authorization", authority=EDU, entity=entity, action=action, resource="Degree", at=when
    )
    try:
        return find(known, asked).decision
    except (AuthorityNotFound, DefinitionNotFound):
        return "not defined"


def uni(**more: Any) -> Fact:
    return an_entity("uni", Identifier(value=UNI, **more))


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        pytest.param(BASE, having(uni(compromised_since=MOVED)), id="compromised_since set"),
        pytest.param(having(uni(compromised_since=MOVED)), BASE, id="compromised_since taken away"),
        pytest.param(BASE, having(uni(valid_until=MOVED)), id="identifier ended in the past"),
        pytest.param(BASE, having(uni(valid_from=MOVED)), id="identifier begun later"),
        pytest.param(having(an_entity("uni", UNI, valid_until=MOVED)), BASE, id="entity revived"),
        pytest.param(having(edu(valid_until=MOVED)), BASE, id="authority revived"),
        pytest.param(having(base=BY_DEAN), having(edu(max_delegations=0), base=BY_DEAN), id="chains"),
        pytest.param(
            BASE,
            having(edu(replace(DEGREE, valid_from=NOW))),
            id="definition begun later",
        ),
        pytest.param(
            having(LICENCE_ONLY),
            having(edu(replace(DEGREE, valid_from=MOVED))),
            id="definition begun in the past",
        ),
        pytest.param(BASE, having(a_grant(source="list")), id="a source's grant"),
    ],
)
def test_nothing_past_is_said_otherwise_but_by_a_correction(before: list[Fact], wanted: list[Fact]) -> None:
    with pytest.raises(ChangesThePast):
        plan(known_of(before), wanted, NOW)

    assert "correct" in [change.what for change in plan(known_of(before), wanted, NOW, corrects=True)]


@pytest.mark.parametrize(
    ("before", "wanted", "entity", "then", "now"),
    [
        pytest.param(BASE, having(LICENCE_ONLY), UNI, "yes", "not defined", id="definition dropped"),
        pytest.param(having(LICENCE_ONLY), BASE, UNI, "not defined", "yes", id="definition added"),
        pytest.param(BASE, having(an_entity("uni", UNI, OTHER)), OTHER, "no", "yes", id="identifier added"),
        pytest.param(having(an_entity("uni", UNI, OTHER)), BASE, OTHER, "yes", "no", id="identifier dropped"),
        pytest.param(having(uni(valid_until=MOVED)), BASE, UNI, "no", "yes", id="identifier prolonged"),
        pytest.param(
            BASE,
            having(an_entity("uni", OTHER), an_entity("new", UNI), a_grant("g2", entity_id="new")),
            UNI,
            "yes",
            "yes",
            id="identifier moved",
        ),
    ],
)
def test_what_is_said_without_times_is_said_from_now_on(
    before: list[Fact], wanted: list[Fact], entity: str, then: str, now: str
) -> None:
    changes = plan(known_of(before), wanted, NOW)

    known = after(before, changes)
    assert ask(known_of(before), THEN, entity) == ask(known, THEN, entity) == then
    assert ask(known, LATER, entity) == now
    assert plan(known, wanted, LATER) == ()


def test_who_had_an_identifier_has_what_it_was_granted_no_more_when_it_moves() -> None:
    wanted = having(an_entity("uni", OTHER), an_entity("new", UNI))

    known = after(BASE, plan(known_of(BASE), wanted, NOW))

    assert [ask(known, when) for when in (THEN, LATER)] == ["yes", "no"]


def test_a_definition_that_was_dropped_and_comes_back_is_defined_anew() -> None:
    dropped = after(BASE, plan(known_of(BASE), having(LICENCE_ONLY), NOW))

    known = Overlaid(dropped, plan(dropped, BASE, NOW + 100), NOW + 100)

    assert [ask(known, when) for when in (NOW - 1, NOW, NOW + 99, NOW + 100)] == [
        "yes",
        "not defined",
        "not defined",
        "yes",
    ]


def test_a_compromise_is_told_of_the_time_from_which_on_nothing_is_trusted() -> None:
    [change] = plan(known_of(BASE), having(uni(compromised_since=MOVED)), NOW, corrects=True)

    assert (change.what, change.effective_at) == ("correct", MOVED)


def test_how_long_a_source_vouches_is_not_for_a_file_to_say() -> None:
    vouched = edu(vouching=(Vouching(source="list", until=NOW + 5),))
    stale = edu(vouching=(Vouching(source="list", until=MOVED),))

    assert plan(known_of(having(vouched)), having(stale), NOW) == ()


def a_file(*entities: dict[str, Any], **more: Any) -> bytes:
    edu = {"id": "edu", "names": {"en": "E"}, "identifiers": [{"value": EDU}]}
    authority = {
        "id": "edu",
        "governance_framework": "https://e.example/r",
        "defines": [{"action": "issue", "resource": "Degree"}],
    }
    empty: dict[str, Any] = {"authorizations": [], "recognitions": [], "delegations": []}
    return json.dumps(
        {"version": 2, "entities": [edu, *entities], "authorities": [authority]} | empty | more
    ).encode()


FORMER = {"value": UNI, "valid_until": "2025-01-01T00:00:00Z"}
PRESENT = {"value": UNI, "valid_from": "2025-01-01T00:00:00Z"}
A = {"id": "a", "names": {"en": "A"}, "identifiers": [FORMER, {"value": OTHER}]}
B = {"id": "b", "names": {"en": "B"}, "identifiers": [PRESENT]}


def without_id(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if name != "id"}


def test_an_entity_without_id_is_whoever_has_its_identifier_at_that_time() -> None:
    known = known_of(read_registry_file(a_file(A, B)))

    for listed in (
        (A, without_id(B)),
        (without_id(B), A),
        (A, without_id(B | {"identifiers": [{"value": UNI}]})),
    ):
        assert plan(known, read_registry_file(a_file(A, without_id(B))), NOW) == (), listed


def test_no_two_entities_of_a_file_are_taken_for_one() -> None:
    known = known_of(
        read_registry_file(
            a_file({"id": "x", "names": {"en": "X"}, "identifiers": [{"value": UNI}, {"value": OTHER}]})
        )
    )
    apart = [{"names": {"en": value}, "identifiers": [{"value": value}]} for value in (UNI, OTHER)]

    changes = plan(known, read_registry_file(a_file(*apart)), NOW)

    assert len({change.key for change in changes}) == len(changes)
    assert [(change.what, change.id == "x") for change in changes] == [("change", True), ("add", False)]


def test_an_identifier_that_was_anothers_at_that_time_is_refused_with_its_place() -> None:
    known = known_of(read_registry_file(a_file(A)))
    thief = {
        "id": "b",
        "names": {"en": "B"},
        "identifiers": [{"value": OTHER, "valid_from": "2024-01-01T00:00:00Z"}],
    }
    with pytest.raises(Contradiction) as told:
        plan(known, read_registry_file(a_file(thief)), NOW)

    assert [pointer for pointer, _ in told.value.findings] == ["/entities/1/identifiers/0/value"]


@pytest.mark.parametrize("entities", [(A, B), (B, A)])
@pytest.mark.parametrize(("begins", "holder"), [("2025-02-01T00:00:00Z", "b"), ("2024-02-01T00:00:00Z", "a")])
def test_a_reference_means_whoever_has_the_identifier_when_the_grant_begins(
    entities: tuple[dict[str, Any], ...], begins: str, holder: str
) -> None:
    grant = {
        "authority_id": EDU,
        "entity_id": UNI,
        "action": "issue",
        "resource": "Degree",
        "valid_from": begins,
    }

    facts = read_registry_file(a_file(*entities, authorizations=[grant]))

    assert facts[-1].entity_id == holder  # type: ignore[union-attr]


def test_a_reference_to_several_is_refused_with_its_place() -> None:
    gap = B | {"identifiers": [PRESENT | {"valid_from": "2025-06-01T00:00:00Z"}]}
    grant = {
        "authority_id": EDU,
        "entity_id": UNI,
        "action": "issue",
        "resource": "Degree",
        "valid_from": "2025-03-01T00:00:00Z",
    }
    with pytest.raises(RegistryFileError) as told:
        read_registry_file(a_file(A, gap, authorizations=[grant]))

    [fault] = told.value.faults
    assert fault.pointer == "/authorizations/0/entity_id"
    assert "a, b" in fault.detail
