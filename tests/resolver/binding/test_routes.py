"""The HTTP binding: identifiers from the raw path, options, negotiation, and the shape of every answer."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from litestar import Litestar
from litestar.response import Response
from litestar.response.base import ASGIResponse
from litestar.testing import TestClient

from resolver import Resolver
from resolver.binding.routes import build_routes
from resolver.binding.target import Target, read_target
from resolver.outbound.fetch import DEFAULT_LIMITS, GuardLimits
from resolver.results import JsonObject
from tests.resolver.asking import answer, answer_now, may_fetch
from tests.simulator import World
from wire import Answer

KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
VM = f"{KEY}#z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
ENCODED_VM = VM.replace(":", "%3A").replace("#", "%23")
OWN = "did:web:localhost%3A8000"
BASE = "/1.0/identifiers/"
LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


FILES = {"id": "#files", "type": "Files", "serviceEndpoint": "https://files.example/base/"}


def own_document(did: str) -> JsonObject | None:
    if did == f"{OWN}:services":
        return {"id": did, "service": [FILES]}
    return {"id": did} if did == OWN else None


class PlainResponse(Response[Any]):
    """Renders an `Answer` as it is; what changes with the clock is the server's and tested there."""

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        found: Answer = self.content
        return ASGIResponse(
            body=found.body,
            status_code=found.status,
            headers={"content-type": found.media_type, **dict(found.headers)},
        )


def resolver_of_ours() -> Resolver:
    return Resolver(own_document=own_document, own_hosts=frozenset({"localhost:8000"}))


def application() -> Litestar:
    return Litestar(build_routes(resolver_of_ours()), response_class=PlainResponse, logging_config=None)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    with TestClient(application()) as client:
        yield client


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A real server: what a client sends is what it gets, percent-encoding and slashes included."""
    with serving(application()) as url:
        yield url


@contextmanager
def serving(app: Any, **settings: Any) -> Iterator[str]:
    """Serve `app` by uvicorn in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none", **settings))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


