"""The public routes: which form, under which headers, and what is refused."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from statuslist.checking.requests import EntryCheck
from statuslist.client import RequestRefused, StatusListClient, StatusListsUnavailable
from statuslist.formats.forms import (
    DATA_INTEGRITY,
    JWT,
    MEDIA_TYPES,
    TOKEN_CWT,
    TOKEN_FORMS,
    TOKEN_JWT,
    TokenForm,
)
from tests.databases import SqlitePlace
from tests.process import free_port
from tests.statuslist.application import http_of, transport_of
from tests.statuslist.stranger import vc_jwt
from tests.statuslist.wing import BASE_URL, ISSUERS, Wing, signer_for

pytestmark = pytest.mark.anyio

LIST = "/status-lists/badges-revocation"
TOKENS = "/status-lists/badges"
RETRIEVAL_ERROR = "https://www.w3.org/ns/credentials/status-list#STATUS_RETRIEVAL_ERROR"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    """Yield a wing with a published list, the entry 'badges' of which is at `wing.index`."""
    async with Wing.open(SqlitePlace(tmp_path / "touchstone.db")) as opened:
        await opened.create("badges")
        await opened.publisher.publish_dirty()
        yield opened


@pytest.fixture
async def http(wing: Wing) -> AsyncIterator[httpx.AsyncClient]:
    async with http_of(wing) as client:
        yield client


@pytest.mark.parametrize(
    ("accept", "media_type", "form"),
    [
        ("application/vc", "application/vc", DATA_INTEGRITY),
        ("application/vc+jwt", "application/vc+jwt", JWT),
        ("*/*", "application/vc", DATA_INTEGRITY),
        (BROWSER, "application/vc", DATA_INTEGRITY),
        ("application/json", "application/json", DATA_INTEGRITY),
        ("application/ld+json", "application/ld+json", DATA_INTEGRITY),
        ("application/json, application/vc+jwt", "application/vc+jwt", JWT),
        ("application/vc;q=0.5, application/vc+jwt", "application/vc+jwt", JWT),
    ],
)
async def test_accept_chooses_the_form(
    wing: Wing, http: httpx.AsyncClient, accept: str, media_type: str, form: str
) -> None:
    response = await http.get(LIST, headers={"accept": accept})

    current = wing.publisher.lists.current("badges-revocation")
    assert current is not None
    assert response.status_code == 200
    assert response.content == current.forms[form].body
    assert response.headers["content-type"] == media_type
    assert response.headers["content-location"] == f"{BASE_URL}{LIST}/{form}"
    assert response.headers["vary"] == "accept, accept-encoding"


@pytest.mark.parametrize("accept", ["text/html", "application/statuslist+jwt", "application/vc;q=0"])
async def test_other_types_are_not_acceptable(http: httpx.AsyncClient, accept: str) -> None:
    response = await http.get(LIST, headers={"accept": accept})

    assert response.status_code == 406


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/vc"),
        ("*/*", "application/vc"),
        ("text/html", "application/vc"),
        ("application/vc+jwt", "application/vc"),
        (BROWSER, "application/vc"),
        ("application/vc", "application/vc"),
        ("application/json", "application/json"),
        ("application/ld+json", "application/ld+json"),
        ("application/ld+json, application/json", "application/json"),
        ("application/ld+json, application/json;q=0.9", "application/ld+json"),
        ("application/vc, application/ld+json, application/json", "application/vc"),
        ("application/json, text/plain", "application/json"),
    ],
)
async def test_permanent_url_of_the_list_with_a_proof_gives_the_same_bytes_as_the_type_that_is_accepted(
    wing: Wing, http: httpx.AsyncClient, accept: str | None, media_type: str
) -> None:
    """Loaders of JSON-LD parse an answer only where its type has "json" in it."""
    request = http.build_request("GET", f"{LIST}/{DATA_INTEGRITY}")
    request.headers.pop("accept")
    request.headers.update({} if accept is None else {"accept": accept})
    response = await http.send(request)

    current = wing.publisher.lists.current("badges-revocation")
    assert current is not None
    assert response.content == current.forms[DATA_INTEGRITY].body
    assert response.headers["content-type"] == media_type
    assert response.headers["vary"] == "accept, accept-encoding"
    assert "content-location" not in response.headers


async def test_permanent_url_of_the_token_gives_it_whatever_is_accepted(http: httpx.AsyncClient) -> None:
    response = await http.get(f"{LIST}/{JWT}", headers={"accept": "application/json"})

    assert response.headers["content-type"] == "application/vc+jwt"
    assert response.headers["vary"] == "accept-encoding"


async def test_types_of_a_permanent_url_have_tags_of_their_own_and_one_of_them_is_that_of_the_list(
    http: httpx.AsyncClient,
) -> None:
    url = f"{LIST}/{DATA_INTEGRITY}"
    tags = {
        accept: (await http.get(url, headers={"accept": accept})).headers["etag"]
        for accept in ("application/vc", "application/json", "application/ld+json")
    }
    unchanged = await http.get(
        url, headers={"accept": "application/json", "if-none-match": tags["application/json"]}
    )
    other = await http.get(
        url, headers={"accept": "application/json", "if-none-match": tags["application/vc"]}
    )

    assert len(set(tags.values())) == 3
    assert (unchanged.status_code, other.status_code) == (304, 200)


async def test_representations_have_tags_of_their_own(http: httpx.AsyncClient) -> None:
    types = ("application/vc", "application/vc+jwt", "application/json", "application/ld+json")

    tags = {(await http.get(LIST, headers={"accept": accept})).headers["etag"] for accept in types}

    assert len(tags) == 4


async def test_unchanged_list_is_not_sent_again_and_a_changed_one_is(
    wing: Wing, http: httpx.AsyncClient
) -> None:
    (index,) = await wing.allocate("badges")
    tag = (await http.get(f"{LIST}/{JWT}")).headers["etag"]

    unchanged = await http.get(f"{LIST}/{JWT}", headers={"if-none-match": tag})
    await wing.revoke("badges", index)
    await wing.publisher.publish_dirty()
    changed = await http.get(f"{LIST}/{JWT}", headers={"if-none-match": tag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_cache_may_keep_a_list_for_its_ttl_and_never_beyond_its_end(
    wing: Wing, http: httpx.AsyncClient
) -> None:
    fresh = await http.get(LIST)
    wing.clock.ahead += 86_400 - 100
    late = await http.get(LIST)

    assert fresh.headers["cache-control"] == "public, max-age=300"
    assert 90 <= int(late.headers["cache-control"].removeprefix("public, max-age=")) <= 100


async def test_list_from_the_future_is_kept_by_no_cache(wing: Wing, http: httpx.AsyncClient) -> None:
    wing.clock.set_by = -7_200
    ahead = await http.get(LIST)
    await wing.publisher.publish_dirty()
    mended = await http.get(LIST)

    assert ahead.headers["cache-control"] == "no-store"
    assert mended.headers["cache-control"] == "public, max-age=300"


async def test_expired_list_is_neither_served_nor_confirmed(wing: Wing, http: httpx.AsyncClient) -> None:
    """304 for a copy that has run out would keep it in use (adorsys/status-list-server#482)."""
    tag = (await http.get(LIST)).headers["etag"]
    wing.clock.ahead += 86_400 + 1

    response = await http.get(LIST, headers={"if-none-match": tag})

    assert response.status_code == 503
    assert response.json()["type"] == f"{BASE_URL}/problems/status-list-expired"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("timestamp=2026-01-01T00:00:00Z", 501),
        ("time=1790000000", 501),
        ("x=1&time=1790000000", 501),
        ("id=1", 400),
        ("x", 400),
    ],
)
async def test_query_is_refused(http: httpx.AsyncClient, query: str, status: int) -> None:
    forms = (DATA_INTEGRITY, JWT)
    for path in (
        LIST,
        TOKENS,
        *(f"{LIST}/{form}" for form in forms),
        *(f"{TOKENS}/{form}" for form in TOKEN_FORMS),
    ):
        response = await http.get(f"{path}?{query}")

        assert response.status_code == status
        assert response.json()["type"] == RETRIEVAL_ERROR


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", TOKEN_JWT),
        ("application/*", TOKEN_JWT),
        ("application/statuslist+jwt", TOKEN_JWT),
        ("application/statuslist+cwt", TOKEN_CWT),
        ("application/statuslist+jwt;q=0.5, application/statuslist+cwt", TOKEN_CWT),
    ],
)
async def test_a_token_list_negotiates_between_its_forms(
    wing: Wing, http: httpx.AsyncClient, accept: str, form: TokenForm
) -> None:
    response = await http.get(TOKENS, headers={"accept": accept})

    current = wing.publisher.lists.current("badges")
    assert current is not None
    assert response.content == current.forms[form].body
    assert response.headers["content-type"] == MEDIA_TYPES[form]
    assert response.headers["content-location"] == f"{BASE_URL}{TOKENS}/{form}"
    assert (await http.get(TOKENS, headers={"accept": "application/json"})).status_code == 406


