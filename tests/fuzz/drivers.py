"""
Fuzz targets for what a driver answers, and for the body of a batch.

A driver's answer is two lines and a body: status, Cache-Control.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from resolver import Resolver
from resolver.binding.batch import MAX_BATCH, answer_batch, read_batch
from resolver.binding.forms import DEREFERENCING, RESOLUTION
from resolver.drivers.config import Driver
from resolver.results import Fetched, JsonObject
from tests.fuzz.answers import BASE, DID, RESOLVER, run_on_loop, secrets_in, whole_answer
from tests.resolver.asking import answer, answer_now
from wire import Answer, Refusal

OTHER = "did:example:a"
DRIVER = Driver(name="fuzzed", pattern="did:example:.+", url="http://driver.internal")
# What the answer of a driver, whatever it is, may make of ours; 503 with its own Retry-After.
STATUSES = (200, 400, 404, 406, 410, 500, 501, 503)


def driver(data: bytes) -> None:
    """Whatever a driver answers, ours is whole, marked as its word, about the DID, and without a secret."""
    lines = data.split(b"\n", 2)
    status, cache_control, body = lines + [b""] * (3 - len(lines))
    code = int(status) if status.isdigit() and len(status) == 3 else 200
    headers = {
        "cache-control": cache_control.decode("latin-1"),
        "retry-after": cache_control.decode("latin-1"),
    }
    found = _answered(Fetched(status=code, headers=headers, body=body))
    assert found.status in STATUSES, f"status {found.status}"
    whole_answer(found, OTHER)
    result = json.loads(found.body)
    metadata = result["didResolutionMetadata"]
    if found.status not in (200, 410):
        assert metadata["error"]["driver"] == "fuzzed"
        return
    assert (metadata["driver"], metadata["verified"]) == ("fuzzed", False)
    assert (found.status == 410) == (result["didDocument"] is None)
    assert not secrets_in(result["didDocument"]), "a secret was passed on"


def _answered(fetched: Fetched) -> Answer:
    async def fetch(*_: Any, **__: Any) -> Fetched:
        return fetched

    async def ask() -> Answer:
        async with Resolver(drivers=(DRIVER,), fetch_configured=fetch, clock=lambda: 1_000.0) as resolver:
            return await answer(resolver, BASE + OTHER.encode(), b"", None)

    return run_on_loop(ask())


def batch(data: bytes) -> None:
    """A body is refused, or every identifier has an answer in its place; none of them reaches an origin unpaid."""
    try:
        wanted = read_batch(data, "application/json")
    except Refusal as refusal:
        assert 400 <= refusal.status < 500
        return
    found = run_on_loop(answer_batch(RESOLVER, wanted, spend=lambda may_fetch: 9.0 * may_fetch))
    results = json.loads(found.body)["results"]
    identifiers = wanted.dids or wanted.identifiers
    assert len(results) <= MAX_BATCH
    for identifier, result in zip(identifiers, results, strict=True):
        is_told = result["status"] not in (400, 501)
        assert result.get("identifier") == (identifier if is_told else None)
        assert result["status"] in (200, 303, 400, 404, 406, 410, 500, 501, 503)
        assert (result["status"] == 303) == (result["result"] is None)
        _is_as_alone(identifier, result, wanted.options)


def _is_as_alone(identifier: str, result: JsonObject, options: Mapping[str, object]) -> None:
    """An identifier of a batch has the answer of a request of its own."""
    accept = str(DEREFERENCING if set("/?#") & set(identifier) else RESOLUTION)
    alone = answer_now(RESOLVER, BASE + quote(identifier, safe="").encode(), b"", accept, options)
    if alone is not None:
        body = json.loads(alone.body) if alone.body else None
        assert (result["status"], result["result"]) == (alone.status, body), "another answer than alone"


def driver_seeds() -> Iterator[bytes]:
    """Yield answers of drivers of every shape."""
    document = {"id": OTHER, "verificationMethod": [{"id": "#k", "type": "Multikey", "controller": DID}]}
    problem = {"type": "https://www.w3.org/ns/did#NOT_FOUND", "title": "x"}
    metadata: list[Any] = [
        {},
        None,
        {"error": "notFound"},
        {"error": problem},
        {"contentType": "x", "driver": "y"},
    ]
    about: list[Any] = [{}, {"deactivated": True}, {"deactivated": "true"}, {"versionId": "1"}]
    bodies: list[Any] = [document, [document], None, {"id": OTHER}]
    bodies += [
        {"didDocument": found, "didResolutionMetadata": one, "didDocumentMetadata": other}
        for found in (document, None)
        for one in metadata
        for other in about
    ]
    for number, body in enumerate(bodies):
        status = (200, 200, 404, 410, 503)[number % 5]
        yield f"{status}\n{('', 'max-age=5', '7')[number % 3]}\n{json.dumps(body)}".encode()


def batch_seeds() -> Iterator[bytes]:
    """Yield bodies of batches."""
    options: list[Any] = [
        None,
        {},
        {"noCache": True},
        {"explain": "true"},
        {"versionId": "1"},
        {"accept": "*/*"},
    ]
    for name in ("dids", "identifiers"):
        for number, given in enumerate(options):
            dids = [DID, "did:key:z6Mk", "", f"{DID}#a", "did:web:ours.example?service=files&relativeRef=a"]
            body: dict[str, Any] = {name: dids[number % 3 :]}
            yield json.dumps(body if given is None else body | {"options": given}).encode()
