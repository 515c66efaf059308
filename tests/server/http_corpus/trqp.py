"""What the registry tells: known_at and batches, the GETs of the Ayra profile, documents by which it is found."""

from collections.abc import Iterator
from typing import Any

from tests.server.http_corpus.asking import Case, get, of, post
from tests.server.http_corpus.reads import DEGREES, LICENCES

BATCH = "/trqp/authorization/batch"
EDUCATION = "did:web:education.example"
RHEINTAL = "did:web:rheintal.example"
OURS = "did%3Aweb%3Alocalhost%253A8000"
THEN, NOW, AHEAD = "2025-03-01T00:00:00Z", "2026-09-21T14:13:20Z", "2026-09-21T14:15:00Z"
PATHS = (
    "/.well-known/trqp-metadata.json",
    "/.well-known/trqp-metadata",
    "/trqp/metadata",
    "/trqp/entities",
    f"/trqp/entities/{RHEINTAL}",
    f"/trqp/entities/{RHEINTAL}/authorizations",
    f"/trqp/ecosystems/{EDUCATION}",
    f"/trqp/ecosystems/{EDUCATION}/recognitions",
    "/trqp/lookups/assuranceLevels",
    "/trqp/lookups/authorizations",
    "/trqp/lookups/didMethods",
)
OF_AN_AUTHORITY = (
    "/trqp/metadata",
    "/trqp/entities",
    "/trqp/lookups/assuranceLevels",
    "/trqp/lookups/authorizations",
    "/trqp/lookups/didMethods",
)
LISTED = (
    "limit=2",
    "limit=2&offset=1",
    "offset=1000",
    "limit=0",
    "limit=1001",
    "limit=x",
    "offset=-1",
    f"authority_id={EDUCATION}&action=issue&resource=UniversityDegreeCredential",
    f"authority_id={EDUCATION}&action=issue&resource=UniversityDegreeCredential&time=2020-01-01T00:00:00Z",
    "action=issue&resource=UniversityDegreeCredential",
    "action=issue",
    "resource=UniversityDegreeCredential",
    "unknown=1",
)
SPELLINGS = (
    f"/trqp/entities/{OURS}",
    f"/trqp/entities/{OURS}/authorizations",
    "/trqp/entities/did:web:localhost%3A8000",
    "/trqp/entities/did:web:localhost:8000",
    "/trqp/entities/did:web:nobody.example",
    "/trqp/entities/did:web:nobody.example/authorizations",
    "/trqp/entities/%FF",
    "/trqp/entities/https%3A%2F%2Fnobody.example%2Fa",
    "/trqp/entities/https://nobody.example/a",
    f"/trqp/entities/{RHEINTAL}/",
    f"/trqp/entities/{RHEINTAL}/recognitions",
    f"/trqp/entities/{RHEINTAL}/authorizations/x",
    "/trqp/entities/",
    "/trqp/entities//",
    f"/trqp/entities//{RHEINTAL}",
    "/trqp/%65ntities",
    f"/trqp/ecosystems/{RHEINTAL}",
    f"/trqp/ecosystems/{RHEINTAL}/recognitions",
    "/trqp/ecosystems",
    "/trqp/ecosystems/",
)
CONTEXTS: tuple[dict[str, Any], ...] = (
    {"known_at": NOW},
    {"known_at": "2020-01-01T00:00:00Z"},
    {"known_at": "2026-09-21T14:14:00Z"},
    {"known_at": AHEAD},
    {"known_at": "now"},
    {"known_at": True},
    {"time": THEN, "known_at": NOW, "echo": "a", "strict": True},
    {"time": "2026-09-21T14:14:20Z"},
    {"time": AHEAD},
)
BATCHES: tuple[object, ...] = (
    {"queries": [DEGREES]},
    {
        "queries": [
            DEGREES,
            DEGREES | {"entity_id": "did:web:nobody.example"},
            DEGREES | {"context": {"time": THEN, "known_at": NOW, "strict": True}},
            DEGREES | {"context": {"time": AHEAD}},
            DEGREES | {"authority_id": "did:web:nobody.example"},
            DEGREES | {"action": "devour"},
            {},
            LICENCES,
        ]
    },
    {"queries": []},
    {"queries": [DEGREES] * 60},
    {"queries": [{}] * 1_001},
    {"queries": [1]},
    {"queries": DEGREES},
    {"queries": [DEGREES], "unknown": 1},
    {},
    [],
    b"",
    b"{",
    b'{"queries": [{"a": 1, "a": 1}]}',
    b'{"queries": ["' + b"a" * 600_000 + b'"]}',
    b'{"queries": [' + b"1," * 20_000 + b"1]}",
)


def cases() -> Iterator[Case]:
    for path in PATHS:
        yield get(path)
        yield get(path, accept="text/html")
        yield get(path, if_none_match="*")
        yield of("HEAD", path)
        yield of("POST", path)
        yield of("OPTIONS", path)
    for path in PATHS[2:]:
        for name in ("time", "known_at"):
            for text in (THEN, NOW, AHEAD, "yesterday"):
                yield get(f"{path}?{name}={text}")
    for path in OF_AN_AUTHORITY:
        yield get(f"{path}?authority_id={EDUCATION}")
        yield get(f"{path}?authority_id=did:web:nobody.example")
    yield from (get(f"/trqp/entities?{query}") for query in LISTED)
    yield from (get(path) for path in SPELLINGS)
    for context in CONTEXTS:
        yield post("/trqp/authorization", DEGREES | {"context": context})
        yield post("/trqp/recognition", LICENCES | {"context": context})
    yield from (post(BATCH, batch) for batch in BATCHES)
    yield post(BATCH, BATCHES[0], content_type="text/plain")
    yield get(BATCH)
