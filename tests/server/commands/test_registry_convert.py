"""`touchstone registry convert`: files of others become change sets."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding

from server.commands.cli import main
from tests.proofs.authorities import Authority
from tests.registry.imports.lists import ISSUANCE, document, entity, header, identity, service, sign, signer

AUTHORITY = "did:web:authority.example"
NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = Authority("Root", not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=300))
SIGNER = signer(authority=ROOT, not_before=NOW - timedelta(days=1), not_after=NOW + timedelta(days=100))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "given"


def convert(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["registry", "convert", *map(str, arguments), "--authority", AUTHORITY])


def operations(done: Result) -> list[Any]:
    assert done.exit_code == 0, done.output
    found: list[Any] = json.loads(done.stdout)["operations"]
    return found


def test_a_file_of_the_dcc_becomes_an_entity_and_its_grants_for_each_did(file: Path) -> None:
    file.write_text(json.dumps({"registry": {"did:web:a.example": {"name": "A"}}}))

    done = convert("dcc", file, "--right", "issue:Degree", "--since", "2026-01-01T00:00:00Z")

    entity_of_a = {"names": {"en": "A"}, "identifiers": [{"value": "did:web:a.example"}]}
    grant = {
        "authority_id": AUTHORITY,
        "entity_id": "did:web:a.example",
        "action": "issue",
        "resource": "Degree",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    assert operations(done) == [
        {"op": "add", "kind": "entity", "fact": entity_of_a},
        {"op": "add", "kind": "authorization", "fact": grant},
    ]


def test_certificates_become_one_entity_or_one_each(file: Path) -> None:
    file.write_bytes(b"".join(each.certificate.public_bytes(Encoding.PEM) for each in (ROOT, Authority("B"))))

    apart = operations(convert("pem", file, "--right", "issue:mDL"))
    together = operations(convert("pem", file, "--right", "issue:mDL", "--name", "Ministry"))

    assert [each["fact"]["names"] for each in apart if each["kind"] == "entity"] == [
        {"und": "Root"},
        {"und": "B"},
    ]
    assert [len(each["fact"].get("identifiers", ())) for each in together] == [2, 0]


def list_of(*entities: object) -> bytes:
    times = {
        "ListIssueDateTime": f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
        "NextUpdate": f"{NOW + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
    }
    return sign(document(*entities, **times), header(SIGNER, iat=int(NOW.timestamp())))


def test_a_list_of_trusted_entities_is_converted_if_an_anchor_answers_for_it(
    tmp_path: Path, file: Path
) -> None:
    file.write_bytes(
        list_of(entity("A", service(identity("did:web:a.example"))), entity("B", service({}, type="x")))
    )
    anchors = tmp_path / "anchors.pem"
    anchors.write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))

    done = convert("lote", file, "--anchors", anchors, "--service", f"{ISSUANCE}=issue:PID")

    assert [each["kind"] for each in operations(done)] == ["entity", "authorization"]
    assert "/LoTE/TrustedEntitiesList/1/TrustedEntityServices/0: passed over" in done.stderr

    anchors.write_bytes(Authority("Stranger").certificate.public_bytes(Encoding.PEM))
    refused = convert("lote", file, "--anchors", anchors, "--service", f"{ISSUANCE}=issue:PID")
    assert refused.exit_code == 1
    assert "no valid path" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("dcc", "--right", "issue"), 2, "expected ACTION:RESOURCE"),
        (("dcc", "--right", "issue:a b"), 2, "expected ACTION:RESOURCE"),
        (("dcc", "--right", "issue:A", "--since", "yesterday"), 2, "expected a UTC time"),
        (("dcc", "--right", "issue:A"), 1, "line 1, the document"),
        (("pem", "--right", "issue:A"), 1, "expected blocks in PEM"),
    ],
)
def test_what_is_wrong_is_told(file: Path, arguments: tuple[str, ...], code: int, told: str) -> None:
    file.write_text("[]")

    done = convert(arguments[0], file, *arguments[1:])

    assert done.exit_code == code
    assert told in done.stderr