def get_raw(base_url: str, target: str, headers: str = "") -> tuple[int, str, JsonObject]:
    """Send `target` byte for byte; return status, Content-Type and the JSON of the body."""
    port = int(base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.decode().partition("\r\n\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    return int(head.split(" ")[1]), fields["content-type"], json.loads(body)


def error_of(result: JsonObject) -> str:
    metadata = result.get("didResolutionMetadata") or result["dereferencingMetadata"]
    return str(metadata["error"]["type"]).rpartition("#")[2]


@pytest.mark.parametrize(
    "accept", [None, "*/*", BROWSER, "application/did-resolution", "APPLICATION/DID-RESOLUTION"]
)
def test_a_resolution_result_is_the_default_for_curl_and_for_browsers(
    client: TestClient[Litestar], accept: str | None
) -> None:
    response = client.get(BASE + KEY, headers={} if accept is None else {"accept": accept})

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/did-resolution"
    assert response.json()["didDocument"]["id"] == KEY
    assert response.json()["didDocumentMetadata"] == {}


@pytest.mark.parametrize("accept", ["application/did", "text/html;q=1, application/did;q=0.5"])
def test_a_bare_document_is_given_to_who_asks_for_one(client: TestClient[Litestar], accept: str) -> None:
    response = client.get(BASE + KEY, headers={"accept": accept})

    assert response.headers["content-type"] == "application/did"
    assert response.json()["id"] == KEY


def test_accept_headers_that_come_apart_count_as_one(client: TestClient[Litestar]) -> None:
    response = client.get(BASE + KEY, headers=[("accept", "text/html"), ("accept", "application/did")])  # type: ignore[arg-type]

    assert response.headers["content-type"] == "application/did"


def test_nothing_acceptable_is_406_in_the_envelope(client: TestClient[Litestar]) -> None:
    response = client.get(BASE + KEY, headers={"accept": "text/html"})

    assert response.status_code == 406
    assert error_of(response.json()) == "REPRESENTATION_NOT_SUPPORTED"


@pytest.mark.parametrize("path", ["/1.0/identifiers", "/1.0/identifiers/"])
def test_no_identifier_is_an_invalid_did(base_url: str, path: str) -> None:
    status, content_type, result = get_raw(base_url, path)

    assert (status, content_type, error_of(result)) == (400, "application/did-resolution", "INVALID_DID")
    assert result["didDocument"] is None


@pytest.mark.parametrize(
    ("target", "status", "error"),
    [
        (BASE + "did:foo:x", 501, "METHOD_NOT_SUPPORTED"),
        (BASE + "did:key:", 400, "INVALID_DID"),
        (BASE + "did:key:z6Mk", 400, "INVALID_DID"),
        (BASE + "DID:key:z6Mk", 400, "INVALID_DID"),
        (BASE + "did:web:localhost%3A8000:nobody", 404, "NOT_FOUND"),
        (BASE + "did:web:localhost%3A9000", 400, "INVALID_DID"),
        (BASE + "/" + KEY, 400, "INVALID_DID_URL"),
        (BASE + "DID:key:z6Mk/", 400, "INVALID_DID_URL"),
        (BASE + "did%3Akey%3Az%26%23a", 400, "INVALID_DID_URL"),
        (BASE + "did:key:z6Mk/", 400, "INVALID_DID"),
        (BASE + "%zz", 400, "INVALID_DID"),
        (BASE + "%ff%00", 400, "INVALID_DID"),
        (BASE + "did%3Akey%3A%ff", 400, "INVALID_DID"),
        (BASE + KEY + "//", 404, "NOT_FOUND"),
        (BASE + KEY + "/path", 404, "NOT_FOUND"),
        (BASE + KEY + "?a=1&a=2", 400, "INVALID_DID_URL"),
        (BASE + KEY + "?versionId=1", 501, "FEATURE_NOT_SUPPORTED"),
        (BASE + "did%3Afoo%3Ax?unknown=1", 501, "METHOD_NOT_SUPPORTED"),
        (BASE + "did%3Akey%3A%25?unknown=1", 400, "INVALID_DID"),
        (BASE + KEY.replace(":", "%3A") + "?unknown=1", 501, "FEATURE_NOT_SUPPORTED"),
        (BASE + KEY.replace(":", "%3A") + "?noCache=maybe", 400, "INVALID_OPTIONS"),
        (BASE + KEY.replace(":", "%3A") + "?noCache=true&noCache=true", 400, "INVALID_OPTIONS"),
        (BASE + KEY + "?versionTime=garbage", 501, "FEATURE_NOT_SUPPORTED"),
        (BASE + KEY.replace(":", "%3A") + "?versionTime=garbage", 501, "FEATURE_NOT_SUPPORTED"),
        (BASE + KEY.replace(":", "%3A") + "%3FversionTime=garbage", 501, "FEATURE_NOT_SUPPORTED"),
        (
            BASE + KEY.replace(":", "%3A") + "%3FversionTime=garbage?noCache=maybe",
            501,
            "FEATURE_NOT_SUPPORTED",
        ),
        (BASE + KEY.replace(":", "%3A") + "?noCache=maybe&noCache=x&unknown", 501, "FEATURE_NOT_SUPPORTED"),
        (BASE + "did:web:a.example?publicKeyFormat=x&noCache=maybe", 501, "FEATURE_NOT_SUPPORTED"),
        (BASE + KEY + "?versionId=1&versionTime=garbage", 400, "INVALID_OPTIONS"),
        (BASE + KEY + "?versionId=1&versionId=2", 400, "INVALID_DID_URL"),
        (BASE + KEY + "?noCache=true&noCache=true", 400, "INVALID_DID_URL"),
        (BASE + KEY + "?service=a&relativeRef=%2E%2E%2Fx&service=b", 400, "INVALID_DID_URL"),
        (BASE + KEY + "?service=a&relativeRef=//other.example", 400, "INVALID_DID_URL"),
        (BASE + KEY + "?relativeRef=x", 404, "NOT_FOUND"),
        (
            BASE + ENCODED_VM + "?verificationRelationship=keyAgreement",
            500,
            "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD",
        ),
        (BASE + ENCODED_VM + "?verificationRelationship=none", 400, "INVALID_OPTIONS"),
        (
            BASE + KEY.replace(":", "%3A") + "%3FversionId?verificationRelationship=authentication",
            501,
            "FEATURE_NOT_SUPPORTED",
        ),
        (BASE + KEY + "?verificationRelationship=authentication", 501, "FEATURE_NOT_SUPPORTED"),
        (BASE + KEY + "?accept=junk", 400, "INVALID_OPTIONS"),
        (BASE + KEY + "?accept=text/html", 406, "REPRESENTATION_NOT_SUPPORTED"),
        (BASE + "did:key:" + "z" * 9_000, 400, "INVALID_DID"),
        ("/1.0/%69dentifiers/" + KEY, 400, "INVALID_DID"),
    ],
)
def test_each_error_has_its_status_and_its_type(base_url: str, target: str, status: int, error: str) -> None:
    found, _, result = get_raw(base_url, target)

    assert (found, error_of(result)) == (status, error)


@pytest.mark.parametrize(
    "spelling",
    [
        OWN,
        "did%3Aweb%3Alocalhost%253A8000",
        "did%3aweb%3alocalhost%253A8000",
        "DID%3Aweb%3Alocalhost%253A8000",
    ],
)
def test_a_did_is_decoded_once_and_only_where_it_was_encoded_as_a_whole(base_url: str, spelling: str) -> None:
    status, _, result = get_raw(base_url, BASE + spelling)

    if spelling.startswith("DID"):
        assert error_of(result) == "INVALID_DID"
    else:
        assert (status, result["didDocument"]["id"]) == (200, OWN)


@pytest.mark.parametrize("spelling", ["did:web:localhost:8000", "did%3Aweb%3Alocalhost%3A8000"])
def test_another_spelling_of_the_port_is_another_did(base_url: str, spelling: str) -> None:
    status, _, result = get_raw(base_url, BASE + spelling)

    assert (status, error_of(result)) == (400, "INVALID_DID")


def test_a_fragment_is_reached_by_encoding_the_did_url(base_url: str) -> None:
    encoded = VM.replace(":", "%3A").replace("#", "%23")

    status, content_type, result = get_raw(base_url, BASE + encoded)

    assert (status, content_type) == (200, "application/did-url-dereferencing")
    assert result["content"] == result["contentStream"]
    assert result["content"]["id"] == VM


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_method_is_given_for_the_relationship_that_lists_it(base_url: str, method: str) -> None:
    options = {"verificationRelationship": "authentication"}

    found = httpx.request(
        method,
        base_url + BASE + ENCODED_VM,
        params=options if method == "GET" else None,
        json=options if method == "POST" else None,
        trust_env=False,
    )

    assert (found.status_code, found.json()["content"]["id"]) == (200, VM)


def test_options_may_be_one_json_object_as_the_page_of_universal_resolver_sends_them(base_url: str) -> None:
    encoded = base_url + BASE + KEY.replace(":", "%3A")

    def ask(query: str) -> httpx.Response:
        return httpx.get(f"{encoded}?{query}", trust_env=False)

    found = ask("%7B%22publicKeyFormat%22%3A%22JsonWebKey2020%22%2C%22noCache%22%3Atrue%7D")
    assert found.json()["didDocument"]["verificationMethod"][0]["type"] == "JsonWebKey2020"
    for query, status, error in (
        ("%7B%22unknown%22%3A1%7D", 501, "FEATURE_NOT_SUPPORTED"),
        ("%7b%22noCache%22%3A1%7d", 400, "INVALID_OPTIONS"),
        ("%7B", 400, "INVALID_OPTIONS"),
        ("{", 400, "INVALID_OPTIONS"),
        ("%7B%7D%7B%7D", 400, "INVALID_OPTIONS"),
        ("%7B%22noCache%22%3Atrue%2C%22noCache%22%3Atrue%7D", 400, "INVALID_OPTIONS"),
        ("%7B%22noCache%22%3Atrue%7D&noCache=true", 400, "INVALID_OPTIONS"),
    ):
        refused = ask(query)
        assert (refused.status_code, error_of(refused.json())) == (status, error), query


@pytest.mark.parametrize("accept", [None, "*/*", "application/did-url-dereferencing", "text/uri-list"])
def test_a_relative_reference_is_a_redirection(base_url: str, accept: str | None) -> None:
    url = f"{base_url}{BASE}{OWN}:services?service=files&relativeRef=/resume.pdf"

    found = httpx.get(url, headers={} if accept is None else {"accept": accept}, trust_env=False)

    assert (found.status_code, found.content) == (303, b"")
    assert found.headers["location"] == "https://files.example/base/resume.pdf"


@pytest.mark.parametrize("reference", ["../x", "%252E%252E/x", "..%255Cx", "//other.example/x"])
def test_a_relative_reference_does_not_leave_the_endpoint(base_url: str, reference: str) -> None:
    status, _, result = get_raw(base_url, f"{BASE}{OWN}:services?service=files&relativeRef={reference}")

    assert (status, error_of(result)) == (400, "INVALID_DID_URL")


@pytest.mark.parametrize(
    ("accept", "kind", "context"),
    [
        (LEGACY, "Ed25519VerificationKey2020", "https://w3id.org/security/suites/ed25519-2020/v1"),
        ("application/did+ld+json", "Ed25519VerificationKey2020", "https://w3id.org/security/suites/ed25519"),
        ("application/did", "Multikey", "https://www.w3.org/ns/did/v1.1"),
        ("application/did+json", "Ed25519VerificationKey2020", "https://w3id.org/security/suites/ed25519"),
        ("application/json", "Multikey", "https://www.w3.org/ns/did/v1.1"),
    ],
)
def test_a_did_key_has_suites_of_the_generation_asked_for(
    client: TestClient[Litestar], accept: str, kind: str, context: str
) -> None:
    result = client.get(BASE + KEY, headers={"accept": accept}).json()

    document = result.get("didDocument", result)
    assert document["verificationMethod"][0]["type"] == kind
    assert any(str(item).startswith(context) for item in document["@context"])


def test_did_json_and_did_ld_json_show_the_same_data_model(client: TestClient[Litestar]) -> None:
    accepts = ("application/did+json", "application/did+ld+json")

    for did in (KEY, PEER):
        assert len({client.get(BASE + did, headers={"accept": accept}).content for accept in accepts}) == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("publicKeyFormat=legacy2020&enableExperimentalPublicKeyTypes=false", "invalidPublicKeyType"),
        ("publicKeyFormat=Nothing&enableExperimentalPublicKeyTypes=false", "unsupportedPublicKeyType"),
        ("publicKeyFormat=Nothing", "unsupportedPublicKeyType"),
    ],
)
def test_a_format_that_did_key_refuses_has_its_name_for_it(base_url: str, options: str, error: str) -> None:
    target = BASE + KEY.replace(":", "%3A") + "?" + options
    status, _, result = get_raw(base_url, target)
    _, _, legacy = get_raw(base_url, target, f"accept: {LEGACY}\r\n")

    assert (status, error_of(result)) == (400, "INVALID_OPTIONS")
    assert result["didResolutionMetadata"]["error"]["didKeyError"] == error
    assert legacy["didResolutionMetadata"]["error"] == error


