"""Checks of statuses that others publish: lists of every purpose and form, wrong ones, and whole credentials."""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import KeySigner
from statuslist.formats.forms import TOKEN_FORMS
from tests.server.http_corpus.asking import Case, post
from tests.server.http_corpus.world import START
from tests.simulator import Host, World, canned
from tests.statuslist.former_lists import former_list, vc11_jwt
from tests.statuslist.stranger import REVOKED, VALID, Stranger, jcs_secured_until, secured, vc_jwt
from tests.statuslist.tokens import claims_of, jwt
from tests.statuslist.wing import did_document

NOW = int(START * 1_000_000)
HOUR = 3_600_000_000  # microseconds
MESSAGES = [{"status": "0x0", "message": "fine"}, {"status": "0x1", "message": "delayed"}]
FORMS = ("jcs", "rdfc", "jwt")
PURPOSES: dict[str, dict[str, Any]] = {
    "revocation": {},
    "suspension": {},
    "refresh": {},
    "message": {"statusMessage": MESSAGES, "statusSize": 1},
    "https-example": {},
}


def signer_of(did: str, number: int = 0) -> KeySigner:
    """Return a signer with the key of a DID, the same in every run."""
    seed = hashlib.sha256(f"{did} {number}".encode()).digest()
    return KeySigner(Ed25519PrivateKey.from_private_bytes(seed), f"{did}#key-1")


def build(web: World) -> dict[str, Host]:
    for form in FORMS:
        _stranger(web, f"{form}.example").publish_list(form=form)
    for purpose in PURPOSES:
        host = _stranger(web, f"{purpose}.example")
        host.publish_list(
            host.list_document(purpose="https://example.org/lost" if purpose == "https-example" else purpose)
        )
    _wrong_lists(web)
    _lists_of_other_kinds(web)
    other = _stranger(web, "borrowed.example")
    lender = _stranger(web, "lender.example")
    other.publish_list(other.list_document(issuer=lender.did), signer=lender.signer)
    _stranger(web, "stolen.example").publish_list(signer=signer_of("did:web:lender.example"))
    _stranger(web, "forged.example").publish_list(signer=signer_of("did:web:forged.example", 1))
    for name, status in (("missing", 404), ("broken", 500), ("moved", 302), ("gone", 410)):
        _stranger(web, f"{name}.example").serve(b"{}", status, location="https://jcs.example/lists/1")
    served = {"text": b"hello", "list": b"[]", "empty": b"", "twice": b'{"a":1,"a":2}', "token": b"a.b.c"}
    for name, body in served.items():
        _stranger(web, f"{name}.example").serve(body, content_type="application/vc")
    for name, issuer in (
        ("unknown", "did:nope:x"),
        ("rotten", "did:web:rotten-did.example"),
    ):
        host = _stranger(web, f"{name}.example")
        host.publish_list(host.list_document(issuer=issuer), signer=signer_of(issuer))
    web.host("rotten-did.example").answer("/.well-known/did.json", canned(b"", 500))
    mute = _stranger(web, "mute.example")
    mute.publish_list()
    mute.publish_did({"id": mute.did})
    ended = _stranger(web, "ended.example")
    ended.serve(
        jcs_secured_until(ended.list_document(), ended.signer, "2020-01-01T00:00:00Z"),
        content_type="application/vc",
    )
    return {}


def _lists_of_other_kinds(web: World) -> None:
    for form in TOKEN_FORMS:
        host = _stranger(web, f"{form.replace('.', '-')}.example")
        host.publish_token_list(form, host.token_list(values={REVOKED: 1, VALID + 1: 2}))
    lent = _stranger(web, "lent-token.example")
    lent.publish_token_list(signer=signer_of("did:web:lender.example"))
    late = _stranger(web, "late-token.example")
    late.publish_token_list(token_list=late.token_list(expires=NOW - HOUR))
    nameless = _stranger(web, "nameless-token.example")
    nameless.serve(
        jwt(claims_of(nameless.list_url, NOW), nameless.signer, kid="1"), content_type="application/jwt"
    )
    former = _stranger(web, "former.example")
    former.publish_list(former_list(former))
    former_jwt = _stranger(web, "former-jwt.example")
    former_jwt.serve(vc11_jwt(former_list(former_jwt), former_jwt.signer), content_type="application/jwt")


def _wrong_lists(web: World) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "short": {"length": 131_064},
        "old": {"valid_from": NOW - 2 * HOUR, "valid_until": NOW - HOUR},
        "early": {"valid_from": NOW + HOUR, "valid_until": NOW + 2 * HOUR},
        "elsewhere": {"url": "https://elsewhere.example/lists/1"},
        "unexpanded": {"encoded_list": "uAAAA"},
        "unencoded": {"encoded_list": "zzz"},
        "huge": {"length": 2**27},
    }
    for name, values in wrong.items():
        host = _stranger(web, f"{name}.example")
        host.publish_list(host.list_document(**values))
    others: dict[str, dict[str, Any]] = {
        "untyped": {"type": ["VerifiableCredential"]},
        "subjectless": {"credentialSubject": {}},
    }
    for name, members in others.items():
        host = _stranger(web, f"{name}.example")
        host.publish_list(host.list_document() | members)
    bare = _stranger(web, "bare.example")
    bare.serve(msgspec.json.encode(bare.list_document()), content_type="application/vc")


def _stranger(web: World, name: str) -> Stranger:
    found = Stranger(web, name, NOW)
    found.signer = signer_of(found.did)
    found.publish_did(did_document(found.signer))
    return found


def entry(host: str, index: int = VALID, purpose: str = "revocation", **members: Any) -> dict[str, Any]:
    url = f"https://{host}/lists/1"
    return {
        "id": f"{url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": url,
    } | members


