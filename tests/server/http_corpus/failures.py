"""What is said while the server starts or stops, when its database is gone, and when a list could not be signed."""

from collections.abc import Iterator

from tests.server.http_corpus.asking import Case, get, post
from tests.server.http_corpus.identifiers import BASE, KEY, OWN
from tests.server.http_corpus.operators import (
    PEOPLE,
    ROUTES,
    WRITES,
    as_admin,
    at_operators,
    at_rest,
    changes,
    read,
)
from tests.server.http_corpus.origins import passing
from tests.server.http_corpus.reads import DEGREES, ENTRY, LIST, PAGES
from tests.server.http_corpus.world import Scene, Step


async def _not_started(scene: Scene) -> None:
    scene.services.health.is_started = False


async def _draining(scene: Scene) -> None:
    scene.services.health.is_started = scene.services.health.is_draining = True


async def _without_database(scene: Scene) -> None:
    scene.services.database.close()


def cases() -> Iterator[Step]:
    yield _not_started
    yield from _ready()
    yield _draining
    yield from _ready()
    yield at_rest
    yield passing(100_000)
    for form in ("", "/credential.json", "/credential.jwt"):
        yield get(LIST + form)
        yield get(LIST + form, if_none_match="*")
    yield post("/status/check", {"issuer": OWN, "credentialStatus": ENTRY})
    yield _without_database
    yield from (get(path) for path in PAGES)
    yield get(f"{BASE}/{KEY}")
    yield post("/trqp/authorization", DEGREES)
    yield post("/status/check", {"issuer": OWN, "credentialStatus": ENTRY})
    for path in ROUTES:
        yield at_operators(read(path))
    for path in WRITES:
        yield at_operators(as_admin(path, BODIES.get(path, {})))
    for name in PEOPLE:
        yield at_operators(read(ROUTES[0], name))


BODIES = {
    WRITES[0]: {"id": "late", "purposes": ["revocation"], "issuerId": "default"},
    WRITES[2]: changes(("1", "revocation", 1)),
    WRITES[3]: {"alarm": 1},
    WRITES[4]: {"did": "did:web:education.example", "notAfter": "2026-09-30T00:00:00Z"},
    WRITES[5]: {"alarm": 1},
    WRITES[6]: {"all": True},
}


def _ready() -> Iterator[Case]:
    for path in ("/livez", "/readyz"):
        yield get(path)
        yield at_operators(get(path))
