"""Our DID documents: the keys in them, whose they are, and what a key that cannot be read does to whom."""

import asyncio
import json
import os
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from operators import Issuer
from proofs import create_key_file, sign_compact
from resolver import Resolver, public_key_of
from resolver.lint.findings import lint
from server.identity import DocumentUnavailable, Identities
from server.settings import Settings
from tests.resolver.asking import answer_now
from wire import ResourceNotFound

LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'


def _identities(directory: Path) -> tuple[Identities, Ed25519PrivateKey]:
    key = create_key_file(directory / "key-1.pem")
    settings = Settings(key_dir=str(directory))
    identities = Identities(settings)
    asyncio.run(identities.take_up([Issuer(id="default", did=settings.did, key_name="key-1")]))
    return identities, key


def test_the_same_key_stands_in_the_shape_of_each_form(tmp_path: Path) -> None:
    identities, key = _identities(tmp_path)
    signer = identities.signer_of("default")
    document = identities.own_document("did:web:localhost%3A8000")
    assert document is not None
    methods = {method["id"]: method for method in document["verificationMethod"]}

    assert methods[signer.verification_method]["type"] == "Multikey"
    assert methods[signer.jws_key_id]["type"] == "JsonWebKey"
    assert all(public_key_of(method) == key.public_key() for method in methods.values())
    assert set(document["assertionMethod"]) == set(methods)


def test_the_linter_finds_nothing_in_our_own_document(tmp_path: Path) -> None:
    identities, _ = _identities(tmp_path)
    document = identities.own_document("did:web:localhost%3A8000")

    assert document is not None
    assert lint(document) == []


def test_our_document_has_contexts_that_define_its_terms_in_each_form(tmp_path: Path) -> None:
    identities, key = _identities(tmp_path)
    resolver = Resolver(own_document=identities.own_document)
    found = {
        accept: answer_now(resolver, f"/1.0/identifiers/{OURS}".encode(), b"", accept)
        for accept in ("application/did", "application/did+json", "application/did+ld+json", LEGACY)
    }
    documents = {accept: json.loads(answer.body) for accept, answer in found.items() if answer is not None}
    documents[LEGACY] = documents[LEGACY]["didDocument"]
    documents["file"] = json.loads(identities.document_answer("default", 0.0).body)

    assert documents["application/did"] == identities.own_document(OURS)
    assert documents["application/did"]["@context"] == ["https://www.w3.org/ns/did/v1.1"]
    assert documents["application/did+json"] == documents["application/did+ld+json"] == documents[LEGACY]
    assert documents[LEGACY]["@context"] == [
        "https://www.w3.org/ns/did/v1",
        "https://w3id.org/security/multikey/v1",
        "https://w3id.org/security/suites/jws-2020/v1",
    ]
    assert documents["file"]["@context"] == [
        "https://www.w3.org/ns/did/v1",
        "https://w3id.org/security/multikey/v1",
        "https://w3id.org/security/jwk/v1",
    ]
    for name, document in documents.items():
        assert lint(document) == [], name
        assert all(public_key_of(method) == key.public_key() for method in document["verificationMethod"])
        assert documents["file"]["assertionMethod"] == document["assertionMethod"]


def test_the_key_that_signs_tokens_is_published_as_a_json_web_key_and_shown_to_old_loaders_in_their_suite(
    tmp_path: Path,
) -> None:
    """VC-JOSE-COSE demands the type JsonWebKey of the published document; old loaders have no context of it."""
    identities, _ = _identities(tmp_path)
    resolver = Resolver(own_document=identities.own_document)
    answer = answer_now(resolver, f"/1.0/identifiers/{OURS}".encode(), b"", "application/did+json")
    published = identities.document_answer("default", 0.0)

    assert answer is not None
    assert published.media_type == answer.media_type == "application/did+json"
    shown = json.loads(answer.body)["verificationMethod"]
    written = json.loads(published.body)["verificationMethod"]
    assert [method["type"] for method in written] == ["Multikey", "JsonWebKey"]
    assert shown == [written[0], written[1] | {"type": "JsonWebKey2020"}]


@pytest.mark.parametrize(("number", "types"), [(0, ["Multikey"] * 2), (1, ["JsonWebKey"] * 2)])
def test_a_format_that_is_asked_for_is_that_of_our_own_document(
    tmp_path: Path, number: int, types: list[str]
) -> None:
    identities, _ = _identities(tmp_path)
    resolver = Resolver(own_document=identities.own_document)
    before = json.dumps(identities.own_document(OURS))
    path = f"/1.0/identifiers/{OURS.replace(':', '%3A').replace('%3A8000', '%253A8000')}".encode()
    answer = answer_now(resolver, path, f"publicKeyFormat={types[0]}".encode(), "application/did+ld+json")

    assert answer is not None
    document = json.loads(answer.body)
    assert [method["type"] for method in document["verificationMethod"]] == types
    assert document["verificationMethod"][number] == json.loads(before)["verificationMethod"][number]
    assert document["@context"] == ["https://www.w3.org/ns/did/v1.1"]
    assert json.dumps(identities.own_document(OURS)) == before