async def test_no_list_has_the_forms_of_the_other_kind(http: httpx.AsyncClient) -> None:
    for path in (
        f"{LIST}/{TOKEN_JWT}",
        f"{LIST}/{TOKEN_CWT}",
        f"{TOKENS}/{JWT}",
        f"{TOKENS}/{DATA_INTEGRITY}",
    ):
        assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/status-lists/unknown-revocation",
        f"/status-lists/unknown-revocation/{JWT}",
        "/status-lists/badges-suspension",
        f"{LIST}/other.json",
        "/status-lists/badges%2Drevocation",
        f"/status-lists/badges%2Drevocation/{JWT}",
    ],
)
async def test_unknown_list_or_another_spelling_is_not_found(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)

    assert response.status_code == 404


def an_entry(index: int, form: str) -> dict[str, str]:
    return {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": f"{BASE_URL}{LIST}/{form}",
    }


async def test_client_checks_an_entry_and_sees_it_revoked(wing: Wing) -> None:
    (index,) = await wing.allocate("badges")
    entry = an_entry(index, DATA_INTEGRITY)
    request = EntryCheck(credential_status=entry, issuer=ISSUERS["acme"])
    async with transport_of(wing) as transport, StatusListClient(BASE_URL, transport=transport) as client:
        before = await client.check_entries(request)
        await wing.revoke("badges", index)
        await wing.publisher.publish_dirty()
        after = await client.check_entries(request)

    assert (before.valid, before.credential_verified) == (True, False)
    assert (after.valid, after.results[0].status, after.results[0].issuer_bound) == (False, 1, True)


