"""The resolver as a library and as a command: what it loads, what it prints, and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from resolver import FeatureNotSupported, Options, Resolver
from resolver.__main__ import main
from resolver.errors import InternalError
from resolver.results import Fetched, JsonObject

KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
OWN = "did:web:localhost%3A8000"


def own_document(did: str) -> JsonObject | None:
    service = {"id": "#files", "type": "Files", "serviceEndpoint": ["https://a.example", "https://b.example"]}
    return {"id": did, "x": "\x9b31m", "service": [service]} if did == OWN else None


def run(*arguments: str, fetched: Fetched | None = None) -> int:
    async def fetch(*_: object) -> Fetched:
        if fetched is None:
            raise InternalError("the network is off", cause="test")
        return fetched

    return main(
        arguments,
        lambda: Resolver(fetcher=fetch, own_document=own_document, own_hosts=frozenset({"localhost:8000"})),
    )


def test_importing_and_resolving_a_did_key_loads_no_framework_and_no_http_client() -> None:
    code = f"""
import sys, resolver
assert resolver.Resolver().resolve_local({KEY!r}).document["id"] == {KEY!r}
heavy = {{"litestar", "httpx", "httpcore", "h11", "anyio", "multiformats", "server", "storage"}}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_the_module_runs_and_prints_the_resolution_result() -> None:
    done = subprocess.run([sys.executable, "-m", "resolver", KEY], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["didDocument"]["id"] == KEY


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_a_message_and_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "resolver", KEY], stdout=full, stderr=subprocess.PIPE, text=True
        )

    assert done.returncode == 1
    assert done.stderr == "standard output: No space left on device\n"


def test_help_names_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run("--help")

    assert left.value.code == 0
    assert "6 origin" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["did:foo:x"], 1, "METHOD_NOT_SUPPORTED: "),
        (["did:key:z6Mk"], 1, "INVALID_DID: "),
        ([KEY, "--option", "noCache=maybe"], 2, "INVALID_OPTIONS: "),
        ([KEY, "--option", "versionTime=garbage"], 1, "FEATURE_NOT_SUPPORTED: "),
        (["did:key:", "--option", "unknown=1"], 1, "INVALID_DID: "),
        ([KEY, "--option", "noCache"], 2, "INVALID_OPTIONS: "),
        ([KEY + "#nothing"], 3, "NOT_FOUND: "),
        ([OWN + ":nobody"], 3, "NOT_FOUND: "),
        (["did:web:issuer.example"], 6, "INTERNAL_ERROR: "),
    ],
)
def test_a_failure_goes_to_stderr_with_its_exit_status(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, complaint: str
) -> None:
    assert run(*arguments) == status

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(complaint)


def test_arguments_that_make_no_sense_are_usage() -> None:
    with pytest.raises(SystemExit) as left:
        run(KEY, "--format", "yaml")

    assert left.value.code == 2


def test_a_deactivated_did_is_printed_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    status = run("did:web:issuer.example", fetched=Fetched(status=410, headers={}, body=b""))

    out, err = capsys.readouterr()
    assert status == 1
    assert json.loads(out)["didDocumentMetadata"] == {"deactivated": True}
    assert err == "the DID is deactivated\n"


def test_the_bare_document_is_printed_on_request_and_cannot_talk_to_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(OWN, "--format", "document") == 0

    out = capsys.readouterr().out
    assert json.loads(out) == own_document(OWN)
    assert out.isascii()


def test_a_did_url_prints_the_part_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    run(KEY + "#" + KEY.removeprefix("did:key:"))

    result = json.loads(capsys.readouterr().out)
    assert result["contentStream"]["controller"] == KEY


def test_options_are_given_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    run(KEY, "--option", "publicKeyFormat=JsonWebKey2020", "--format", "legacy")

    result = json.loads(capsys.readouterr().out)
    assert result["didDocument"]["verificationMethod"][0]["type"] == "JsonWebKey2020"


def test_the_legacy_format_has_suites_of_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    run(KEY, "--format", "legacy")

    result = json.loads(capsys.readouterr().out)
    assert result["didDocument"]["verificationMethod"][0]["type"] == "Ed25519VerificationKey2020"


def test_a_did_url_of_a_service_prints_the_urls(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(OWN + "?service=files&relativeRef=x") == 0

    assert capsys.readouterr().out == "https://a.example/x\nhttps://b.example/x\n"


@pytest.mark.parametrize(
    ("relationship", "status"), [("authentication", 0), ("keyAgreement", 1), ("none", 2)]
)
def test_a_relationship_can_be_demanded_of_a_did_url(
    capsys: pytest.CaptureFixture[str], relationship: str, status: int
) -> None:
    did_url = KEY + "#" + KEY.removeprefix("did:key:")

    assert run(did_url, "--option", f"verificationRelationship={relationship}") == status
    assert bool(capsys.readouterr().out) is (status == 0)


def test_a_relationship_cannot_be_demanded_of_a_did() -> None:
    assert run(KEY, "--option", "verificationRelationship=authentication") == 1


@pytest.mark.anyio
async def test_a_resolution_does_not_pretend_to_have_checked_a_relationship() -> None:
    options = Options(verification_relationship="authentication")
    async with Resolver() as resolver:
        with pytest.raises(FeatureNotSupported):
            await resolver.resolve(KEY, options)
        with pytest.raises(FeatureNotSupported):
            resolver.resolve_local(KEY, options)
