"""The client: another resolver's answers as our values, and its errors as our errors."""

import base64
import json
from collections.abc import Callable
from typing import Any

import base58
import httpx
import pytest

from resolver import InternalError, InvalidDid, InvalidDidDocument, NotFound, Options, Resolved, Resolver
from resolver.binding.batch import answer_batch, read_batch
from resolver.client import ResolverClient
from tests.resolver.asking import answer_now

pytestmark = pytest.mark.anyio

DID = "did:web:localhost%3A8000"


def client(answer: Callable[[httpx.Request], httpx.Response]) -> ResolverClient:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return ResolverClient("https://r.example/", http=http, clock=lambda: 1_000.0)


def result(status: int = 200, document: Any = None, error: Any = None, **headers: str) -> httpx.Response:
    body = {
        "didResolutionMetadata": {"error": error} if error else {"contentType": "application/did"},
        "didDocument": document,
        "didDocumentMetadata": {},
    }
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=json.dumps(body).encode(), headers=fields)


async def test_a_did_and_its_options_are_asked_for_encoded_as_a_whole() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return result(document={"id": DID}, cache_control="public, max-age=300", age="20")

    async with client(answer) as resolver:
        resolved = await resolver.resolve(DID, Options(no_cache=True, public_key_format="JsonWebKey2020"))

    assert seen[0].url.raw_path == (
        b"/1.0/identifiers/did%3Aweb%3Alocalhost%253A8000?noCache=true&publicKeyFormat=JsonWebKey2020"
    )
    assert seen[0].headers["accept"] == "application/did-resolution"
    assert resolved.document == {"id": DID}
    assert (resolved.made_at, resolved.fresh_until) == (980.0, 1_280.0)


async def test_an_immutable_answer_has_no_end_and_an_answer_not_to_be_stored_ends_now() -> None:
    async with client(lambda _: result(document={"id": DID}, cache_control="immutable")) as resolver:
        immutable = await resolver.resolve(DID)
    async with client(lambda _: result(document={"id": DID}, cache_control="no-store")) as resolver:
        passing = await resolver.resolve(DID)

    assert (immutable.made_at, immutable.fresh_until) == (None, None)
    assert passing.fresh_until == 1_000.0


async def test_a_deactivated_did_is_a_result() -> None:
    async with client(lambda _: result(410)) as resolver:
        resolved = await resolver.resolve(DID)

    assert resolved.deactivated


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [("NOT_FOUND", 404, NotFound), ("INVALID_DID", 400, InvalidDid), ("NEW_ERROR", 500, InternalError)],
)
async def test_an_error_is_raised_as_its_type(name: str, status: int, kind: type[Exception]) -> None:
    error = {"type": f"https://www.w3.org/ns/did#{name}", "detail": "why", "cause": "c"}
    async with client(lambda _: result(status, error=error, retry_after="7")) as resolver:
        with pytest.raises(kind, match="why") as raised:
            await resolver.resolve(DID)

    assert raised.value.members == {"cause": "c"}  # type: ignore[attr-defined]
    assert raised.value.headers == {"retry-after": "7"}  # type: ignore[attr-defined]


async def test_the_document_of_another_did_is_refused() -> None:
    async with client(lambda _: result(document={"id": "did:web:other.example"})) as resolver:
        with pytest.raises(InvalidDidDocument):
            await resolver.resolve(DID)


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, content=b"[]"),
        httpx.Response(200, content=b"{}"),
        httpx.Response(502, content=b"Bad Gateway"),
        httpx.Response(404, content=b'{"error":"notFound"}'),
        httpx.Response(200, content=b'{"didDocument":"x"}'),
        httpx.Response(200, content=b'{"didDocument":null,"didDocument":null}'),
    ],
    ids=["html", "array", "empty", "gateway", "old", "string", "twice"],
)
async def test_what_is_no_resolution_result_is_an_error_of_that_resolver(response: httpx.Response) -> None:
    async with client(lambda _: response) as resolver:
        with pytest.raises(InternalError) as raised:
            await resolver.resolve(DID)

    assert raised.value.members == {"cause": "resolver_answer"}


async def test_a_resolver_that_cannot_be_reached_is_an_error_with_that_cause() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    async with client(answer) as resolver:
        with pytest.raises(InternalError) as raised:
            await resolver.resolve(DID)

    assert raised.value.members == {"cause": "resolver_unreachable"}


