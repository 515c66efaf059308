"""What wallets hold, evaluated; entities and authorities, searched, listed and shown."""

from collections.abc import Iterator
from typing import Any

from tests.server.http_corpus.asking import Case, get, post

EVALUATE = "/trust/evaluate"
DEGREE = {"did": "did:web:rheintal.example", "resource": "UniversityDegreeCredential"}
NORDFJORD = {"iss": "https://nordfjord.example/federation", "resource": "StudentIdentityCredential"}
EDUCATION = "e-gw4qsjf4an7yfouxt7ir"
CURSOR = "WyJ4IixbIngiXV0"


def cases() -> Iterator[Case]:
    yield from _evaluated()
    yield from _refused()
    yield from _listed()
    yield from _shown()


def _evaluated() -> Iterator[Case]:
    for question in (
        DEGREE,
        DEGREE | {"time": "2023-03-01T00:00:00Z"},
        DEGREE | {"known_at": "2026-09-21T14:00:00Z"},
        DEGREE | {"authority": "did:web:education.example"},
        DEGREE | {"authority": EDUCATION, "action": "verify"},
        DEGREE | {"authority": "did:web:nobody.example"},
        DEGREE | {"resource": "Nothing"},
        DEGREE | {"did": "did:web:nobody.example"},
        DEGREE | {"did": "did:web:credentials.valmont.example:diplomes", "time_is_proven": True},
        NORDFJORD | {"action": "verify"},
        {"x509_hash": "VK09gN_VOO5cOO6uMWjHyG6ExinauYN0-qNvvhKGx5s", "resource": "GoodStandingCredential"},
        {"ni": "ni:///sha-256;" + "A" * 43, "resource": "GoodStandingCredential"},
        {"did": "did:web:rheintal.example", "vct": "https://education.example/credentials/degree"},
        {"did": "did:web:rheintal.example", "docType": "example.education.student.1"},
        {"iss": "https://valmont.example/issuer", "type": "UniversityDegreeCredential"},
        {"did": "did:web:rheintal.example", "type": "Nothing"},
    ):
        yield post(EVALUATE, question)
    yield post(EVALUATE, DEGREE, accept_language="fr-CH, de;q=0.5")


def _refused() -> Iterator[Case]:
    changes: tuple[dict[str, Any], ...] = (
        {"did": None},
        {"iss": "https://a.example"},
        {"did": "no"},
        {"vct": "x"},
        {"time": "tomorrow"},
        {"time": "2026-09-21T14:16:20Z"},
        {"known_at": "2027-01-01T00:00:00Z"},
        {"surplus": 1},
        {"action": ""},
    )
    for change in changes:
        yield post(EVALUATE, DEGREE | change)
    for body in (b"", b"[]", b"{}", b'{"did":"did:web:a.example","did":"did:web:b.example","type":"T"}'):
        yield post(EVALUATE, body)
    yield post(EVALUATE, b" " * 70_000)
    yield post(EVALUATE, DEGREE, content_type="text/plain")
    yield get(EVALUATE)
    for members in ({"jwk": {"kty": "oct", "k": "AA"}}, {"x5c": ["AAAA"]}, {"x5c": []}, {"x509_hash": "x"}):
        yield post(EVALUATE, members | {"type": "UniversityDegreeCredential"})


def _listed() -> Iterator[Case]:
    for query in (
        "",
        "?limit=2",
        "?q=uni",
        "?q=UNIVERSIT%C3%89&limit=1",
        "?q=%E5%A4%A7%E5%AD%A6",
        "?q=open%20educ",
        "?q=-",
        "?q=" + "a" * 201,
        "?authority=did:web:licensing.example",
        f"?authority={EDUCATION}&action=issue&resource=UniversityDegreeCredential",
        "?resource=UniversityDegreeCredential&state=revoked",
        "?state=nothing",
        "?state=suspended&time=2025-07-01T00:00:00Z",
        "?kind=https",
        "?kind=nothing",
        "?authority=nobody",
        "?limit=0",
        "?limit=201",
        "?limit=x",
        f"?cursor={CURSOR}",
        "?cursor=x",
        "?time=2023-01-01T00:00:00Z",
        "?time=x",
        "?time=2027-01-01T00:00:00Z",
        "?known_at=2026-09-21T14:00:00Z",
        "?surplus=1",
    ):
        yield get(f"/trust/entities{query}")
    for query in ("", "?limit=1", "?limit=0", f"?cursor={CURSOR}", "?time=2023-01-01T00:00:00Z"):
        yield get(f"/trust/authorities{query}")
    for path in ("/trust/entities", "/trust/authorities"):
        yield get(path, accept_language="fr, ja;q=0.9")._replace(method="HEAD")
        yield get(path, accept_language="x" * 600)
        yield get(path, if_none_match="*")
        yield post(path, {})


def _shown() -> Iterator[Case]:
    for path in (
        "entities/e-5xoxth47ixm5jf5uwpi2",
        "entities/did:web:rheintal.example",
        "entities/did%3Aweb%3Arheintal.example",
        "entities/https%3A%2F%2Fnordfjord.example%2Ffederation",
        "entities/https://nordfjord.example/federation",
        f"entities/{EDUCATION}",
        "entities/nobody",
        "entities/did:web:nobody.example",
        "entities/did:web:rheintal.example?time=2023-01-01T00:00:00Z",
        "entities/",
        "entities/%ff",
        f"authorities/{EDUCATION}",
        "authorities/did:web:licensing.example",
        "authorities/did:web:rheintal.example",
        "authorities/nobody",
        "authorities/",
        "authorities/a/b",
    ):
        yield get(f"/trust/{path}")
    yield get(f"/trust/authorities/{EDUCATION}", accept_language="ja")
