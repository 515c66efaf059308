"""
Each page of the documentation does what it shows: `sh` and `python` blocks run, in order, on a fresh sample server.

A reader's checkout is a copy of the tracked files with the installed environment of the tests; `make serve` in it
installs nothing more. `docs/contributing.md` tells which blocks run and which are only shown.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.blocks import RUN, Block, blocks_of, shows
from tests.process import ROOT, Server
from tests.test_docs import DOCUMENTS, name_of, tracked_files

pytestmark = pytest.mark.slow

PAGES = [path for path in DOCUMENTS if any(block.language in RUN for block in blocks_of(path.read_text()))]
ENVIRONMENT = Path(sys.executable).parent.parent


class Reader(Server):
    """Somebody with a fresh checkout, who has typed `make serve` and reads a page beside it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.code = directory
        self.program, self.command = "make", ()
        for path in tracked_files():
            copy = directory / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        sample = directory / "data/registry.json"
        sample.write_text(self.here(sample.read_text()))
        (directory / ".venv").mkdir()
        for path in ENVIRONMENT.iterdir():
            (directory / ".venv" / path.name).symlink_to(path)
        (directory / ".curlrc").write_text("fail-with-body\n")  # Without it curl ends with 0 on a 401 or 404.
        (directory / ".venv/.app").touch()  # Installed, says this to `make`.

    def runs(self, block: Block, seconds: float = 60) -> str:
        """Run a block as it is printed, but for the ports of this test; return what it prints."""
        shell = ("bash", "-euo", "pipefail", "-c")
        python = (".venv/bin/python", "-W", "error", "-c")
        done = subprocess.run(
            [*(shell if block.language == "sh" else python), self.here(block.text)],
            cwd=self.directory,
            env=self.environment
            | {
                "PATH": f"{self.directory}/.venv/bin:{self.environment['PATH']}",
                "CURL_HOME": str(self.directory),
            },
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, (block.text, done.stdout, done.stderr)
        return done.stdout

    def follows(self, page: Path) -> None:
        """Go through the blocks of a page in their order; each must do what it shows."""
        for block in blocks_of(page.read_text()):
            if block.language not in RUN:
                continue
            printed = self.runs(block)
            if block.shows is not None:
                shown = block.shows._replace(text=self.here(block.shows.text))
                assert shows(shown, printed), (page, block.text, printed)

    def here(self, text: str) -> str:
        """Return a text of a page with the ports of this test."""
        ports = {"8000": self.port, "8001": self.operator_port}
        for shown, real in ports.items():
            text = text.replace(f"localhost:{shown}", f"localhost:{real}")
            text = text.replace(f"localhost%3A{shown}", f"localhost%3A{real}")
        return text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_a_page_runs_and_prints_what_is_shown(page: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.start()
    try:
        reader.follows(page)
    finally:
        reader.kill()


@pytest.mark.parametrize("page", [ROOT / "docs/registry.md"], ids=name_of)
def test_a_page_on_which_several_people_act_runs_in_one_terminal(page: Path, tmp_path: Path) -> None:
    """What one block sets, such as whose key it is, the next still has."""
    blocks = [block.text for block in blocks_of(page.read_text()) if block.language == "sh"]
    reader = Reader(tmp_path)
    reader.start()
    try:
        printed = reader.runs(Block("sh", "\n".join(blocks)), seconds=300)
    finally:
        reader.kill()

    assert "approver" in printed


def test_a_reader_may_go_through_all_pages_beside_one_server(tmp_path: Path) -> None:
    """What a page changes does not spoil the next; the README comes last, since most begin there."""
    reader = Reader(tmp_path)
    reader.start()
    try:
        for page in sorted(PAGES, key=lambda path: path == ROOT / "README.md"):
            reader.follows(page)
    finally:
        reader.kill()


def test_a_request_that_the_server_refuses_fails_its_block(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.start()
    try:
        with pytest.raises(AssertionError, match="401"):
            reader.runs(Block("sh", "curl -s http://localhost:8001/operator/status-lists"))
    finally:
        reader.kill()


def _suggested(log: Path) -> list[str]:
    """Return the commands in what a server printed; it prints them once it answers."""
    return [line.strip() for line in log.read_text().splitlines() if line.startswith("  curl")]


def test_what_the_server_suggests_at_its_start_is_answered(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    reader.start()
    try:
        end = time.monotonic() + 10  # seconds
        while len(suggested := _suggested(tmp_path / "server.log")) < 4 and time.monotonic() < end:
            time.sleep(0.05)
        answers = [json.loads(reader.runs(Block("sh", f"{command} -s"))) for command in suggested]
    finally:
        reader.kill()

    keys, trust, status, verified = answers
    assert keys["didDocument"]["id"] == f"did:web:localhost%3A{reader.port}"
    assert trust["authorized"] is True
    assert status["valid"] is True
    assert verified["rely"] is True
