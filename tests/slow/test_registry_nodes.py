"""Two nodes of two workers each, on one PostgreSQL and two indexes: an edit is in force on all within a second."""

import shutil
import statistics
import time
from pathlib import Path

import pytest

from tests.databases import PostgresPlace
from tests.postgres import Cluster
from tests.process import Server
from tests.slow.editors import prepare, statuses, suspend

pytestmark = pytest.mark.slow

EDITS = 12
ASKED = 12  # times in a row, each on a new connection, so that both workers are asked
PATIENCE_SECONDS = 10.0


def _seen_after(nodes: list[Server], number: int) -> float:
    """Return after how many seconds each worker of each node has answered that an entity is suspended."""
    began = last = time.monotonic()
    for node in nodes:
        in_a_row = 0
        while in_a_row < ASKED:
            assert time.monotonic() - began < PATIENCE_SECONDS, "the edit is not in force"
            asked_at = time.monotonic()
            is_suspended = statuses(node, [number]) == ["suspended"]
            in_a_row = in_a_row + 1 if is_suspended else 0
            last = last if is_suspended else max(last, asked_at)
    return last - began


def test_an_edit_is_in_force_on_every_process_of_every_node_within_a_second(
    postgres: Cluster, tmp_path: Path
) -> None:
    place = PostgresPlace(postgres)
    first = Server(tmp_path / "one", database_url=place.url, workers=2, RATE_CPU_PER_SECOND="100000")
    second = Server(
        tmp_path / "two",
        database_url=place.url,
        public_url=first.url,
        workers=2,
        RATE_CPU_PER_SECOND="100000",
    )
    first.directory.mkdir()
    first.initialise()
    shutil.copytree(first.directory / "var/keys", second.directory / "var/keys")
    try:
        first.start()
        second.start()
        prepare(first, EDITS)
        assert _active(second, EDITS)
        delays = []
        for number in range(EDITS):
            suspend(first, number)
            delays.append(_seen_after([second, first], number))
    finally:
        first.kill()
        second.kill()
    print(
        f"\n{EDITS} edits, in force after {statistics.median(delays):.3f} s (median), {max(delays):.3f} s (worst)"
    )

    assert (second.directory / "var/registry-index.sqlite").exists()
    assert statistics.median(delays) < 1.0


def _active(node: Server, count: int) -> bool:
    """Wait until a node knows what was imported."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS:
        try:
            if statuses(node, list(range(count))) == ["active"] * count:
                return True
        except KeyError:
            time.sleep(0.05)  # The authority is not known there yet.
    return False
