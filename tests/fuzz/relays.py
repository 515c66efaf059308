"""
Fuzz targets for what stands for many or for others: the body of a batch, the answer of a driver.

A batch is a line with a Content-Type, and a body. A driver's answer is a line with a status, and a body.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote

from resolver import Resolver
from resolver.batch import answer_batch, read_batch
from resolver.binding import answer_local
from resolver.did import parse_did
from resolver.driver_answer import check_document, is_unavailable, parse_answer, told_of
from resolver.driver_config import Driver
from resolver.errors import InternalError, ResolutionError
from resolver.representation import DEREFERENCING, RESOLUTION, present
from resolver.results import Fetched, FetchPlan, Resolved
from tests.fuzz.answers import BASE, OURS, run_on_loop, secrets_in, whole_answer
from wire import Refusal

DRIVEN = "did:example:a"
_DRIVER = Driver(name="x", pattern="did:example:.+", url="http://driver.internal")


async def _not_there(plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:
    return Fetched(status=404, headers={}, body=b"")


def batch(data: bytes) -> None:
    """Every identifier of a batch has the answer of a request of its own, in its place."""
    content_type, _, body = data.partition(b"\n")
    try:
        asked = read_batch(body, content_type.decode("latin-1"))
    except Refusal as refusal:
        assert refusal.status in (400, 413, 415) and len(refusal.detail) < 400
        return
    resolver = Resolver(fetcher=_not_there, clock=lambda: 1_000.0)
    found = run_on_loop(answer_batch(resolver, asked))
    items = json.loads(found.body)["results"]
    assert found.status == 200 and found.media_type == "application/json"
    assert [item["identifier"] for item in items] == list(asked.dids or asked.identifiers)
    for item in items:
        identifier = item["identifier"]
        accept = str(DEREFERENCING if set("/?#") & set(identifier) else RESOLUTION)
        alone = answer_local(resolver, BASE + quote(identifier, safe="").encode(), b"", accept, asked.options)
        if alone is None:
            assert item["status"] in (404, 410, 500), "what is not there was found"
            continue
        assert item["status"] == alone.status
        assert item["result"] == (json.loads(alone.body) if alone.body else None), "another answer than alone"


def driver(data: bytes) -> None:
    """Whatever a driver answers, what comes of it is whole, marked as its word, about the DID, without a secret."""
    status, _, body = data.partition(b"\n")
    fetched = Fetched(
        status=int(status) if status.isdigit() and len(status) == 3 else 200, headers={}, body=body
    )
    try:
        is_unavailable(_DRIVER, fetched)
        told = told_of(_DRIVER, parse_answer(_DRIVER, fetched))
        check_document(_DRIVER, parse_did(DRIVEN), told)
    except ResolutionError as error:
        whole_answer(present(error, None), DRIVEN)
        assert not isinstance(error, InternalError) or error.members["cause"].startswith("driver_")
        return
    assert told.resolution_metadata["driver"] == "x" and told.resolution_metadata["verified"] is False
    document = None if told.document is None else json.loads(told.document)
    assert not secrets_in(document) and (document is None or document["id"] == DRIVEN)
    resolved = Resolved(
        did=DRIVEN,
        document=document,
        metadata=told.metadata,
        resolution_metadata=told.resolution_metadata,
        made_at=1_000.0,
    )
    whole_answer(present(resolved, None), DRIVEN)


def batch_seeds() -> list[bytes]:
    dids = [
        f"{OURS}#files",
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "did:x",
        "did:web:a.example",
    ]
    bodies = [
        {"dids": dids},
        {"identifiers": [*dids, f"{dids[1]}?service=x", dids[1]], "options": {"noCache": True}},
        {
            "dids": ["", "did:key:z\u00e9", "did:peer:2.V"],
            "options": {"publicKeyFormat": "JsonWebKey", "maxStale": 1},
        },
    ]
    return [b"application/json\n" + json.dumps(body).encode() for body in bodies]


def driver_seeds() -> list[bytes]:
    document = {"id": DRIVEN, "@context": ["https://www.w3.org/ns/did/v1"], "service": []}
    results: list[tuple[int, object]] = [
        (200, document),
        (200, {"didDocument": document, "didResolutionMetadata": {"contentType": "x", "duration": 1}}),
        (404, {"didResolutionMetadata": {"error": "notFound"}, "didDocument": None}),
        (400, {"didResolutionMetadata": {"error": {"type": "https://www.w3.org/ns/did#INVALID_DID"}}}),
        (410, {"didDocument": None, "didDocumentMetadata": {"deactivated": True}}),
        (503, "away"),
    ]
    return [b"%d\n" % status + json.dumps(body).encode() for status, body in results]
