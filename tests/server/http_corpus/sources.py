"""Standing sources: a list that is followed, and one whose differences are held, let pass, and removed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from operators import Kind, Role
from operators.access.views import AskedGrant, CreatePrincipal
from tests.actors import ROOT as ROOT_OPERATOR
from tests.actors import Access
from tests.proofs.authorities import NOW
from tests.registry.imports.lists import (
    ISSUANCE,
    ROOT,
    document,
    entity,
    header,
    identity,
    service,
    sign,
    signer,
)
from tests.server.http_corpus.asking import Case, post
from tests.server.http_corpus.operators import PEOPLE, as_admin, at_operators, read
from tests.server.http_corpus.registry import EDUCATION
from tests.server.http_corpus.world import Scene, Step
from tests.simulator import Host, World, canned

SOURCES = "/operator/registry/sources"
DID, OTHER = "did:web:listed.example", "did:web:other.example"
SIGNER = signer(not_after=NOW + timedelta(days=300))  # The corpus is asked in September.
COURSE = {"action": "issue", "resource": "CourseCompletionCredential"}
LIST = {
    "kind": "lote",
    "id": "courses",
    "url": "https://lists.example/list.jwt",
    "authority_id": EDUCATION,
    "anchors": ROOT.certificate.public_bytes(Encoding.PEM).decode(),
    "services": {ISSUANCE: [COURSE]},
    "policy": "pass",
}
HELD = LIST | {"id": "held", "url": "https://lists.example/other.jwt", "policy": "hold"}
ANCHORS = {
    "kind": "pem",
    "id": "anchors",
    "url": "https://lists.example/nothing.pem",
    "authority_id": EDUCATION,
    "rights": [COURSE],
}


def build(web: World) -> dict[str, Host]:
    host = web.host("lists.example")
    host.answer("/list.jwt", canned(_list(DID)))
    host.answer("/other.jwt", canned(_list(OTHER)))
    return {"lists": host}


def _said(did: str) -> bytes:
    return msgspec.json.encode(document(entity("Listed", service(identity(did)))))


def _list(did: str) -> bytes:
    return sign(_said(did), header(SIGNER))


async def _look(scene: Scene) -> None:
    """Look at what is due, as the background does within seconds."""
    await scene.services.sources.step()


async def _add_approver(scene: Scene) -> None:
    access = Access(scene.services.database, scene.clock)
    person = CreatePrincipal(id="approver", kind=Kind.PERSON, name="Approver", address="approver@example.com")
    await access.changes.create(ROOT_OPERATOR, person)
    scene.keys["approver"] = await access.key("approver")
    asked = AskedGrant("everything", Role.APPROVER)
    await access.grants.grant(ROOT_OPERATOR, "approver", asked, decided=lambda *_: None)


async def _see_what_is_held(scene: Scene) -> None:
    [held] = [each for each in (await scene.services.sources.list()).sources if each.source.id == "held"]
    assert held.held_sha256 is not None
    scene.digests["held"] = held.held_sha256


def cases() -> Iterator[Step]:
    yield _add_approver
    yield from (at_operators(read(SOURCES, who)) for who in PEOPLE)
    yield from map(at_operators, _refused())
    yield from (at_operators(as_admin(SOURCES, source)) for source in (LIST, LIST, HELD, ANCHORS))
    yield _look
    yield at_operators(read(SOURCES))
    for source, who in (("courses", "admin"), ("held", "admin"), ("anchors", "reader"), ("nothing", "admin")):
        yield at_operators(read(f"{SOURCES}/{source}", who))
    yield from map(_asked, (DID, OTHER))
    yield _see_what_is_held
    yield from map(at_operators, _passed())
    yield _look
    yield at_operators(read(SOURCES))
    yield at_operators(as_admin(f"{SOURCES}/held/refresh", b""))
    for who in ("reader", "admin", "admin"):
        yield at_operators(_removed("courses", who))
    yield at_operators(read(SOURCES))
    yield from map(_asked, (DID, OTHER))


def _asked(did: str) -> Case:
    return post("/trqp/authorization", {"entity_id": did, "authority_id": EDUCATION} | COURSE)


def _removed(source: str, who: str) -> Case:
    path = f"{SOURCES}/{source}"
    return post(path, b"", authorization=f"Bearer <key of {who}>", content_type="")._replace(method="DELETE")


def _refused() -> Iterator[Case]:
    yield from (
        post(SOURCES, LIST, authorization=f"Bearer <key of {who}>") for who in PEOPLE if who != "admin"
    )
    wrong: list[Any] = [b"", b"[]", {}, {"kind": "csv"}, LIST | {"anchors": "none"}, LIST | {"services": {}}]
    wrong += [
        LIST | {"url": "http://lists.example/"},
        LIST | {"every_seconds": 1},
        LIST | {"file": "/etc/passwd"},
    ]
    yield from (as_admin(SOURCES, body) for body in wrong)
    for action in ("refresh", "pass"):
        body = {"sha256": "0" * 64} if action == "pass" else b""
        for who in ("reader", "admin", "approver"):
            yield post(f"{SOURCES}/nothing/{action}", body, authorization=f"Bearer <key of {who}>")


def _passed() -> Iterator[Case]:
    for sha256 in ("x", "0" * 64, "<digest of held>"):
        yield as_approver(f"{SOURCES}/held/pass", {"sha256": sha256})


def as_approver(path: str, body: object) -> Case:
    return post(path, body, authorization="Bearer <key of approver>")
