"""What claims the same at the same time is found, and among very many without comparing each with each."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import RegistryFileError, read_registry_file
from registry.model import Authority, Entity, Grant, Identifier, kind_of, meet, named_window
from registry.overlaps import overlaps
from registry.placed import Placed, PlacedFact
from registry.rules import faults
from tests.registry.examples import as_file, known_of

MANY = 2_000
STEPS = 60  # comparisons for each of MANY, at most: a few halvings, and a sort
NAME = "did:web:one.example"


class Counted(int):
    """A time that counts how often it is compared."""

    count = 0

    def __lt__(self, other: float) -> bool:
        Counted.count += 1
        return float(self) < float(other)

    def __eq__(self, other: object) -> bool:
        Counted.count += 1
        return isinstance(other, int | float) and float(self) == float(other)

    def __gt__(self, other: float) -> bool:
        Counted.count += 1
        return float(self) > float(other)

    __hash__ = int.__hash__


def a_window(number: int, begin: int, end: int | None) -> Grant:
    return Grant(
        id=f"g{number}",
        kind="authorization",
        authority_id="edu",
        entity_id="uni",
        action="issue",
        resource="Degree",
        valid_from=begin,
        valid_until=end,
    )


def a_holder(number: int, begin: int | None, end: int | None) -> Entity:
    identifier = Identifier(value=NAME, valid_from=begin, valid_until=end)
    return Entity(id=f"e{number}", names={"en": "One"}, identifiers=(identifier,))


def told_of(known: list[Any], listed: list[Any]) -> dict[str, list[str]]:
    """Return what is told of the windows and identifiers of those that are listed, by id."""
    placed = [PlacedFact(fact, Placed(kind_of(fact), None, fact.id)) for fact in listed]  # type: ignore[arg-type]
    told: dict[str, list[str]] = {}
    for pointer, detail in faults(known_of([*known, *listed]), placed):
        if " at " in detail:
            told.setdefault(pointer.split("/")[0], []).append(detail.rpartition(" ")[2])
    return told


@pytest.mark.parametrize("end", [None, 5_000])
def test_grants_of_one_question_are_not_each_compared_with_each(end: int | None) -> None:
    grants = [a_window(number, Counted(number), end) for number in range(MANY)]
    Counted.count = 0

    told = told_of([], grants)

    assert len(told) == MANY - 1
    assert Counted.count < STEPS * MANY


@pytest.mark.parametrize("is_clashing", [True, False])
def test_entities_of_one_identifier_are_not_each_compared_with_each(is_clashing: bool) -> None:
    ends = [MANY if is_clashing else number + 1 for number in range(MANY)]
    entities = [a_holder(number, Counted(number), Counted(end)) for number, end in enumerate(ends)]
    Counted.count = 0

    told = told_of([], entities)

    assert len(told) == (MANY - 1 if is_clashing else 0)
    assert Counted.count < STEPS * MANY


def test_a_file_of_many_equal_grants_has_a_finding_for_each_but_the_first() -> None:
    one = {"authority_id": "edu", "entity_id": "uni", "action": "issue", "resource": "Degree"}
    data = {
        "version": 2,
        "entities": [
            {"id": each, "names": {"en": each}, "identifiers": [{"value": f"did:web:{each}.example"}]}
            for each in ("edu", "uni")
        ],
        "authorities": [
            {
                "id": "edu",
                "governance_framework": "https://edu.example/rules",
                "defines": [{"action": "issue", "resource": "Degree"}],
            }
        ],
        "authorizations": [
            one | {"id": f"g{number}", "valid_from": "2024-01-01T00:00:00Z"} for number in range(200)
        ],
    }

    with pytest.raises(RegistryFileError) as refused:
        read_registry_file(as_file(data))

    assert refused.value.found == 199
    assert all("overlaps" in each.detail for each in refused.value.faults)


bounds = st.tuples(st.integers(0, 8), st.integers(1, 8) | st.none())
windows = st.lists(bounds.map(lambda each: (each[0], each[1] and each[0] + each[1])), max_size=7)


@given(windows, windows)
def test_of_grants_whatever_overlaps_an_earlier_or_an_unlisted_one_is_told(
    known: list[tuple[int, int | None]], listed: list[tuple[int, int | None]]
) -> None:
    before = [a_window(number, *each) for number, each in enumerate(known)]
    looked_at = [a_window(number, *each) for number, each in enumerate(listed, len(known))]

    told = told_of(before, looked_at)

    wanted = {grant.id: _overlapped(grant, before, looked_at) for grant in looked_at}
    assert told.keys() == {each for each, found in wanted.items() if found}
    assert all(set(others) <= wanted[each] for each, others in told.items())


def _overlapped(grant: Grant, before: list[Grant], looked_at: list[Grant]) -> set[str]:
    earlier = [each for each in looked_at if (each.valid_from, each.id) < (grant.valid_from, grant.id)]
    return {each.id for each in [*before, *earlier] if overlaps(each, grant)}


@given(windows, windows)
def test_of_entities_whoever_has_an_identifier_of_one_before_or_unlisted_is_told(
    known: list[tuple[int, int | None]], listed: list[tuple[int, int | None]]
) -> None:
    before = [a_holder(number, *each) for number, each in enumerate(known)]
    looked_at = [a_holder(number, *each) for number, each in enumerate(listed, len(known))]

    told = told_of(before, looked_at)

    wanted = {
        entity.id: {each.id for each in [*before, *looked_at[:number]] if _meet(each, entity)}
        for number, entity in enumerate(looked_at)
    }
    assert told.keys() == {each for each, found in wanted.items() if found}
    assert all(set(others) <= wanted[each] for each, others in told.items())


def _meet(one: Entity, other: Entity) -> bool:
    return meet(named_window(one, one.identifiers[0]), named_window(other, other.identifiers[0]))


def test_an_entity_that_only_its_authority_is_listed_of_still_has_its_identifier() -> None:
    """An authority has the id of its entity, and is listed after those that it could clash with."""
    authority = Authority(id="e0", governance_framework="https://one.example/rules", defines=())

    told = told_of([a_holder(0, None, None)], [a_holder(1, None, None), authority])

    assert told == {"e1": ["e0"]}
