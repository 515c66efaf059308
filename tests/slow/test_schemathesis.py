"""Both OpenAPI documents hold against schemathesis, which makes requests of them and checks every answer."""

import os
import subprocess
import urllib.error
from collections.abc import Iterator

import pytest

from tests.process import ROOT, Server

pytestmark = pytest.mark.slow

TOOLS = ROOT / ".venv/fuzz/bin"
EXAMPLES = os.environ.get("TOUCHSTONE_SCHEMATHESIS_EXAMPLES", "50")  # per operation
SEED = os.environ.get("TOUCHSTONE_FUZZ_SEED", "4")
# One request to a stranger, and then none: names that a schema makes up are not looked up on this machine.
SETTINGS = {
    "RATE_CPU_PER_SECOND": "100000",
    "RATE_OUTBOUND_PER_SECOND": "100000",
    "OUTBOUND_RATE": "0.001",
    "OUTBOUND_BURST": "1",
    "BODY_TIMEOUT_SECONDS": "1",
}

needs_tools = pytest.mark.skipif(
    not (TOOLS / "schemathesis").exists(), reason="schemathesis is missing: run `make fuzz-tools`"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("schemathesis"), **SETTINGS)
    server.initialise("--sample")
    server.start()
    with pytest.raises(urllib.error.HTTPError):
        server.get("/1.0/identifiers/did:web:spent.invalid.example")
    yield server
    server.kill()


@needs_tools
@pytest.mark.parametrize("listener", ["public", "operator"])
def test_every_answer_is_as_declared(running: Server, listener: str) -> None:
    is_public = listener == "public"
    url = running.url if is_public else running.operator_url
    key = () if is_public else ("--header", f"Authorization: Bearer {running.operator_key}")
    # `Allow` of OPTIONS on the operators' listener names the methods of one handler, where a path has two.
    excluded = () if is_public else ("--exclude-checks", "allow_header_conformance")
    done = subprocess.run(
        [
            TOOLS / "schemathesis",
            f"--config-file={ROOT / 'tests/fuzz/schemathesis.toml'}",
            "run",
            f"{url}/openapi.json",
            f"--url={url}",
            f"--max-examples={EXAMPLES}",
            f"--seed={SEED}",
            "--no-color",
            *key,
            *excluded,
        ],
        cwd=running.directory,
        capture_output=True,
        text=True,
        timeout=600,
    )
    print(done.stdout[-300:])

    assert done.returncode == 0, done.stdout[-6_000:]
    assert "Traceback" not in (running.directory / "server.log").read_text()