def test_a_key_of_another_type_has_an_old_suite_too_and_a_format_asked_for_goes_over_it(
    base_url: str,
) -> None:
    p256 = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"

    _, _, old = get_raw(base_url, BASE + p256, f"accept: {LEGACY}\r\n")
    _, _, asked = get_raw(base_url, f"{BASE}{p256}?publicKeyFormat=Multikey", f"accept: {LEGACY}\r\n")

    assert old["didDocument"]["verificationMethod"][0]["type"] == "JsonWebKey2020"
    assert asked["didDocument"]["verificationMethod"][0]["type"] == "Multikey"


def test_a_legacy_client_dereferences_to_a_method_with_its_controller(client: TestClient[Litestar]) -> None:
    result = client.get(BASE + ENCODED_VM, headers={"accept": LEGACY}).json()

    assert result["didDocument"]["controller"] == KEY
    assert "didDereferencingMetadata" in result


def test_options_work_encoded_and_after_a_bare_did(base_url: str) -> None:
    encoded = KEY.replace(":", "%3A")
    query = "?publicKeyFormat=JsonWebKey2020"

    plain = get_raw(base_url, BASE + KEY + query)
    whole = get_raw(base_url, BASE + encoded + query)

    assert plain == whole
    assert plain[2]["didDocument"]["verificationMethod"][0]["type"] == "JsonWebKey2020"


