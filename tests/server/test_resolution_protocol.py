"""The HTTP(S) binding of DID Resolution through the whole server: what only shows over a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.server.running import Running, running_in

pytestmark = pytest.mark.anyio

BASE = "/1.0/identifiers/"
KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
VM = f"{KEY}#z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK".replace(":", "%3A").replace("#", "%23")
LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'
ACCEPTS = [
    "*/*",
    "application/did-resolution",
    "application/did",
    "application/did+json",
    "application/did+ld+json",
    LEGACY,
    "application/did-url-dereferencing",
    "text/html",
    "text/uri-list",
]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_in(tmp_path) as running:
        yield running


@pytest.fixture
async def client(server: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        yield client


def volatile(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in ("date", "x-request-id")}


@pytest.mark.parametrize("identifier", [KEY, VM, "did:nope:x", "did:web:localhost%3A1"])
async def test_get_head_and_an_empty_post_say_the_same(client: httpx.AsyncClient, identifier: str) -> None:
    got, head, posted = [
        await client.request(method, BASE + identifier) for method in ("GET", "HEAD", "POST")
    ]

    assert got.status_code == head.status_code == posted.status_code
    assert got.content == posted.content
    assert head.content == b""
    assert volatile(got) == volatile(head)
    # No cache keeps what was posted for; a cache that did would give it to who sends another body.
    of_a_cache = {"cache-control", "age"}
    assert posted.headers["cache-control"] == "no-store" and "age" not in posted.headers
    assert {n: v for n, v in volatile(got).items() if n not in of_a_cache} == {
        n: v for n, v in volatile(posted).items() if n not in of_a_cache
    }


async def test_a_post_is_never_answered_304_and_what_its_body_chose_is_not_kept(
    client: httpx.AsyncClient,
) -> None:
    """RFC 9110, section 13.1.2: with other methods than GET and HEAD, If-None-Match asks for nothing of ours."""
    tag = (await client.get(BASE + KEY)).headers["etag"]
    for given in ("*", tag):
        got = await client.get(BASE + KEY, headers={"if-none-match": given})
        posted = await client.post(BASE + KEY, headers={"if-none-match": given})
        assert (got.status_code, posted.status_code) == (304, 200)
        assert posted.json()["didDocument"]["id"] == KEY

    chosen = await client.post(BASE + KEY, json={"publicKeyFormat": "JsonWebKey2020"})
    assert chosen.headers["cache-control"] == "no-store"
    after = await client.get(BASE + KEY)
    assert after.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert after.json()["didDocument"]["verificationMethod"][0]["type"] == "Multikey"


async def test_answers_from_memory_are_those_of_the_media_type_asked_for(client: httpx.AsyncClient) -> None:
    """Each Accept has its own answer, whichever was asked for before."""
    first = {accept: await client.get(BASE + KEY, headers={"accept": accept}) for accept in ACCEPTS}
    again = {accept: await client.get(BASE + KEY, headers={"accept": accept}) for accept in reversed(ACCEPTS)}

    for accept in ACCEPTS:
        assert first[accept].content == again[accept].content, accept
        assert volatile(first[accept]) == volatile(again[accept]), accept
    kinds = {accept: found.text.count("Ed25519VerificationKey2020") for accept, found in first.items()}
    assert {accept for accept, count in kinds.items() if count} == {
        "application/did+json",
        "application/did+ld+json",
        LEGACY,
    }
    assert first["text/html"].status_code == first["text/uri-list"].status_code == 406
    assert len({found.headers.get("etag") for found in first.values()}) == 7


async def test_the_bare_document_is_the_default_where_it_is_set(tmp_path: Path) -> None:
    async with (
        running_in(tmp_path, default_representation="document") as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        found = [await client.get(BASE + KEY) for _ in range(2)]
        posted = await client.post(BASE + KEY)
        full = await client.get(BASE + KEY, headers={"accept": "application/did-resolution"})

    assert {answer.headers["content-type"] for answer in (*found, posted)} == {"application/did"}
    assert found[0].json() == found[1].json() == full.json()["didDocument"]


async def test_the_old_result_is_the_default_where_it_is_set(tmp_path: Path) -> None:
    async with (
        running_in(tmp_path, default_representation="legacy") as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        found = [await client.get(BASE + KEY) for _ in range(3)]  # from the route, and from memory
        posted = await client.post(BASE + KEY)
        named = await client.get(BASE + KEY, headers={"accept": LEGACY})
        own = await client.get(BASE + running.settings.did)
        refused = await client.get(BASE + "did:web:127.0.0.1")
        modern = await client.get(BASE + KEY, headers={"accept": "application/did-resolution"})

    assert {answer.headers["content-type"] for answer in (*found, posted, own, refused)} == {LEGACY}
    assert {answer.content for answer in (*found, posted)} == {named.content}
    assert found[0].json()["didDocument"]["verificationMethod"][0]["type"] == "Ed25519VerificationKey2020"
    assert own.json()["didDocument"]["@context"][0] == "https://www.w3.org/ns/did/v1"
    assert (refused.status_code, refused.json()["didResolutionMetadata"]["error"]) == (400, "invalidDid")
    assert modern.json()["didDocument"]["verificationMethod"][0]["type"] == "Multikey"


async def test_the_formats_of_a_document_are_kept_apart_in_memory(client: httpx.AsyncClient) -> None:
    encoded = BASE + KEY.replace(":", "%3A")
    names = ("Multikey", "JsonWebKey", "JsonWebKey2020", "Multikey", "JsonWebKey", "JsonWebKey2020")

    for name in names:
        found = await client.get(f"{encoded}?publicKeyFormat={name}")
        plain = await client.get(encoded)

        assert found.json()["didDocument"]["verificationMethod"][0]["type"] == name
        assert plain.json()["didDocument"]["verificationMethod"][0]["type"] == "Multikey"


async def test_an_entity_tag_of_one_generation_does_not_match_the_other(client: httpx.AsyncClient) -> None:
    modern = await client.get(BASE + KEY)
    headers = {"accept": LEGACY, "if-none-match": modern.headers["etag"]}

    assert (await client.get(BASE + KEY, headers=headers)).status_code == 200
    assert (
        await client.get(BASE + KEY, headers={"if-none-match": modern.headers["etag"]})
    ).status_code == 304


async def test_what_never_reaches_a_function_is_a_problem_document(client: httpx.AsyncClient) -> None:
    refused = [
        await client.put(BASE + KEY),
        await client.post(BASE + KEY, content=b"x", headers={"content-type": "text/plain"}),
        await client.post(BASE + KEY, content=b" " * 70_000, headers={"content-type": "application/json"}),
    ]

    assert [found.status_code for found in refused] == [405, 415, 413]
    assert {found.headers["content-type"] for found in refused} == {"application/problem+json"}


async def test_browsers_of_other_origins_may_ask_and_read(client: httpx.AsyncClient) -> None:
    asked = await client.options(BASE + KEY)
    found = await client.get(BASE + KEY)

    assert asked.status_code == 204
    assert {"accept", "content-type"} <= set(
        asked.headers["access-control-allow-headers"].lower().split(", ")
    )
    assert found.headers["access-control-allow-origin"] == "*"
    exposed = found.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Location", "Age"} <= set(exposed)


async def test_nothing_that_failed_may_be_kept(client: httpx.AsyncClient) -> None:
    for identifier in ("did:nope:x", "did:key:bad", f"{KEY}/", f"{KEY}?a=1&a=2", f"{KEY}?x=y"):
        found = await client.get(BASE + identifier)
        assert found.status_code >= 400
        assert found.headers["cache-control"] == "no-store", identifier
