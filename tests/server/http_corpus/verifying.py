"""Whole credentials, verified: each form, each verdict, and questions that are none."""

from collections.abc import Iterator
from typing import Any

import msgspec

from proofs import sign_compact
from tests.credentials.mdocs import example
from tests.server.http_corpus.asking import Case, of, post
from tests.server.http_corpus.checks import signer_of
from tests.server.http_corpus.world import START
from tests.simulator import Host, World
from tests.statuslist.stranger import REVOKED, VALID, Stranger, secured, vc_jwt
from tests.statuslist.wing import did_document

NOW = int(START)
DID = "did:web:issuer.example"
SIGNER = signer_of(DID)


def build(web: World) -> dict[str, Host]:
    _issuer(web).publish_list()
    return {}


def _issuer(web: World) -> Stranger:
    issuer = Stranger(web, "issuer.example", NOW * 1_000_000)
    issuer.signer = SIGNER
    issuer.publish_did(did_document(SIGNER))
    return issuer


def cases() -> Iterator[Case]:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListCredential": "https://issuer.example/lists/1",
    }
    document: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "UniversityDegree"],
        "issuer": DID,
        "validFrom": "2026-09-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:holder"},
    }
    held = document | {"credentialStatus": entry | {"statusListIndex": str(VALID)}}
    revoked = document | {"credentialStatus": [entry | {"statusListIndex": str(REVOKED)}]}
    for each in (document, held, revoked, document | {"validUntil": "2026-09-02T00:00:00Z"}):
        yield _verify(vc_jwt(each, SIGNER).decode(), explain=True)
        yield _verify(msgspec.json.decode(secured(each, SIGNER, "jcs")))
    whole = vc_jwt(held, SIGNER).decode()
    yield _verify(whole, evidence="full")
    yield _verify(whole, at="2026-09-10T00:00:00Z")
    yield _verify(whole[:-2] + "AA")
    yield _verify(vc_jwt(held, signer_of("did:web:other.example")).decode())
    yield _verify(
        vc_jwt(held | {"issuer": "did:web:nobody.example"}, signer_of("did:web:nobody.example")).decode()
    )
    yield _verify(_sd_jwt({"iss": DID, "vct": "urn:degree", "exp": NOW + 60}))
    yield _verify(_sd_jwt({"iss": DID, "vct": "urn:degree"}), nonce="n", audience="https://verifier.example")
    yield _verify(example())
    yield _verify(example()[:-2] + "AA")
    for policy in ("stale", "issued-while-trusted", "any-issuer"):
        yield _verify(whole, policy=policy)
    yield post("/verify/batch", {"credentials": [whole, "no credential"], "policy": "any-issuer"})
    yield from _no_questions(whole)


def _no_questions(whole: str) -> Iterator[Case]:
    for path in ("/verify", "/verify/batch"):
        yield of("GET", path)
        yield post(path, b"{")
        yield post(path, b"{}", content_type="text/plain")
    for asked in (
        {},
        {"credential": 1},
        {"credential": ""},
        {"credential": whole, "unknown": 1},
        {"credential": whole, "nonce": "n"},
        {"credential": whole, "maxStale": 5},
        {"credential": whole, "policy": "lax"},
        {"credential": whole, "at": "tomorrow"},
        {"credential": whole, "at": "2027-01-01T00:00:00Z"},
    ):
        yield post("/verify", asked)
    for credential in (
        "é",
        "a.b.c",
        "oA",
        "~",
        "eyJhbGciOiJub25lIn0.e30.~",
        "a~b~c",
        {"proof": {}},
        "x" * 1_100_000,
    ):
        yield _verify(credential)
    yield post("/verify/batch", {"credentials": []})
    yield post("/verify/batch", {"credentials": [whole] * 101})


def _verify(credential: Any, **options: Any) -> Case:
    return post("/verify", {"credential": credential} | options)


def _sd_jwt(claims: dict[str, Any]) -> str:
    return (
        sign_compact(msgspec.json.encode(claims), header={"typ": "dc+sd-jwt"}, signer=SIGNER).decode() + "~"
    )
