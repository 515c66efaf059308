"""The groups of the corpus: each is asked in a deployment of its own, in order, and has a transcript of its own."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from resolver.outbound.fetch import GuardLimits
from tests.server.http_corpus import (
    access,
    alarms,
    approvals,
    audit,
    change_sets,
    checks,
    drivers,
    failures,
    feed,
    identifiers,
    issuers,
    limits,
    operators,
    origins,
    raw,
    reads,
    registry,
    sign_in,
    sources,
    trqp,
    trust,
    verifying,
)
from tests.server.http_corpus.asking import Answered, Case, Raw
from tests.server.http_corpus.transcripts import Transcript, add, answer, question, raw_question
from tests.server.http_corpus.wire import Wire, listening
from tests.server.http_corpus.world import GENEROUS, Build, Scene, Step, scene_in

_PROBLEM_TYPE = re.compile(r'"type":"([^"]*(?:#|/problems/)[A-Za-z_-]+)","title"')


MAX_WIRE_BODY_BYTES = 60_000  # who sends more may be cut off before the answer is read
# Of each listener, the protocols that it is served with: whether they give hot answers.
_WIRES: dict[str, dict[str, bool]] = {
    "": {},
    "public": {"over the wire": False, "over the wire, hot": True},
    "operator": {"over the wire": False},
}
_RAW = Case("GET", "", has_id=False)
Ask = Callable[[Case], Awaitable[Answered]]
EXPECTED = Path(__file__).parent / "expected"


class Group(NamedTuple):
    """
    Attributes:
        build: fills the fake web.
        settings: opens the settings that differ from those of the other groups.
        limits: on what is asked of the fake web.
        over_wire: the listener that is asked over sockets too; nothing may change what is there.
        patience: seconds that the head or the body of a request over a socket may take.
    """

    steps: Callable[[], Iterable[Step]]
    build: Build = lambda _: {}
    settings: Callable[[], AbstractContextManager[Mapping[str, Any]]] = lambda: nullcontext({})
    limits: GuardLimits = GENEROUS
    over_wire: str = ""
    patience: float = 10.0


def given(**settings: Any) -> Callable[[], AbstractContextManager[Mapping[str, Any]]]:
    """Return what opens `settings`."""
    return lambda: nullcontext(settings)


GROUPS = {
    "identifiers": Group(identifiers.cases, over_wire="public"),
    "access": Group(access.cases),
    "alarms": Group(alarms.cases, alarms.build),
    "approvals": Group(approvals.cases, settings=given(approvals_for=("issuer-key.activate",))),
    "audit": Group(audit.cases),
    "change-sets": Group(change_sets.cases),
    "busy": Group(limits.busy, limits.build, limits=limits.BUSY),
    "checks": Group(checks.cases, checks.build),
    "document": Group(limits.preferring, limits.build, given(default_representation="document")),
    "drivers": Group(drivers.cases, settings=drivers.settings),
    "failures": Group(failures.cases),
    "feed": Group(feed.cases, feed.build),
    "full": Group(limits.full, settings=given(max_entries_per_issuer=300_000)),
    "issuers": Group(issuers.cases),
    "legacy": Group(limits.preferring, limits.build, given(default_representation="legacy")),
    "limits": Group(limits.cases, limits.build, given(**limits.RATES)),
    "origins": Group(origins.cases, origins.build),
    "raw": Group(raw.cases, over_wire="public"),
    "renewing": Group(limits.renewing, limits.build, given(rate_no_cache_per_second=limits.SLOW)),
    "sign-in": Group(sign_in.cases, settings=sign_in.settings),
    "sources": Group(sources.cases, sources.build),
    "slow": Group(raw.slow, over_wire="public", patience=0.2),
    "reads": Group(reads.cases, over_wire="public"),
    "trqp": Group(trqp.cases, over_wire="public"),
    "operators": Group(operators.cases),
    "registry": Group(registry.cases),
    "trust": Group(trust.cases, over_wire="public"),
    "verifying": Group(verifying.cases, verifying.build),
    "operator-pages": Group(operators.over_wire, over_wire="operator"),
}


class Found(NamedTuple):
    """
    Attributes:
        asked: route and method of every request that reached a route.
        served: route and method of everything that the two applications serve.
        problems: the problem types in the answers.
    """

    transcript: Transcript
    asked: set[tuple[str, str]]
    served: set[tuple[str, str]]
    problems: set[str]


async def transcribe(group: Group, directory: Path) -> Found:
    """Ask everything of a group."""
    transcript: Transcript = {}
    async with AsyncExitStack() as stack:
        settings = stack.enter_context(group.settings())
        scene = await stack.enter_async_context(scene_in(directory, group.build, group.limits, **settings))
        wires = {
            label: await stack.enter_async_context(
                listening(scene, group.over_wire, hot=hot, patience=group.patience)
            )
            for label, hot in _WIRES[group.over_wire].items()
        }
        for step in group.steps():
            if isinstance(step, Case):
                add(transcript, question(step), await _told(scene, wires, step))
            elif isinstance(step, Raw):
                add(transcript, raw_question(step), await _told_raw(scene, wires, step))
            else:
                await step(scene)
        counted = scene.services.telemetry.requests
        asked = {(re.sub(":[a-z]+}", "}", route), method) for route, method, *_ in counted}
        problems = {found for told in transcript.values() for found in _PROBLEM_TYPE.findall(told)}
        return Found(transcript, asked, scene.served, problems)


async def _told(scene: Scene, wires: Mapping[str, Wire], case: Case) -> str:
    """Ask, a read twice, and over the wire; the second answer may come from memory, and must be the same."""

    def text(answered: Answered) -> str:
        return answer(answered, case, scene.directory)

    asks: dict[str, Ask] = {"": scene.ask}
    if case.is_read:
        asks["again"] = scene.ask
    if len(case.body) < MAX_WIRE_BODY_BYTES:
        asks |= {label: wire.ask for label, wire in wires.items()}
    return _unlike([(label, text(await ask(case))) for label, ask in asks.items()])


async def _told_raw(scene: Scene, wires: Mapping[str, Wire], raw: Raw) -> str:
    found = []
    for label, wire in wires.items():
        answers = await wire.converse(raw)
        assert answers, f"nothing came back: {raw.name}"
        found.append((label, "\n".join(answer(answered, _RAW, scene.directory) for answered in answers)))
    return _unlike(found)


def _unlike(found: list[tuple[str, str]]) -> str:
    """Return the first answer, and each that is not as the one before it, under its label."""
    parts, last = [found[0][1]], found[0][1]
    for label, text in found[1:]:
        if text != last:
            parts.append(f"{label}:\n{text}")
        last = text
    return "\n".join(parts)
