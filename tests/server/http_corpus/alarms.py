"""A registered issuer changes its keys: what operators see of it; and what a purge does to what is cached."""

from collections.abc import Iterator

from tests.server.http_corpus.asking import get, post
from tests.server.http_corpus.identifiers import BASE, LEGACY
from tests.server.http_corpus.operators import as_admin, at_operators, at_rest, read
from tests.server.http_corpus.origins import HOME, document, passing
from tests.server.http_corpus.world import Scene, Step
from tests.simulator import Host, World, canned

ISSUER = "did:web:education.example"
SEEN = f"{BASE}/{ISSUER}"
OTHER_KEY = "z6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc"
KEYS = [{"id": f"{ISSUER}#k1", "type": "Multikey", "controller": ISSUER, "publicKeyMultibase": OTHER_KEY}]


def build(web: World) -> dict[str, Host]:
    host = web.host("education.example")
    host.publish(HOME, document(ISSUER))
    return {"issuer": host}


async def _change_keys(scene: Scene) -> None:
    scene.hosts["issuer"].publish(
        HOME, document(ISSUER, verificationMethod=KEYS, assertionMethod=[f"{ISSUER}#k1"])
    )


async def _deactivate(scene: Scene) -> None:
    scene.hosts["issuer"].answer(HOME, canned(b"", 410))


def cases() -> Iterator[Step]:
    yield get(SEEN)
    yield passing(20)
    yield get(SEEN)
    yield _change_keys
    yield get(SEEN)
    yield at_operators(as_admin("/operator/cache/purge", {"did": ISSUER}))
    yield get(SEEN)
    yield get(SEEN, accept=LEGACY)
    yield at_operators(read(f"/operator/explain?did={ISSUER}"))
    yield at_operators(read(f"/operator/explain?did={ISSUER}&noCache=true"))
    yield at_operators(read(f"/operator/explain?did={ISSUER}%23k1"))
    yield at_operators(read("/operator/explain?did=did:web:nobody.example"))
    yield passing(20)
    yield _deactivate
    yield get(f"{SEEN.replace(':', '%3A').replace('%3A//', '://')}?noCache=true")
    yield get(SEEN)
    yield at_rest  # Which first writes what was seen.
    for path in ("/operator/observations", "/operator/key-changes", "/operator/alarms"):
        for query in ("", "?limit=1", "?limit=1&after=1", f"?did={ISSUER}", "?did=did:web:licensing.example"):
            yield at_operators(read(path + query))
        for name in ("reader", "acme-admin", "acme-issuer", "acme-reader"):
            yield at_operators(read(path, name))
    for alarm in (1, 1, 2, 3):
        yield at_operators(as_admin("/operator/observations/acknowledge", {"alarm": alarm}))
        yield at_operators(as_admin("/operator/alarms/acknowledge", {"alarm": alarm}))
    for path in ("/operator/observations", "/operator/key-changes", "/operator/alarms"):
        yield at_operators(read(path))
    yield at_operators(post("/operator/observations/acknowledge", {"alarm": 1}))
