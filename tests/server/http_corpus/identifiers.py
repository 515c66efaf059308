"""Requests about DIDs that need no network: methods, spellings, representations, options, batches."""

from collections.abc import Iterator
from urllib.parse import quote

from tests.server.http_corpus.asking import Case, get, of, post
from tests.vectors import vectors

BASE = "/1.0/identifiers"
ED25519 = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
KEY = f"did:key:{ED25519}"
X25519 = "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"
PEER_0 = f"did:peer:0{ED25519}"
PEER_2 = (
    "did:peer:2.Ez6LSg8zQom395jKLrGiBNruB9MM6V8PWuf2FpEy4uRFiqQBR.Vz6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc"
    ".SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHA6Ly9leGFtcGxlLmNvbS9kaWRjb21tIiwiYSI6WyJkaWRjb21tL3YyIl19fQ"
)
PEER_4 = "did:peer:4zQmd8CpeFPci817KDsbSAKWcXAE2mjvCQSasRewvbSF54Bd"
PKH = "did:pkh:eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb"
PKH_SOLANA = "did:pkh:solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev"
OWN = "did:web:localhost%3A8000"
LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'
PROBLEM = "application/problem+json"

ACCEPTS = (
    "",
    "*/*",
    "application/*",
    "application/json",
    "application/did-resolution",
    "application/did-url-dereferencing",
    "application/did",
    "application/did+json",
    "application/did+ld+json",
    "application/did+cbor",
    "application/ld+json",
    LEGACY,
    "application/ld+json;profile=https://w3id.org/did-resolution",
    'application/did+ld+json;profile="https://w3id.org/did-resolution"',
    PROBLEM,
    "text/html",
    "text/uri-list",
    "text/*;q=0.1",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "application/did;q=0.5, application/did+json;q=0.9",
    "application/did+json;q=0, application/did",
    "*/*;q=0",
    "application/did-resolution;q=1.001",
    "APPLICATION/DID+LD+JSON",
    'application/did; charset="utf-8"',
    "nonsense",
    "/;;,",
    "application/did;q",
    "a" * 2_049,
)
OPTIONS = (
    "publicKeyFormat=JsonWebKey2020",
    "publicKeyFormat=JsonWebKey",
    "publicKeyFormat=Multikey",
    "publicKeyFormat=Ed25519VerificationKey2020",
    "publicKeyFormat=Nonsense",
    "enableEncryptionKeyDerivation=true",
    "enableEncryptionKeyDerivation=false",
    "enableEncryptionKeyDerivation=maybe",
    "enableExperimentalPublicKeyTypes=true",
    "keyAgreement=ecdh",
    "keyAgreement=none",
    "noCache=true",
    "explain=true",
    "expandRelativeUrls=true",
    "versionId=1",
    "versionTime=2026-01-31T12:00:00Z",
    "versionTime=yesterday",
    "versionNumber=1",
    "versionNumber=x",
    "versionId=1&versionTime=2026-01-31T12:00:00Z",
    "maxStale=0",
    "maxStale=-1",
    "verificationRelationship=authentication",
    "accept=application/did",
    "accept=application%2Fdid%2Bjson",
    "accept=nonsense",
    "unknown=1",
    "noCache=true&noCache=true",
    "noCache",
    "noCache=",
    "=",
    "%7B%22publicKeyFormat%22%3A%22JsonWebKey%22%7D",
    "{%22explain%22:true}",
    "%7B%22a%22%3A1%2C%22a%22%3A2%7D",
    "%7B",
    "%FF",
)
SPELLINGS = (
    "/",
    "//",
    "/did",
    "/did:",
    "/did:key",
    "/did:key:",
    f"/{KEY}/",
    f"/{KEY}#{ED25519}",
    f"/{KEY}?",
    f"//{KEY}",
    f"/DID:key:{ED25519}",
    f"/did:KEY:{ED25519}",
    f"/did%3Akey%3A{ED25519}",
    f"/did%3akey%3a{ED25519}",
    f"/DID%3Akey%3A{ED25519}",
    f"/did%3Akey:{ED25519}",
    f"/did:key%3A{ED25519}",
    f"/did%253Akey%253A{ED25519}",
    f"/%64id:key:{ED25519}",
    f"/did:key:%7A{ED25519[1:]}",
    f"/did%3Akey%3A%7A{ED25519[1:]}",
    f"/did:key:{ED25519}%20",
    f"/did:key:{ED25519}%00",
    f"/did:key:{ED25519}%0A",
    "/did:key:%C3%A9",
    "/did:key:é",
    "/did%3Akey%3A%E2%82%AC",
    f"/{KEY};service=a",
    f"/{KEY}%2Fpath",
    f"/did:key:{ED25519}:extra",
    "/did:nope:x",
    "/did:nope:x?versionId=1",
    "/did%3Anope%3Ax%23frag",
    "/did:foo_bar:x",
    "/did:123:x",
    "/junk",
    "/https://example.com/",
    "/did:web:",
    "/did:web:127.0.0.1",
    "/did:web:%5B::1%5D",
    "/did:web:localhost",
    "/did:web:nodot",
    "/did:web:Example.COM%3A8443:user",
    "/did:web:a.example%3A80",
    "/did:web:a.example%3a443",
    "/did:web:a.example%3A99999",
    "/did:web:a.example:..:b",
    "/did:web:a.example:%2F",
    "/did:web:a.example:",
    "/did:web:xn--a.example",
    "/did:web:ä.example",
    "/did:web:a..example",
    "/did:webvh:short:a.example",
    "/did:jwk:e30",
    "/did:jwk:!!",
    "/did:peer:9abc",
    "/did:peer:0junk",
    "/did:peer:1zQm",
    "/did:peer:3zQmS19jtYDvGtKVrJhQnRFpBQAx3pJ9omx2HpNrcXFuRCz9",
    f"/{PEER_4}",
    "/did:pkh:eip155:1:0xAB16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb",
    "/did:pkh:unknown:1:abc",
    "/did:pkh:eip155",
    f"/did:key:z{'1' * 2_000}",
    f"/did:web:a.example:{'a' * 9_000}",
)
URLS = (
    f"{KEY}#{ED25519}",
    f"{KEY}#nothing",
    f"{KEY}#",
    f"{KEY}#a#b",
    f"{KEY}/path",
    f"{KEY}?service=files",
    f"{KEY}?service=files&relativeRef=/a",
    f"{KEY}?relativeRef=/a",
    f"{KEY}?a=1&a=2",
    f"{KEY}?versionId=1",
    f"{KEY}?versionTime=2026-01-31T12:00:00Z",
    f"{KEY}?hl=zQm",
    f"{KEY}?%zz",
    f"{OWN}#key-1",
    f"{OWN}#key-1-jwk",
    f"{OWN}#absent",
    f"{OWN}?service=files&relativeRef=/a#b",
    f"{PEER_2}#key-1",
    f"{PEER_2}#service",
    f"{PEER_2}?service=service&relativeRef=/a",
)
BATCHES: tuple[object, ...] = (
    {"dids": [KEY, PEER_0, PEER_2, PKH, OWN]},
    {"identifiers": [KEY, f"{KEY}#{ED25519}", "did:nope:x", "junk", "did:web:127.0.0.1"]},
    {"dids": [KEY, KEY]},
    {"dids": [KEY], "options": {"publicKeyFormat": "JsonWebKey2020"}},
    {"dids": [KEY], "options": {"publicKeyFormat": 7}},
    {"dids": [KEY], "options": {"unknown": True}},
    {"dids": [KEY], "options": {"accept": "application/did"}},
    {"dids": [KEY], "options": {f"o{number}": 1 for number in range(17)}},
    {"dids": [KEY], "identifiers": [KEY]},
    {"dids": []},
    {},
    [],
    {"dids": [KEY] * 101},
    {"dids": ["did:nope:x"] * 257},
    {"dids": [1]},
    {"did": [KEY]},
    {"dids": KEY},
    b"",
    b"{",
    b'{"dids": ["a"], "dids": ["b"]}',
    b'{"dids": ["\xff"]}',
    b'{"dids": ["' + b"a" * 200_000 + b'"]}',
)


