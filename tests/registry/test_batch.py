"""Many authorization queries in one request: read strictly, answered in order, at one time, a slice at a time."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from registry import answering
from registry.asking import standing, trqp_answers
from registry.asking.entity_lists import Wanted
from registry.index.file import IndexFile
from registry.trqp_batch import MAX_BATCH_BODY_BYTES, MAX_QUERIES, read_batch
from storage import DatabaseUnavailable
from tests.registry.examples import EDU, UNI
from tests.registry.told import Told, a_grant, a_registry, a_state, an_entity, at
from wire import MalformedBody, PayloadTooLarge, UnsupportedMediaType

pytestmark = pytest.mark.anyio

QUERY = {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"}


def as_body(*queries: object) -> bytes:
    return json.dumps({"queries": queries}).encode()


async def ask(registry: Told, *queries: object) -> dict[str, Any]:
    paid: list[int] = []
    answer = await registry.answering.batch(as_body(*queries), "application/json", paid.append)
    assert paid == [len(queries)]
    found: dict[str, Any] = json.loads(answer.body)
    return found


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", ""),
        (b"{}", ""),
        (b'{"queries": {}}', "/queries"),
        (b'{"queries": []}', "/queries"),
        (b'{"queries": [1]}', "/queries/0"),
        (b'{"queries": [{}, "x"]}', "/queries/1"),
        (b'{"queries": [{}], "more": 1}', ""),
        (b'{"queries": [{"a": 1, "a": 1}]}', ""),
        (as_body(*[{}] * (MAX_QUERIES + 1)), "/queries"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(body: bytes, pointer: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        read_batch(body, "application/json")

    assert caught.value.pointer == pointer


def test_a_batch_has_a_cap_of_its_own_in_bytes() -> None:
    query = QUERY | {"padding": "x" * 300}

    assert len(read_batch(as_body(*[query] * MAX_QUERIES), "application/json")) == MAX_QUERIES
    with pytest.raises(PayloadTooLarge):
        read_batch(b" " * (MAX_BATCH_BODY_BYTES + 1), "application/json")
    with pytest.raises(UnsupportedMediaType):
        read_batch(as_body(QUERY), "text/plain")


async def test_each_query_has_the_answer_that_it_would_have_alone(tmp_path: Path) -> None:
    contexts: list[Any] = [
        {},
        {"context": {"time": "2025-06-01T00:00:00Z", "note": "x"}},
        {"context": {"time": "2025-06-01T00:00:00Z", "known_at": "2025-12-31T00:00:00Z"}},
        {"entity_id": "did:web:nobody.example"},
        {"resource": "Licence"},
        {"context": {"strict": True}},
    ]
    async with a_registry(tmp_path, a_grant()) as registry:
        suspended = a_grant(history=(a_state("suspended", "2025-05-01"),))
        await registry.tell(suspended, when=at("2026-01-01"))
        alone = [await registry.ask(**changes) for changes in contexts]

        together = await ask(registry, *(QUERY | changes for changes in contexts))

    assert [result["answer"] for result in together["results"]] == alone
    assert {result["status"] for result in together["results"]} == {200}
    assert together["time_evaluated"] == alone[0]["time_evaluated"]


async def test_a_query_that_is_refused_says_where_and_spoils_nothing(tmp_path: Path) -> None:
    queries: list[Any] = [
        QUERY,
        {name: text for name, text in QUERY.items() if name != "action"},
        QUERY | {"authority_id": "did:web:other.example"},
        QUERY | {"resource": "Diploma"},
        QUERY | {"context": {"time": "2030-01-01T00:00:00Z"}},
        QUERY | {"context": {"known_at": "yesterday"}},
        QUERY,
    ]
    async with a_registry(tmp_path, a_grant()) as registry:
        found = (await ask(registry, *queries))["results"]

    problems = [(each["problem"]["type"], each["problem"]["errors"][0]["pointer"]) for each in found[1:-1]]
    assert [each["status"] for each in found] == [200, 400, 404, 404, 400, 400, 200]
    assert problems == [
        ("https://registry.example/problems/malformed-body", "/queries/1/action"),
        ("https://registry.example/problems/authority-not-found", "/queries/2/authority_id"),
        ("https://registry.example/problems/definition-not-found", "/queries/3/resource"),
        ("https://registry.example/problems/time-out-of-range", "/queries/4/context/time"),
        ("https://registry.example/problems/malformed-body", "/queries/5/context/known_at"),
    ]
    assert found[0]["answer"] == found[-1]["answer"]


async def test_a_batch_is_answered_by_one_version_whatever_is_recorded_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_registry(tmp_path, a_grant()) as registry:
        edits = []

        async def others_turn(_: float) -> None:
            if not edits:
                revoked = a_grant(history=(a_state("revoked", "2026-01-01"),))
                edits.append(await registry.tell(revoked))

        monkeypatch.setattr(answering, "asyncio", SimpleNamespace(sleep=others_turn))
        found = await ask(registry, *[QUERY] * (3 * answering.SLICE))
        now = await registry.ask()

    assert edits
    assert {result["answer"]["authorized"] for result in found["results"]} == {True}
    assert now["authorized"] is False


async def test_what_is_asked_twice_is_answered_once_and_refused_in_each_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def find(known: Any, question: Any) -> Any:
        asked.append(question.action)
        return standing.find(known, question)

    monkeypatch.setattr(trqp_answers, "find", find)
    later = QUERY | {"context": {"time": "2025-01-01T00:00:00Z"}}
    async with a_registry(tmp_path, a_grant()) as registry:
        found = (await ask(registry, QUERY, later, QUERY, QUERY | {"action": "x"}, QUERY | {"action": "x"}))[
            "results"
        ]

    assert asked == ["issue", "issue", "issue", "x", "x"], "of the past, also what was known then"
    assert found[0] == found[2] != found[1]
    assert [each["problem"]["errors"][0]["pointer"] for each in found[3:]] == [
        "/queries/3/action",
        "/queries/4/action",
    ]


@pytest.mark.parametrize(("context", "cost"), [({}, 1), ({"time": "2025-01-01T00:00:00Z"}, 10)])
async def test_others_have_their_turn_between_the_slices_of_a_batch(
    tmp_path: Path, context: dict[str, str], cost: int
) -> None:
    query = QUERY | ({"context": context} if context else {})
    async with a_registry(tmp_path, a_grant()) as registry:
        asking = asyncio.ensure_future(ask(registry, *[query] * 500))
        turns = 0
        while not asking.done():
            await asyncio.sleep(0)
            turns += 1

    assert turns >= 500 * cost // answering.SLICE


async def test_what_is_gathered_for_many_questions_is_what_each_would_find(tmp_path: Path) -> None:
    """Entities with the same grants, one with two identifiers, one without any grant."""
    facts = [an_entity(f"e{number}", f"did:web:e{number}.example") for number in range(120)]
    facts.append(an_entity("two", "did:web:two.example", "https://two.example"))
    grants = [a_grant(f"g{number}", entity_id=f"e{number}") for number in range(0, 120, 2)]
    grants.append(a_grant("gt", entity_id="two"))
    names = [f"did:web:e{number}.example" for number in range(120)]
    async with a_registry(tmp_path, *facts, *grants) as registry:
        found = await ask(
            registry, *(QUERY | {"entity_id": name} for name in [*names, "https://two.example"])
        )

    authorized = [result["answer"]["authorized"] for result in found["results"]]
    assert authorized == [number % 2 == 0 for number in range(120)] + [True]


async def test_a_damaged_index_refuses_a_batch_and_a_list_and_denies_nothing(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    async with a_registry(tmp_path, a_grant(), index_path=path) as registry:
        file = IndexFile(path)
        (root,) = file.connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'progress'"
        ).fetchone()
        (size,) = file.connection.execute("PRAGMA page_size").fetchone()
        file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.close()
        with path.open("r+b") as pages:
            pages.seek((root - 1) * size)
            pages.write(b"\xff" * size)

        with pytest.raises(DatabaseUnavailable):
            await ask(registry, QUERY)
        with pytest.raises(DatabaseUnavailable):
            await registry.telling.entities(Wanted(), {}, 10, 0, lambda _: None)
        await registry.registry.follow()
        found = await ask(registry, QUERY)

    assert found["results"][0]["answer"]["authorized"] is True
