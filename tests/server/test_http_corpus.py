"""
Every answer of the corpus is what it was, byte for byte (`tests/server/http_corpus`).

Where one differs for a reason that was decided, `python -m tests.server.http_corpus --write` writes the new ones,
and the difference is part of the commit.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.http_corpus.asking import get
from tests.server.http_corpus.groups import EXPECTED, GROUPS, Found, Group, transcribe
from tests.server.http_corpus.transcripts import differences, read, render
from tests.server.http_corpus.world import Scene
from wire import Refusal


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """What is answered now, by group."""
    return {
        name: asyncio.run(transcribe(group, tmp_path_factory.mktemp(name))) for name, group in GROUPS.items()
    }


@pytest.mark.parametrize("name", GROUPS)
def test_every_answer_is_what_it_was(found: dict[str, Found], name: str) -> None:
    expected = read((EXPECTED / f"{name}.txt").read_text())

    different = differences(expected, found[name].transcript)

    assert not different, f"{different}\n\nif this was decided: python -m tests.server.http_corpus --write"


def test_every_route_is_asked(found: dict[str, Found]) -> None:
    served = set().union(*(group.served for group in found.values()))
    asked = set().union(*(group.asked for group in found.values()))

    assert len(served) > 30
    assert served - asked == set()


# Problem types that no request here brings about, and why.
NOT_PROVOKED = {
    "/problems/known-at-lost": "a question about a time of which a restore lost what was recorded",
    "/problems/registry-changed": "others change the registry faster than one change is planned, fifty times",
    "/problems/anchor-not-signed": "needs a key that is away; tests/operators/audit/test_reading.py has one",
    "/problems/client-gone": "nobody is there to read it",
    "/problems/copy-refused": "of a command",
    "/problems/internal-error": "a failure of ours; test_problems.py plants one",
    "/problems/key-not-written": "needs a key directory that cannot be written; test_custody.py has one",
    "/problems/key-not-known": "told as a verdict on a credential",
    "/problems/unsupported-form": "told as a verdict on a credential",
    "/problems/list-refused": "of a list that an operator imports; tests/registry/imports has one of each kind",
    "/problems/origin-failed": "told as an error of the resolution, or of the list",
    "/problems/registry-unavailable": "of a client",
    "/problems/registry-editing-unavailable": "of a client",
    "/problems/schema-mismatch": "no server starts with it",
    "/problems/set-closed": "needs a restore",
    "/problems/status-lists-unavailable": "of a client",
    "/problems/verification-unavailable": "of a client",
    "/problems/too-many-connections": "clients on loopback may hold any number",
    "/problems/too-many-to-list": "needs 50,000 facts; tests/registry/test_telling.py lowers the limit",
    "/problems/token-away": "needs a token that can be taken away; test_custody.py has one",
    "https://w3id.org/security#PROOF_TRANSFORMATION_ERROR": "told as a list that does not verify",
}


def test_every_kind_of_problem_is_provoked_or_excused(found: dict[str, Found]) -> None:
    known = {kind.type for kind in _descendants(Refusal)}
    provoked = {
        told.removeprefix("http://localhost:8000") for group in found.values() for told in group.problems
    }

    assert known - provoked - NOT_PROVOKED.keys() == set()
    assert provoked & NOT_PROVOKED.keys() == set()


def _descendants(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


async def _sniffing(scene: Scene) -> None:
    """Plant a change of one header, and of one byte of one body, in what the public listener answers."""
    inner = scene.apps["public"]

    async def changed(scope: Any, receive: Any, send: Any) -> None:
        async def sender(message: Any) -> None:
            if scope["path"] == "/livez" and message["type"] == "http.response.start":
                headers = dict(message["headers"]) | {b"x-content-type-options": b"sniff"}
                message = message | {"headers": list(headers.items())}
            if scope["path"] == "/readyz" and message["type"] == "http.response.body":
                message = message | {"body": message["body"].replace(b"ready", b"reads")}
            await send(message)

        await inner(scope, receive, sender)

    scene.apps["public"] = changed


def test_a_planted_change_of_one_header_or_one_byte_is_seen_and_named(tmp_path: Path) -> None:
    cases = [get("/livez"), get("/readyz"), get("/problems/not-found")]
    before = asyncio.run(transcribe(Group(lambda: cases), tmp_path / "before"))

    after = asyncio.run(transcribe(Group(lambda: [_sniffing, *cases]), tmp_path / "after"))
    told = differences(before.transcript, after.transcript)

    assert "== public GET /livez" in told and "+x-content-type-options: sniff" in told
    assert "== public GET /readyz" in told and '+| {"status":"reads"}' in told
    assert "not-found" not in told
    assert differences(before.transcript, read(render(before.transcript))) == ""


def test_a_request_that_nobody_asked_before_or_asks_any_more_is_seen() -> None:
    assert "(not asked)" in differences({"== public GET /": "-> 200"}, {})
    assert "(not asked)" in differences({}, {"== public GET /": "-> 200"})
