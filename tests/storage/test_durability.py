"""What was acknowledged stays: killed processes, a full disk, a checkpoint that fails, two writers at once."""

import asyncio
import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage import DatabaseUnavailable
from storage.sqlite import open_sqlite
from tests.storage.child import write_row
from tests.storage.conftest import run_outside

ROOT = Path(__file__).parent.parent.parent
KILLS = 10


pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    database = open_sqlite(tmp_path / "acks.db", create=True)
    run_outside(database, "CREATE TABLE acks (name TEXT PRIMARY KEY, filler BLOB NOT NULL)")
    database.close()
    return database.path


def start(mode: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.storage.child", mode, str(path)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )


def names_in(path: Path) -> set[str]:
    database = open_sqlite(path)
    try:
        assert run_outside(database, "PRAGMA integrity_check") == [("ok",)]
        return {name for (name,) in run_outside(database, "SELECT name FROM acks")}
    finally:
        database.close()


def test_kill_9_loses_no_acknowledged_row(path: Path) -> None:
    acknowledged: set[str] = set()
    for kill in range(KILLS):
        child = start("forever", path)
        assert child.stdout is not None
        lines = list(itertools.islice(child.stdout, 50 + 37 * kill))
        time.sleep(0.003 * kill)
        child.kill()
        lines += child.stdout.readlines()
        child.communicate()
        acknowledged.update(line.strip() for line in lines if line.endswith("\n"))

    assert len(acknowledged) > KILLS * 50
    assert acknowledged - names_in(path) == set()


def test_a_full_disk_refuses_the_write_and_keeps_what_was_acknowledged(path: Path) -> None:
    out, err = start("until_full", path).communicate(timeout=30)

    *acknowledged, last = out.splitlines()
    assert last == "unavailable False", err
    assert len(acknowledged) > 5
    assert names_in(path) >= set(acknowledged)
    assert "afterwards" not in names_in(path)


def test_a_checkpoint_that_fails_is_counted_and_ends_the_trust_in_the_engine(path: Path) -> None:
    out, err = start("checkpoint_fails", path).communicate(timeout=30)

    assert out.split() == ["1", "False"], err
    assert "a checkpoint failed" in err
    assert names_in(path) == {f"row-{number}" for number in range(16)}


async def test_a_writer_that_is_stopped_holds_up_no_write_of_another_for_ever(path: Path) -> None:
    """It has the lock: what waits for it is told in time, and is never done; nor does it keep us from closing."""
    holder = start("hold_the_lock", path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "stopped\n"
    database = open_sqlite(path)
    database.call_seconds = 0.5
    began = time.monotonic()
    outcomes = await asyncio.gather(
        *(write_row(database, f"waits-{number}") for number in range(3)), return_exceptions=True
    )
    await asyncio.to_thread(database.close)
    seconds = time.monotonic() - began
    again = open_sqlite(path)
    holder.kill()
    holder.communicate()
    await write_row(again, "afterwards")
    again.close()

    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
    assert "nothing was written" in str(outcomes[2])
    assert seconds < 5
    assert names_in(path) == {"afterwards"}


def test_two_processes_that_write_take_turns(path: Path) -> None:
    children = [start("alternate", path) for _ in range(2)]
    outputs = [child.communicate(timeout=30) for child in children]

    counts, waits = zip(*(map(float, out.split()) for out, _ in outputs), strict=True)
    print(f"rows per process: {counts}; longest wait: {max(waits) * 1_000:.1f} ms")
    assert min(counts) > max(counts) / 4
    assert max(waits) < 1.0
    assert len(names_in(path)) == sum(counts)