@pytest.mark.parametrize(
    ("raw_path", "query", "asked"),
    [
        ("did:web:a.example", "", Target("did:web:a.example")),
        ("did:web:a.example", "noCache=true", Target("did:web:a.example", "noCache=true", True)),
        ("did:web:a.example", "service=x&noCache=true", Target("did:web:a.example?service=x&noCache=true")),
        ("did:web:a.example/path", "noCache=true", Target("did:web:a.example/path?noCache=true")),
        (
            "did%3Aweb%3Aa.example%3Fservice=x",
            "noCache=true",
            Target("did:web:a.example?service=x", "noCache=true"),
        ),
        ("did%3Aweb%3Aa.example%253A1", "", Target("did:web:a.example%3A1")),
        ("did:web:a%2Fb", "", Target("did:web:a%2Fb")),
    ],
)
def test_the_query_belongs_to_the_did_url_unless_it_holds_options(
    raw_path: str, query: str, asked: Target
) -> None:
    assert read_target((BASE + raw_path).encode(), query.encode()) == asked


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/did-resolution", "application/did-url-dereferencing", None],
)
def test_post_takes_options_as_a_json_object(client: TestClient[Litestar], content_type: str | None) -> None:
    response = client.post(
        BASE + KEY,
        content=b'{"publicKeyFormat":"JsonWebKey2020","noCache":true}',
        headers={"content-type": content_type} if content_type else {},
    )

    assert response.status_code == 200
    assert response.json()["didDocument"]["verificationMethod"][0]["type"] == "JsonWebKey2020"


