"""Requests about DIDs whose documents lie elsewhere: did:web and did:webvh, in a fake web of good and bad hosts."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.resolver.webvh.logs import Log, Signer, witnessed
from tests.server.http_corpus.asking import Case, get, of, post
from tests.server.http_corpus.identifiers import ACCEPTS, BASE, LEGACY, OPTIONS
from tests.server.http_corpus.world import Scene, Step
from tests.simulator import Host, World, canned, raw

HOME = "/.well-known/did.json"
MULTIKEY = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
GOOD = "did:web:good.example"
PLAIN = "did:web:good.example:users:alice"
TAGGED = "did:web:tagged.example"
BAD = {
    "did:web:bad.example:missing": canned(b"{}", 404),
    "did:web:bad.example:gone": canned(b"", 410),
    "did:web:bad.example:broken": canned(b"", 500),
    "did:web:bad.example:away": canned(b"", 503, retry_after="7"),
    "did:web:bad.example:moved": canned(b"", 302, location="https://good.example/.well-known/did.json"),
    "did:web:bad.example:forbidden": canned(b"", 403),
    "did:web:bad.example:empty": canned(b""),
    "did:web:bad.example:text": canned(b"hello"),
    "did:web:bad.example:list": canned(b"[]"),
    "did:web:bad.example:twice": canned(b'{"id":"did:web:bad.example:twice","id":"b"}'),
    "did:web:bad.example:deep": canned(b'{"id":' + b"[" * 100 + b"]" * 100 + b"}"),
    "did:web:bad.example:huge": canned(b'{"id":"' + b"a" * 300_000 + b'"}'),
    "did:web:bad.example:latin": canned(b'{"id":"\xff"}'),
    "did:web:bad.example:close": raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
    "did:web:bad.example:noise": raw(b"hello\r\n\r\n"),
}
LOG = Log("log.example").append()
LOG.append(
    state=LOG.entries[0]["state"]
    | {"service": [{"id": "#files", "type": "LinkedDomains", "serviceEndpoint": "https://files.example"}]}
)
LOG.append()
ENDED = Log("ended.example").append().append({"deactivated": True})
FORGED = Log("forged.example").append().append(sign_with=Signer(9))
WITNESSED = Log("witnessed.example").append(witnessed(1, Signer(5))).approve(Signer(5))
UNWITNESSED = Log("unwitnessed.example").append(witnessed(1, Signer(5)))


def document(did: str, **members: Any) -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "id": did,
        "verificationMethod": [
            {"id": f"{did}#k1", "type": "Multikey", "controller": did, "publicKeyMultibase": MULTIKEY},
            {"id": "#k2", "type": "JsonWebKey", "controller": did, "publicKeyJwk": JWK},
        ],
        "authentication": [f"{did}#k1"],
        "assertionMethod": ["#k2"],
        "service": [
            {"id": "#files", "type": "LinkedDomains", "serviceEndpoint": "https://files.example/base/"},
            {
                "id": f"{did}#many",
                "type": ["A", "B"],
                "serviceEndpoint": ["https://a.example", {"uri": "https://b.example"}],
            },
            {
                "id": "#map",
                "type": "DIDCommMessaging",
                "serviceEndpoint": {"uri": "https://c.example", "accept": ["didcomm/v2"]},
            },
        ],
    } | members


def build(web: World) -> dict[str, Host]:
    good = web.host("good.example")
    good.publish(HOME, document(GOOD))
    good.publish("/users/alice/did.json", {"id": PLAIN})
    good.publish("/%7Buser%7D/did.json", {"id": "did:web:good.example:%7Buser%7D"})
    tagged = web.host("tagged.example")
    tagged.publish(HOME, document(TAGGED), etag='"v1"', cache_control="max-age=60")
    web.host("port.example").publish(HOME, document("did:web:port.example%3A8443"))
    odd = web.host("odd.example")
    for name, members in _ODD.items():
        did = f"did:web:odd.example:{name}"
        odd.publish(f"/{name}/did.json", document(did) | members)
    bad = web.host("bad.example")
    for did, script in BAD.items():
        bad.answer(f"/{did.rpartition(':')[2]}/did.json", script)
    web.host("other-name.example", certificate_for="somebody.example")
    web.host("untrusted.example", trusted=False)
    web.name("private.example", ["10.0.0.1"])
    web.name("loopback.example", ["127.0.0.1"])
    web.name("mixed.example", ["93.184.0.1", "10.0.0.1"])
    web.name("metadata.example", ["169.254.169.254"])
    web.name("silent.example", ["93.184.250.250"])
    web.name("nowhere.example", [])
    hosts = {"good": good, "tagged": tagged}
    for log in (LOG, ENDED, FORGED, WITNESSED, UNWITNESSED):
        host = hosts[log.host] = web.host(log.host)
        host.answer("/.well-known/did.jsonl", canned(log.text, content_type="text/jsonl"))
        host.answer(
            "/.well-known/did-witness.json", canned(log.witness_file, content_type="application/json")
        )
    return hosts


_ODD: dict[str, dict[str, Any]] = {
    "other": {"id": "did:web:other.example"},
    "upper": {"id": "did:web:ODD.example:upper"},
    "secret": {
        "verificationMethod": [
            {
                "id": "#k",
                "type": "JsonWebKey",
                "controller": "did:web:odd.example:secret",
                "publicKeyJwk": JWK | {"d": "AA"},
            }
        ]
    },
    "weak": {
        "verificationMethod": [
            {
                "id": "#k",
                "type": "JsonWebKey",
                "controller": "did:web:odd.example:weak",
                "publicKeyJwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
            }
        ]
    },
    "old": {"@context": "https://www.w3.org/ns/did/v1", "publicKey": [{"id": "#k"}]},
    "bare": {"@context": None},
    "typed": {"service": "x"},
    "suite": {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/ed25519-2020/v1"],
        "verificationMethod": [
            {
                "id": "#k",
                "type": "Ed25519VerificationKey2020",
                "controller": "did:web:odd.example:suite",
                "publicKeyMultibase": MULTIKEY,
            },
            {
                "id": "#b",
                "type": "Ed25519VerificationKey2018",
                "controller": "did:web:odd.example:suite",
                "publicKeyBase58": "GfHq2tTVk9z4eXgyNRNy8nTkXZ7RGB8nBkR6hGhr2G9K",
            },
        ],
    },
    "deactivated": {"deactivated": True},
    "extra": {
        "x": {"y": [1, 2.5, None, "z", True]},
        "alsoKnownAs": ["https://a.example"],
        "controller": GOOD,
    },
    "float": {"x": 1e400} | {"x": 1.0},
}
HOSTS = (
    "other-name.example",
    "untrusted.example",
    "private.example",
    "loopback.example",
    "mixed.example",
    "metadata.example",
    "silent.example",
    "nowhere.example",
    "nobody.example",
)
URLS = (
    "#k1",
    "#k2",
    "#absent",
    "#files",
    "?service=files",
    "?service=files&relativeRef=a/b",
    "?service=files&relativeRef=/a%3Fb",
    "?service=files&relativeRef=../../c#d",
    "?service=files&relativeRef=https://evil.example",
    "?service=files&relativeRef=//evil.example/",
    "?service=files&relativeRef=",
    "?service=many",
    "?service=many&relativeRef=/a",
    "?service=map&relativeRef=/a",
    "?service=absent",
    "?service=",
    "?serviceType=LinkedDomains",
    "?serviceType=LinkedDomains&relativeRef=a",
    "?relativeRef=a",
    "?versionId=1",
    "?versionTime=2026-01-01T00:00:00Z",
    "/path",
    "?unknown=1",
)


def cases() -> Iterator[Step]:
    yield from _found()
    for did in BAD:
        yield get(f"{BASE}/{did}")
        yield get(f"{BASE}/{did}", accept=LEGACY)
    for host in HOSTS:
        yield get(f"{BASE}/did:web:{host}")
        yield get(f"{BASE}/{quote(f'did:web:{host}', safe='')}?explain=true")
    yield from _dereferenced()
    yield from _logs()
    yield from _in_time()


def _found() -> Iterator[Case]:
    for did in (
        GOOD,
        PLAIN,
        TAGGED,
        "did:web:port.example%3A8443",
        "did:web:good.example:%7Buser%7D",
        "did:web:GOOD.example",
    ):
        for accept in ("", "application/did", "application/did+json", "application/did+ld+json", LEGACY):
            yield get(f"{BASE}/{did}", accept=accept)
        yield of("HEAD", f"{BASE}/{did}")
        yield get(f"{BASE}/{did}", if_none_match="*")
        yield get(f"{BASE}/{did}", if_none_match='"v1"')
        yield get(f"{BASE}/{did}", cache_control="no-cache")
        yield get(f"{BASE}/{quote(did, safe='')}?explain=true")
        yield get(f"{BASE}/{quote(did, safe='')}?noCache=true")
        yield post(f"{BASE}/{did}", {"noCache": True})
        yield post(f"{BASE}/{did}", b"", if_none_match="*")
    yield from (get(f"{BASE}/{GOOD}", accept=accept) for accept in ACCEPTS)
    yield post(f"{BASE}/{GOOD}", accept="text/html")
    yield post(f"{BASE}/did:web:bad.example:gone")
    yield from (get(f"{BASE}/{quote(GOOD, safe='')}?{option}") for option in OPTIONS)
    for name in _ODD:
        for accept in ("", "application/did", "application/did+ld+json", LEGACY):
            yield get(f"{BASE}/did:web:odd.example:{name}", accept=accept)
    yield post(BASE, {"dids": [GOOD, PLAIN, "did:web:nobody.example", *BAD]})
    yield post(BASE, {"identifiers": [f"{GOOD}#k1", f"{GOOD}?service=files&relativeRef=a", f"{GOOD}#absent"]})
    yield post(BASE, {"dids": [GOOD, TAGGED], "options": {"noCache": True}})


def _dereferenced() -> Iterator[Case]:
    for url in URLS:
        encoded = f"{BASE}/{quote(GOOD + url, safe='')}"
        yield get(encoded)
        yield get(f"{BASE}/{GOOD}{url.replace('#', '%23')}")
        yield get(encoded, accept="application/did-url-dereferencing")
        yield get(encoded, accept="text/uri-list")
        yield get(encoded, accept="application/did")
    for name in ("#k1", "#k2", "#files"):
        for relationship in ("authentication", "assertionMethod", "keyAgreement"):
            yield get(f"{BASE}/{quote(GOOD + name, safe='')}?verificationRelationship={relationship}")
    yield get(f"{BASE}/{quote('did:web:nobody.example#k', safe='')}")
    yield get(f"{BASE}/{quote('did:web:bad.example:gone#k', safe='')}")
    yield get(f"{BASE}/{quote('did:web:odd.example:other#k', safe='')}")


def _logs() -> Iterator[Case]:
    for log in (LOG, ENDED, FORGED, WITNESSED, UNWITNESSED):
        for accept in ("", "application/did", "application/did+ld+json", LEGACY):
            yield get(f"{BASE}/{log.did}", accept=accept)
        yield get(f"{BASE}/{quote(log.did, safe='')}?explain=true")
        yield get(f"{BASE}/{quote(log.did, safe='')}?versionNumber=1")
        yield get(f"{BASE}/{log.did}", if_none_match="*")
    for version in (
        "versionNumber=1",
        "versionNumber=2",
        "versionNumber=9",
        "versionNumber=0",
        f"versionId={LOG.entries[0]['versionId']}",
        "versionId=1-nothing",
        "versionTime=2025-01-01T00:01:30Z",
        "versionTime=2024-01-01T00:00:00Z",
        "versionTime=2030-01-01T00:00:00Z",
        "versionNumber=1&versionTime=2030-01-01T00:00:00Z",
    ):
        yield get(f"{BASE}/{LOG.did}?{version}")
        yield get(f"{BASE}/{quote(LOG.did, safe='')}?{version}")
        yield get(f"{BASE}/{quote(f'{LOG.did}?{version}', safe='')}")
        yield get(f"{BASE}/{quote(f'{LOG.did}?{version}#files', safe='')}")
    yield get(f"{BASE}/{quote(f'{LOG.did}#files', safe='')}")
    yield get(f"{BASE}/{quote(f'{LOG.did}?service=files&relativeRef=/a', safe='')}")
    yield get(f"{BASE}/did:webvh:{LOG.scid}:nobody.example")
    yield get(f"{BASE}/did:webvh:{LOG.scid}:ended.example")
    yield get(f"{BASE}/did:webvh:{LOG.scid}:good.example")


def passing(seconds: float) -> Step:
    async def pass_(scene: Scene) -> None:
        scene.clock.pass_(seconds)

    return pass_


async def _withdraw(scene: Scene) -> None:
    scene.hosts["good"].answer(HOME, canned(b"", 503))
    scene.hosts["tagged"].answer(HOME, canned(b"", 404))
    scene.hosts[LOG.host].answer("/.well-known/did.jsonl", canned(b"", 500))


def _in_time() -> Iterator[Step]:
    """What is said of a document as it grows old, and when its origin fails; no span ends within a revalidation."""
    dids = (GOOD, TAGGED, LOG.did)
    yield passing(20)
    yield from (get(f"{BASE}/{did}") for did in dids)
    yield passing(1_000)
    yield from (get(f"{BASE}/{did}") for did in dids)
    yield passing(7)
    yield from (get(f"{BASE}/{did}") for did in dids)
    yield _withdraw
    yield passing(1_000)
    for did in dids:
        encoded = f"{BASE}/{quote(did, safe='')}"
        yield get(f"{encoded}?maxStale=0")
        yield get(f"{encoded}?maxStale=2000")
        yield get(f"{BASE}/{did}")
        yield get(f"{BASE}/{did}", accept="application/did")
        yield get(f"{BASE}/{did}", accept=LEGACY)
        yield get(f"{encoded}?explain=true")
        yield get(f"{encoded}?noCache=true")
    yield passing(10_000)
    yield from (get(f"{BASE}/{did}") for did in dids)
