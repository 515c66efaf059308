"""
Issuers over HTTP: who may, what is refused, and a rotation, a planned one and a stolen key in a row.

The keys that are made here are the same in each run (`world.py`); key-1 signs for the default issuer, key-2 is its
spare.
"""

from collections.abc import Iterator
from typing import Any

from tests.actors import acting
from tests.server.http_corpus.asking import Case, get, post
from tests.server.http_corpus.identifiers import BASE, OWN
from tests.server.http_corpus.operators import (
    ISSUER_ROUTES,
    ISSUER_WRITES,
    PEOPLE,
    as_admin,
    at_operators,
    at_rest,
    doors,
    publish,
    read,
)
from tests.server.http_corpus.origins import passing
from tests.server.http_corpus.world import Scene, Step

ISSUERS = "/operator/issuers"
DEFAULT = f"{ISSUERS}/default"
LIST = "/status-lists/sample-revocation/credential.json"
TTL_SECONDS = 300.0


def cases() -> Iterator[Step]:
    yield at_rest
    for part in (lambda: doors(ISSUER_ROUTES, ISSUER_WRITES), _reads, _creations, _additions, _certificates):
        yield from map(at_operators, part())
    yield from _story()


async def _take_up(scene: Scene) -> None:
    """Do what a background step does in time: activate, read the rows, publish."""
    await scene.services.issuing.changes.succession.activate_due(actor=acting("corpus"), past=scene.clock())
    await scene.services.operators.identities.refresh()
    await publish(scene)


def _reads() -> Iterator[Case]:
    for query in (
        "",
        "?limit=1",
        "?limit=1&after=acme",
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?after=A%20B",
    ):
        yield read(ISSUERS + query)
        yield read(ISSUERS + query, "acme-reader")
    for issuer_id in ("default", "acme", "keyless", "nobody", "BAD", "%61cme", "a%00b", "a" * 64):
        yield read(f"{ISSUERS}/{issuer_id}")
        yield read(f"{ISSUERS}/{issuer_id}", "acme-reader")
        yield read(f"{ISSUERS}/{issuer_id}/document")
        yield read(f"{ISSUERS}/{issuer_id}/document", "acme-reader")


def _creations() -> Iterator[Case]:
    wanted: tuple[dict[str, Any], ...] = (
        {"id": "made", "owner": "Made, Inc."},
        {"id": "made"},
        {"id": "curve", "algorithm": "P-256"},
        {"id": "other", "algorithm": "RSA"},
        {"id": "other", "custody": "pkcs11"},
        {"id": "other", "custody": "paper"},
        {"id": "BAD ID"},
        {"id": "other", "owner": "a\nb"},
        {"id": "other", "did": "no did"},
        {"id": "other", "did": "did:web:localhost%3A8000:issuers:other"},
        {"id": "other", "did": "did:web:localhost%3A8000:elsewhere"},
        {"id": "other", "did": 1},
        {"id": "other", "did": "did:web:other.example", "algorithm": "P-256"},
        {"id": "other", "did": "did:web:other.example", "custody": "file"},
        {"id": "bank", "did": "did:web:bank.example"},
        {"id": "bank-2", "did": "did:web:bank.example"},
    )
    yield from (as_admin(ISSUERS, body) for body in wanted)
    for body in ({"id": "once"}, {"id": "once"}, {"id": "twice"}):
        yield as_admin(ISSUERS, body, idempotency_key="i1")
    yield as_admin(ISSUERS, {"id": "twice"}, idempotency_key="a b")
    for name in PEOPLE:
        yield post(ISSUERS, {"id": f"of-{name}"}, authorization=f"Bearer <key of {name}>")


def _additions() -> Iterator[Case]:
    for body in (
        {},
        {"algorithm": "P-384"},
        {"algorithm": "RSA"},
        {"custody": "pkcs11"},
        {"custody": "paper"},
    ):
        yield as_admin(f"{ISSUERS}/acme/keys", body)
        yield as_admin(f"{ISSUERS}/bank/keys", body)
        yield as_admin(f"{ISSUERS}/nobody/keys", body)
    for body in ({}, {}, {"algorithm": "P-256"}):
        yield as_admin(f"{ISSUERS}/curve/keys", body, idempotency_key="k1")
    for name in PEOPLE:
        yield post(f"{ISSUERS}/acme/keys", {}, authorization=f"Bearer <key of {name}>")
    yield from (as_admin(f"{ISSUERS}/acme/keys/{action}", b"") for action in ("nothing", "key-2/nothing"))
    yield read(f"{ISSUERS}/acme/keys")


def _certificates() -> Iterator[Case]:
    for key in ("acme/keys/acme-1", "acme/keys/key-9", "keyless/keys/keyless-1", "nobody/keys/key-1"):
        yield as_admin(f"{ISSUERS}/{key}/certificate-request", {"subject": "CN=a"})
        yield as_admin(f"{ISSUERS}/{key}/certificates", {"certificates": "no PEM"})
    for name in PEOPLE:
        authorization = f"Bearer <key of {name}>"
        path = f"{ISSUERS}/acme/keys/acme-1"
        yield post(f"{path}/certificate-request", {"subject": "CN=a"}, authorization=authorization)
        yield post(f"{path}/certificates", {"certificates": ""}, authorization=authorization)


def _story() -> Iterator[Step]:
    yield from _seen()
    for _ in range(2):  # The spare key was announced long ago, and signs at once.
        yield at_operators(as_admin(f"{DEFAULT}/keys/activate", b"", idempotency_key="r1"))
    yield _take_up
    yield from _seen()
    for action in ("activate", "retire", "compromised"):
        for key_id in ("key-1", "key-2", "key-9", "a%00b"):
            body: object = {"since": "2030-01-01T00:00:00Z"} if action == "compromised" else b""
            yield at_operators(as_admin(f"{DEFAULT}/keys/{key_id}/{action}", body))
    yield at_operators(as_admin(f"{DEFAULT}/keys/activate", b""))
    yield at_operators(as_admin(f"{DEFAULT}/keys", {}))
    yield at_operators(as_admin(f"{DEFAULT}/keys/activate", b""))  # Planned: verifiers have not seen it yet.
    yield _take_up
    yield from _seen()
    yield passing(2 * TTL_SECONDS)
    yield _take_up
    yield from _seen()
    yield at_operators(as_admin(f"{DEFAULT}/keys", {}))
    for since in ("soon", "2026-09-21T14:00:00Z", "2026-09-21T14:00:00Z", "2026-09-21T13:00:00Z"):
        yield at_operators(as_admin(f"{DEFAULT}/keys/key-2/compromised", {"since": since}))
    yield _take_up
    yield from _seen()
    yield at_operators(as_admin(f"{ISSUERS}/bank/keys/activate", b""))  # Its document does not list the key.


def _seen() -> Iterator[Step]:
    """What the public, and operators, see of the default issuer."""
    yield get("/.well-known/did.json")
    yield get(f"{BASE}/{OWN}", accept="application/did")
    yield get(LIST)
    yield at_operators(read(DEFAULT))