def test_a_part_of_our_document_as_json_ld_has_its_contexts(tmp_path: Path) -> None:
    identities, _ = _identities(tmp_path)
    resolver = Resolver(own_document=identities.own_document)
    path = f"/1.0/identifiers/{OURS}%23key-1-jwk".replace(":", "%3A").replace("A8000", "A8000").encode()
    path = path.replace(b"%3A8000", b"%253A8000")
    answer = answer_now(resolver, path, b"", "application/did+ld+json")

    assert answer is not None
    method = json.loads(answer.body)
    assert (method["id"], method["type"]) == (f"{OURS}#key-1-jwk", "JsonWebKey2020")
    assert method["@context"][0] == "https://www.w3.org/ns/did/v1"
    assert "https://w3id.org/security/suites/jws-2020/v1" in method["@context"]


def test_a_jws_names_the_json_web_key(tmp_path: Path) -> None:
    identities, _ = _identities(tmp_path)
    signer = identities.signer_of("default")
    head = sign_compact(b"{}", header={"typ": "vc+jwt"}, signer=signer).split(b".")[0]

    assert json.loads(urlsafe_b64decode(head + b"=="))["kid"] == "did:web:localhost%3A8000#key-1-jwk"


def test_a_did_that_is_not_ours_has_no_document_here(tmp_path: Path) -> None:
    identities, _ = _identities(tmp_path)

    assert identities.own_document("did:web:localhost%3A8001") is None


OURS = "did:web:localhost%3A8000"


def _rows(*rows: tuple[str, str]) -> list[Issuer]:
    return [Issuer(id=issuer_id, did=did, key_name=f"{issuer_id}-1") for issuer_id, did in rows]


@pytest.mark.parametrize(
    "did",
    [
        "did:web:bank.example",
        "did:web:localhost%3A8000:issuers:another",
        "did:web:localhost%3a8000:issuers:acme",
        f"{OURS}:issuers:acme:x",
        "did:web:localhost:issuers:acme",
    ],
)
def test_a_did_that_is_not_the_issuers_own_under_our_host_is_never_answered_from_here(
    tmp_path: Path, did: str
) -> None:
    create_key_file(tmp_path / "acme-1.pem")
    identities = Identities(Settings(key_dir=str(tmp_path)))
    asyncio.run(identities.take_up(_rows(("acme", did))))

    assert identities.own_document(did) is None
    with pytest.raises(ResourceNotFound):
        identities.document_answer("acme", 0.0)


def test_a_key_that_cannot_be_read_fails_its_issuer_alone_until_it_can(tmp_path: Path) -> None:
    told: list[tuple[str, str, bool]] = []
    create_key_file(tmp_path / "good-1.pem")
    create_key_file(tmp_path / "open-1.pem").private_bytes_raw()
    (tmp_path / "open-1.pem").chmod(0o644)
    (tmp_path / "words-1.pem").write_text("no key")
    (tmp_path / "words-1.pem").chmod(0o600)
    (tmp_path / "folder-1.pem").mkdir()
    os.mkfifo(tmp_path / "pipe-1.pem", 0o600)
    unreadable = ("gone", "open", "words", "folder", "pipe")
    rows = _rows(*((name, f"{OURS}:issuers:{name}") for name in (*unreadable, "good")))
    identities = Identities(
        Settings(key_dir=str(tmp_path)),
        on_state=lambda kind, subject, reason: told.append(
            (kind.value, subject.partition(" on ")[0], reason is not None)
        ),
    )
    taken = asyncio.run(identities.take_up(rows))
    for name in unreadable:
        with pytest.raises(DocumentUnavailable):
            identities.own_document(f"{OURS}:issuers:{name}")
        with pytest.raises(ResourceNotFound):
            identities.signer_of(name)
    (tmp_path / "open-1.pem").chmod(0o600)
    mended = asyncio.run(identities.take_up(rows))

    assert taken
    assert identities.own_document(f"{OURS}:issuers:good") is not None
    assert mended
    assert identities.own_document(f"{OURS}:issuers:open") is not None
    assert [subject for _, subject, is_wrong in told if is_wrong] == [
        *unreadable,
        *("gone", "words", "folder", "pipe"),
    ]
    assert [row for row in told if not row[2]] == [
        ("key-unreadable", "good", False),
        ("key-unreadable", "open", False),
    ]
