"""Our DID documents: the keys in them, whose they are, and what a key that cannot be read does to whom."""

import asyncio
import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from operators import Issuer, IssuerKey
from proofs import Algorithm, PrivateKey, Signer, create_key_file, sign_compact
from resolver import Resolver, public_key_of
from resolver.lint.findings import lint
from server.database import MIGRATIONS, open_of
from server.identity.custody import Custody
from server.identity.held_keys import LOOK_AGAIN_SECONDS
from server.identity.identities import DocumentUnavailable, Identities
from server.settings import Settings
from storage import migrate
from tests.clock import Clock
from tests.issuers import inserting, key_row
from tests.resolver.asking import answer_now
from wire import ResourceNotFound

ACME = "did:web:localhost%3A8000:issuers:acme"
OURS = "did:web:localhost%3A8000"
LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'


class Process:
    """What a process knows of issuers, over a database of its own; a key has a name and no more, as before 0.3."""

    def __init__(self, directory: Path, *issuers: Issuer, **given: Any) -> None:
        self.settings = Settings(
            key_dir=str(directory), database_url=f"sqlite:///{directory}/touchstone.db", mirror_dir="off"
        )
        self.database = open_of(self.settings, create=True)
        self.identities = Identities(self.settings, self.database, **given)
        asyncio.run(self._open(issuers))

    async def _open(self, issuers: Iterable[Issuer]) -> None:
        await migrate(self.database, MIGRATIONS)
        for issuer in issuers:
            name = "key-1" if issuer.id == "default" else f"{issuer.id}-1"
            await self.database.write(inserting(issuer, key_row(issuer.id, name)))

    def refresh(self) -> bool:
        return asyncio.run(self.identities.refresh())


Own = tuple[Identities, PrivateKey]


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    """Those whose databases are closed at the end."""
    opened: list[Process] = []
    yield opened
    for process in opened:
        process.database.close()


@pytest.fixture
def own(tmp_path: Path, processes: list[Process]) -> Own:
    """What a process knows of the one issuer that we are, and its key."""
    key = create_key_file(tmp_path / "key-1.pem")
    processes.append(Process(tmp_path, Issuer(id="default", did=OURS)))
    processes[0].refresh()
    return processes[0].identities, key


def test_the_same_key_stands_in_the_shape_of_each_form(own: Own) -> None:
    identities, key = own
    signer = identities.signer_of("default", "key-1")
    document = identities.own_document("did:web:localhost%3A8000")
    assert document is not None
    methods = {method["id"]: method for method in document["verificationMethod"]}

    assert methods[signer.verification_method]["type"] == "Multikey"
    assert methods[signer.jws_key_id]["type"] == "JsonWebKey"
    assert all(public_key_of(method) == key.public_key() for method in methods.values())
    assert set(document["assertionMethod"]) == set(methods)


def test_the_linter_finds_in_our_own_document_a_type_of_service_that_no_context_defines(own: Own) -> None:
    """The draft that names the type has no context for it; readers go by the word. There is nothing else."""
    identities, _ = own
    document = identities.own_document("did:web:localhost%3A8000")

    assert document is not None
    assert [(found.code, found.pointer) for found in lint(document)] == [
        ("undefined-type", "/service/0/type")
    ]


def test_our_document_says_where_to_ask_the_trust_registry_and_that_of_an_issuer_does_not(
    tmp_path: Path, processes: list[Process]
) -> None:
    hosted = Issuer(id="uni", did=f"{OURS}:issuers:uni")
    processes.append(Process(tmp_path, Issuer(id="default", did=OURS), hosted))
    create_key_file(tmp_path / "key-1.pem")
    create_key_file(tmp_path / "uni-1.pem")
    processes[0].refresh()
    identities = processes[0].identities

    ours, theirs = identities.own_document(OURS), identities.own_document(hosted.did)

    assert ours is not None
    assert theirs is not None
    assert ours["service"] == [
        {
            "id": f"{OURS}#trqp",
            "type": "TrustRegistryService",
            "serviceEndpoint": "http://localhost:8000/trqp",
        }
    ]
    assert "service" not in theirs


