"""
Fuzz targets for whole answers: a request for an identifier, the document that an origin serves for one.

A request is five lines: raw path below the route, query, Accept, Content-Type, and a body to the end.
An origin's answer is three lines and a body: status, Content-Type, Cache-Control.
"""

import asyncio
import atexit
import json
from collections.abc import Coroutine, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote_from_bytes

from resolver import Resolver
from resolver.binding.options import NOTHING_GIVEN, read_options_body
from resolver.binding.target import read_target
from resolver.did import parse_did_url
from resolver.documents.document import read_document
from resolver.documents.ids import relative_ids_expanded
from resolver.errors import NS, InvalidDidDocument
from resolver.keys.multikey import public_key_of
from resolver.lint.findings import MAX_WARNINGS, Severity, lint_bytes, warnings_of
from resolver.lint.omissions import without_omissions
from resolver.methods import WEB
from resolver.results import DEFAULT_OPTIONS, Fetched, FetchPlan, JsonObject
from tests.resolver.asking import answer, answer_now, may_fetch
from wire import Answer, UnsupportedMediaType, encode, etag_of
from wire.body import MAX_BODY_BYTES

BASE = b"/1.0/identifiers/"
OURS = "did:web:ours.example"
DID = "did:web:issuer.example"  # the one that origins serve a document of
MAX_HEAD_BYTES = 16_384  # of a request; the server refuses more
_RESOLVED = {"didResolutionMetadata", "didDocument", "didDocumentMetadata"}
_DEREFERENCED = {"dereferencingMetadata", "content", "contentStream", "contentMetadata"}
FULL = {"application/did-resolution": _RESOLVED, "application/did-url-dereferencing": _DEREFERENCED}
LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'
BARE = {
    "application/did",
    "application/did+json",
    "application/json",
    "application/did+ld+json",
    "application/ld+json",
}
SECURITY = "https://w3id.org/security#"
PROBLEM = "application/problem+json"
_SECRET_NAMES = ("secretKey", "privateKey")
_PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}


