"""Batches: each item with its own answer, in order, within the bounds on work, time and bytes."""

import asyncio
import base64
import json
import os
import time
from typing import Any
from urllib.parse import quote

import base58
import pytest

from resolver import Resolver
from resolver.binding.batch import BatchRequest, answer_batch, read_batch
from resolver.outbound.fetch import GuardLimits
from tests.resolver.asking import answer
from tests.resolver.scenes import DID, DOCUMENT, KEY, PATH, web
from tests.simulator import Host, Request
from wire import MalformedBody, PayloadTooLarge, UnsupportedMediaType

pytestmark = pytest.mark.anyio

VM = f"{KEY}#{KEY[8:]}"
JSON = "application/json"


async def results_of(resolver: Resolver, *identifiers: str, **parameters: Any) -> list[dict[str, Any]]:
    options = parameters.pop("options", {})
    found = await answer_batch(resolver, BatchRequest(identifiers=identifiers, options=options), **parameters)
    assert (found.status, found.media_type, found.fresh_until) == (200, JSON, None)
    results: list[dict[str, Any]] = json.loads(found.body)["results"]
    return results


def ids(results: list[dict[str, Any]]) -> list[tuple[str | None, int]]:
    return [(result.get("identifier"), result["status"]) for result in results]


async def test_each_identifier_has_its_own_answer_in_its_place_and_a_bad_one_spoils_nothing() -> None:
    async with web() as (_, issuer, resolver, _):
        issuer.publish(PATH, DOCUMENT)
        given = ["did:web:nobody.example", KEY, "did:nope:x", "", "did:key:z", DID, "\u2603", f"{KEY}#x", VM]

        results = await results_of(resolver, *given)

    statuses = [404, 200, 501, 400, 400, 200, 400, 404, 200]
    named = [None if status in (400, 501) else name for name, status in zip(given, statuses, strict=True)]
    assert ids(results) == list(zip(named, statuses, strict=True))
    assert results[5]["result"]["didDocument"] == DOCUMENT
    assert results[8]["result"]["content"]["id"] == VM


def _secrets() -> list[str]:
    """DIDs that hold a secret key: of a private multicodec, in a JWK, in a JWK of no type of ours, with a slip."""
    key = base58.b58encode(b"\x80\x26" + bytes(range(32))).decode()  # ed25519-priv as a varint
    jwks = [
        {"kty": "OKP", "crv": "Ed25519", "x": base64url(bytes(32)), "d": "c2VjcmV0"},
        {"kty": "OKP", "crv": "Ed448", "x": base64url(bytes(57)), "d": "c2VjcmV0"},
        {"kty": "oct", "k": "c2VjcmV0"},
    ]
    dids = [f"did:key:z{key}", *(f"did:jwk:{base64url(json.dumps(jwk).encode())}" for jwk in jwks)]
    return [*dids, f"{dids[1]}=", f"{dids[0]}#z{key}", f"did:peer:0z{key}", f"DID:key:z{key}"]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("most", [8_388_608, 300])