def test_post_without_a_body_is_get(client: TestClient[Litestar]) -> None:
    assert client.post(BASE + KEY).content == client.get(BASE + KEY).content


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"{", 400, "INVALID_OPTIONS"),
        (b"[]", 400, "INVALID_OPTIONS"),
        (b'{"noCache":true,"noCache":false}', 400, "INVALID_OPTIONS"),
        (b'{"noCache":"\xff"}', 400, "INVALID_OPTIONS"),
        (b"[" * 10_000, 400, "INVALID_OPTIONS"),
        (b'{"noCache":1}', 400, "INVALID_OPTIONS"),
        (b'{"unknown":true}', 501, "FEATURE_NOT_SUPPORTED"),
        (b'{"versionId":"1"}', 501, "FEATURE_NOT_SUPPORTED"),
        (b'{"versionId":"1","versionTime":"2026-01-01T00:00:00Z"}', 400, "INVALID_OPTIONS"),
    ],
)
def test_a_body_that_is_no_object_of_options_is_refused_in_the_envelope(
    client: TestClient[Litestar], body: bytes, status: int, error: str
) -> None:
    response = client.post(BASE + KEY, content=body, headers={"content-type": "application/json"})

    assert (response.status_code, error_of(response.json())) == (status, error)


@pytest.mark.parametrize(
    ("identifier", "status", "error"),
    [
        ("did:key:", 400, "INVALID_DID"),
        ("did:key:z6Mkbogus", 400, "INVALID_DID"),
        ("did:key:z6Mkbogus?versionTime=garbage", 400, "INVALID_DID"),
        ("did%3Akey%3Az6Mkbogus%3FversionTime=garbage", 400, "INVALID_DID"),
        ("did%3Aweb%3A127.0.0.1?unknown=1", 400, "INVALID_DID"),
        (OWN + ":nobody", 400, "INVALID_OPTIONS"),
        ("did:foo:x", 501, "METHOD_NOT_SUPPORTED"),
        (KEY + "?unknown=1&unknown=2", 400, "INVALID_DID_URL"),
        (KEY.replace(":", "%3A") + "?unknown=1", 501, "FEATURE_NOT_SUPPORTED"),
        (KEY, 400, "INVALID_OPTIONS"),
    ],
)
def test_a_body_that_is_none_is_told_after_what_is_wrong_with_the_did(
    base_url: str, identifier: str, status: int, error: str
) -> None:
    found = httpx.post(base_url + BASE + identifier, content=b"[", trust_env=False)

    assert (found.status_code, error_of(found.json())) == (status, error)


