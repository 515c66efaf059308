"""
Acknowledged (durable) revocations a second on either engine, beside that engine's own single-row commits.

The rivals keep the same promise with the same settings on the same disk: raw SQLite in WAL mode with
`synchronous=FULL`, and pgbench with as many clients as we have writers. A revocation is a look at the rows and five
statements (the status, its event, the version of the set, the audit row, the mark that this waits for its seal);
theirs is one.
"""

import asyncio
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite3

from benchmarks.result import Result, compared
from benchmarks.revocations import RevocationBench
from storage import open_database
from tests.postgres import Cluster

WRITERS = (1, 10, 64, 100)
POSTGRES_TARGET = 0.15  # of the rival, by 64 writers; three times what it was with a round trip for each rule
ROUNDS = 3
SECONDS = 1  # per round
SQLITE_RIVAL = "raw SQLite, single-row commits (WAL, synchronous=FULL)"
POSTGRES_RIVAL = "pgbench, single-row commits, as many clients"

Rate = Callable[[int], float]


def measure(folder: Path) -> list[Result]:
    """Return our rates on SQLite and on PostgreSQL at each number of writers."""
    results = asyncio.run(
        _measure(f"sqlite:///{folder}/ours.db", "sqlite", _raw_sqlite(folder), SQLITE_RIVAL)
    )
    with Cluster() as cluster:
        url = cluster.create_database("bench")
        return results + asyncio.run(_measure(url, "postgres", _pgbench(cluster, folder), POSTGRES_RIVAL))


async def _measure(url: str, engine: str, rival: Rate, name: str) -> list[Result]:
    database = open_database(url, create=True)
    try:
        bench = await RevocationBench.open(database)
        return [await _compare(bench, rival, writers, engine, name) for writers in WRITERS]
    finally:
        database.close()


async def _compare(bench: RevocationBench, rival: Rate, writers: int, engine: str, name: str) -> Result:
    pairs = [(await bench.rate(writers), await asyncio.to_thread(rival, writers)) for _ in range(ROUNDS)]
    figure = f"revocations_{engine}_{writers}_writers"
    return compared(
        figure,
        [ours for ours, _ in pairs],
        [theirs for _, theirs in pairs],
        "acknowledged/s",
        name,
        at_least=POSTGRES_TARGET if (engine, writers) == ("postgres", 64) else None,
    )


def _raw_sqlite(folder: Path) -> Rate:
    """Return the rate of one connection: SQLite has one writer, more of them only wait."""

    def rate(_: int) -> float:
        connection = sqlite3.connect(str(folder / "raw.db"), isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, value INTEGER)")
        began, count = time.perf_counter(), 0
        while time.perf_counter() < began + SECONDS:
            connection.execute("INSERT INTO rows (value) VALUES (1)")
            count += 1
        seconds = time.perf_counter() - began
        connection.close()
        return count / seconds

    return rate


def _pgbench(cluster: Cluster, folder: Path) -> Rate:
    url = cluster.create_database("pgbench")
    cluster.execute(
        "CREATE TABLE rows (id BIGINT GENERATED ALWAYS AS IDENTITY, value BIGINT)", database="pgbench"
    )
    script = folder / "insert.sql"
    script.write_text("INSERT INTO rows (value) VALUES (1);\n")

    def rate(clients: int) -> float:
        command = [
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients),
            "-j",
            "1",
            "-T",
            str(SECONDS),
            "-f",
            str(script),
            url,
        ]
        done = subprocess.run(
            [str(cluster.binaries / "pgbench"), *command], capture_output=True, text=True, check=True
        )
        line = next(line for line in done.stdout.splitlines() if line.startswith("tps = "))
        return float(line.split()[2])

    return rate