def cases() -> Iterator[Case]:
    yield from _methods()
    yield from _representations()
    yield from _conditions()
    yield from (get(f"{BASE}/{quote(KEY, safe='')}?{option}") for option in OPTIONS)
    yield from (get(f"{BASE}/{KEY}?{option}") for option in OPTIONS)
    yield from (get(BASE + path) for path in ("", *SPELLINGS))
    yield from _urls()
    yield from _posts()
    yield from (post(BASE, body) for body in BATCHES)
    yield post(BASE, {"dids": [KEY]}, content_type="")
    yield post(BASE, {"dids": [KEY]}, content_type="text/plain")
    yield post(BASE, {"dids": [KEY]}, content_type="application/json; charset=utf-8")
    yield post(BASE, {"dids": [KEY]}, accept="application/did")
    yield post(BASE, {"dids": [KEY]}, cache_control="no-cache")


def _methods() -> Iterator[Case]:
    for vector in vectors("did-key-positive"):
        yield get(f"{BASE}/{vector['did']}")
    for vector in vectors("did-key-negative"):
        yield get(f"{BASE}/{quote(vector['did'])}")
        yield get(f"{BASE}/{quote(vector['did'], safe='')}")
    for vector in vectors("did-jwk-cases"):
        yield get(f"{BASE}/{quote(vector['did'], safe=':')}")
    for did in (PEER_0, PEER_2, PKH, PKH_SOLANA, OWN, f"{OWN}:issuers:acme", f"{OWN}:issuers:keyless"):
        yield get(f"{BASE}/{did}")
        yield get(f"{BASE}/{did}", accept="application/did+ld+json")
        yield get(f"{BASE}/{did}", accept=LEGACY)
    yield get(f"{BASE}/{OWN}:issuers:nobody")
    yield get(f"{BASE}/{OWN}:other")
    yield get(f"{BASE}/did:web:localhost%253A8000")