def test_half_a_surrogate_pair_in_the_body_is_called_so(client: TestClient[Litestar]) -> None:
    response = client.post(BASE + KEY, content=b'{"versionId":"\\ud800"}')

    assert "surrogate" in response.json()["didResolutionMetadata"]["error"]["detail"]


@pytest.mark.parametrize("header", [None, "application/did-resolution", "text/html"])
def test_the_option_accept_goes_over_the_header(base_url: str, header: str | None) -> None:
    encoded = KEY.replace(":", "%3A")

    with httpx.Client(headers={} if header is None else {"accept": header}, trust_env=False) as client:
        answers = [
            client.get(f"{base_url}{BASE}{KEY}?accept=application/did"),
            client.get(f"{base_url}{BASE}{encoded}?accept=application%2Fdid"),
            client.post(f"{base_url}{BASE}{KEY}", json={"accept": "text/html;q=0.9, application/did"}),
        ]

    assert {found.headers["content-type"] for found in answers} == {"application/did"}
    assert {found.json()["id"] for found in answers} == {KEY}


def test_the_option_accept_shapes_an_error_too(client: TestClient[Litestar]) -> None:
    response = client.post(BASE + KEY, json={"accept": "application/problem+json", "unknown": True})

    assert (response.status_code, response.headers["content-type"]) == (501, "application/problem+json")


@pytest.mark.parametrize("accept", [5, "", "junk", "a/b," * 600])
def test_an_option_accept_that_is_no_accept_header_is_invalid(
    client: TestClient[Litestar], accept: object
) -> None:
    response = client.post(BASE + KEY, json={"accept": accept})

    assert (response.status_code, error_of(response.json())) == (400, "INVALID_OPTIONS")


def test_an_option_in_the_query_and_in_the_body_is_refused(base_url: str) -> None:
    response = httpx.post(f"{base_url}{BASE}{KEY}?noCache=true", json={"noCache": True}, trust_env=False)

    assert error_of(response.json()) == "INVALID_OPTIONS"


@pytest.mark.parametrize("accept", [None, "application/did", "text/html", "application/problem+json"])
@pytest.mark.parametrize(
    "identifier", [KEY, OWN, VM.replace("#", "%23").replace(":", "%3A"), "did:x:y", "", "did:key:z"]
)
def test_the_fast_function_gives_the_bytes_that_the_route_gives(
    client: TestClient[Litestar], identifier: str, accept: str | None
) -> None:
    resolver = Resolver(own_document=own_document, clock=lambda: 1_000_000.0)

    fast = answer_now(resolver, (BASE + identifier).encode(), b"", accept)
    response = client.get(BASE + identifier, headers={} if accept is None else {"accept": accept})

    assert fast is not None
    assert (fast.status, fast.body) == (response.status_code, response.content)
    assert fast.media_type == response.headers["content-type"]


def test_the_routes_are_documented() -> None:
    paths = application().openapi_schema.to_schema()["paths"]

    operations = paths["/1.0/identifiers/{identifier}"]
    assert set(operations) == {"get", "post"}
    assert {"200", "400", "404", "406", "410", "500", "501", "503"} <= set(operations["get"]["responses"])
    assert [parameter["name"] for parameter in operations["get"]["parameters"]] == ["identifier"]


@asynccontextmanager
async def web(limits: GuardLimits = DEFAULT_LIMITS) -> AsyncIterator[tuple[World, Resolver]]:
    async with (
        World() as world,
        world.guard(limits) as guard,
        Resolver(fetcher=guard.fetch_stranger) as resolver,
    ):
        yield world, resolver


@pytest.mark.anyio
async def test_a_did_web_answer_tells_how_old_and_how_fresh_it_is() -> None:
    async with web() as (world, resolver):
        world.host("issuer.example").publish(
            "/a/did.json", {"id": "did:web:issuer.example:a"}, cache_control="max-age=90"
        )

        local = answer_now(resolver, b"/1.0/identifiers/did:web:issuer.example:a", b"", None)
        found = await answer(resolver, b"/1.0/identifiers/did:web:issuer.example:a", b"", None)

        assert local is None
        assert found.status == 200
        assert found.made_at is not None
        assert found.fresh_until == found.made_at + 90


