"""The groups of the corpus: each is asked in a deployment of its own, in order, and has a transcript of its own."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.server.http_corpus import identifiers, operators, origins, reads
from tests.server.http_corpus.asking import Case
from tests.server.http_corpus.transcripts import Transcript, add, answer, question
from tests.server.http_corpus.world import Build, Step, scene_in

_PROBLEM_TYPE = re.compile(rb'"type":"([^"]*(?:#|/problems/)[A-Za-z_-]+)","title"')


EXPECTED = Path(__file__).parent / "expected"


class Group(NamedTuple):
    """
    Attributes:
        build: fills the fake web.
        settings: that differ from those of the other groups.
    """

    steps: Callable[[], Iterable[Step]]
    build: Build = lambda _: {}
    settings: Mapping[str, Any] = MappingProxyType({})


GROUPS = {
    "identifiers": Group(identifiers.cases),
    "origins": Group(origins.cases, origins.build),
    "reads": Group(reads.cases),
    "operators": Group(operators.cases),
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
    """Ask everything of a group, reads twice: the second answer may come from memory, and must be the same."""
    transcript: Transcript = {}
    problems: set[str] = set()
    async with scene_in(directory, group.build, **group.settings) as scene:
        for step in group.steps():
            if not isinstance(step, Case):
                await step(scene)
                continue
            answers = [await scene.ask(step) for _ in range(2 if step.is_read else 1)]
            problems.update(found.decode() for found in _PROBLEM_TYPE.findall(answers[0].body))
            first, *others = [answer(answered, step, scene.directory) for answered in answers]
            again = [f"again:\n{other}" for other in others if other != first]
            add(transcript, question(step), "\n".join([first, *again]))
        counted = scene.services.telemetry.requests
        asked = {(re.sub(":[a-z]+}", "}", route), method) for route, method, *_ in counted}
        return Found(transcript, asked, scene.served, problems)
