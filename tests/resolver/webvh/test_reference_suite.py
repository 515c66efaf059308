"""
did:webvh's own vectors: 64 logs of five implementations, 16 negative scenarios, and the Python resolver's suite.

Read from `TOUCHSTONE_REFERENCE_DATA`, never copied; without it these tests are skipped, and say so.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from resolver import InvalidDid, Options, ResolutionError, parse_did
from resolver.did import parse_did_url
from resolver.methods import WEBVH
from resolver.methods.webvh import scid_of
from resolver.options import with_parameters
from resolver.results import DEFAULT_OPTIONS
from resolver.webvh.finding import finding_of
from tests.reference import needs_reference, reference
from tests.resolver.webvh.verifying import NOW, code_of, verify

_FOLDER = reference("did-webvh")

# Where the vectors contradict the specification: a new witness list counts from the next entry on, so that the old
# one's threshold must approve the change; and the id of a witness is a did:key DID, not a bare multikey.
CONTRADICTING = {
    **dict.fromkeys(
        (f"witness-update/{name}" for name in ("java", "java-eecc", "python", "ts")),
        "witness-verification-failed",
    ),
    "witness-update/rust": "invalid-parameter",
    "witness-threshold/rust": "invalid-parameter",
}
_LOGS = sorted(path.parent for path in _FOLDER.glob("suite/*/*/did.jsonl"))
POSITIVE = [path for path in _LOGS if not path.parent.name.startswith("negative-")]
NEGATIVE = [path for path in _LOGS if path.parent.name.startswith("negative-")]
SUITE = _FOLDER / "python-resolver-suite"
GOOD_SCID = "QmXhVjFG6EBTosDastaaHMRypm2qSv4SMGctADsx878Yux"
LATER = NOW + 366 * 86_400  # some vectors are younger than the tests' usual time


def name_of(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def verify_folder(folder: Path, did: str) -> Any:
    witness = folder / "did-witness.json"
    return verify(
        (folder / "did.jsonl").read_bytes(),
        scid_of(parse_did(did)),
        witness.read_bytes() if witness.exists() else b"",
        now=LATER,
    )


def newest_did(folder: Path) -> str:
    did: str = json.loads((folder / "did.jsonl").read_text().splitlines()[-1])["state"]["id"]
    return did


@needs_reference("did-webvh")
def test_the_suite_is_all_there() -> None:
    assert (len(POSITIVE), len(NEGATIVE)) == (64, 16)


@needs_reference("did-webvh")
@pytest.mark.parametrize("folder", POSITIVE, ids=name_of)
def test_a_log_of_another_implementation_holds_or_contradicts_the_specification(folder: Path) -> None:
    history = verify_folder(folder, newest_did(folder))

    assert code_of(history) == CONTRADICTING.get(name_of(folder))


@needs_reference("did-webvh")
@pytest.mark.parametrize(
    "folder", [path for path in POSITIVE if name_of(path) not in CONTRADICTING], ids=name_of
)
def test_the_newest_version_and_its_metadata_are_those_of_the_suite(folder: Path) -> None:
    expected = json.loads((folder / "resolutionResult.json").read_text())["didDocumentMetadata"]
    did = newest_did(folder)

    resolved = finding_of(verify_folder(folder, did), NOW).resolved(parse_did(did), DEFAULT_OPTIONS)

    for name in ("versionId", "versionTime", "created", "updated", "scid", "portable", "deactivated"):
        assert resolved.metadata[name] == expected.get(name, resolved.metadata[name]), name
    assert (resolved.document is None) == expected.get("deactivated", False)


@needs_reference("did-webvh")
@pytest.mark.parametrize(
    "folder", [path for path in NEGATIVE if (path / "did.jsonl").read_bytes()], ids=name_of
)
def test_a_forged_log_is_refused(folder: Path) -> None:
    first = json.loads((folder / "did.jsonl").read_text().splitlines()[0])

    history = verify_folder(folder, f"did:webvh:{first['parameters']['scid']}:example.com")

    assert code_of(history) is not None


@needs_reference("did-webvh")
@pytest.mark.parametrize(
    "folder", [path for path in NEGATIVE if not (path / "did.jsonl").read_bytes()], ids=name_of
)
def test_a_forged_did_is_refused_for_its_host_or_path(folder: Path) -> None:
    """The suite's SCID has the letter 0, which alone would refuse it; with a good one, the rest must."""
    dids = re.findall(r'did: "(did:webvh:[^"]+)"', (folder.parent / "script.yaml").read_text())

    assert dids
    for text in dids:
        with pytest.raises(InvalidDid, match=r"host|path|label"):
            WEBVH.plan(parse_did_url(text.replace("Qm" + "0" * 46, GOOD_SCID)).did, DEFAULT_OPTIONS)


# Where the Python resolver counts an entry without enough approvals as the last valid one.
UPDATED_DIFFERS = "missing-witness"


@needs_reference("did-webvh")
@pytest.mark.parametrize("number", range(22))
def test_a_case_of_the_python_resolver(number: int) -> None:
    cases = json.loads((SUITE / "resolver-suite.json").read_text())
    case = cases[number]
    did_url = parse_did_url(case["did_url"])
    try:
        options = with_parameters(Options(), did_url)
        WEBVH.plan(did_url.did, options)
        history = verify_folder(SUITE / "logs" / case["log"], did_url.did.text)
        found = finding_of(history, NOW).resolved(did_url.did, options) if history.versions else None
    except ResolutionError as error:
        assert case["status"] == "error", error
        return

    assert case["status"] == ("ok" if found else "error")
    for name, value in case.get("didDocumentMetadata", {}).items():
        assert found is not None
        if name != "versionNumber" and (name, case["log"]) != ("updated", UPDATED_DIFFERS):
            assert found.metadata[name] == value


@needs_reference("did-webvh")
def test_the_python_resolver_has_no_further_cases() -> None:
    assert len(json.loads((SUITE / "resolver-suite.json").read_text())) == 22