def former_entry(host: str, index: int = VALID) -> dict[str, Any]:
    return entry(host, index, type="StatusList2021Entry")


def check_claim(host: str, index: Any = VALID, **members: Any) -> Case:
    status = {"status_list": {"idx": index, "uri": f"https://{host}/lists/1"}}
    return post("/status/check", {"issuer": f"did:web:{host}", "status": status} | members)


def check(host: str, *entries: dict[str, Any], **members: Any) -> Case:
    body = {"issuer": f"did:web:{host}", "credentialStatus": list(entries)} | members
    return post("/status/check", body)


HOSTS = """
    short old early elsewhere unexpanded unencoded huge untyped subjectless bare borrowed stolen forged missing
    broken moved gone text list empty twice token mute ended
    nobody unknown rotten
"""


def cases() -> Iterator[Case]:
    for form in FORMS:
        for index in (VALID, REVOKED, 131_071, 131_072):
            yield check(f"{form}.example", entry(f"{form}.example", index))
    for purpose, members in PURPOSES.items():
        named = "https://example.org/lost" if purpose == "https-example" else purpose
        for index in (VALID, REVOKED):
            yield check(f"{purpose}.example", entry(f"{purpose}.example", index, named, **members))
        yield check(f"{purpose}.example", entry(f"{purpose}.example", VALID, "suspension"))
    message = PURPOSES["message"]
    yield check("message.example", entry("message.example", VALID, "message"))
    yield check("message.example", entry("message.example", VALID, "message", **message | {"statusSize": 3}))
    yield check(
        "message.example", entry("message.example", VALID, "message", **message | {"statusMessage": []})
    )
    for host in HOSTS.split():
        yield check(f"{host}.example", entry(f"{host}.example"))
    for lists_of in (["did:web:lender.example"], ["did:web:nobody.example"], ["junk"]):
        yield check("borrowed.example", entry("borrowed.example"), listIssuers=lists_of)
    yield check("jcs.example", entry("jcs.example"), entry("revocation.example", REVOKED))
    yield check("jcs.example", entry("jcs.example"), entry("missing.example"))
    yield check("nobody.example", entry("jcs.example"))
    for url in (
        "http://jcs.example/lists/1",
        "https://jcs.example/lists/1?x=1",
        "https://jcs.example:22/x",
        "https://10.0.0.1/x",
    ):
        yield check("jcs.example", entry("jcs.example", statusListCredential=url))
    yield from _of_other_kinds()
    yield from _credentials()


def _of_other_kinds() -> Iterator[Case]:
    for host in ("token-jwt.example", "token-cwt.example"):
        for index in (VALID, REVOKED, VALID + 1, 1_024, -1, "8"):
            yield check_claim(host, index)
    for name in ("lent-token", "late-token", "nameless-token", "missing", "jcs"):
        yield check_claim(f"{name}.example")
    for host in ("former.example", "former-jwt.example"):
        yield check(host, former_entry(host))
        yield check(host, former_entry(host, REVOKED))
        yield check(host, entry(host))
    yield check("jcs.example", former_entry("jcs.example"))
    yield check("jcs.example", entry("jcs.example", type="RevocationList2020Status"), entry("jcs.example"))
    yield check("jcs.example", entry("token-jwt.example"))
    yield check_claim(
        "token-jwt.example", status={"identifier_list": {"id": "8", "uri": "https://a.example"}}
    )
    yield check_claim("token-jwt.example", status={})
    yield check_claim("token-jwt.example", credentialStatus=[entry("jcs.example")])
    for moment in ("2026-09-21T14:13:00Z", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "yesterday"):
        yield check_claim("token-jwt.example", at=moment)
        yield check("jcs.example", entry("jcs.example"), at=moment)
    for certificate in ("", "AAAA", "no base64"):
        yield check_claim("token-jwt.example", anchors=[certificate])
    yield post("/status/check", {"status": {"status_list": {"idx": 8, "uri": "https://jcs.example/lists/1"}}})


def credential(host: str, *entries: dict[str, Any], **members: Any) -> dict[str, Any]:
    status = {"credentialStatus": list(entries)} if entries else {}
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": f"did:web:{host}",
        "credentialSubject": {"id": "did:example:holder"},
        **status,
    } | members


def _credentials() -> Iterator[Case]:
    host = "jwt.example"
    signer = signer_of(f"did:web:{host}")
    wanted = (
        credential(host, entry(host)),
        credential(host, entry(host, REVOKED)),
        credential(host),
        credential(host, entry(host), validFrom="2030-01-01T00:00:00Z"),
        credential(host, entry(host), validUntil="2020-01-01T00:00:00Z"),
        credential(host, entry(host), validUntil="soon"),
        credential(host, entry(host), issuer="did:web:jcs.example"),
        credential(host, entry(host), type=["Nothing"]),
        credential(host, entry("missing.example")),
    )
    for document in wanted:
        yield _whole(vc_jwt(document, signer))
    good = wanted[0]
    yield _whole(vc_jwt(good, signer, typ="JWT"))
    yield _whole(vc_jwt(good, signer, kid="did:web:nobody.example#key-1"))
    yield _whole(vc_jwt(good, signer, kid=f"did:web:{host}#absent"))
    yield _whole(vc_jwt(good, signer_of(f"did:web:{host}", 1)))
    yield _whole(vc_jwt(good, signer)[:-4] + b"AAAA")
    yield _whole(vc_jwt(credential("nobody.example", entry(host)), signer_of("did:web:nobody.example")))
    yield post("/status/check", secured(good, signer, "jcs"))
    yield post("/status/check", secured(good, signer, "jcs"), content_type="application/vc")


def _whole(token: bytes) -> Case:
    return post("/status/check", token, content_type="application/vc+jwt")
