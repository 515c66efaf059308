"""The OpenAPI documents say what the server does: every answer seen is declared, and nothing of ours leaks in."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.server.running import Running, running_in

pytestmark = pytest.mark.anyio

DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
LIST = "/status-lists/sample-revocation"
SETS = "/operator/status-lists"
OBSERVATIONS = "/operator/observations"
PURGE = "/operator/cache/purge"
ISSUERS = "/operator/issuers"
REGISTRY = "/operator/registry"
JSON = {"content-type": "application/json"}
QUESTION = {"entity_id": "a", "authority_id": "did:web:education.example", "action": "issue", "resource": "x"}
RESULT = 'application/ld+json;profile="https://w3id.org/did-resolution"'

# (method, path, headers, body): what the public listener is asked.
PUBLIC: list[tuple[str, str, dict[str, str], bytes]] = [
    *(("GET", path, {}, b"") for path in ("/", "/livez", "/readyz", "/docs", "/openapi.json")),
    ("GET", "/docs", {"if-none-match": "*"}, b""),
    ("GET", "/problems/not-found", {}, b""),
    ("GET", "/problems/nothing", {}, b""),
    ("GET", "/.well-known/did.json", {}, b""),
    ("GET", "/issuers/default/did.json", {}, b""),
    ("GET", "/issuers/nobody/did.json", {}, b""),
    *(
        ("GET", LIST, {"accept": accept}, b"")
        for accept in ("*/*", "application/vc+jwt", "application/json", "application/ld+json", "text/html")
    ),
    ("GET", f"{LIST}/credential.json", {}, b""),
    ("GET", f"{LIST}/credential.jwt", {"if-none-match": "*"}, b""),
    ("GET", f"{LIST}/credential.jwt?x", {}, b""),
    ("GET", "/status-lists/nothing", {}, b""),
    ("GET", "/status-lists/nothing/credential.json", {}, b""),
    *(
        ("GET", f"/1.0/identifiers/{did}", {"accept": accept}, b"")
        for accept in (
            "*/*",
            "application/did",
            "application/did+json",
            "application/did+ld+json",
            "application/did-url-dereferencing",
            "application/problem+json",
            RESULT,
            "text/html",
        )
        for did in (
            DID,
            f"{DID}%23x",
            f"{DID}#{DID[8:]}",
            "did:key:z",
            "did:nope:x",
            "did:web:x.invalid",
            "x",
        )
    ),
    *(
        ("GET", f"/1.0/{name}", headers, b"")
        for name in ("methods", "properties", "testIdentifiers", "traits")
        for headers in ({}, {"if-none-match": "*"})
    ),
    (
        "POST",
        "/1.0/identifiers",
        JSON,
        json.dumps({"dids": [DID, "x", f"{DID}#x", "did:web:x.invalid"]}).encode(),
    ),
    ("POST", "/1.0/identifiers", JSON, b"{}"),
    ("POST", "/1.0/identifiers", JSON, b" " * 300_000),
    ("POST", "/1.0/identifiers", {"content-type": "text/plain"}, b"{}"),
    ("POST", f"/1.0/identifiers/{DID}", JSON, b"{}"),
    ("POST", f"/1.0/identifiers/{DID}", JSON, b"{"),
    ("POST", f"/1.0/identifiers/{DID}", JSON, b" " * 70_000),
    ("POST", f"/1.0/identifiers/{DID}", {"content-type": "text/plain"}, b"{}"),
    *(
        ("POST", path, {"content-type": media_type}, body)
        for path in ("/trqp/authorization", "/trqp/recognition", "/status/check")
        for media_type in ("application/json", "text/plain", "application/vc+jwt")
        for body in (b"{", b"{}", b" " * 70_000, json.dumps(QUESTION).encode(), b'{"issuer":"a"}')
    ),
    ("POST", "/trqp/authorization", JSON, json.dumps(QUESTION | {"authority_id": "nobody"}).encode()),
    *(
        (
            "POST",
            "/status/check",
            JSON,
            json.dumps({"issuer": "did:web:x", "credentialStatus": entry}).encode(),
        )
        for entry in (
            {},
            {
                "type": "BitstringStatusListEntry",
                "statusPurpose": "revocation",
                "statusListIndex": "5",
                "statusListCredential": "https://x.invalid/list",
            },
        )
    ),
]
OPERATOR: list[tuple[str, str, dict[str, str], bytes]] = [
    *(("GET", path, {}, b"") for path in ("/", "/livez", "/readyz", "/metrics", "/docs", SETS)),
    *(
        ("GET", f"/operator/explain{query}", {}, b"")
        for query in ("", f"?did={DID}", "?did=did:web:x.invalid")
    ),
    ("GET", SETS, {"authorization": "Bearer x"}, b""),
    ("GET", f"{SETS}?limit=0", {}, b""),
    *(
        ("GET", f"{path}?{query}", {}, b"")
        for path in (OBSERVATIONS, "/operator/key-changes", "/operator/alarms")
        for query in ("", "did=did:web:x.example", "limit=0", "after=x", "after=-1", "kind=disk", "kind=x")
    ),
    ("GET", OBSERVATIONS, {"authorization": "Bearer x"}, b""),
    *(
        ("GET", f"/operator/audit{query}", {}, b"")
        for query in ("", "?limit=1", "?actor=nobody", "?limit=0", "?since=x", "/anchor")
    ),
    ("POST", "/operator/audit/anchor", {}, b""),
    ("POST", "/operator/audit/anchor", JSON, b"{}"),
    *(
        ("POST", path, JSON, body)
        for path in (
            f"{OBSERVATIONS}/acknowledge",
            f"{OBSERVATIONS}/announce",
            PURGE,
            "/operator/alarms/acknowledge",
        )
        for body in (
            b"{",
            b"{}",
            b'{"alarm":1}',
            b'{"did":"did:web:uni.example"}',
            b'{"did":"x"}',
            b'{"host":"X"}',
            b'{"all":true}',
            b'{"did":"did:web:education.example","notAfter":"2999-01-01T00:00:00Z"}',
            b'{"did":"did:web:education.example","notAfter":"2020-01-01T00:00:00Z"}',
        )
    ),
    *(("GET", f"{ISSUERS}{rest}", {}, b"") for rest in ("", "?limit=0", "?after=A", "/default", "/nobody")),
    *(("GET", f"{ISSUERS}/{issuer_id}/document", {}, b"") for issuer_id in ("default", "nobody")),
    ("POST", ISSUERS, JSON, b'{"id":"default"}'),
    ("POST", ISSUERS, JSON, b'{"id":"made"}'),
    ("POST", ISSUERS, JSON, b'{"id":"made","did":"did:web:localhost"}'),
    *(
        ("POST", f"{ISSUERS}/{rest}", {**JSON, "idempotency-key": "i"}, body)
        for rest in (
            "default/keys",
            "nobody/keys",
            "default/keys/activate",
            "default/keys/key-0/activate",
            "default/keys/key-0/retire",
            "default/keys/key-0/compromised",
            "default/keys/key-0/certificate-request",
            "default/keys/key-0/certificates",
        )
        for body in (b"", b"{}", b"{", b" " * 70_000)
    ),
    *(
        ("GET", f"{REGISTRY}{rest}", {}, b"")
        for rest in ("", "/grants", "/grants?limit=0", "/profile", "/profile?id=x")
    ),
    ("GET", f"{REGISTRY}/profile?id=did:web:education.example", {}, b""),
    *(("PUT", REGISTRY, JSON, body) for body in (b"{", b"{}", b" " * 17_000_000)),
    ("PUT", REGISTRY, {"content-type": "text/plain"}, b"{}"),
    ("GET", f"{SETS}/sample", {}, b""),
    ("GET", f"{SETS}/nothing", {}, b""),
    ("GET", f"{SETS}/sample/statuses/x", {}, b""),
    ("GET", f"{SETS}/sample/statuses/999999", {}, b""),
    ("POST", SETS, JSON, b'{"purposes":["revocation"],"id":"made"}'),
    ("POST", SETS, JSON, b'{"purposes":["revocation"],"id":"sample"}'),
    ("POST", SETS, JSON, b"{"),
    ("POST", SETS, {"content-type": "text/plain"}, b"{}"),
    ("POST", SETS, JSON, b" " * 70_000),
    ("POST", f"{SETS}/made/allocations", JSON, b"{}"),
    ("POST", f"{SETS}/made/allocations", {**JSON, "idempotency-key": "a"}, b"{}"),
    ("POST", f"{SETS}/made/allocations", {**JSON, "idempotency-key": "a"}, b'{"count":2}'),
    ("POST", f"{SETS}/nothing/allocations", JSON, b"{}"),
    ("POST", f"{SETS}/made/statuses", JSON, b'{"changes":[]}'),
    *(
        (
            "POST",
            f"{SETS}/made/statuses",
            JSON,
            json.dumps(
                {"changes": [{"statusListIndex": index, "statusPurpose": purpose, "status": 1}]}
            ).encode(),
        )
        for index, purpose in (("1", "revocation"), ("999999", "revocation"), ("1", "suspension"))
    ),
]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_in(
        tmp_path, rate_cpu_per_second=10_000.0, rate_outbound_per_second=10_000.0
    ) as started:
        yield started


async def _documents(running: Running) -> dict[str, dict[str, Any]]:
    async with httpx.AsyncClient(trust_env=False) as client:
        return {
            url: (await client.get(f"{url}/openapi.json")).json()
            for url in (running.url, running.operator_url)
        }


def declared(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield (method, path, status, media types) of every response in a document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                yield method, path, status, tuple(response.get("content", {}))


def _declared(document: dict[str, Any]) -> list[tuple[str, re.Pattern[str], str, tuple[str, ...]]]:
    found = []
    for method, path, status, media_types in declared(document):
        inner = ".+" if path.startswith("/1.0/") else "[^/]+"
        found.append((method, re.compile(re.sub(r"\{\w+\}", inner, path)), status, media_types))
    return found


@pytest.mark.parametrize("listener", ["public", "operator"])
async def test_every_answer_is_declared_for_its_route(running: Running, listener: str) -> None:
    is_public = listener == "public"
    url = running.url if is_public else running.operator_url
    rows = _declared((await _documents(running))[url])
    undeclared = []
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        for method, path, headers, body in PUBLIC if is_public else OPERATOR:
            given = headers if is_public else running.authorization | headers
            answer = await client.request(method, path, headers=given, content=body or None)
            seen = (method.lower(), path.partition("?")[0], str(answer.status_code))
            allowed = [
                row[3]
                for row in rows
                if row[0] == seen[0] and row[1].fullmatch(seen[1]) and row[2] == seen[2]
            ]
            media_type = answer.headers.get("content-type")
            if not any((media_type in types) if types else media_type is None for types in allowed):
                undeclared.append((*seen, media_type))

    assert undeclared == []


async def test_no_media_type_is_two_and_no_schema_is_internal(running: Running) -> None:
    for document in (await _documents(running)).values():
        text = json.dumps(document)
        types = {name for row in declared(document) for name in row[3]}

        assert "Answer" not in document["components"]["schemas"]
        assert "status_code" not in text
        assert "\\\\Z" not in text
        assert not [name for name in types if " or " in name or name.count("/") < 1]
        assert all(
            ref.rpartition("/")[2] in document["components"]["schemas"]
            for ref in re.findall(r'"\$ref": "([^"]+)"', text)
        )
        for schema in document["components"]["schemas"].values():
            Draft202012Validator.check_schema(schema)


async def test_what_is_refused_is_a_problem_document(running: Running) -> None:
    for document in (await _documents(running)).values():
        for method, path, status, media_types in declared(document):
            if status == "default" or status >= "400":
                is_readiness = (path, status) == ("/readyz", "503")

                assert is_readiness or "application/problem+json" in media_types, (method, path, status)


async def test_bodies_are_the_structs_that_read_them_and_examples_are_true(running: Running) -> None:
    public, operator = (await _documents(running)).values()
    named = {
        (path, media_type): content
        for document in (public, operator)
        for path, item in document["paths"].items()
        if "post" in item and "requestBody" in item["post"]
        for media_type, content in item["post"]["requestBody"]["content"].items()
    }
    structs = {
        path: content["schema"].get("$ref", "").rpartition("/")[2]
        for (path, media_type), content in named.items()
        if media_type == "application/json"
    }

    assert structs["/status/check"] == "EntryCheck"
    assert structs[SETS] == "CreateSet"
    assert structs[f"{ISSUERS}/{{issuer_id}}/keys"] == "AddKey"
    assert structs[f"{SETS}/{{set_id}}/allocations"] == "Allocate"
    assert structs[f"{SETS}/{{set_id}}/statuses"] == "ChangeStatuses"
    assert "application/vc+jwt" in {media_type for _, media_type in named}
    schemas = public["components"]["schemas"] | operator["components"]["schemas"]
    for content in named.values():
        if "example" in content:
            schema = {**content["schema"], "components": {"schemas": schemas}}
            Draft202012Validator(schema).validate(content["example"])


# The text of an API key is told once, and a key is revoked once.
LOOKED_AT = "/operator/registry/change-sets/{change_set}/validate"  # It changes nothing.
FOUND = (
    "/operator/status-entries/find"  # Nor does this: what is asked for must be in no log, so it is no GET.
)
# A challenge is met once, however often; another one more does no harm.
CHALLENGES = "/operator/registry/change-sets/{change_set}/challenges"
CHALLENGED = (CHALLENGES, f"{CHALLENGES}/{{challenge_id}}")
MADE_ONCE = (
    "/operator/principals/{principal_id}/keys",
    "/operator/keys/{public_id}/rotate",
    "/operator/keys/{public_id}/revoke",
)


async def test_operators_are_told_of_the_key_and_of_idempotency(running: Running) -> None:
    document = (await _documents(running))[running.operator_url]
    (scheme,) = document["components"]["securitySchemes"].values()

    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            is_write = method in ("post", "put")
            names = {parameter["name"] for parameter in operation.get("parameters", [])}
            assert bool(operation.get("security")) is path.startswith("/operator/")
            assert ("Idempotency-Key" in names) is (
                is_write and path not in (*MADE_ONCE, LOOKED_AT, FOUND, *CHALLENGED)
            )
            if is_write and path != FOUND:
                assert {"401", "403", "404", "409", "413", "415", "422", "503"} <= operation[
                    "responses"
                ].keys()


async def test_the_operators_root_names_the_operators_routes(running: Running) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        public = (await client.get(running.url)).text
        operator = (await client.get(running.operator_url)).text

    assert "/operator" not in public
    assert "/1.0/identifiers" not in operator
    assert SETS in operator