async def _no_network(plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:
    raise AssertionError("a local answer asked the network")


_METHOD = {"id": "#k", "type": "Multikey", "controller": OURS, "publicKeyMultibase": "z6Mk"}
_SERVICES = [
    {"id": "#files", "type": "x", "serviceEndpoint": ["https://x.example/files", {"uri": "y"}]},
    {"id": f"{OURS}#mail", "type": ["x", "mail"], "serviceEndpoint": {"uri": "https://x.example/"}},
]
_OURS = {"id": OURS, "verificationMethod": [_METHOD], "authentication": ["#k"], "service": _SERVICES}


def _own(did: str) -> JsonObject | None:
    return _OURS if did == OURS else None


RESOLVER = Resolver(
    fetcher=_no_network, own_document=_own, own_hosts=frozenset({"ours.example"}), clock=lambda: 1_000.0
)


def request(data: bytes) -> None:
    """
    Every request has one whole answer, as declared, below 500 but for what is not supported; a DID spelled with
    and without percent-encoding has the same; what needs the network is known before it is asked.
    """
    lines = data.split(b"\n", 4)
    path, query, accept, content_type, body = lines + [b""] * (5 - len(lines))
    path, query = path[:MAX_HEAD_BYTES], query[:MAX_HEAD_BYTES]
    raw_path, wanted = BASE + path, accept.decode("latin-1") or None
    given = NOTHING_GIVEN
    if body and len(body) <= MAX_BODY_BYTES:
        try:
            given = read_options_body(body, content_type.decode("latin-1"))
        except UnsupportedMediaType:
            return
    found = answer_now(RESOLVER, raw_path, query, wanted, given)
    if given == NOTHING_GIVEN:
        assert may_fetch(RESOLVER, raw_path, query) == (found is None), "its cost was judged wrongly"
    if found is None:
        assert isinstance(
            WEB.plan(parse_did_url(read_target(raw_path, query).identifier).did, DEFAULT_OPTIONS), FetchPlan
        )
        return
    assert found.status in (200, 303, 400, 404, 406, 410, 501) or _is_of_method(found), (
        f"status {found.status}"
    )
    whole_answer(found, read_target(raw_path, query).identifier)
    if not query and given == NOTHING_GIVEN and path.startswith(b"did:") and b"%" not in path:
        encoded = BASE + quote_from_bytes(path, safe="").encode()
        assert answer_now(RESOLVER, encoded, b"", wanted) == found, "two spellings of one question"


def _is_of_method(found: Answer) -> bool:
    """Tell whether it is an error of `verificationRelationship`; the binding gives 500 to what has no row."""
    return found.status == 500 and b"_VERIFICATION_METHOD" in found.body


def whole_answer(found: Answer, identifier: str) -> None:
    """Check that an answer is one of the binding: its Content-Type, its members, its error, its ETag."""
    assert found.media_type in {*FULL, *BARE, LEGACY, PROBLEM}, f"an undeclared type: {found.media_type[:80]}"
    assert (found.etag is None) == (found.status != 200)
    assert found.etag is None or found.etag == etag_of(found.body, found.media_type)
    for name, value in found.headers:
        assert name.isascii() and name == name.lower() and value.isprintable()
    if found.status == 303:
        assert found.body == b"" and dict(found.headers)["location"].startswith("https://x.example/files")
        return
    if found.media_type in BARE:
        assert found.status in (200, 410), "an error as a bare document"
        assert (found.body == b"") == (found.status == 410)
        return
    body = json.loads(found.body)
    if found.media_type == PROBLEM:
        _is_problem(body, found.status)
    elif found.media_type == LEGACY:
        assert "didDocument" in body and body["@context"]
    else:
        assert body.keys() == FULL[found.media_type]
        metadata = body.get("didResolutionMetadata", body.get("dereferencingMetadata"))
        if found.status in (200, 410):
            assert "error" not in metadata and (found.status == 410 or metadata["contentType"])
            _is_about(body, identifier)
        else:
            _is_problem(metadata["error"], found.status)
            assert not body.get("didDocument") and not body.get("content")


def _is_problem(body: JsonObject, status: int) -> None:
    assert (
        body["type"].startswith((NS, SECURITY))
        and body["status"] == status
        and body["title"]
        and body["detail"]
    )
    assert len(body["detail"]) <= 600, "a detail that repeats the input"


def _is_about(body: JsonObject, identifier: str) -> None:
    document = body.get("didDocument")
    assert document is None or document["id"] == identifier, "the document of another DID"


def document(data: bytes) -> None:
    """
    A stranger's document that is taken is passed on as it is, is about the DID, and has no secret in it.
    """
    findings = lint_bytes(data, now=1_000.0)
    try:
        taken = read_document(data, DID)
    except InvalidDidDocument as error:
        is_of_the_caps = "over " in error.detail or "not the DID" in error.detail
        assert is_of_the_caps or findings[0].severity is Severity.ERROR, "the linter saw nothing wrong"
        assert len(error.detail) <= 600
        return
    assert taken == json.loads(data), "the document was changed"
    assert taken["id"] == DID
    assert len(warnings_of(taken, now=1_000.0)) <= MAX_WARNINGS
    assert not secrets_in(taken), "a secret was passed on"
    passed_on, told = without_omissions(taken)
    assert (passed_on == taken) is not bool(told), "what was left out was not told"
    assert without_omissions(passed_on) == (read_document(encode(passed_on), DID, max_bytes=2**22), ())
    expanded = relative_ids_expanded(taken)
    assert relative_ids_expanded(expanded) == expanded
    assert read_document(json.dumps(expanded, ensure_ascii=False).encode(), DID, max_bytes=2**22) == expanded
    for method in taken.get("verificationMethod") or []:
        try:
            public_key_of(method)
        except InvalidDidDocument:
            continue


def secrets_in(document: Any) -> list[JsonObject]:
    """Return the maps of a document that hold a secret by a member's name, or a private JWK; null is none."""
    return [
        found
        for found in _maps(document)
        if any(
            value is not None
            and (name.startswith(_SECRET_NAMES) or ("kty" in found and name in _PRIVATE_MEMBERS))
            for name, value in found.items()
        )
    ]


def _maps(value: Any) -> Iterator[JsonObject]:
    if isinstance(value, dict):
        yield value
        for name, member in value.items():
            if name != "@context":
                yield from _maps(member)
    elif isinstance(value, list):
        for item in value:
            yield from _maps(item)


def origin(data: bytes) -> None:
    """
    Whatever an origin answers, the client has a whole answer; 5xx says that the origin, or its document, is bad.
    """
    lines = data.split(b"\n", 3)
    status, content_type, cache_control, body = lines + [b""] * (4 - len(lines))
    headers = {
        "content-type": content_type.decode("latin-1"),
        "cache-control": cache_control.decode("latin-1"),
    }
    code = int(status) if status.isdigit() and len(status) == 3 else 200

    async def fetch(plan: FetchPlan, _: Mapping[str, str]) -> Fetched:
        return Fetched(status=code, headers=headers, body=body)

    found = _answered(fetch)
    assert found.status in (200, 404, 406, 410, 500), f"status {found.status}"
    whole_answer(found, DID)
    if found.status == 500:
        error = json.loads(found.body)["didResolutionMetadata"]["error"]
        expected = "INVALID_DID_DOCUMENT" if code == 200 else "INTERNAL_ERROR"
        assert error["type"] == NS + expected, "a failure that is called by another name"
    if found.status == 200:
        assert code == 200 and json.loads(found.body)["didDocument"] == json.loads(body)


def _answered(fetch: Any) -> Answer:
    async def ask() -> Answer:
        async with Resolver(fetcher=fetch, clock=lambda: 1_000.0) as resolver:
            return await answer(resolver, BASE + DID.encode(), b"", None)

    return run_on_loop(ask())


def run_on_loop(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run `work` to its end, on the loop of all cases."""
    return _loop().run_until_complete(work)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return one loop for all cases; a loop for each would be most of the work."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop
