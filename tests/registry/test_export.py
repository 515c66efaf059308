"""The export is one file for each registry, and the schema and the sample agree with it."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from registry import export_registry, read_registry_file
from registry.exports.schema import render_schema
from tests.registry.examples import EDU, UNI, a_grant, a_registry, as_file, facts_from

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "registry" / "registry.schema.json"


def test_an_export_read_and_exported_again_is_the_same_bytes() -> None:
    exported = export_registry(list(facts_from()))

    assert export_registry(list(read_registry_file(exported))) == exported


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

    assert export_registry(list(one)) == export_registry(list(other))


def test_an_export_says_what_the_file_said() -> None:
    history = [{"state": "suspended", "since": "2025-01-01T00:00:00Z", "reason": "audit"}]
    registry = a_registry(authorizations=[a_grant(history=history)])

    exported = json.loads(export_registry(list(read_registry_file(as_file(registry)))))

    named = {each["id"]: each["identifiers"] for each in exported["entities"]}
    [grant] = exported["authorizations"]
    assert grant["history"] == history
    assert (named[grant["authority_id"]], named[grant["entity_id"]]) == ([{"value": EDU}], [{"value": UNI}])
    assert {each["id"] for each in exported["authorities"]} <= named.keys()


def test_the_published_schema_is_the_one_that_the_structs_give() -> None:
    assert SCHEMA.read_bytes() == render_schema()


def test_exports_and_files_we_take_validate_against_the_schema() -> None:
    schema = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    exported = json.loads(export_registry(list(facts_from())))
    [grant] = exported["authorizations"]

    validator.validate(exported)
    assert not validator.is_valid(exported | {"version": 3})
    for time in ("2025-01-01", "2025-01-01T00:00:00Z\n"):
        assert not validator.is_valid(exported | {"authorizations": [grant | {"valid_from": time}]})
    assert not validator.is_valid(exported | {"logo": "x"})
