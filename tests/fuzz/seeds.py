"""
What the fuzzer starts from: the vectors in data/vectors, documents of every shape that we know, and the corpus,
which is every input that once failed or led somewhere new.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from resolver import Resolver
from resolver.encoding import decode_base64url, encode_varint
from resolver.errors import ResolutionError
from resolver.options import WIRE_NAMES
from tests.fuzz.answers import DID, OURS
from tests.fuzz.drivers import batch_seeds, driver_seeds
from tests.fuzz.logs import changed_seeds, hostile_seeds
from tests.fuzz.sign_in import KEY_SETS
from tests.fuzz.sign_in import TOKENS as SIGN_IN_TOKENS
from tests.fuzz.signed import CERTIFICATES, CHAINS, CRLS, NOTE_KEYS, NOTES, PAYLOAD, TOKENS
from tests.fuzz.token_lists import CWT_PAYLOADS, JWT_PAYLOADS
from tests.fuzz.trust import CURSORS, QUESTIONS, SEARCHES
from tests.vectors import vectors

CORPUS = Path(__file__).parent / "corpus"

ACCEPTS = (
    "", "*/*", "application/did-resolution", "application/did-url-dereferencing", "application/did",
    "application/did+json", "application/did+ld+json", "application/json", "application/ld+json",
    'application/ld+json;profile="https://w3id.org/did-resolution"', "application/problem+json",
    "text/uri-list", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "application/*;q=0.5, application/did;q=0", "application/did;q=0.2, application/did-resolution;q=0.1",
    "text/html", ",", "application/did ; charset=\"utf-8\"",
)  # fmt: skip
WORDS = (
    *sorted(WIRE_NAMES), *(accept for accept in ACCEPTS if accept), "did:", "did:key:", "did:web:",
    "did:jwk:", "%3A", "did%3A", "?versionTime=2026-01-31T12:00:00Z", "?service=files&relativeRef=/a",
    "service=files", "relativeRef=", "&", "=", "true", "false", "#0", "publicKeyFormat=JsonWebKey2020",
    "enableEncryptionKeyDerivation=false", "example.com", "%3A8443", "z6Mk", "z6LS", "verificationMethod",
    "publicKeyJwk", "publicKeyMultibase", "controller", "service", "serviceEndpoint", "@context",
    "alsoKnownAs", "keyAgreement", "assertionMethod", "id", "type", "kty", "crv", "x", "y", "d", "k", "use",
    "n", "e", "OKP", "EC", "RSA", "oct", "Ed25519", "X25519", "P-256", "secp256k1", "Multikey",
    "secretKeyJwk", "privateKeyPem", "-----BEGIN PRIVATE KEY-----", "max-age=", "s-maxage=10", "no-store",
    "no-cache", 'W/"x"', "dids", "identifiers", "options", "didDocument", "didResolutionMetadata", "error",
    "deactivated", "Expires", "Date", "Content-Length: ", "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n", "0\r\n\r\n",
)  # fmt: skip


@cache
def corpus(target: str) -> tuple[bytes, ...]:
    """Return the inputs that are kept for a target."""
    return tuple(path.read_bytes() for path in sorted((CORPUS / target).glob("*")))


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Return what a target starts from, the corpus included."""
    return (*_BY_TARGET[target](), *corpus(target))


@cache
def dids() -> tuple[str, ...]:
    """Return the DIDs of all vectors, good and bad."""
    names = ("did-key-positive", "did-key-negative", "did-jwk-cases", "did-web-url-table")
    return (*(str(row["did"]) for name in names for row in vectors(name)), OURS, DID, "did:example:a:b%20c")


def jwks() -> list[bytes]:
    found = [
        json.dumps(row["publicKeyJwk"]).encode()
        for row in vectors("did-key-positive")
        if "publicKeyJwk" in row
    ]
    for text in dids():
        if text.startswith("did:jwk:"):
            try:
                found.append(decode_base64url(text[8:]))
            except ValueError:
                continue
    return found


@cache
def documents() -> tuple[bytes, ...]:
    """Return documents for `DID`: what our methods make, under that id, and two that have everything."""
    found: list[dict[str, Any]] = [_everything(), {"id": DID}]
    resolver = Resolver()
    for text in dids():
        try:
            resolved = resolver.resolve_local(text)
        except ResolutionError:
            continue
        if resolved is not None and resolved.document is not None and len(text) < 500:
            found.append(json.loads(json.dumps(resolved.document).replace(text, DID)))
    return tuple(json.dumps(document).encode() for document in found)