def _representations() -> Iterator[Case]:
    for accept in ACCEPTS:
        for identifier in (KEY, OWN, f"{KEY}%23{ED25519}".replace(":", "%3A"), "did:nope:x", "junk"):
            yield get(f"{BASE}/{identifier}", accept=accept)
    two = (("accept", "application/did+json;q=0.5"), ("accept", "application/did"))
    yield Case("GET", f"{BASE}/{KEY}", two)
    yield Case("HEAD", f"{BASE}/{KEY}", two)


def _conditions() -> Iterator[Case]:
    for tag in ('"other"', "*", 'W/"other"', "nonsense", ""):
        yield get(f"{BASE}/{KEY}", if_none_match=tag)
    yield get(f"{BASE}/{KEY}", cache_control="no-cache")
    yield get(f"{BASE}/{KEY}", cache_control="max-age=0, no-cache")
    yield get(f"{BASE}/{OWN}", cache_control="no-cache")
    yield get(f"{BASE}/{KEY}", if_none_match="*", accept="text/html")
    yield get(f"{BASE}/{KEY}", range="bytes=0-9")
    yield get(f"{BASE}/{KEY}", origin="https://wallet.example")
    yield get(f"{BASE}/did:nope:x", if_none_match="*")
    yield Case("GET", f"{BASE}/{KEY}", body=b"{}")
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PURGE", "get"):
        yield of(method, BASE)
        yield of(method, f"{BASE}/{KEY}")
        yield of(method, f"{BASE}/did:nope:x")
        yield of(method, f"{BASE}/{KEY}?noCache=true")


def _urls() -> Iterator[Case]:
    for url in URLS:
        encoded = f"{BASE}/{quote(url, safe='')}"
        yield get(encoded)
        yield get(f"{BASE}/{quote(url, safe=':/?=&%')}")
        yield get(encoded, accept="application/did-url-dereferencing")
        yield get(encoded, accept="text/uri-list")
    method = f"{BASE}/{quote(f'{KEY}#{ED25519}', safe='')}"
    for relationship in ("authentication", "assertionMethod", "keyAgreement", "nonsense"):
        yield get(f"{method}?verificationRelationship={relationship}")
    yield get(f"{BASE}/{quote(f'{OWN}#key-1', safe='')}?verificationRelationship=authentication")
    yield get(f"{BASE}/{quote(f'{OWN}#absent', safe='')}?verificationRelationship=authentication")


def _posts() -> Iterator[Case]:
    bodies: tuple[object, ...] = (
        b"",
        {},
        {"publicKeyFormat": "JsonWebKey2020"},
        {"accept": "application/did"},
        {"accept": 1},
        {"noCache": True},
        {"noCache": "true"},
        {"noCache": 1},
        {"versionNumber": 1},
        {"unknown": 1},
        [],
        b"null",
        b"{",
        b'{"noCache": true, "noCache": true}',
        b"[" * 30_000,
        b'{"a": "' + b"a" * 70_000 + b'"}',
    )
    for body in bodies:
        yield post(f"{BASE}/{KEY}", body)
    for content_type in ("", "application/did-resolution", "application/did-url-dereferencing", "text/plain"):
        yield post(f"{BASE}/{KEY}", {"explain": True}, content_type=content_type)
    yield post(f"{BASE}/{KEY}?explain=true", {"explain": True})
    yield post(f"{BASE}/{KEY}", {"explain": True}, accept="application/did+ld+json")
    yield post(f"{BASE}/{KEY}", b"", if_none_match="*")
    yield post(f"{BASE}/did:nope:x", b"{")
    yield post(f"{BASE}/junk", {"noCache": True})
    yield post(f"{BASE}/", {})
