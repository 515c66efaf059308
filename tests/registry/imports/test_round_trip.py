"""Whatever was imported or edited: the past stays, and an export says nothing new."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import AuthorityNotFound, ChangesThePast, DefinitionNotFound, RegistryFileError
from registry.asking.standing import Asked, find
from registry.editing.errors import FactsChanged, InvalidChangeSet
from registry.editing.inverse import shown
from registry.editing.operations import plan as plan_operations
from registry.editing.shapes import Operation
from registry.exports.registry_file import export_registry
from registry.imports.planning import Contradiction, plan
from registry.imports.registry_file import read_registry_file
from registry.known import FactChange, Known, Nothing, Overlaid
from registry.model import (
    FACT_KINDS,
    Authority,
    Definition,
    Entity,
    Fact,
    Grant,
    Identifier,
    by_pair,
    kind_of,
)
from tests.registry.histories import DAY, FIRST, stories

IDS = ("e0", "e1")
VALUES = ("did:web:n0.example", "did:web:n1.example", "did:web:n2.example")
RESOURCES = ("Degree", "Licence")
DAYS = 6
TIMES = st.integers(-2, DAYS + 2).map(lambda day: FIRST + day * DAY)
MAYBE = st.one_of(*[st.none()] * 6, TIMES)


@st.composite
def parts(draw: st.DrawFn) -> dict[str, Any]:
    return {"valid_from": draw(MAYBE), "valid_until": draw(MAYBE)}


@st.composite
def entities(draw: st.DrawFn, entity_id: str) -> Entity:
    home = VALUES[IDS.index(entity_id)]
    values = draw(st.sampled_from([(home,), (home,), (home, VALUES[2]), (home, home), VALUES[:2]]))
    identifiers = tuple(
        Identifier(value=value, compromised_since=draw(MAYBE), **draw(parts())) for value in values
    )
    return Entity(id=entity_id, names={"en": "Name"}, identifiers=identifiers, **draw(parts()))


@st.composite
def authorities(draw: st.DrawFn) -> Authority:
    found = [
        Definition(action="issue", resource=resource, **draw(parts()))
        for resource in draw(
            st.sampled_from([RESOURCES, RESOURCES, ("Degree",), ("Licence",), ("Degree",) * 2])
        )
    ]
    return Authority(
        id="e0",
        governance_framework="https://rules.example/",
        defines=tuple(sorted(found, key=by_pair)),
        max_delegations=draw(st.sampled_from([3] * 8 + [0])),
    )


@st.composite
def grants(draw: st.DrawFn, grant_id: str) -> Grant:
    start = draw(TIMES)
    end = draw(st.none() | st.integers(1, 4).map(lambda days: start + days * DAY))
    return Grant(
        id=grant_id,
        kind="authorization",
        authority_id="e0",
        entity_id=draw(st.sampled_from(IDS)),
        action="issue",
        resource=draw(st.sampled_from(RESOURCES)),
        valid_from=start,
        valid_until=end,
        history=draw(stories(start, end)),
    )


@st.composite
def files(draw: st.DrawFn) -> list[Fact]:
    facts: list[Fact] = [draw(entities(each)) for each in IDS if draw(st.integers(0, 9)) or each == "e0"]
    facts += [draw(authorities())] if draw(st.integers(0, 9)) else []
    return facts + [draw(grants(each)) for each in ("g0", "g1") if draw(st.booleans())]


BARE: list[Fact] = [
    *(
        Entity(id=each, names={"en": "Name"}, identifiers=(Identifier(value=value),))
        for each, value in zip(IDS, VALUES, strict=False)
    ),
    Authority(
        id="e0",
        governance_framework="https://rules.example/",
        defines=tuple(Definition(action="issue", resource=each) for each in RESOURCES),
    ),
    *(
        Grant(
            id=f"g{number}",
            kind="authorization",
            authority_id="e0",
            entity_id="e1",
            action="issue",
            resource=resource,
            valid_from=FIRST - 2 * DAY,
        )
        for number, resource in enumerate(RESOURCES)
    ),
]


@st.composite
def edited(draw: st.DrawFn) -> list[Fact]:
    """Return a file in which one or two facts are not what they were at first, or are not there."""
    facts = {(kind_of(fact), fact.id): fact for fact in BARE}
    for fact in draw(st.lists(entities("e1") | entities("e0") | authorities() | grants("g0"), max_size=2)):
        facts[kind_of(fact), fact.id] = fact
    left_out = draw(st.sampled_from([None, None, None, *facts]))
    return [fact for key, fact in facts.items() if key != left_out]


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    fact: Fact = draw(entities("e1") | authorities() | grants("g0"))
    verb = draw(st.sampled_from(["add", "change", "change", "correct", "void", "end", "revoke", "suspend"]))
    if verb in ("end", "revoke", "suspend") and kind_of(fact) != "authorization":
        verb = "end"
    said = {"fact": shown(fact)} if verb in ("add", "change", "correct") else {}
    return {"op": verb, "kind": kind_of(fact), "id": fact.id} | said


def all_of(known: Known) -> list[Fact]:
    return [found.fact for kind in FACT_KINDS for found in known.all(kind)]


def answers(known: Known, before: int) -> list[tuple[str, bool]]:
    """Return the decision on every question at every half day before a time, and whether it is in doubt."""
    found = []
    for half in range(-6, 2 * DAYS + 6):
        at = FIRST + half * DAY // 2
        if at < before:
            for entity in VALUES:
                for resource in RESOURCES:
                    for authority in VALUES:
                        found.append(answer(known, authority, entity, resource, at))
    return found


def answer(known: Known, authority: str, entity: str, resource: str, at: int) -> tuple[str, bool]:
    asked = Asked(
        kind="authorization", authority=authority, entity=entity, action="issue", resource=resource, at=at
    )
    try:
        found = find(known, asked)
    except (AuthorityNotFound, DefinitionNotFound):
        return "not defined", False
    return found.decision, found.decision == "yes" and found.compromised_since is not None


def changes_of(known: Known, step: Any, now: int, *, corrects: bool) -> tuple[FactChange, ...]:
    """Return what a file or an operation changes; nothing where it is refused."""
    try:
        if isinstance(step, dict):
            planned = plan_operations(known, [msgspec.convert(step, Operation)], now)
            return tuple(each.change for each in planned)
        return plan(known, read_registry_file(export_registry(step)), now, corrects=corrects)
    except (ChangesThePast, Contradiction, FactsChanged, InvalidChangeSet, RegistryFileError):
        return ()


@settings(max_examples=150)
@given(st.lists(st.tuples(edited() | edited() | files() | operations(), st.integers(0, 4)), max_size=DAYS))
def test_the_past_stays_and_an_export_changes_nothing(steps: list[tuple[Any, int]]) -> None:
    known: Known = Overlaid(Nothing(), _as_added(BARE), FIRST - DAY)
    for day, (step, luck) in enumerate(steps):
        now = FIRST + day * DAY
        changes = changes_of(known, step, now, corrects=luck == 0)
        before, known = known, Overlaid(Overlaid(Nothing(), _as_added(all_of(known)), now), changes, now)
        if {change.what for change in changes} <= {"change", "end"}:
            assert answers(known, now) == answers(before, now)
        exported = export_registry(all_of(known))
        assert plan(known, read_registry_file(exported), now + 1) == ()


def _as_added(facts: list[Fact]) -> list[FactChange]:
    return [FactChange(kind_of(fact), fact.id, fact, "add", 0) for fact in facts]
