"""The registry for operators: who may, pages of grants, profiles, and files that replace it."""

from collections.abc import Iterator
from pathlib import Path

from tests.server.http_corpus.asking import Case, post
from tests.server.http_corpus.operators import PEOPLE, at_operators, at_rest, read
from tests.server.http_corpus.reads import DEGREES
from tests.server.http_corpus.world import Step

REGISTRY = "/operator/registry"
EDUCATION = "did:web:education.example"
DEGREES_ASKED = (
    f"authority={EDUCATION}&entity=did:web:rheintal.example&action=issue&resource=UniversityDegreeCredential"
)
READS = (
    REGISTRY,
    f"{REGISTRY}/grants",
    f"{REGISTRY}/profile?id={EDUCATION}",
    f"{REGISTRY}/history?id={EDUCATION}",
    f"{REGISTRY}/check?{DEGREES_ASKED}",
    *(f"{REGISTRY}/reports/{name}" for name in ("access", "approvals", "reviews", "ends", "changes?limit=3")),
)
EMPTY = b'{"version":2,"authorities":[],"entities":[],"authorizations":[],"recognitions":[]}'


def cases() -> Iterator[Step]:
    yield at_rest
    yield from map(at_operators, _reads())
    yield from map(at_operators, _refused())
    yield from _story()


def _reads() -> Iterator[Case]:
    for path in READS:
        yield from (read(path, who) for who in PEOPLE)
        yield post(path, {}, authorization="Bearer <key of admin>")
    for query in (
        "?limit=2",
        "?limit=2&after=authorization/a",
        "?limit=0",
        "?limit=501",
        "?after=-1",
        "?after=recognition/z",
        "?after=x",
    ):
        yield read(f"{REGISTRY}/grants{query}")
    yield from _reports()
    for query in ("", "?id=", "?id=did:web:nobody.example", "?id=a%00b", "?id=did:web:rheintal.example"):
        yield read(f"{REGISTRY}/profile{query}")


def _reports() -> Iterator[Case]:
    for query in (
        "",
        "?id=",
        "?id=nobody",
        "?id=a%00b",
        f"?id={EDUCATION}&kind=authority",
        "?id=x&kind=x",
        "?id=x&x=y",
    ):
        yield read(f"{REGISTRY}/history{query}")
    for more in (
        "",
        "&kind=recognition",
        "&kind=x",
        "&at=2026-06-01T00:00:00Z",
        "&at=x",
        "&known_at=2100-01-01T00:00:00Z",
    ):
        yield read(f"{REGISTRY}/check?{DEGREES_ASKED}{more}")
    yield read(f"{REGISTRY}/check?{DEGREES_ASKED}&known_at=2026-01-01T00:00:00Z")
    yield read(f"{REGISTRY}/check?authority=x&entity=x&action=x&resource=x")
    for query in ("days=400", "days=-1", "days=x", "limit=0", "after=x", "since=x"):
        yield read(f"{REGISTRY}/reports/reviews?{query}")
        yield read(f"{REGISTRY}/reports/ends?{query}")
    for query in (
        "since=x",
        "since=2100-01-01T00:00:00Z",
        "until=1999-01-01T00:00:00Z",
        "limit=1",
        "after=1",
        "days=1",
    ):
        yield read(f"{REGISTRY}/reports/approvals?{query}")
        yield read(f"{REGISTRY}/reports/changes?{query}")
    for query in ("limit=1", "after=1", "limit=501", "after=-1", "days=1"):
        yield read(f"{REGISTRY}/reports/access?{query}")


def replace(body: bytes, who: str = "admin", content_type: str = "application/json") -> Case:
    return post(REGISTRY, body, authorization=f"Bearer <key of {who}>", content_type=content_type)._replace(
        method="PUT"
    )


def _refused() -> Iterator[Case]:
    yield from (replace(EMPTY, who) for who in PEOPLE if who != "admin")
    yield from (
        post(REGISTRY, EMPTY, authorization=given)._replace(method="PUT") for given in ("", "Bearer x")
    )
    yield replace(EMPTY, content_type="text/plain")
    for body in (
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"authorities":1}',
        b'{"a":1,"a":2}',
        b'"' + b"a" * 17_000_000 + b'"',
    ):
        yield replace(body)


def _story() -> Iterator[Step]:
    sample = (Path(__file__).parents[3] / "data" / "registry.json").read_bytes()
    later = sample.replace(b"2024-07-01T00:00:00Z", b"2024-08-01T00:00:00Z")
    for body in (sample, later, EMPTY, EMPTY):  # The second says something else of the past.
        yield at_operators(replace(body))
        yield post("/trqp/authorization", DEGREES)
        yield from (at_operators(read(path)) for path in READS)
