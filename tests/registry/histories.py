"""
Random histories of a small registry: who is who, who may what, who may say so; with late edits of all of it.

Everything is small, so that things meet: four entities, of which two are authorities, six identifiers that move
between them, and thirteen days.
"""

from typing import NamedTuple, TypeAlias

import msgspec
from hypothesis import strategies as st

from registry.model import (
    Authority,
    Definition,
    Delegation,
    Entity,
    Fact,
    FactKind,
    Grant,
    Identifier,
    State,
    StateChange,
    Vouching,
)

DAY = 86_400_000_000  # microseconds
FIRST = 1_780_000_000_000_000  # microseconds since 1970; day 0
DAYS = 13
IDS = ("e0", "e1", "e2", "e3")  # the first two are authorities
IDENTIFIERS = tuple(f"did:web:n{number}.example" for number in range(4)) + tuple(
    f"https://n{number}.example/Issuer" for number in (4, 5)
)
PAIRS = (("issue", "Degree"), ("verify", "Degree"), ("issue", "Licence"))
GRANTS = tuple(f"g{number}" for number in range(5))
DELEGATIONS = tuple(f"d{number}" for number in range(4))

TIMES = st.integers(0, DAYS - 1).map(lambda day: FIRST + day * DAY)
MAYBE = st.none() | TIMES


class Tell(NamedTuple):
    """
    One edit.

    Attributes:
        node: which of two tells it; their clocks differ.
        sleep: how long the clock of the other one goes on before; negative: back. Microseconds.
    """

    kind: FactKind
    fact_id: str
    fact: Fact | None
    node: int
    sleep: int


class Ask(NamedTuple):
    """Somebody asks a node as of now, and keeps the answers."""

    node: int
    seed: int


Step: TypeAlias = Tell | Ask


def _windows(*, is_open: bool) -> st.SearchStrategy[tuple[int | None, int | None]]:
    starts = MAYBE if is_open else TIMES
    return st.tuples(starts, MAYBE).filter(lambda w: w[0] is None or w[1] is None or w[0] < w[1])


ALWAYS = st.just((None, None))
MOSTLY_OPEN = st.one_of(ALWAYS, ALWAYS, ALWAYS, ALWAYS, _windows(is_open=True))


MOSTLY_FIRST = st.sampled_from([*[IDS[0]] * 3, IDS[1]])  # of the authorities, so that delegations form chains


@st.composite
def identifiers(draw: st.DrawFn) -> Identifier:
    start, end = draw(_windows(is_open=True))
    compromised = draw(st.none() | st.none() | TIMES)
    value = draw(st.sampled_from(IDENTIFIERS))
    return Identifier(value=value, valid_from=start, valid_until=end, compromised_since=compromised)


@st.composite
def entities(draw: st.DrawFn, entity_id: str) -> Entity:
    home = _at_home(entity_id)
    start, end = draw(MOSTLY_OPEN)
    named = (*home.identifiers, *draw(st.lists(identifiers(), max_size=2)))
    return msgspec.structs.replace(home, identifiers=named, valid_from=start, valid_until=end)


def _at_home(entity_id: str) -> Entity:
    """Return an entity with the DID that it always has: an authority must have one."""
    home = Identifier(value=IDENTIFIERS[IDS.index(entity_id)])
    return Entity(id=entity_id, names={"en": "Name"}, identifiers=(home,))


@st.composite
def authorities(draw: st.DrawFn, entity_id: str) -> Authority:
    start, end = draw(MOSTLY_OPEN)
    pairs = sorted(draw(st.sets(st.sampled_from(PAIRS), min_size=2)))
    windows = [draw(MOSTLY_OPEN) for _ in pairs]
    return Authority(
        id=entity_id,
        governance_framework="https://rules.example/",
        defines=tuple(
            Definition(action=action, resource=resource, valid_from=begin, valid_until=until)
            for (action, resource), (begin, until) in zip(pairs, windows, strict=True)
        ),
        max_delegations=draw(st.integers(0, 3)),
        vouching=draw(st.just(()) | TIMES.map(lambda until: (Vouching(source="list", until=until),))),
        valid_from=start,
        valid_until=end,
    )