def _everything() -> dict[str, Any]:
    key = {
        "id": "#k",
        "type": "Multikey",
        "controller": DID,
        "publicKeyMultibase": dids()[0].rpartition(":")[2],
    }
    endpoints: list[Any] = ["https://x.example/a", {"uri": "https://x.example/b", "accept": ["didcomm/v2"]}]
    return {
        "@context": ["https://www.w3.org/ns/did/v1", {"x": "https://x.example/#x"}],
        "id": DID,
        "controller": [DID],
        "alsoKnownAs": ["https://x.example/", "did:web:other.example"],
        "verificationMethod": [key, {**key, "id": f"{DID}#l", "expires": "2026-01-31T12:00:00Z"}],
        "authentication": ["#k", {**key, "id": "?a#m"}],
        "keyAgreement": [f"{DID}#l"],
        "service": [
            {"id": "#files", "type": ["LinkedDomains", "x"], "serviceEndpoint": endpoints},
            {"id": f"{DID}#mail", "type": "DIDCommMessaging", "serviceEndpoint": endpoints[1]},
        ],
    }


def _requests() -> list[bytes]:
    tails = (
        "",
        "#0",
        "?service=files",
        "/path",
        "?versionId=1",
        "#files",
        "?versionTime=2026-01-31T12:00:00Z&noCache=true",
    )
    options = ("", "noCache=true", "publicKeyFormat=JsonWebKey2020&accept=application/did", "unknown=1")
    lines = [[did + tails[i % 7], "", ACCEPTS[i % len(ACCEPTS)], "", ""] for i, did in enumerate(dids())]
    lines += [[OURS + tail, "", ACCEPTS[i % len(ACCEPTS)], "", ""] for i, tail in enumerate(_OWN_TAILS * 3)]
    lines += [[did.replace(":", "%3A"), options[i % 4], "", "", ""] for i, did in enumerate(dids())]
    lines += [
        [
            did,
            "",
            "*/*",
            "application/json",
            '{"accept":"application/did","expandRelativeUrls":true,"noCache":"true"}',
        ]
        for did in dids()[::9]
    ]
    return ["\n".join(line).encode() for line in lines]


_OWN_TAILS = (
    "?service=files", "?service=files&relativeRef=/a/b", "?serviceType=x", "?service=%23files#k", "#files",
    "#k", "?service=files&relativeRef=..%2Fx", "?verificationRelationship=authentication#k",
    "?explain=true", "?service=mail&relativeRef=a", "?service=nothing", "?versionNumber=1",
    "?maxStale=0&noCache=true",
)  # fmt: skip


def _varints() -> list[bytes]:
    return [encode_varint(1 << bits) + b"rest" for bits in range(0, 63, 7)] + [b"\x80" * 9, b"\x80\x00", b""]


def _after(prefix: str) -> list[bytes]:
    return [text.removeprefix(prefix).encode() for text in dids() if text.startswith(prefix)]


def _pairs() -> list[bytes]:
    found = [
        b"example.com:a:.well-known\nexample.com:a",
        b"example.com%3A8443:b\nexample.com:b",
        b"a.example\nA.Example",
    ]
    webs = _after("did:web:")
    return found + [one + b"\n" + webs[(number * 7 + 1) % len(webs)] for number, one in enumerate(webs)]


_CACHE = (
    b'Cache-Control: s-maxage=60, max-age="5", private\nETag: W/"x"\nAge: 10',
    b'Expires: Wed, 25 Nov 2026 10:00:00 GMT\nDate: Wed, 25 Nov 2026 09:00:00 GMT\nETag: "y"',
    b'Cache-Control: max-age=99999999999\nExpires: 0\nIf-None-Match: "x", W/"y", *',
)
_URLS = (
    b"https://example.com/did.json", b"https://a.example:8443/a/b%20c?x=1&y=%2F", b"https://EXAMPLE.com",
    b"https://user@example.com/", b"https://127.0.0.1/", b"https://example.com:443/../x",
    b"http://example.com/", b"https://xn--bcher-kva.example/?", b"https://[::1]/", b"https://0x7f.1/",
    b"https://example.com/#x",
)  # fmt: skip

