"""`touchstone registry`: a file goes in and out, and what is in it is listed."""

import json
from pathlib import Path
from typing import Any

import pytest

from registry.imports.registry_file import MAX_FILE_BYTES
from tests.server.commands.operating import Operating, Serving

SAMPLE = Path(__file__).parents[3] / "data" / "registry.json"
EDUCATION = "did:web:education.example"


@pytest.fixture(autouse=True)
def sample(operating: Operating) -> str:
    """Let the registry be the sample; return what the command says of that."""
    return operating.done("registry", "import", str(SAMPLE), "--correct").stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "registry.json"


def test_the_registry_goes_out_and_in_unchanged(operating: Operating, file: Path) -> None:
    exported = operating.done("registry", "export").stdout
    file.write_text(exported)
    imported = operating.done("registry", "import", str(file))

    assert imported.stdout == ""
    assert imported.stderr.startswith("0 facts added, 0 changed, 0 corrected, 0 ended; ")
    assert operating.done("registry", "export").stdout == exported


def test_what_is_imported_is_told_answered_from_and_audited(
    operating: Operating, serving: Serving, file: Path
) -> None:
    registry = json.loads(SAMPLE.read_text())
    still_in_force = sum(each["valid_until"] > "2026-12" for each in registry["recognitions"])
    file.write_text(json.dumps(registry | {"recognitions": []}))
    version = serving.services.registry.registry.version
    imported = operating.done("registry", "import", str(file), "--reason", "nobody recognises anybody")
    row = serving.audited("registry")[-1]

    assert f"{still_in_force} ended; the registry is at version" in imported.stderr
    assert serving.services.registry.registry.version == version + 1
    assert (row.actor, row.action) == ("bootstrap", "registry.import")
    assert f'"version":{version + 1}' in row.detail.replace(" ", "")


def test_every_fault_of_a_file_is_told_with_its_line_and_nothing_is_imported(
    operating: Operating, serving: Serving, file: Path
) -> None:
    file.write_text(
        '{"version": 1, "authorities": [],\n "entities": 1,\n "authorizations": 2, "recognitions": []}'
    )
    version = serving.services.registry.registry.version
    refused = operating.run("registry", "import", str(file))

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("touchstone: the registry file has 2 faults:\n  line 2, /entities: ")
    assert "\n  line 3, /authorizations: " in refused.stderr
    assert serving.services.registry.registry.version == version


def test_a_file_over_the_limit_is_refused(operating: Operating, file: Path) -> None:
    file.write_bytes(b" " * (MAX_FILE_BYTES + 1))
    refused = operating.run("registry", "import", str(file))

    assert refused.exit_code == 1
    assert "16777216 bytes" in refused.stderr


def test_a_key_that_may_not_is_told_so_whatever_the_size_of_the_file(
    operating: Operating, serving: Serving, file: Path, tmp_path: Path
) -> None:
    file.write_bytes(b" " * MAX_FILE_BYTES)
    key_file = tmp_path / "viewer.key"
    operating.done("principal", "add", "viewer", "--grant", "viewer")
    operating.done("key", "create", "viewer", "--file", str(key_file))
    refused = operating.run("registry", "import", str(file), TOUCHSTONE_OPERATOR_KEY_FILE=str(key_file))
    key_file.write_text("tsk_AAAAAAAAAAAA_" + "A" * 43)
    unknown = operating.run("registry", "import", str(file), TOUCHSTONE_OPERATOR_KEY_FILE=str(key_file))

    assert (refused.exit_code, unknown.exit_code) == (4, 4), refused.stderr + unknown.stderr
    assert "editor" in refused.stderr


def test_a_registry_is_listed_over_as_many_pages_as_it_takes(operating: Operating, file: Path) -> None:
    registry: dict[str, Any] = json.loads(SAMPLE.read_text())
    grant = registry["authorizations"][0]
    registry["authorizations"] += [
        {name: value for name, value in grant.items() if name not in ("id", "history")}
        | {
            "valid_from": f"20{year:02}-{month:02}-01T00:00:00Z",
            "valid_until": f"20{year:02}-{month:02}-09T00:00:00Z",
        }
        for year in range(31, 99)
        for month in range(1, 13)
    ]
    file.write_text(json.dumps(registry))
    operating.done("registry", "import", str(file))
    listed = operating.done("registry", "list").stdout.splitlines()

    assert len(listed) == 3 * (len(registry["authorizations"]) + len(registry["recognitions"])) > 1_500
    assert len({tuple(listed[at : at + 3]) for at in range(0, len(listed), 3)}) == len(listed) / 3


def test_what_is_listed_and_shown_is_what_is_said_now(operating: Operating) -> None:
    listed = operating.done("registry", "list").stdout
    shown = json.loads(operating.done("registry", "show", EDUCATION).stdout)
    nobody = operating.run("registry", "show", "did:web:nobody.example")

    assert (
        "authorization active      issue CourseCompletionCredential\n    did:web:localhost%3A8000\n" in listed
    )
    assert f"    by {EDUCATION}: active since " in listed
    assert shown["entity"]["identifiers"] == [{"value": EDUCATION}]
    assert shown["authority"]["id"] == shown["id"]
    assert nobody.exit_code == 3
