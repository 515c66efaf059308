"""The sample ecosystem of `data/registry.json` is what its readers are promised."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from jsonschema import Draft202012Validator

from registry import (
    Asked,
    Entity,
    Fact,
    Finding,
    Grant,
    export_registry,
    find,
    read_registry_file,
    standing_at,
)
from registry.asking.trqp_answers import authorization, recognition
from registry.identifiers import certificate_identifier, identifier_kind
from resolver.resolution import Resolver
from tests.registry.examples import NOW, a_question, known_of
from wire import parse_utc

ROOT = Path(__file__).parents[2]
SAMPLE = (ROOT / "data" / "registry.json").read_bytes()
FILES = ROOT / "data" / "sample"

EDUCATION, LICENSING = "did:web:education.example", "did:web:licensing.example"
SERVICE = "did:web:localhost%3A8000"
RHEINTAL = "did:web:rheintal.example"
VALMONT, VALMONT_BEFORE = "did:web:credentials.valmont.example:diplomes", "https://valmont.example/issuer"
ISOLA = "did:key:z6Mkv4VyUQm7hunWAdknB5rCGoStQmk5WxPggcwdJNi9BPTT"
NORDFJORD = "https://nordfjord.example/federation"


def sample() -> tuple[Fact, ...]:
    return read_registry_file(SAMPLE)


def entities() -> list[Entity]:
    return [fact for fact in sample() if isinstance(fact, Entity)]


def grants() -> list[Grant]:
    return [fact for fact in sample() if isinstance(fact, Grant)]


def identifiers() -> list[str]:
    return [each.value for entity in entities() for each in entity.identifiers]


def may_issue_degrees(entity: str, at: str = "2026-11-24T12:00:00Z", **more: Any) -> Finding:
    """Return what the sample says of who issues degrees, at a time."""
    question = {"authority": EDUCATION, "action": "issue", "resource": "UniversityDegreeCredential"} | more
    asked = Asked(kind="authorization", entity=entity, at=parse_utc(at), **question)
    return find(known_of(sample()), asked)


def test_the_sample_validates_against_the_schema() -> None:
    schema = json.loads((ROOT / "registry" / "registry.schema.json").read_bytes())

    Draft202012Validator(schema).validate(json.loads(SAMPLE))


def test_the_sample_is_its_own_export_but_for_the_schema_it_names() -> None:
    exported = export_registry(list(sample()))

    assert json.loads(SAMPLE) == {"$schema": "../registry/registry.schema.json"} | json.loads(exported)
    assert [line for line in SAMPLE.splitlines() if b"$schema" not in line] == exported.splitlines()


def test_the_sample_has_every_kind_of_identifier_and_every_phase() -> None:
    methods = Counter(each.split(":")[1] for each in identifiers() if each.startswith("did:"))
    kinds = {identifier_kind(each) for each in identifiers()}
    phases = Counter(standing_at(grant, NOW).phase for grant in grants())

    assert methods.keys() == {"web", "key", "jwk"}
    assert kinds == {"did", "https", "jwk-thumbprint", "ni"}
    assert phases.keys() == {"active", "suspended", "expired", "revoked", "superseded", "not_yet_valid"}
    assert len(entities()) >= 16
    assert len({grant.resource for grant in grants()}) >= 4
    assert len({language for entity in entities() for language in entity.names}) >= 10


def test_the_keys_in_the_sample_are_real() -> None:
    local = [each for each in identifiers() if each.startswith(("did:key:", "did:jwk:"))]

    resolved = [Resolver().resolve_local(did) for did in local]

    assert len(resolved) >= 7
    assert all(each is not None and each.document is not None for each in resolved)


def test_the_two_authorities_recognise_one_another_today() -> None:
    known = known_of(sample())
    licences = a_question(
        authority_id=EDUCATION, entity_id=LICENSING, resource="ProfessionalLicenceCredential"
    )
    degrees = a_question(authority_id=LICENSING, entity_id=EDUCATION, resource="UniversityDegreeCredential")

    assert recognition(known, licences, NOW).recognized
    assert recognition(known, degrees, NOW).recognized


def test_the_service_itself_is_trusted_for_something() -> None:
    question = a_question(authority_id=EDUCATION, entity_id=SERVICE, resource="CourseCompletionCredential")

    assert authorization(known_of(sample()), question, NOW).authorized


@pytest.mark.parametrize(
    ("entity", "at", "reason"),
    [
        (RHEINTAL, "2026-06-01T00:00:00Z", "active"),
        (VALMONT_BEFORE, "2024-06-01T00:00:00Z", "active"),
        (VALMONT, "2024-06-01T00:00:00Z", "identifier_not_valid"),
        (VALMONT_BEFORE, "2025-07-01T00:00:00Z", "identifier_not_valid"),
        (VALMONT, "2025-08-01T00:00:00Z", "suspended"),
        (VALMONT, "2025-09-01T00:00:00Z", "active"),
        (ISOLA, "2026-05-02T00:00:00Z", "compromised_later"),
        (ISOLA, "2026-05-04T00:00:00Z", "compromised"),
    ],
)
def test_the_sample_has_a_history_worth_asking_about(entity: str, at: str, reason: str) -> None:
    assert may_issue_degrees(entity, at).reason == reason


def test_what_was_signed_before_a_theft_is_trusted_where_its_time_is_proven() -> None:
    assert may_issue_degrees(ISOLA, "2026-05-02T00:00:00Z", is_proven=True).decision == "yes"


def test_nordfjord_has_its_power_by_two_delegations() -> None:
    found = may_issue_degrees(NORDFJORD)

    assert found.decision == "yes"
    assert [each.delegate_id for each in found.chain] == ["accreditation-council", "nordic-quality-agency"]


def test_what_the_sample_gives_digests_of_lies_beside_it() -> None:
    said = {each["digest"] for each in _with_digest(json.loads(SAMPLE))}
    files = {f"sha256-{b64encode(sha256(file.read_bytes()).digest()).decode()}" for file in FILES.iterdir()}

    assert len(said) >= 3
    assert said <= files


def test_a_chain_of_certificates_ends_at_a_registered_one() -> None:
    leaf, anchor = x509.load_pem_x509_certificates((FILES / "fairhaven-chain.pem").read_bytes())
    leaf.verify_directly_issued_by(anchor)
    nursing = next(entity for entity in entities() if entity.id == "fairhaven-nursing")
    registered = nursing.identifiers[-1]
    ski = anchor.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value

    assert registered.value == certificate_identifier(anchor.public_bytes(Encoding.DER))
    assert registered.ski == ski.digest.hex()


def _with_digest(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a document that has a digest."""
    members = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    if isinstance(value, dict) and "digest" in value:
        yield value
    for each in members:
        yield from _with_digest(each)
