"""Every command of the README does what the README shows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process import ROOT, Server

pytestmark = pytest.mark.slow

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SETS_UP = ("git clone", "cd ", "make ")


def _shape(value: object) -> object:
    """Return what must be the same on every machine: names and kinds, not times, keys or indexes."""
    if isinstance(value, dict):
        # A map keyed by an identifier of ours keeps its names too.
        return {name: _shape(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        return [_shape(member) for member in value]
    return value if isinstance(value, bool) else type(value).__name__


def test_the_python_of_the_readme_runs_as_printed() -> None:
    blocks = [
        text for language, text in _BLOCK.findall((ROOT / "README.md").read_text()) if language == "python"
    ]
    printed = [
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True) for text in blocks
    ]

    assert blocks
    assert [done.stderr for done in printed] == [""] * len(blocks)
    assert all("did:key:z6Mkha" in done.stdout for done in printed)


def test_every_command_runs_and_prints_what_is_shown(server: Server) -> None:
    server.initialise("--sample")
    server.start()
    (server.directory / ".venv").symlink_to(Path(sys.executable).parent.parent)
    blocks = _BLOCK.findall((ROOT / "README.md").read_text())
    shown = [*blocks[1:], ("", "")]
    ran = 0
    for (language, text), (next_language, next_text) in zip(blocks, shown, strict=True):
        lines = [line for line in text.splitlines() if not line.startswith(SETS_UP)]
        if language != "sh" or not lines:
            continue
        # As run on the ports of this test.
        script = "\n".join(lines).replace("localhost:8000", f"localhost:{server.port}")
        script = script.replace("localhost:8001", f"localhost:{server.operator_port}")
        script = script.replace("did:web:localhost%3A8000", f"did:web:localhost%3A{server.port}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=server.directory,
            env=server.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        ran += 1

        assert done.returncode == 0, (script, done.stderr)
        assert '"status":404' not in done.stdout, (script, done.stdout)
        if next_language == "json":
            assert _shape(json.loads(done.stdout)) == _shape(json.loads(next_text)), script
    server.terminate()

    assert ran >= 8