async def test_many_dids_are_asked_for_in_batches_and_each_has_its_result_or_its_error() -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        seen.append((str(request.url), body))
        items = [
            {"identifier": did, "status": 404, "result": missing}
            if did.endswith("7")
            else {"identifier": did, "status": 200, "result": {"didDocument": {"id": did}}}
            for did in body["identifiers"]
        ]
        return httpx.Response(200, json={"results": items})

    missing = {"didResolutionMetadata": {"error": {"type": "https://www.w3.org/ns/did#NOT_FOUND"}}}
    dids = [f"did:web:h{n}.example" for n in range(150)] + ["did:web:h7"]
    async with client(answer) as resolver:
        found = await resolver.resolve_many(dids, Options(no_cache=True))

    assert [(url, len(body["identifiers"]), body["options"]) for url, body in seen] == [
        ("https://r.example/1.0/identifiers", 100, {"noCache": "true"}),
        ("https://r.example/1.0/identifiers", 51, {"noCache": "true"}),
    ]
    assert [item.did for item in found if isinstance(item, Resolved)] == dids[:-1]
    assert isinstance(found[-1], NotFound)


async def test_many_long_dids_are_asked_for_in_batches_that_the_resolver_takes() -> None:
    codec = b"\x91\x24"  # mldsa-65-pub as a varint
    keys = [base58.b58encode(codec + bytes((n,)) * 1_952).decode() for n in range(100)]
    dids = [f"did:key:z{key}" for key in keys]
    counts: list[int] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        batch = read_batch(request.content, request.headers["content-type"])
        counts.append(len(batch.identifiers))
        found = await answer_batch(Resolver(), batch)
        return httpx.Response(200, content=found.body)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    async with ResolverClient("https://r.example/", http=http) as resolver:
        found = await resolver.resolve_many(dids)
        none = await resolver.resolve_many([])

    assert not http.is_closed  # It is the caller's.
    assert [item.did for item in found if isinstance(item, Resolved)] == dids
    assert len(counts) == 2 and sum(counts) == 100
    assert none == []


async def test_an_error_keeps_what_the_resolver_tells_of_it() -> None:
    kept = {
        "didKeyError": "invalidPublicKey",
        "driver": "d",
        "problemDetails": {"a": ["b"]},
        "headers": {},
        "self": 1,
    }
    error = {"type": "https://www.w3.org/ns/did#INVALID_DID", "title": "x", "status": 400, "detail": "why"}
    async with client(lambda _: result(400, error=error | kept)) as resolver:
        with pytest.raises(InvalidDid) as raised:
            await resolver.resolve(DID)
    async with client(lambda _: result(400, error=error | {"cause": "c", "x": "y" * 17_000})) as resolver:
        with pytest.raises(InvalidDid) as bounded:
            await resolver.resolve(DID)

    assert (raised.value.members, raised.value.did_key_error) == (kept, "invalidPublicKey")
    assert bounded.value.members == {"cause": "c"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {}),
        (200, {}),
        (200, {"results": {}}),
        (200, {"results": []}),
        (200, {"results": [1]}),
        (400, {"results": [{}]}),
    ],
)
async def test_what_is_no_answer_to_a_batch_is_an_error(status: int, body: Any) -> None:
    async with client(lambda _: httpx.Response(status, json=body)) as resolver:
        with pytest.raises(InternalError) as raised:
            await resolver.resolve_many([DID])

    assert raised.value.members["cause"] == "resolver_answer"


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({}, InternalError),
        ({"status": "200", "result": {}}, InternalError),
        ({"status": 200, "result": []}, InternalError),
        ({"status": 200, "result": {"didDocument": {"id": "did:web:other"}}}, InvalidDidDocument),
    ],
)
async def test_an_item_of_a_batch_that_is_no_result_is_an_error_of_that_did(
    item: Any, error: type[Exception]
) -> None:
    async with client(lambda _: httpx.Response(200, json={"results": [item]})) as resolver:
        [found] = await resolver.resolve_many([DID])

    assert type(found) is error


async def test_a_document_as_deep_as_a_resolver_makes_is_an_answer() -> None:
    inner: Any = []
    for _ in range(30):
        inner = [inner]
    key = {"kty": "OKP", "crv": "Ed25519", "x": "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik", "a": inner}
    did = "did:jwk:" + base64.urlsafe_b64encode(json.dumps(key).encode()).rstrip(b"=").decode()
    made = answer_now(Resolver(), f"/1.0/identifiers/{did}".encode(), b"", None)
    assert made is not None
    content = made.body

    async with client(lambda _: httpx.Response(200, content=content)) as resolver:
        resolved = await resolver.resolve(did)

    assert resolved.document is not None
    assert resolved.document["verificationMethod"][0]["publicKeyJwk"] == key
