"""The change feed, and its subscribers: who may, pages, filters, and what becomes of what is asked for wrongly."""

import asyncio
from collections.abc import Iterator, Mapping

from tests.server.http_corpus.asking import Case, get, of, post
from tests.server.http_corpus.operators import PEOPLE, as_admin, at_operators, at_rest, doors, read
from tests.server.http_corpus.world import Scene, Step
from tests.simulator import Host, World, canned

CHANGES = "/trust/changes"
OPERATORS_CHANGES = "/operator/registry/changes"
SUBSCRIBERS = "/operator/registry/subscribers"
ONE = f"{SUBSCRIBERS}/wallets"
WANTED = {"id": "wallets", "url": "https://wallets.example/events", "audience": "https://wallets.example"}
QUERIES = (
    "",
    "?limit=2",
    "?since=2&limit=2",
    "?since=100000",
    "?kind=authority",
    "?kind=gap",
    "?kind=x",
    "?limit=0",
    "?limit=501",
    "?limit=x",
    "?since=-1",
    "?since=9007199254740993",
    "?since=x",
    "?entity=did:web:nobody.example",
    "?authority=nobody",
    "?authority=a%00b",
    "?since=1&after=2",
)


def build(world: World) -> Mapping[str, Host]:
    host = world.host("wallets.example")
    host.answer("/events", canned(b'{"err":"access_denied","description":"Who are you?"}', 400))
    return {"wallets": host}


async def deliver(scene: Scene) -> None:
    """Push once to whoever is behind, and wait for what became of it; in time a background step would."""
    deliveries = scene.services.registry.deliveries
    assert deliveries is not None
    await deliveries.step()
    await asyncio.gather(*deliveries.under_way())


def cases() -> Iterator[Step]:
    yield at_rest
    yield from (get(f"{CHANGES}{query}") for query in QUERIES)
    yield get(f"{CHANGES}?limit=2", if_none_match="*")
    yield from (of(method, CHANGES) for method in ("HEAD", "OPTIONS", "POST", "DELETE"))
    yield from map(at_operators, doors((OPERATORS_CHANGES + "?limit=1", SUBSCRIBERS), ()))
    yield at_operators(read(f"{OPERATORS_CHANGES}?since=0&limit=0"))
    yield from map(at_operators, _refused())
    yield from _story()


def _removal(who: str, path: str = ONE) -> Case:
    return of("DELETE", path, authorization=f"Bearer <key of {who}>")


def _refused() -> Iterator[Case]:
    yield from (post(SUBSCRIBERS, WANTED, authorization=f"Bearer <key of {who}>") for who in PEOPLE[1:])
    yield post(SUBSCRIBERS, WANTED)
    for change in (
        {"url": "http://wallets.example/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://wallets.example:22/"},
        {"url": "https://wallets.example/#x"},
        {"url": 1},
        {"id": "Not an id"},
        {"audience": ""},
        {"audience": "a b"},
        {"since": 100_000},
        {"since": -1},
        {"filters": {"kind": "gap"}},
        {"filters": {"authority": "did:web:education.example"}},
        {"filters": {"colour": "red"}},
        {"more": 1},
    ):
        yield as_admin(SUBSCRIBERS, WANTED | change)
    for who in PEOPLE:
        yield _removal(who)
        yield post(f"{ONE}/replay", {"from": 0}, authorization=f"Bearer <key of {who}>")


def _story() -> Iterator[Step]:
    yield at_operators(as_admin(SUBSCRIBERS, WANTED | {"since": 3, "filters": {"kind": "authority"}}))
    yield at_operators(as_admin(SUBSCRIBERS, WANTED))
    yield at_operators(read(SUBSCRIBERS))
    yield deliver
    yield at_operators(read(SUBSCRIBERS))
    for body in ({"from": 0}, {"from": 100_000}, {"from": -1}, {}, {"since": 0}):
        yield at_operators(as_admin(f"{ONE}/replay", body))
    yield at_operators(_removal("admin", f"{SUBSCRIBERS}/nobody"))
    yield at_operators(_removal("admin")._replace(body=b"{}"))
    yield at_operators(_removal("admin"))
    yield at_operators(read(SUBSCRIBERS))
