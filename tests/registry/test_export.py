"""The export is one file for each registry, and the schema and the sample agree with it."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from registry import export_registry, read_registry_file
from registry.exports.schema import render_schema
from tests.registry.examples import a_grant, a_registry, as_file, facts_from

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "registry" / "registry.schema.json"


def test_an_export_read_and_exported_again_is_the_same_bytes() -> None:
    exported = export_registry(facts_from())

    assert export_registry(read_registry_file(exported)) == exported


def test_the_order_of_a_file_makes_no_difference() -> None:
    registry = a_registry()
    grants = [
        a_grant(),
        a_grant(action="verify"),
        a_grant(valid_from="2030-01-01T00:00:00Z", valid_until=None),
    ]
    registry["authorizations"] = grants
    shuffled = registry | {
        "authorizations": grants[::-1],
        "authorities": [
            authority | {"defines": authority["defines"][::-1]} for authority in registry["authorities"][::-1]
        ],
    }

    one, other = read_registry_file(as_file(registry)), read_registry_file(as_file(shuffled))

    assert export_registry(one) == export_registry(other)


def test_an_export_says_what_the_file_said() -> None:
    history = [{"state": "suspended", "since": "2025-01-01T00:00:00Z", "reason": "audit"}]
    registry = a_registry(authorizations=[a_grant(history=history)])

    assert json.loads(export_registry(read_registry_file(as_file(registry)))) == registry


def test_the_published_schema_is_the_one_that_the_structs_give() -> None:
    assert SCHEMA.read_bytes() == render_schema()


def test_exports_and_files_we_take_validate_against_the_schema() -> None:
    schema = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    validator.validate(a_registry())
    validator.validate(json.loads(export_registry(facts_from())))
    assert not validator.is_valid(a_registry(version=2))
    assert not validator.is_valid(a_registry(authorizations=[a_grant(valid_from="2025-01-01")]))
    assert not validator.is_valid(a_registry(authorizations=[a_grant(valid_from="2025-01-01T00:00:00Z\n")]))
    assert not validator.is_valid(a_registry(logo="x"))
