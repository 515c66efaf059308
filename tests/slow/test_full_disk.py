"""A disk that is really full: a small file system in memory, filled to the last byte under a running server."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statuslist.formats.forms import FORM_NAMES
from tests.process import Server
from tests.slow.revoking import forms, found, is_shown, revoke
from tests.slow.test_watchdog import allocates, is_seen, open_alarms, ready
from tests.slow.watcher import watching

pytestmark = pytest.mark.slow

SIZE = "24m"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of `SIZE` at `var`; only root can mount one."""
    place = tmp_path / "var"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def node(disk: Path, tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, workers=2, MIRROR_DIR="off")
    server.initialise("--sample")
    server.start()
    yield server
    server.kill()


def fill(disk: Path, leave_bytes: int = 0) -> Path:
    """Fill the disk but for `leave_bytes`."""
    ballast, spare = disk / "ballast", disk / "spare"
    spare.write_bytes(bytes(leave_bytes))
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4_096))
    spare.unlink()
    return ballast


def test_a_disk_that_is_nearly_full_is_an_alarm_before_it_is_full(node: Server, disk: Path) -> None:
    ballast = fill(disk, leave_bytes=800_000)
    is_seen(node, lambda: "disk" in open_alarms(node))
    ballast.unlink()
    is_seen(node, lambda: "disk" not in open_alarms(node))


def test_what_was_acknowledged_before_a_disk_was_full_is_kept_and_writes_come_back(
    node: Server, disk: Path
) -> None:
    with watching([node]) as watch:
        before, after = found(node, "filled", "default", 2)
        revoke(node, "filled", before)
        is_shown(node, watch, "filled", before)
        pids = node.pids
        ballast = fill(disk)
        is_seen(node, lambda: not allocates(node))
        is_seen(node, lambda: ready(node, public=False)[0] == 503)
        failing = (200, {"status": "ready", "writes": "failing"})
        # Each process tells the others once a second.
        is_seen(node, lambda: ready(node, public=True) == failing)
        is_seen(node, lambda: "writes-failing" in open_alarms(node))
        is_seen(node, lambda: not check(node, "alarms")["ok"])
        read = watch.looks
        is_seen(node, lambda: watch.looks > read)
        held = [before in (said.revoked or ()) for said in forms(watch, "filled").values()]
        ballast.unlink()
        is_seen(node, lambda: ready(node, public=False)[0] == 200)
        revoke(node, "filled", after)
        is_shown(node, watch, "filled", after)
        is_shown(node, watch, "filled", before)
        is_seen(node, lambda: not open_alarms(node))

    assert held == [True] * len(FORM_NAMES)
    assert node.pids == pids, "a full disk passes; nobody is replaced for it"


def check(node: Server, name: str) -> dict[str, Any]:
    """Return a check of the operators' readiness."""
    return next(found for found in ready(node, public=False)[1]["checks"] if found["name"] == name)