@st.composite
def stories(draw: st.DrawFn, start: int, end: int | None) -> tuple[StateChange, ...]:
    """Return changes of state within a window: suspensions that are lifted, and perhaps an end for good."""
    days = [start + day * DAY // 2 for day in range(2 * DAYS) if end is None or start + day * DAY // 2 < end]
    count = min(draw(st.integers(0, 3)), len(days))
    times = sorted(draw(st.sets(st.sampled_from(days), min_size=count, max_size=count)))
    states: list[State] = ["suspended", "active", "suspended"]
    changes = [StateChange(state=state, since=since) for state, since in zip(states, times, strict=False)]
    if changes and draw(st.booleans()):
        final: State = draw(st.sampled_from(["revoked", "superseded"]))
        compromised = draw(st.none() | st.none() | TIMES)
        changes[-1] = StateChange(state=final, since=times[-1], compromised_since=compromised)
    return tuple(changes)


@st.composite
def grants(draw: st.DrawFn, grant_id: str) -> Grant:
    start, end = draw(_windows(is_open=False))
    assert start is not None
    action, resource = draw(st.sampled_from(PAIRS[:2]))
    return Grant(
        id=grant_id,
        kind="recognition" if grant_id == GRANTS[-1] else "authorization",
        authority_id=draw(MOSTLY_FIRST),
        entity_id=draw(st.sampled_from(IDS)),
        action=action,
        resource=resource,
        valid_from=start,
        valid_until=end,
        history=draw(stories(start, end)),
        granted_by=draw(st.none() | st.sampled_from(IDS[1:]) | st.sampled_from(IDS[2:])),
        source=draw(st.none() | st.just("list")),
    )


@st.composite
def delegations(draw: st.DrawFn, delegation_id: str) -> Delegation:
    start, end = draw(_windows(is_open=False))
    assert start is not None
    authority_id = draw(MOSTLY_FIRST)
    return Delegation(
        id=delegation_id,
        authority_id=authority_id,
        grantor_id=draw(st.just(authority_id) | st.sampled_from(IDS)),
        delegate_id=draw(st.sampled_from(IDS)),
        kinds=draw(st.sampled_from([("authorization",), ("authorization", "recognition")])),
        actions=draw(st.sampled_from([("issue", "verify"), ("issue", "verify"), ("issue",)])),
        resources=draw(st.sampled_from([(), ("Degree",)])),
        further=draw(st.integers(0, 2)),
        valid_from=start,
        valid_until=end,
        history=draw(st.just(()) | stories(start, end)),
    )


@st.composite
def tellings(draw: st.DrawFn) -> Tell:
    kind: str = draw(st.sampled_from(["entity", "authority", *["grant"] * 3, *["delegation"] * 3]))
    of = {"entity": IDS, "authority": IDS[:2], "grant": GRANTS, "delegation": DELEGATIONS}
    made = {"entity": entities, "authority": authorities, "grant": grants, "delegation": delegations}
    fact_id = draw(st.sampled_from(of[kind]))
    fact = draw(made[kind](fact_id))
    real: FactKind = fact.kind if isinstance(fact, Grant) else kind  # type: ignore[assignment]
    is_void = draw(st.integers(0, 39 if kind in ("entity", "authority") else 9)) == 0
    sleep = draw(st.integers(-10, 20)) * 15_000_000
    return Tell(real, fact_id, None if is_void else fact, draw(st.integers(0, 1)), sleep)


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Return a registry in which each entity is there, and then anything."""
    first: list[Step] = [Tell("entity", each, _at_home(each), 0, 0) for each in IDS]
    first += [Tell("authority", each, draw(authorities(each)), 0, 0) for each in IDS[:2]]
    asking = st.builds(Ask, st.integers(0, 1), st.integers(0, 2**32))
    return first + draw(st.lists(tellings() | tellings() | tellings() | asking, min_size=15, max_size=40))