@pytest.mark.anyio
async def test_an_origin_that_cannot_be_asked_is_500_with_its_cause_and_never_kept() -> None:
    async with web() as (world, resolver):
        world.name("issuer.example", ["127.0.0.1"])

        found = await answer(resolver, b"/1.0/identifiers/did:web:issuer.example", b"", None)

        error = json.loads(found.body)["didResolutionMetadata"]["error"]
        assert (found.status, error["status"], error["cause"]) == (500, 500, "address_refused")
        assert (found.etag, found.fresh_until) == (None, None)


@pytest.mark.anyio
async def test_an_exceeded_budget_is_503_with_retry_after() -> None:
    limits = GuardLimits(host_rate_per_second=0.1, host_burst=5)
    async with web(limits) as (world, resolver):
        world.host("issuer.example")
        answers = await asyncio.gather(
            *(answer(resolver, f"{BASE}did:web:issuer.example:{n}".encode(), b"", None) for n in range(10))
        )

        assert [found.status for found in answers].count(503) == 5
        assert dict(answers[-1].headers) == {"retry-after": "10"}


@pytest.mark.anyio
async def test_no_cache_asks_the_origin_again_unless_the_option_says_no() -> None:
    path = b"/1.0/identifiers/did:web:issuer.example"
    async with web() as (world, resolver):
        host = world.host("issuer.example")
        host.publish("/.well-known/did.json", {"id": "did:web:issuer.example"}, cache_control="max-age=90")

        fetches = []
        for query, no_cache in ((b"", False), (b"", False), (b"", True), (b"noCache=false", True)):
            await answer(resolver, path, query, None, no_cache=no_cache)
            fetches.append(len(world.requests))

    assert fetches == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("identifier", "query", "may"),
    [
        ("did:web:issuer.example", b"", True),
        ("did%3Aweb%3Aissuer.example", b"noCache=true", True),
        ("did:web:issuer.example/path", b"", True),
        (OWN, b"", False),
        (OWN + ":nobody", b"", False),
        ("did:web:127.0.0.1", b"", False),
        ("did:web:localhost%3A9000", b"", False),
        ("did:web:issuer.example", b"versionId=1", False),
        ("did:web:issuer.example", b"a=1&a=1", False),
        (KEY, b"", False),
        ("did:keys:x", b"", False),
        ("junk", b"", False),
        ("", b"", False),
    ],
)
def test_only_what_may_be_fetched_counts_as_outbound(identifier: str, query: bytes, may: bool) -> None:
    resolver = Resolver(own_document=own_document, own_hosts=frozenset({"localhost:8000"}))

    assert may_fetch(resolver, (BASE + identifier).encode(), query) is may


@pytest.mark.parametrize("bare", [True, False])
def test_the_suites_are_those_of_the_form_that_was_chosen_whatever_is_the_default(bare: bool) -> None:
    accept = "application/did+ld+json, application/did-resolution"
    found = answer_now(
        Resolver(), (BASE + KEY).encode(), b"", accept, preferred="document" if bare else "result"
    )

    assert found is not None
    document = json.loads(found.body)
    method = (document if bare else document["didDocument"])["verificationMethod"][0]
    assert found.media_type == ("application/did+ld+json" if bare else "application/did-resolution")
    assert method["type"] == ("Ed25519VerificationKey2020" if bare else "Multikey")


def test_a_document_is_computed_once_with_options_as_without() -> None:
    class Counting(Resolver):
        computed = 0

        def find_now(self, plan: Any) -> Any:
            self.computed += 1
            return super().find_now(plan)

    resolver = Counting()
    path = (BASE + PEER.replace(":", "%3A")).encode()
    found = answer_now(resolver, path, b"expandRelativeUrls=true&accept=application%2Fdid", "text/html")

    assert found is not None
    assert (found.status, found.media_type, resolver.computed) == (200, "application/did", 1)


PEER = "did:peer:0z6MkqRYqQiSgvZQdnBytw86Qbs2ZWUkGv22od935YF4s8M7V"
