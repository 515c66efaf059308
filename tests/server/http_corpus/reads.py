"""Requests for pages, identity, health, trust, published lists and checks of our own lists."""

from collections.abc import Iterator
from typing import Any

from tests.server.http_corpus.asking import Case, get, of, post

LIST = "/status-lists/sample-revocation"
TOKENS = "/status-lists/sample"
PAGES = (
    "/",
    "/docs",
    "/openapi.json",
    "/livez",
    "/readyz",
    "/.well-known/did.json",
    "/issuers/acme/did.json",
    "/issuers/default/did.json",
    "/issuers/keyless/did.json",
    "/issuers/nobody/did.json",
    "/1.0/methods",
    "/1.0/properties",
    "/1.0/testIdentifiers",
    "/1.0/traits",
    LIST,
    TOKENS,
    f"{LIST}/credential.json",
    f"{LIST}/credential.jwt",
    f"{TOKENS}/token.jwt",
    "/status-lists/aggregation/default",
    "/status-lists/aggregation/nobody",
    "/status-lists/changes",
    "/status-lists/changes?since=1&issuer=default",
    "/status-lists/bundle/default",
    "/status-lists/bundle/default?form=token.cwt&since=0",
    "/status-lists/bundle/nobody",
    f"{TOKENS}/token.cwt",
    "/status-lists/sample-suspension",
    "/problems/not-found",
)
PROBLEMS = (
    "ambiguous-request",
    "authority-not-found",
    "bad-request",
    "client-gone",
    "conflict",
    "credential-not-valid",
    "database-unavailable",
    "definition-not-found",
    "forbidden",
    "head-too-large",
    "idempotency-conflict",
    "identifier-not-found",
    "internal-error",
    "invalid-registry-file",
    "irreversible-status",
    "list-full",
    "malformed-body",
    "malformed-request",
    "method-not-allowed",
    "method-not-implemented",
    "not-acceptable",
    "not-allocated",
    "not-found",
    "origin-failed",
    "outbound-budget-exceeded",
    "payload-too-large",
    "request-timeout",
    "schema-mismatch",
    "set-closed",
    "status-list-expired",
    "status-list-too-large",
    "too-many-connections",
    "too-many-entries",
    "too-many-requests",
    "too-many-waiting",
    "unauthenticated",
    "unknown-purpose",
    "unknown-transfer-coding",
    "unsupported-media-type",
    "url-refused",
)
# The framework adds them; nobody has decided that they are served.
FRAMEWORK_PAGES = (
    "/schema",
    "/schema/",
    "/schema/elements",
    "/schema/nothing",
    "/schema/oauth2-redirect.html",
    "/schema/openapi.json",
    "/schema/openapi.yaml",
    "/schema/openapi.yml",
    "/schema/rapidoc",
    "/schema/redoc",
    "/schema/swagger",
)
METHODS = ("HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PURGE")
ODD_PATHS = (
    "",
    "//",
    "/livez/",
    "//livez",
    "/%6Civez",
    "/livez?x=1",
    "/LIVEZ",
    "/docs/",
    "/openapi.json/",
    "/openapi.yaml",
    "/1.0",
    "/1.0/",
    "/1.0/methods/",
    "/1.0/methods//",
    "/1.0/nothing",
    "/metrics",
    "/operator/status-lists",
    "/operator/explain?did=did:web:a.example",
    "/problems",
    "/problems/",
    "/problems/nothing",
    "/problems/..%2Fdocs",
    "/issuers/acme",
    "/issuers/%61cme/did.json",
    "/issuers//did.json",
    "/status-lists",
    "/status-lists/",
    f"{LIST}/",
    f"{LIST}/credential.cbor",
    f"{LIST}/credential.json/",
    f"{LIST}?x=1",
    f"{LIST}?",
    f"{LIST}/credential.json?timestamp=2026-01-01T00:00:00Z",
    f"{LIST}/credential.jwt?x",
    f"{TOKENS}/token.jwt?time=1790000000",
    f"{TOKENS}?other=1",
    "/status-lists/changes?since=-1",
    "/status-lists/changes?since=1000000",
    "/status-lists/bundle/default?since=1000000",
    "/status-lists/changes?index=7",
    "/status-lists/changes?since=x",
    "/status-lists/changes?issuer=nobody",
    "/status-lists/bundle/default?form=credential.xml",
    f"{TOKENS}/credential.jwt",
    f"{LIST}/token.cwt",
    "/status-lists/%73ample-revocation",
    "/status-lists//sample-revocation",
    "/status-lists/sample",
    "/status-lists/SAMPLE-revocation",
    "/status-lists/nothing-revocation/credential.json",
    "/status-lists/nothing-revocation/credential.jwt",
    "/favicon.ico",
    "/robots.txt",
    "/.well-known/nothing",
    "/trqp",
    "/trqp/authorization/",
    "/status",
    "/\x7f",
    "/é",
)
LIST_ACCEPTS = (
    "*/*",
    "application/vc",
    "application/vc+jwt",
    "application/json",
    "application/ld+json",
    "application/vc;q=0.1, application/vc+jwt",
    "application/*",
    "application/*;q=0",
    "text/html",
    "nonsense",
    "",
    "a" * 2_049,
)
DEGREES = {
    "entity_id": "did:web:rheintal.example",
    "authority_id": "did:web:education.example",
    "action": "issue",
    "resource": "UniversityDegreeCredential",
}
LICENCES = DEGREES | {"entity_id": "did:web:licensing.example", "resource": "ProfessionalLicenceCredential"}
QUESTIONS: tuple[object, ...] = (
    DEGREES,
    LICENCES,
    DEGREES | {"context": {"time": "2025-03-01T00:00:00Z"}},
    DEGREES | {"context": {"time": "2020-03-01T00:00:00Z"}},
    DEGREES | {"context": {"time": "2099-03-01T00:00:00Z"}},
    DEGREES | {"context": {"time": "2025-03-01T00:00:00.5Z", "echo": "a", "number": 1}},
    DEGREES | {"context": {"time": "2025-03-01T01:00:00+01:00"}},
    DEGREES | {"context": {"time": "yesterday"}},
    DEGREES | {"context": {"time": 7}},
    DEGREES | {"context": []},
    DEGREES | {"context": {}},
    DEGREES | {"entity_id": "did:web:nobody.example"},
    DEGREES | {"entity_id": "did:web:RHEINTAL.example"},
    DEGREES | {"entity_id": ""},
    DEGREES | {"entity_id": 7},
    DEGREES | {"entity_id": "did:web:localhost%3A8000"},
    DEGREES | {"authority_id": "did:web:nobody.example"},
    DEGREES | {"authority_id": "did:web:licensing.example"},
    DEGREES | {"action": "devour"},
    DEGREES | {"resource": "Nothing"},
    DEGREES | {"action": "verify", "resource": "StudentIdentityCredential"},
    DEGREES | {"unknown": 1},
    {},
    [],
    b"null",
    b"",
    b"{",
    b'{"entity_id": "a", "entity_id": "b"}',
    b'{"entity_id": "\xff"}',
    b"[" * 30_000,
    b'"' + b"a" * 70_000 + b'"',
    b"[" + b"1," * 20_000 + b"1]",
)
ISSUER = "did:web:localhost%3A8000"
ENTRY: dict[str, Any] = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "94567",
    "statusListCredential": "http://localhost:8000/status-lists/sample-revocation/credential.json",
}
ENTRIES: tuple[object, ...] = (
    ENTRY,
    [ENTRY],
    [ENTRY, ENTRY | {"statusPurpose": "suspension"}],
    [
        ENTRY,
        ENTRY
        | {
            "statusPurpose": "suspension",
            "statusListCredential": "http://localhost:8000/status-lists/sample-suspension/credential.jwt",
        },
    ],
    [],
    [ENTRY] * 9,
    7,
    ENTRY | {"statusListIndex": 7},
    ENTRY | {"statusListIndex": "007"},
    ENTRY | {"statusListIndex": "-1"},
    ENTRY | {"statusListIndex": "131071"},
    ENTRY | {"statusListIndex": "131072"},
    ENTRY | {"statusPurpose": "suspension"},
    ENTRY | {"statusPurpose": "refresh"},
    ENTRY | {"type": "StatusList2021Entry"},
    ENTRY | {"statusSize": 2},
    ENTRY | {"statusListCredential": "http://localhost:8000/status-lists/nothing/credential.json"},
    ENTRY | {"statusListCredential": "http://localhost:8000/status-lists/sample-revocation"},
    ENTRY | {"statusListCredential": "http://localhost:8000/elsewhere"},
    ENTRY | {"statusListCredential": "ftp://a.example/list"},
    ENTRY | {"statusListCredential": "https://127.0.0.1/list"},
    ENTRY | {"statusListCredential": "https://nobody.example/list"},
    ENTRY | {"statusListCredential": 7},
    {name: value for name, value in ENTRY.items() if name != "statusPurpose"},
)