def test_our_document_has_contexts_that_define_its_terms_in_each_form(own: Own) -> None:
    identities, key = own
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
        assert [found.pointer for found in lint(document)] == ["/service/0/type"], name
        assert all(public_key_of(method) == key.public_key() for method in document["verificationMethod"])
        assert documents["file"]["assertionMethod"] == document["assertionMethod"]


def test_the_key_that_signs_tokens_is_published_as_a_json_web_key_and_shown_to_old_loaders_in_their_suite(
    own: Own,
) -> None:
    """VC-JOSE-COSE demands the type JsonWebKey of the published document; old loaders have no context of it."""
    identities, _ = own
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
    own: Own, number: int, types: list[str]
) -> None:
    identities, _ = own
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


def test_a_part_of_our_document_as_json_ld_has_its_contexts(own: Own) -> None:
    identities, _ = own
    resolver = Resolver(own_document=identities.own_document)
    path = f"/1.0/identifiers/{OURS}%23key-1-jwk".replace(":", "%3A").replace("A8000", "A8000").encode()
    path = path.replace(b"%3A8000", b"%253A8000")
    answer = answer_now(resolver, path, b"", "application/did+ld+json")

    assert answer is not None
    method = json.loads(answer.body)
    assert (method["id"], method["type"]) == (f"{OURS}#key-1-jwk", "JsonWebKey2020")
    assert method["@context"][0] == "https://www.w3.org/ns/did/v1"
    assert "https://w3id.org/security/suites/jws-2020/v1" in method["@context"]


def test_a_jws_names_the_json_web_key(own: Own) -> None:
    identities, _ = own
    signer = identities.signer_of("default", "key-1")
    head = sign_compact(b"{}", header={"typ": "vc+jwt"}, signer=signer).split(b".")[0]

    assert json.loads(urlsafe_b64decode(head + b"=="))["kid"] == "did:web:localhost%3A8000#key-1-jwk"


def test_a_did_that_is_not_ours_has_no_document_here(own: Own) -> None:
    identities, _ = own

    assert identities.own_document("did:web:localhost%3A8001") is None


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
    tmp_path: Path, processes: list[Process], did: str
) -> None:
    create_key_file(tmp_path / "acme-1.pem")
    processes.append(Process(tmp_path, Issuer(id="acme", did=did)))
    identities = processes[0].identities
    processes[0].refresh()

    assert identities.signer_of("acme", "acme-1").controller == did
    assert identities.own_document(did) is None
    with pytest.raises(ResourceNotFound):
        identities.document_answer("acme", 0.0)


def test_a_key_of_a_name_only_is_told_once_and_served_without_its_file_ever_after(
    tmp_path: Path, processes: list[Process]
) -> None:
    processes.append(Process(tmp_path, Issuer(id="acme", did=ACME)))
    (first,) = processes
    first.refresh()
    with pytest.raises(DocumentUnavailable):
        first.identities.own_document(ACME)
    key = create_key_file(tmp_path / "acme-1.pem")
    came = first.refresh()
    (tmp_path / "acme-1.pem").unlink()
    later = Identities(first.settings, first.database)
    asyncio.run(later.refresh())
    document = later.own_document(ACME)

    assert came
    assert document == first.identities.own_document(ACME)
    assert document is not None
    assert [public_key_of(method) for method in document["verificationMethod"]] == [key.public_key()] * 2
    with pytest.raises(ResourceNotFound):
        later.signer_of("acme", "acme-1")