async def test_client_checks_a_whole_credential(wing: Wing) -> None:
    (index,) = await wing.allocate("badges")
    entry = an_entry(index, JWT)
    credential = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": ISSUERS["acme"],
        "credentialSubject": {},
        "credentialStatus": entry,
    }
    async with transport_of(wing) as transport, StatusListClient(BASE_URL, transport=transport) as client:
        checked = await client.check_credential(vc_jwt(credential, signer_for("acme")))

    assert (checked.valid, checked.credential_verified) == (True, True)


async def test_client_tells_the_problem_type(wing: Wing) -> None:
    async with transport_of(wing) as transport, StatusListClient(BASE_URL, transport=transport) as client:
        with pytest.raises(RequestRefused) as raised:
            await client.check_entries(EntryCheck(credential_status=[], issuer="did:web:issuer.example.com"))

    assert raised.value.status == 422
    assert raised.value.type == "https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR"


async def test_client_of_a_server_that_is_away_has_an_error_of_its_own() -> None:
    async with StatusListClient(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(StatusListsUnavailable, match="cannot be reached"):
            await client.get_list("badges-revocation")


@pytest.mark.parametrize("url", ["nonsense", "", "ftp://localhost"])
async def test_client_with_a_url_that_is_none_does_not_say_that_the_server_is_away(url: str) -> None:
    async with StatusListClient(url) as client:
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get_list("badges-revocation")


async def test_client_gets_a_list_as_served(wing: Wing) -> None:
    async with transport_of(wing) as transport, StatusListClient(BASE_URL, transport=transport) as client:
        body = await client.get_list("badges-revocation", JWT)

    current = wing.publisher.lists.current("badges-revocation")
    assert current is not None
    assert body == current.forms[JWT].body


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"{}", 400),
        ("application/json", b'{"credentialStatus": {}, "issuer": "did:x:y", "other": 1}', 400),
        ("application/json", b'{"credentialStatus": {}, "issuer": "a", "issuer": "b"}', 400),
        ("application/json", b'{"credentialStatus": {}, "issuer": "\xff"}', 400),
        ("application/json", b'{"credentialStatus": ' + b"[" * 40 + b"]" * 40 + b', "issuer": "a"}', 400),
        ("application/json", b'{"credentialStatus": {}, "issuer": "did:x:y"}', 422),
        ("application/vc+jwt", b"no.token", 422),
        ("text/plain", b"{}", 415),
        ("", b"{}", 415),
        ("application/json", b" " * 70_000, 413),
    ],
)
async def test_bad_body_of_a_check_is_refused_clearly(
    http: httpx.AsyncClient, content_type: str, body: bytes, status: int
) -> None:
    response = await http.post("/status/check", content=body, headers={"content-type": content_type})

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_check_is_kept_by_no_cache(wing: Wing, http: httpx.AsyncClient) -> None:
    entry: dict[str, Any] = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "1",
        "statusListCredential": f"{BASE_URL}{LIST}/{JWT}",
    }
    body = json.dumps({"credentialStatus": entry, "issuer": ISSUERS["acme"]})

    response = await http.post("/status/check", content=body, headers={"content-type": "application/json"})

    assert response.json()["valid"] is True
    assert response.headers["cache-control"] == "no-store"
