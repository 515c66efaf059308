"""Processes that write rows and print each acknowledgement; run as `python -m tests.storage.child MODE PATH`."""

import asyncio
import itertools
import os
import resource
import signal
import sys
import time
from pathlib import Path

from storage import DatabaseUnavailable, Transaction
from storage.sqlite import SqliteDatabase, open_sqlite

WRITERS = 8
FILE_LIMIT = 1_048_576  # bytes; what stands in for a full disk
SECONDS = 2.0


async def write_row(database: SqliteDatabase, name: str, filler: int = 0) -> None:
    values = {"name": name, "filler": filler}
    await database.write(
        lambda tx: tx.execute("INSERT INTO acks (name, filler) VALUES (:name, zeroblob(:filler))", values)
    )


def limit_files(limit: int) -> None:
    """Let no file grow over `limit` bytes: a write beyond it fails, as it does on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


async def hold_the_lock(database: SqliteDatabase) -> None:
    """Stop, as SIGSTOP does, in the middle of a transaction."""

    def stop(_: Transaction) -> None:
        print("stopped", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(60)  # Another thread may take the signal, and this one run on for a moment.

    await database.write(stop)


async def forever(database: SqliteDatabase) -> None:
    """Write from several tasks until killed; print each name once it is acknowledged."""
    numbers = itertools.count()

    async def write() -> None:
        while True:
            name = f"{os.getpid()}-{next(numbers)}"
            await write_row(database, name)
            print(name, flush=True)

    await asyncio.gather(*(write() for _ in range(WRITERS)))


async def until_full(database: SqliteDatabase) -> None:
    """Write until the disk is full; print each acknowledgement, then what the engine says and does."""
    limit_files(FILE_LIMIT)
    for number in itertools.count():
        try:
            await write_row(database, f"row-{number}", filler=65_536)
        except DatabaseUnavailable:
            break
        print(f"row-{number}", flush=True)
    try:
        await write_row(database, "afterwards")
    except DatabaseUnavailable:
        print("unavailable", database.is_healthy)


async def checkpoint_fails(database: SqliteDatabase) -> None:
    """Write one MiB, then close while the database file may not grow; print what the engine counted."""
    for number in range(16):
        await write_row(database, f"row-{number}", filler=65_536)
    limit_files(65_536)
    database.close()
    print(database.stats.checkpoint_failures, database.is_healthy)


async def alternate(database: SqliteDatabase) -> None:
    """Write one row after another for some seconds; print how many, and the longest wait in seconds."""
    waits = []
    until = time.monotonic() + SECONDS
    while (began := time.monotonic()) < until:
        await write_row(database, f"{os.getpid()}-{len(waits)}")
        waits.append(time.monotonic() - began)
    print(len(waits), max(waits))


MODES = {mode.__name__: mode for mode in (forever, hold_the_lock, until_full, checkpoint_fails, alternate)}


async def main(mode: str, path: str) -> None:
    database = open_sqlite(Path(path))
    try:
        await MODES[mode](database)
    finally:
        database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
