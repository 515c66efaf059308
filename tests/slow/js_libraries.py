"""Programs in JavaScript that use others' libraries (`tools/clients.sh`): JSON in, JSON out."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.process import ROOT

LIBRARIES = ROOT / "var/status-clients"
SECONDS = 120


class Refused(AssertionError):
    """A library refused what it was given; its words are the message."""


def run_with_libraries(program: str, given: Any) -> Any:
    """
    Run `tests/slow/<program>`, and return what it prints.

    Raises:
        Refused: it ended with an error.
    """
    node = shutil.which("node")
    if node is None or not (LIBRARIES / ".installed").exists():
        pytest.skip("no Node.js, or no libraries in var/status-clients: run sh tools/clients.sh")
    done = subprocess.run(
        [node, Path(__file__).parent / program],
        cwd=LIBRARIES,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise Refused(done.stderr)
    return json.loads(done.stdout)