def cases() -> Iterator[Case]:
    for path in PAGES:
        yield get(path)
        yield get(path, accept="application/json")
        yield get(path, accept="image/png")
        yield get(path, if_none_match="*")
        yield get(path, if_none_match='"other"')
        yield get(path, cache_control="no-cache")
        yield from (of(method, path) for method in METHODS)
    for path in ("/trqp/authorization", "/trqp/recognition", "/status/check"):
        yield get(path)
        yield from (of(method, path) for method in METHODS)
    yield from (get(path) for path in (*ODD_PATHS, *FRAMEWORK_PAGES))
    yield from (get(f"/problems/{slug}") for slug in PROBLEMS)
    for path in (LIST, TOKENS, f"{LIST}/credential.json", f"{LIST}/credential.jwt"):
        yield from (get(path, accept=accept) for accept in LIST_ACCEPTS)
    yield Case("GET", "/livez", has_id=False)
    yield Case("GET", "/nothing", has_id=False)
    yield Case("GET", "/livez", (("x-request-id", "did:key:zzz"),), has_id=False)
    yield from _questions()


def _questions() -> Iterator[Case]:
    for question in QUESTIONS:
        yield post("/trqp/authorization", question)
        yield post("/trqp/recognition", question)
        yield post("/status/check", question)
    for content_type in (
        "",
        "text/plain",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/vc+jwt",
    ):
        yield post("/trqp/authorization", DEGREES, content_type=content_type)
        yield post("/trqp/recognition", LICENCES, content_type=content_type)
        yield post("/status/check", {"issuer": ISSUER, "credentialStatus": ENTRY}, content_type=content_type)
    for entries in ENTRIES:
        yield post("/status/check", {"issuer": ISSUER, "credentialStatus": entries})
    yield post("/status/check", {"issuer": "did:web:other.example", "credentialStatus": ENTRY})
    trusting = {"issuer": "did:web:other.example", "credentialStatus": ENTRY, "listIssuers": [ISSUER]}
    yield post("/status/check", trusting)
    yield post("/status/check", trusting | {"listIssuers": [ISSUER] * 9})
    yield post("/status/check", trusting | {"issuer": ""})
    yield post("/status/check", trusting | {"unknown": 1})
    for token in (b"a.b.c", b"eyJhbGciOiJub25lIn0.e30.", b"\xff", b"a" * 70_000):
        yield post("/status/check", token, content_type="application/vc+jwt")