def test_a_key_that_cannot_be_read_fails_its_issuer_alone_until_it_can(
    tmp_path: Path, processes: list[Process]
) -> None:
    told: list[tuple[str, str, bool]] = []
    create_key_file(tmp_path / "good-1.pem")
    create_key_file(tmp_path / "open-1.pem")
    (tmp_path / "open-1.pem").chmod(0o644)
    (tmp_path / "words-1.pem").write_text("no key")
    (tmp_path / "words-1.pem").chmod(0o600)
    (tmp_path / "folder-1.pem").mkdir()
    os.mkfifo(tmp_path / "pipe-1.pem", 0o600)
    unreadable = ("folder", "gone", "open", "pipe", "words")
    issuers = [Issuer(id=name, did=f"{OURS}:issuers:{name}") for name in (*unreadable, "good")]
    process = Process(
        tmp_path,
        *issuers,
        on_state=lambda kind, subject, reason: told.append(
            (kind.value, subject.partition(" on ")[0], reason is not None)
        ),
    )
    processes.append(process)
    identities = process.identities
    taken = process.refresh()
    for name in unreadable:
        with pytest.raises(DocumentUnavailable):
            identities.own_document(f"{OURS}:issuers:{name}")
        with pytest.raises(ResourceNotFound):
            identities.signer_of(name, f"{name}-1")
    (tmp_path / "open-1.pem").chmod(0o600)
    mended = process.refresh()

    assert taken
    assert identities.own_document(f"{OURS}:issuers:good") is not None
    assert mended
    assert identities.own_document(f"{OURS}:issuers:open") is not None
    assert [subject for _, subject, is_wrong in told if is_wrong] == [
        f"{name}#{name}-1" for name in (*unreadable, "folder", "gone", "pipe", "words")
    ]
    assert [row for row in told if not row[2]] == [
        ("key-unreadable", "good#good-1", False),
        ("key-unreadable", "open#open-1", False),
    ]


def test_a_key_that_was_swapped_for_another_does_not_sign(tmp_path: Path, processes: list[Process]) -> None:
    create_key_file(tmp_path / "acme-1.pem")
    told: list[str | None] = []
    process = Process(
        tmp_path, Issuer(id="acme", did=ACME), on_state=lambda _, __, reason: told.append(reason)
    )
    processes.append(process)
    process.refresh()
    (tmp_path / "acme-1.pem").unlink()
    create_key_file(tmp_path / "acme-1.pem", Algorithm.P256)
    later = Identities(process.settings, process.database, on_state=lambda _, __, reason: told.append(reason))
    asyncio.run(later.refresh())

    assert told[0] is None
    assert "another key (P-256) than the Ed25519 key that acme-1 of acme is" in str(told[-1])
    assert later.own_document(ACME) == process.identities.own_document(ACME)
    with pytest.raises(ResourceNotFound):
        later.signer_of("acme", "acme-1")


def test_a_key_that_another_node_tells_of_first_does_not_sign_where_the_file_is_another(
    tmp_path: Path, processes: list[Process]
) -> None:
    create_key_file(tmp_path / "acme-1.pem")
    (tmp_path / "theirs").mkdir()
    create_key_file(tmp_path / "theirs" / "acme-1.pem")
    process = Process(tmp_path, Issuer(id="acme", did=ACME))
    processes.append(process)

    class Beaten(Custody):
        """Another node is faster each time."""

        def open(self, issuer: Issuer, key: IssuerKey) -> Signer:
            signer = super().open(issuer, key)
            process.refresh()
            return signer

    theirs = msgspec.structs.replace(process.settings, key_dir=str(tmp_path / "theirs"))
    later = Identities(theirs, process.database, custody=Beaten(theirs))
    for _ in range(2):
        asyncio.run(later.refresh())

    assert "another key" in later.faults["acme", "acme-1"]
    assert process.identities.signer_of("acme", "acme-1")
    with pytest.raises(ResourceNotFound):
        later.signer_of("acme", "acme-1")


def test_a_file_that_is_lost_or_opened_to_others_later_is_told_while_signing_goes_on(
    tmp_path: Path, processes: list[Process]
) -> None:
    create_key_file(tmp_path / "acme-1.pem")
    told: list[str | None] = []
    now = Clock(0.0)
    process = Process(
        tmp_path,
        Issuer(id="acme", did=ACME),
        on_state=lambda _, __, reason: told.append(reason),
        timer=now,
    )
    processes.append(process)
    process.refresh()
    signer = process.identities.signer_of("acme", "acme-1")
    faults = []
    for mode in (0o640, 0o600, None):
        if mode is None:
            (tmp_path / "acme-1.pem").unlink()
        else:
            (tmp_path / "acme-1.pem").chmod(mode)
        now.now += LOOK_AGAIN_SECONDS
        process.refresh()
        faults.append(told[-1])

    assert "mode 0640 lets others at the key" in str(faults[0])
    assert faults[1] is None
    assert "no such key file" in str(faults[2])
    assert len(signer.sign(b"data")) == len(process.identities.signer_of("acme", "acme-1").sign(b"data"))
