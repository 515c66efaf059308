"""
The index, for one process: it reads the node's file, and takes events up into it. Service.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from registry.events import Event, Head, digest_of_version, events_after, read_head
from registry.index.file import IndexFile, connect, dump_of, gap_around, progress_of
from registry.index.gathered import Gathered
from registry.index.reading import Indexed
from storage import Database

BATCH = 2_000  # events that are read at a time


class Index:
    """
    What the registry knows, as this node sees it.

    Args:
        path: of the file; its folder must be of this machine. None: one of our own, for as long as we are.
    """

    def __init__(self, database: Database, path: Path | None = None) -> None:
        self._database = database
        self._path = path or _own_path(self)
        self._local = threading.local()
        self._one_at_a_time = asyncio.Lock()

    @property
    def version(self) -> int:
        """The version of the registry that is answered from."""
        return progress_of(self._connection()).version

    @property
    def recorded_at(self) -> int:
        """When the newest of what is answered from was recorded, in microseconds since 1970."""
        return progress_of(self._connection()).recorded_at

    @contextlib.contextmanager
    def reading(self, known_at: int | None = None) -> Iterator[Indexed]:
        """Read what was known at one recorded time, all of one version; None: what is known now."""
        with self._transaction() as connection:
            yield Indexed(connection, known_at)

    @contextlib.contextmanager
    def gathering(self, known_at: int) -> Iterator[Gathered]:
        """As `reading`, for many questions at once."""
        with self._transaction() as connection:
            yield Gathered(connection, known_at)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("COMMIT")

    def gap_around(self, known_at: int) -> tuple[int, int] | None:
        """Return the span around a recorded time of which a restore lost what was recorded, if there is one."""
        return gap_around(self._connection(), known_at)

    async def load(self) -> Head:
        """As `follow`, having made sure that the file is of the same events as the database."""
        async with self._one_at_a_time, self._lock():
            head = await self._database.read(read_head)
            await self._take_up(head)
        return head

    async def follow(self) -> Head:
        """
        Take up all events that are recorded now; return the head that the file is at or beyond.

        Raises:
            DatabaseUnavailable: they cannot be read; what was known is still answered from.
        """
        head = await self._database.read(read_head)
        if self._is_at(head):
            return head
        async with self._one_at_a_time, self._lock():
            await self._take_up(head)
        return head

    def dump(self) -> list[tuple[Any, ...]]:
        """Return all that the file says; the same for the same events."""
        return dump_of(self._connection())

    def _is_at(self, head: Head) -> bool:
        found = progress_of(self._connection())
        return found.position > head.position or (found.version, found.digest) == (head.version, head.digest)

    async def _take_up(self, head: Head) -> None:
        file = await asyncio.to_thread(IndexFile, self._path)
        try:
            await self._require_same_history(file)
            position = file.progress().position
            while position < head.position:
                events = await self._database.read(partial(events_after, position=position, limit=BATCH))
                await asyncio.to_thread(_apply, file, events)
                position = events[-1].position
        finally:
            file.close()  # What was not committed is gone with it.

    async def _require_same_history(self, file: IndexFile) -> None:
        """Begin anew where the file is of other events: of another database, or of one before a restore."""
        progress = file.progress()
        digest = await self._database.read(partial(digest_of_version, version=progress.version))
        if digest != progress.digest:
            with file.writing():
                file.clear()

    @contextlib.asynccontextmanager
    async def _lock(self) -> AsyncIterator[None]:
        """One process of the node takes events up at a time."""
        lock = os.open(f"{self._path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _connection(self) -> Any:
        """Return this thread's connection to the file."""
        if not hasattr(self._local, "connection"):
            if not self._path.exists():
                IndexFile(self._path).close()
            self._local.connection = connect(self._path)
        return self._local.connection


def _apply(file: IndexFile, events: list[Event]) -> None:
    """Apply events, and commit where a version ends with them."""
    if not file.connection.in_transaction:
        file.connection.execute("BEGIN IMMEDIATE")
    file.apply(events)
    if events[-1].is_last:
        file.connection.execute("COMMIT")


def _own_path(owner: Index) -> Path:
    folder = tempfile.mkdtemp(prefix="touchstone-registry-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "index.sqlite"
