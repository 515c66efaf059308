"""At any time, as known at any time: the registry answers as a list of events does that is scanned."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
from hypothesis import HealthCheck, given, seed, settings

from registry import Registry
from registry.asking.standing import Asked, Finding, find
from registry.asking.trqp_answers import learned
from registry.errors import AuthorityNotFound, DefinitionNotFound, NotDefined
from registry.events import Cause
from registry.index.reading import Indexed
from registry.known import FactChange, Known, Overlaid
from registry.model import FACT_KINDS, Fact, Grant, Kind, kind_of
from registry.placed import Placed, PlacedFact
from registry.rules import faults
from storage import Engine
from tests.databases import Place
from tests.registry.databases import a_database
from tests.registry.histories import DAY, DAYS, FIRST, IDENTIFIERS, IDS, PAIRS, Ask, Step, Tell, histories
from tests.registry.reference import FOREVER, Question, Reference, Told, Verdict

HISTORIES = int(os.environ.get("TOUCHSTONE_HISTORIES", "25"))
SEED = int(os.environ.get("TOUCHSTONE_SEED", "13"))
QUESTIONS = 40  # as of each of some recorded times
NOW = FIRST + 20 * DAY
AHEAD = 240_000_000  # microseconds; how far one node's clock is before the other's
MOMENTS = [FIRST + day * DAY // 2 + off for day in range(-1, 2 * DAYS) for off in (-1, 0, 1)]


class _Refused(Exception):
    """The rules do not allow an edit."""


class Kept(NamedTuple):
    """What a node answered as of a time that had passed."""

    known_at: int
    questions: list[Question]
    verdicts: list[Verdict]


class World:
    """
    Two nodes over one database, each with a clock and an index of its own.

    Histories are told one after the other; the names of each are its own.

    Attributes:
        told: of the history that is told now.
        seen: how often each reason was answered.
        late: how many answers were late.
    """

    def __init__(self, database: Engine, directory: Path) -> None:
        self.database = database
        self.seen: Counter[str] = Counter()
        self.late = 0
        self._directory = directory
        self._clocks = [NOW, NOW + AHEAD]
        self.nodes = [
            Registry(
                database, lambda n=n: self._clocks[n] / 1e6, index_path=directory / f"{n}.sqlite", timer=_late
            )
            for n in (0, 1)
        ]
        self._number = 0
        self.refused = 0
        self._recorded_at = 0

    async def live(self, history: list[Step]) -> None:
        """Tell a history and compare every answer."""
        self._number += 1
        self.told: list[Told] = []
        kept = [
            await self._keep(step) if isinstance(step, Ask) else await self._tell(step) for step in history
        ]
        for node in self.nodes:
            await node.follow()
            self._compare(node, start=len(history))
            for each in kept:
                if each is not None:
                    self._compare_kept(node, each)
        await self._compare_with_rebuilt()

    async def _tell(self, step: Tell) -> None:
        self._clocks[1 - step.node] += step.sleep
        self._clocks[step.node] += 1_000_000
        fact = None if step.fact is None else _renamed(step.fact, self._name)
        change = FactChange(step.kind, self._name(step.fact_id), fact, "change", 0)
        try:
            edit = await self.nodes[step.node].edit(_planned(change), lambda _, edit: edit, Cause("ada", "x"))
        except _Refused:
            self.refused += 1
            return
        assert edit.recorded_at > self._recorded_at, "recorded times increase"
        self._recorded_at = edit.recorded_at
        self.told.append(Told(edit.recorded_at, change.kind, change.id, fact))

    async def _keep(self, step: Ask) -> Kept:
        node, known_at = self.nodes[step.node], self._clocks[step.node]
        await node.close_until(known_at)
        self._recorded_at = max(self._recorded_at, known_at)  # Nothing is recorded at or before it any more.
        questions = self._questions(random.Random(step.seed), 10)
        with node.reading(known_at) as known:
            return Kept(known_at, questions, [_verdict(known, each) for each in questions])

    def _compare(self, node: Registry, start: int) -> None:
        chance = random.Random(start)
        times = [each.recorded_at + off for each in self.told for off in (-1, 0, 1)]
        for known_at in (None, *chance.sample(times[18:], min(len(times[18:]), 6))):
            reference = Reference(self.told, FOREVER if known_at is None else known_at)
            with node.reading(known_at) as known:
                self._compare_facts(known, reference)
                questions = self._questions(chance, QUESTIONS)
                for number, question in enumerate(questions):
                    verdict = _verdict(known, question)
                    self.seen[verdict.reason] += 1
                    assert verdict == reference.answer(question), (question, known_at)
                    if number % 4 == 0:
                        _compare_until(known, reference, question)
                        self._compare_late(known, reference, question, chance.choice(times))
            with node.index.gathering(FOREVER if known_at is None else known_at) as known:
                known.expect((cast(Kind, each.kind), *each[1:5]) for each in questions)
                assert [_verdict(known, each) for each in questions] == [*map(reference.answer, questions)]

    def _compare_late(self, known: Indexed, reference: Reference, question: Question, at: int) -> None:
        """What was learned later than the time asked about is told as late, and when it was learned."""
        asked = Asked(**question._replace(at=at)._asdict())
        try:
            found = find(known, asked)
        except NotDefined:
            return
        recorded_at, is_late = learned(known, asked, found, FOREVER)
        self.late += is_late
        assert is_late == reference.is_late(question._replace(at=at)), (question, at)
        assert recorded_at > at or not is_late, "what decides was recorded later"

    def _compare_facts(self, known: Indexed, reference: Reference) -> None:
        for kind in FACT_KINDS:
            ids = {each.fact_id for each in self.told if each.kind == kind}
            found = {each.fact.id: each.fact for each in known.all(kind) if each.fact.id in ids}
            assert found == {fact.id: fact for fact in reference.facts(kind)}
            for fact_id in ids:
                one = known.fact(kind, fact_id)
                assert (one and one.fact) == reference.fact(kind, fact_id)
        for name in IDENTIFIERS:
            named = known.entities_named(self._name(name))
            assert {each.fact.id for each in named} == {each.id for each in reference.named(self._name(name))}
        for entity_id in map(self._name, IDS):
            both = (*reference.facts("authorization"), *reference.facts("recognition"))
            granted = {fact.id for fact in both if isinstance(fact, Grant) and fact.entity_id == entity_id}
            assert {each.fact.id for each in known.grants_to(entity_id)} == granted

    def _compare_kept(self, node: Registry, kept: Kept) -> None:
        reference = Reference(self.told, kept.known_at)
        with node.reading(kept.known_at) as known:
            again = [_verdict(known, each) for each in kept.questions]
        assert again == kept.verdicts == [reference.answer(each) for each in kept.questions]

    async def _compare_with_rebuilt(self) -> None:
        anew = Registry(
            self.database, lambda: 0.0, index_path=self._directory / f"anew-{self._number}.sqlite"
        )
        await anew.load()
        assert anew.index.dump() == self.nodes[0].index.dump() == self.nodes[1].index.dump()
        self._compare(anew, start=1)

    def _questions(self, chance: random.Random, count: int) -> list[Question]:
        """Return questions about what was granted at some time, mostly."""
        granted = [each.fact for each in self.told if isinstance(each.fact, Grant)]
        return [self._question(chance, granted) for _ in range(count)]

    def _question(self, chance: random.Random, granted: list[Grant]) -> Question:
        kind, pair, names = (
            "authorization",
            chance.choice(PAIRS),
            [chance.choice(IDENTIFIERS[:of]) for of in (2, 4)],
        )
        at = chance.choice(MOMENTS)
        if granted and chance.random() < 0.8:
            grant = chance.choice(granted)
            kind, pair = grant.kind, (grant.action, grant.resource)
            at = chance.choice([at, grant.valid_from + chance.randrange(12) * DAY // 2])
            names = [
                IDENTIFIERS[IDS.index(each.split("-")[1])] for each in (grant.authority_id, grant.entity_id)
            ]
        if chance.random() < 0.2:
            names[1] = chance.choice([*IDENTIFIERS, "did:web:nobody.example"])
        authority, entity = map(self._name, names)
        return Question(kind, authority, entity, *pair, at, chance.random() < 0.2)

    def _name(self, text: str) -> str:
        """Return an id or an identifier as it is in this history alone."""
        if ":" not in text:
            return f"x{self._number}-{text}"
        return text.replace(".example", f"-{self._number}.example")


def _late() -> float:
    """Never wait before a promise is made."""
    return next(_TIMER)


_TIMER: Iterator[float] = iter(float(seconds) for seconds in range(10**9))


def _renamed(fact: Fact, name: Any) -> Fact:
    """Return a fact with all ids and identifiers renamed."""
    members = ("id", "authority_id", "entity_id", "grantor_id", "delegate_id", "granted_by")
    changes = {
        member: name(value) for member in members if (value := getattr(fact, member, None)) is not None
    }
    if identifiers := getattr(fact, "identifiers", None):
        changes["identifiers"] = tuple(msgspec.structs.replace(i, value=name(i.value)) for i in identifiers)
    return msgspec.structs.replace(fact, **changes)


def _planned(change: FactChange) -> Any:
    def plan(known: Known, now: int) -> tuple[FactChange, ...]:
        if change.fact is None:
            return (change,)
        placed = PlacedFact(change.fact, Placed(kind_of(change.fact), cast(Any, None), ""))
        if list(faults(Overlaid(known, [change], now), [placed])):
            raise _Refused
        return (change,)

    return plan


def _verdict(known: Known, question: Question) -> Verdict:
    try:
        found = _find(known, question)
    except AuthorityNotFound:
        return Verdict("refused", "authority-not-found")
    except DefinitionNotFound:
        return Verdict("refused", "definition-not-found")
    entity, grant = found.entity and found.entity.fact.id, found.grant and found.grant.fact.id
    return Verdict(found.decision, found.reason, entity, grant, len(found.chain) if grant else -1)


def _find(known: Known, question: Question) -> Finding:
    return find(known, Asked(**question._asdict()))


def _compare_until(known: Known, reference: Reference, question: Question) -> None:
    """An answer holds as long as it says."""
    try:
        until = _find(known, question).until
    except (AuthorityNotFound, DefinitionNotFound):
        return
    now = reference.answer(question)
    assert until is None or until > question.at
    for at in MOMENTS:
        if question.at < at and (until is None or at < until):
            later = reference.answer(question._replace(at=at))
            assert (later.decision, later.reason) == (now.decision, now.reason), (question, until, at)


# What even a few histories meet often; the rarer ones are met, too, and by many in `make soak`.
COMMON = {
    *("active", "not_yet_valid", "suspended", "compromised", "source_expired", "delegation_missing"),
    *("entity_unknown", "not_granted", "authority-not-found", "definition-not-found"),
}


def test_every_answer_is_that_of_a_list_of_events_that_is_scanned(place: Place, tmp_path: Path) -> None:
    """Both before and after the index is rebuilt, on both nodes; what was answered of the past stays answered."""
    with asyncio.Runner() as runner:
        opened = a_database(place)
        world = World(runner.run(opened.__aenter__()), tmp_path)

        @seed(SEED)
        @given(histories())
        @settings(
            max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        def lives(history: list[Step]) -> None:
            runner.run(world.live(history))

        try:
            lives()
        finally:
            runner.run(opened.__aexit__(None, None, None))

    assert world.seen.keys() >= COMMON
    assert world.late > 0
