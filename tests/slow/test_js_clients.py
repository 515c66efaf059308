"""Clients of Universal Resolver, unchanged, work against a real server of ours."""

import shutil
import subprocess

import pytest

from tests.process import ROOT, Server

pytestmark = pytest.mark.slow

CLIENTS = ROOT / "var/clients"


def test_clients_of_universal_resolver_work_unchanged(server: Server) -> None:
    node = shutil.which("node")
    if node is None or not (CLIENTS / ".installed").exists():
        pytest.skip("no Node.js, or no clients in var/clients: run sh tools/clients.sh")
    server.initialise("--sample")
    server.start()

    done = subprocess.run(
        [node, ROOT / "tests/slow/clients.mjs", server.url, f"did:web:localhost%3A{server.port}"],
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == ["veramo ok", "sphereon ok", "page ok"]