@pytest.mark.parametrize("options", [{}, {"explain": True}, {"nope": 1}, {"publicKeyFormat": "nope"}])
async def test_a_secret_key_in_a_batch_is_told_by_its_place_and_never_echoed(
    paid: bool, most: int, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolver.binding.batch.MAX_BATCH_ANSWER_BYTES", most)
    batch = BatchRequest(identifiers=(KEY, *_secrets()), options=options)

    found = await answer_batch(Resolver(), batch, spend=lambda _: 0.0 if paid else 3.0)

    results = json.loads(found.body)["results"]
    assert len(results) == 1 + len(_secrets())
    for result, secret in zip(results[1:], _secrets(), strict=True):
        assert "identifier" not in result and result["status"] in (400, 500, 501, 503)
        assert secret not in found.body.decode()


@pytest.mark.parametrize(
    "identifier", [KEY, VM, "did:nope:x", "did:key:z", DID, "did:web:nobody.example", ""]
)
@pytest.mark.parametrize("options", [{}, {"explain": True}, {"nope": 1}, {"versionId": "1"}])
async def test_the_result_is_that_of_a_request_of_its_own(identifier: str, options: dict[str, Any]) -> None:
    accept = "application/did-url-dereferencing" if "#" in identifier else "application/did-resolution"
    path = f"/1.0/identifiers/{quote(identifier, safe='')}".encode()
    async with web() as (_, issuer, resolver, _):
        issuer.publish(PATH, DOCUMENT)
        await answer(resolver, path, b"", accept, options)  # What is kept is the same for both.
        alone = await answer(resolver, path, b"", accept, options)

        [result] = await results_of(resolver, identifier, options=options)

    assert result["status"] == alone.status
    assert result["result"] == json.loads(alone.body)


async def test_a_did_url_that_leads_elsewhere_tells_where_to() -> None:
    files = {"id": f"{DID}#files", "type": "Files", "serviceEndpoint": "https://files.example/a/"}
    did_url = f"{DID}?service=files&relativeRef=b.txt"
    async with web() as (_, issuer, resolver, _):
        issuer.publish(PATH, DOCUMENT | {"service": [files]})

        [result] = await results_of(resolver, did_url)

    assert result == {
        "identifier": did_url,
        "status": 303,
        "result": None,
        "location": "https://files.example/a/b.txt",
    }


async def test_an_identifier_that_occurs_twice_is_resolved_once_and_answered_twice() -> None:
    spent: list[bool] = []

    def spend(may_fetch: bool) -> float:
        spent.append(may_fetch)
        return 0.0

    async with web() as (world, issuer, resolver, _):
        issuer.publish(PATH, DOCUMENT)
        results = await results_of(resolver, DID, KEY, DID, DID, spend=spend)

        assert ids(results) == [(DID, 200), (KEY, 200), (DID, 200), (DID, 200)]
        assert len(world.requests) == 1
        assert spent == [False, True]


async def test_each_did_that_may_be_fetched_costs_a_token_and_what_is_not_paid_for_is_not_fetched() -> None:
    tokens = 2

    def spend(may_fetch: bool) -> float:
        nonlocal tokens
        tokens -= may_fetch
        return 3.2 if may_fetch and tokens < 0 else 0.0

    async with web() as (world, _, resolver, _):
        results = await results_of(resolver, *(f"did:web:h{n}.example" for n in range(5)), spend=spend)

        assert [result["status"] for result in results] == [404, 404, 503, 503, 503]
        assert [result.get("retryAfter") for result in results] == [None, None, 4, 4, 4]
        assert {name for name, _ in world.resolutions} == {"h0.example", "h1.example"}
    error = results[2]["result"]["didResolutionMetadata"]["error"]
    assert error["cause"] == "client_budget"


async def test_what_is_fresh_in_the_cache_costs_no_token_for_an_origin() -> None:
    spent: list[bool] = []

    def spend(may_fetch: bool) -> float:
        spent.append(may_fetch)
        return 0.0

    async with web() as (_, issuer, resolver, _):
        issuer.publish(PATH, DOCUMENT)
        await resolver.resolve(DID)
        await results_of(resolver, DID, spend=spend)
        await results_of(resolver, DID, spend=spend, options={"noCache": True})

    assert spent == [True]


async def test_a_batch_within_its_deadline_tells_what_is_done() -> None:
    async def hang(*_: Any) -> None:
        await asyncio.sleep(30)

    async with web() as (world, issuer, resolver, _):
        issuer.publish(PATH, DOCUMENT)
        slow: Host = world.host("slow.example")
        slow.answer(PATH, hang)
        began = time.monotonic()
        results = await results_of(resolver, "did:web:slow.example", DID, KEY, deadline_seconds=0.3)
        seconds = time.monotonic() - began

    assert [result["status"] for result in results] == [500, 200, 200]
    assert results[0]["result"]["didResolutionMetadata"]["error"]["cause"] == "batch_deadline"
    assert seconds < 2


async def test_no_more_than_some_are_asked_for_at_once() -> None:
    under_way = most = 0

    async def serve(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

    async with web(GuardLimits(host_burst=1_000, site_burst=1_000)) as (world, _, resolver, _):
        for n in range(40):
            world.host(f"h{n}.example").answer(PATH, serve)
        results = await results_of(resolver, *(f"did:web:h{n}.example" for n in range(40)))

    assert {result["status"] for result in results} == {404}
    assert 2 <= most <= 16


async def test_an_answer_has_no_more_bytes_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolver.binding.batch.MAX_BATCH_ANSWER_BYTES", 3_000)
    did = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"

    results = await results_of(Resolver(), KEY, did, f"{KEY}x", VM, KEY)

    causes = [
        (result["result"].get("didResolutionMetadata") or {}).get("error", {}).get("cause")
        for result in results
    ]
    assert results[0]["status"] == 200
    assert causes[-1] == "batch_full"


async def test_a_batch_of_the_largest_keys_never_holds_the_event_loop_for_ten_milliseconds() -> None:
    """In CPU time of this thread, between two turns of another task."""
    longest, last = 0.0, time.thread_time()

    async def measure() -> None:
        nonlocal longest, last
        while True:
            longest, last = max(longest, time.thread_time() - last), time.thread_time()
            await asyncio.sleep(0)

    codec = b"\x92\x24"  # mldsa-87-pub as a varint
    keys = [f"did:key:z{base58.b58encode(codec + os.urandom(2_592)).decode()}" for _ in range(50)]
    last = time.thread_time()
    measuring = asyncio.create_task(measure())
    results = await results_of(Resolver(), *keys, options={"enableExperimentalPublicKeyTypes": True})
    measuring.cancel()

    assert {result["status"] for result in results} == {200}
    assert longest < 0.010


async def test_the_option_of_going_around_the_cache_is_within_the_budget_of_the_client() -> None:
    async with web() as (world, issuer, resolver, _):
        issuer.publish(PATH, DOCUMENT)
        [result] = await results_of(resolver, DID, options={"noCache": True}, wait_to_renew=lambda: 5.0)

        assert (result["status"], result["retryAfter"]) == (501, 5)
        assert world.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"{",
        b"null",
        b'{"dids":[]}',
        b'{"dids":"did:key:x"}',
        b'{"dids":[1]}',
        b'{"dids":[null]}',
        b'{"dids":["a"],"identifiers":["b"]}',
        b'{"dids":["a"],"dids":["b"]}',
        b'{"dids":["a"],"more":1}',
        b'{"dids":["a"],"options":[]}',
        b'{"dids":["a"],"options":{"explain":{}}}',
        b'{"dids":["a"],"options":{"accept":"application/did"}}',
        b'{"dids":["\\ud800"]}',
        json.dumps({"dids": ["a"], "options": {str(n): 1 for n in range(17)}}).encode(),
        json.dumps({"dids": ["a"] * 101}).encode(),
        b'{"dids":' + b"[" * 50_000,
    ],
)
def test_a_body_that_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_batch(body, JSON)


def test_a_body_too_large_or_of_another_type_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        read_batch(b" " * 196_609, JSON)
    with pytest.raises(UnsupportedMediaType):
        read_batch(b'{"dids":["a"]}', "text/plain")


@pytest.mark.parametrize("name", ["dids", "identifiers"])
def test_both_names_of_the_list_are_read(name: str) -> None:
    batch = read_batch(json.dumps({name: ["a", "b"]}).encode(), JSON)

    assert (batch.dids or batch.identifiers) == ("a", "b")
