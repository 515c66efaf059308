"""The sample ecosystem of `data/registry.json` is what its readers are promised."""

import json
from collections import Counter
from pathlib import Path

from jsonschema import Draft202012Validator

from registry import Entity, Fact, Grant, export_registry, read_registry_file, standing_at
from registry.asking.trqp_answers import authorization, recognition
from registry.identifiers import identifier_kind
from resolver.resolution import Resolver
from tests.registry.examples import NOW, a_question, known_of

ROOT = Path(__file__).parents[2]
SAMPLE = (ROOT / "data" / "registry.json").read_bytes()

EDUCATION, LICENSING = "did:web:education.example", "did:web:licensing.example"
SERVICE = "did:web:localhost%3A8000"


def sample() -> tuple[Fact, ...]:
    return read_registry_file(SAMPLE)


def test_the_sample_validates_against_the_schema() -> None:
    schema = json.loads((ROOT / "registry" / "registry.schema.json").read_bytes())

    Draft202012Validator(schema).validate(json.loads(SAMPLE))


def test_the_sample_is_its_own_export_but_for_the_schema_it_names() -> None:
    exported = json.loads(export_registry(list(sample())))

    assert json.loads(SAMPLE) == {"$schema": "../registry/registry.schema.json"} | exported
    assert [line for line in SAMPLE.splitlines() if b"$schema" not in line] == export_registry(
        list(sample())
    ).splitlines()


def test_the_sample_has_every_kind_of_identifier_and_every_phase() -> None:
    facts = sample()

    entities = [fact for fact in facts if isinstance(fact, Entity)]
    values = [each.value for entity in entities for each in entity.identifiers]
    grants = [fact for fact in facts if isinstance(fact, Grant)]
    phases = Counter(standing_at(grant, NOW).phase for grant in grants)

    assert {value.split(":")[1] for value in values if value.startswith("did:")} == {"web", "key", "jwk"}
    assert {identifier_kind(value) for value in values} == {"did", "https", "jwk-thumbprint", "ni"}
    assert phases.keys() == {"active", "suspended", "expired", "revoked", "not_yet_valid"}
    assert len(set(values) - {SERVICE}) >= 12
    assert len({grant.resource for grant in grants}) >= 4
    assert len({language for entity in entities for language in entity.names}) >= 10


def test_the_keys_in_the_sample_are_real() -> None:
    entities = [fact for fact in sample() if isinstance(fact, Entity)]
    values = [each.value for entity in entities for each in entity.identifiers]
    local = [value for value in values if value.startswith(("did:key:", "did:jwk:"))]

    resolved = [Resolver().resolve_local(did) for did in local]

    assert len(resolved) >= 6
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