_RELATIVE_REFS = (
    b"https://example.com/files\n/a/b%20c\n", b"https://example.com/files/\n../x\n",
    b"https://example.com/a/b\n%2E%2E/c\nk", b"http://example.com:8080\n?q=1#f\n",
    b"https://example.com\n\nk", b"https://example.com/a/\n..%5Cb\n",
    b"https://example.com/a;x/\n%252e%252e/b\n", b"https://[::1]/a\n./\n",
    b"https://example.com/a\n/a/../b\n", b"https://example.com/a#f\nb\n",
    b"https://example.com/a?q\n%3Fz\n", b"javascript:alert(1)\n/a\n",
    b"https://example.com/a/..;/b\n..;/c\n", b"https://example.com/a\n//x.example\n",
)  # fmt: skip

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/did\r\n"
_CHUNKS = b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3;x=y\r\n:1}\r\n0\r\nX: y\r\n\r\n'
_ORIGIN_ANSWERS = (
    b"\x05\x00\x20\n" + _HEAD + b"Content-Length: 9\r\n\r\n{\"id\":1}x", b"\x30\x01\n" + _HEAD + _CHUNKS,
    b"\n" + _HEAD + b"\r\n{}", b"\x01\nHTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"\x10\nHTTP/1.1 100 Continue\r\n\r\n" + _HEAD + b"Content-Length: 2\r\n\r\n{}",
    b"\x02\nHTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
    b"\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n",
    b"\nHTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    b"\n" + _HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", b"\nHTTP/1.1 200\nX:y\n\n",
    b"\n" + _HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"\n" + _HEAD + b"X: a\r\n b\r\n\r\n",
)  # fmt: skip

_BY_TARGET: dict[str, Any] = {
    "did": lambda: [text.encode() for text in dids()],
    "did_url": lambda: [line.split(b"\n")[0] for line in _requests()],
    "cache_key": _pairs,
    "web": lambda: _after("did:web:"),
    "url": lambda: _URLS,
    "base58btc": lambda: [text[1:] for text in _after("did:key:")],
    "base64url": lambda: [*_after("did:jwk:"), b"AA", b"AAA", b"AAAA", b"AR", b"AQ==", b"-_8"],
    "unsigned_varint": _varints,
    "multikey": lambda: _after("did:key:"),
    "jwk": jwks,
    "strict_cbor": lambda: [PAYLOAD, *TOKENS, *(token[1:] for token in TOKENS)],
    "cose_sign1": lambda: TOKENS,
    "jwt_list": lambda: JWT_PAYLOADS,
    "cwt_list": lambda: CWT_PAYLOADS,
    "sign_in_token": lambda: SIGN_IN_TOKENS,
    "jwk_set": lambda: KEY_SETS,
    "signed_note": lambda: NOTES,
    "note_key": lambda: NOTE_KEYS,
    "certificate_path": lambda: CERTIFICATES,
    "certificate_crl": lambda: CRLS,
    "certificate_file": lambda: CHAINS,
    "strict_json": lambda: [*jwks(), *documents(), b'[1.5e3,-0.0,"\\ud83d\\ude00",null,18446744073709551616]'],
    "held": lambda: QUESTIONS,
    "search": lambda: SEARCHES,
    "cursor": lambda: CURSORS,
    "language": lambda: [b"de-CH, de;q=0.9, *;q=0.1", b"fr;q=0", b"zh-Hant-x-a", b"ja,en", b"el ; q = 0.5"],
    "accept": lambda: [text.encode() for text in ACCEPTS],
    "freshness": lambda: _CACHE,
    "forwarded": lambda: [b"192.0.2.9, 10.0.0.2", b"[2001:db9::1]:80\n10.1.1.1", b"1.2.3.4:99, 2001:db8::5", b"x"],
    "origin_answer": lambda: _ORIGIN_ANSWERS,
    "relative_ref": lambda: _RELATIVE_REFS,
    "changed_log": changed_seeds,
    "hostile_log": hostile_seeds,
    "request": _requests,
    "document": documents,
    "driver": lambda: list(driver_seeds()),
    "batch": lambda: list(batch_seeds()),
    "origin": lambda: [b"200\napplication/did+json\nmax-age=60\n" + text for text in documents()]
    + [b"404\ntext/html\n\n", b"410\n\n\n", b"301\n\n\n{}", b"500\n\n\n", b"200\ntext/html; charset=x\n\n{}"],
}  # fmt: skip
