"""Our lists of trusted entities against the official schema, and what is read of others' files."""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from tests.reference import needs_reference, reference
from tests.registry.imports.lists import GRANTED, SIGNER, document, entity, identity, instance, service

EC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def validator() -> Draft7Validator:
    schema = json.loads((reference("etsi") / "1960201_json_schema.json").read_bytes())
    keys: Any = DRAFT7.create_resource({"definitions": {"jwk": {"type": "object", "required": ["kty"]}}})
    return Draft7Validator(schema, registry=Registry().with_resource("rfcs/rfc7517.json", keys))


@needs_reference("etsi")
@pytest.mark.parametrize(
    ("listed", "is_valid"),
    [
        (document(), True),
        (document(entity("Issuer", service(identity("did:web:issuer.example")))), True),
        (
            document(
                entity(
                    "Issuer",
                    service(
                        identity("did:web:a.example", certificates=[SIGNER], keys=[EC_KEY]),
                        GRANTED,
                        "2026-01-01T00:00:00Z",
                        instance(identity(certificates=[SIGNER]), GRANTED, "2025-01-01T00:00:00Z"),
                    ),
                )
            ),
            True,
        ),
        (document(LoTESequenceNumber=None), False),
        (document(entity("Issuer", service({"Certificates": []}))), False),
    ],
)
def test_the_lists_of_these_tests_are_those_of_the_schema(listed: object, is_valid: bool) -> None:
    assert validator().is_valid(listed) is is_valid
