"""
The index, for one process: it reads the node's file, and takes events up into it. Service.

Whoever holds the file's lock takes events up for all processes of the node. Each process keeps to the file that it
has open; where that is not the one of this name any more (somebody removed it, or it was damaged and another
process made it anew), the next look opens the new one, once it is complete.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from pysqlite3 import dbapi2 as sqlite3

from registry.events import Event, Head, digest_of_version, events_after, read_head
from registry.index.file import (
    IndexFile,
    Progress,
    connect,
    dump_of,
    gap_around,
    progress_of,
    remove,
)
from registry.index.gathered import Gathered, Remembered
from registry.index.reading import Indexed
from storage import Database, DatabaseUnavailable

LOG = logging.getLogger("touchstone.registry")

BATCH = 2_000  # events that are read at a time

K = TypeVar("K", bound=Indexed)
_Inode = tuple[int, int] | None  # which file it is, whatever its name; None: there is none


class Index:
    """
    What the registry knows, as this node sees it; before it is loaded, questions are refused.

    Args:
        path: of the file; its folder must be of this machine. None: one of our own, for as long as we are.
    """

    def __init__(self, database: Database, path: Path | None = None) -> None:
        self._database = database
        self._path = path or _own_path(self)
        self._inode: _Inode = (
            None  # Of the file that is answered from; set under the lock, once it is complete.
        )
        self._is_damaged = False  # Whether that file could not be read.
        self._local = threading.local()
        self._one_at_a_time = asyncio.Lock()

    @property
    def version(self) -> int:
        """The version of the registry that is answered from; 0: none yet. Raises as `reading`."""
        progress = self._progress()
        return 0 if progress is None else progress.version

    @property
    def recorded_at(self) -> int:
        """
        When the newest of what is answered from was recorded, in microseconds since 1970; 0: nothing is.

        Raises as `reading`: whoever took a file that cannot be read for an empty one would deny everything.
        """
        progress = self._progress()
        return 0 if progress is None else progress.recorded_at

    def reading(self, known_at: int | None = None) -> AbstractContextManager[Indexed]:
        """
        Read what was known at one recorded time, all of one version; None: what is known now.

        Raises:
            DatabaseUnavailable: the file cannot be read; where it is damaged, it is made anew soon.
        """
        return _Transaction(self, lambda connection: Indexed(connection, known_at))

    def gathering(self, known_at: int, before: Gathered | None = None) -> AbstractContextManager[Gathered]:
        """As `reading`, for many questions at once; `before` is what was gathered of the same time already."""

        def view(connection: Any) -> Gathered:
            is_same = before is not None and before.is_of(connection)
            return before if before is not None and is_same else Gathered(connection, known_at)

        return _Transaction(self, view)

    def remembering(self) -> AbstractContextManager[Remembered]:
        """As `reading`, of what is known now; what this thread looked up so is remembered until it changes."""
        return _Transaction(self, self._remembered)

    def state(self) -> Hashable:
        """
        Return what stands for what this thread would read now: another value once anybody changed the file.

        Raises:
            DatabaseUnavailable: as `reading`.
        """
        try:
            return _state(self.connection())
        except (OSError, sqlite3.Error) as error:
            raise self.unavailable(error) from error

    def _remembered(self, connection: Any) -> Remembered:
        state = _state(connection)
        remembered: Remembered | None = getattr(self._local, "remembered", None)
        if remembered is None or remembered.state != state:
            remembered = self._local.remembered = Remembered(connection, state)
        remembered.trim()
        return remembered

    def gap_around(self, known_at: int) -> tuple[int, int] | None:
        """Return the span around a recorded time of which a restore lost what was recorded, if there is one."""
        with self._told():
            return gap_around(self.connection(), known_at)

    async def load(self) -> Head:
        """As `follow`, having made sure that the file is of the same events as the database."""
        return await self._take_up(await self._database.read(read_head))

    async def follow(self) -> Head:
        """
        Take up all events that are recorded now; return the head that the file is at or beyond.

        Raises:
            DatabaseUnavailable: they cannot be read, or not be kept; what was known is still answered from.
        """
        head = await self._database.read(read_head)
        return head if await self._is_at(head) else await self._take_up(head)

    def dump(self) -> list[tuple[Any, ...]]:
        """Return all that the file says; the same for the same events."""
        return dump_of(self.connection())

    async def _is_at(self, head: Head) -> bool:
        """Tell whether the file that is answered from is there, and has all that is recorded, and nothing else."""
        if self._inode is None or self._is_damaged or self._inode != _inode(self._path):
            return False
        try:
            progress = self._progress()
        except DatabaseUnavailable:
            return False
        if (
            progress is not None and progress.position > head.position
        ):  # Others were faster, or it was restored.
            return progress.digest == await self._digest_of(progress)
        return progress is not None and (progress.version, progress.digest) == (head.version, head.digest)

    def _progress(self) -> Progress | None:
        """Return how far the file that is answered from is; None: there is nothing in it yet."""
        with self._told():
            return progress_of(self.connection())

    async def _take_up(self, head: Head) -> Head:
        async with self._one_at_a_time:
            with self._told():
                async with self._lock():
                    if self._is_damaged and self._inode == _inode(self._path):
                        remove(self._path)
                    await self._bring_up_or_begin_anew(head)
                    self._inode, self._is_damaged = _inode(self._path), False
        return head

    async def _bring_up_or_begin_anew(self, head: Head) -> None:
        try:
            await self._bring_up(head)
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            remove(self._path)
            await self._bring_up(head)

    async def _bring_up(self, head: Head) -> None:
        """Take up what is missing: version by version; or all at once where the file has to begin anew."""
        file = await asyncio.to_thread(IndexFile, self._path)
        try:
            progress = file.progress()
            is_new = progress is None or progress.digest != await self._digest_of(progress)
            position = 0 if is_new or progress is None else progress.position
            file.begin()
            if is_new:
                file.begin_anew()
            await self._hand_over(position, head.position, file.fill if is_new else partial(_apply, file))
            if is_new:
                await asyncio.to_thread(file.put_in_order)
            await asyncio.to_thread(file.commit)
        finally:
            file.close()  # What was not committed is gone with it.

    async def _hand_over(self, position: int, last: int, take: Callable[[list[Event]], None]) -> None:
        """Hand over the events from beyond a position up to another; while some are taken, the next are read."""
        events = await self._events(position, last)
        while position < last:
            if not events:
                raise DatabaseUnavailable("the registry went back while it was read")
            position = events[-1].position
            events, _ = await asyncio.gather(self._events(position, last), asyncio.to_thread(take, events))

    async def _events(self, position: int, last: int) -> list[Event]:
        find = partial(events_after, position=position, limit=BATCH, until=last)
        return [] if position >= last else await self._database.read(find)

    async def _digest_of(self, progress: Progress) -> str | None:
        """Return the digest of a file's version in the database; None: it has no such version."""
        return await self._database.read(partial(digest_of_version, version=progress.version))

    @contextlib.asynccontextmanager
    async def _lock(self) -> AsyncIterator[None]:
        """One process of the node takes events up at a time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{self._path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def connection(self) -> Any:
        """Return this thread's connection to the file that is answered from."""
        if self._inode is None:
            raise DatabaseUnavailable("the registry is not loaded yet")
        if getattr(self._local, "inode", None) != self._inode:
            self._local.connection = connect(self._path, "ro")
            self._local.inode = self._inode
        return self._local.connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what is wrong with the file in words of ours."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise self.unavailable(error) from error

    def unavailable(self, error: Exception) -> DatabaseUnavailable:
        """Take note of what is wrong with the file; return it in words of ours."""
        self._is_damaged |= _is_damage(error)
        LOG.warning("the index of the registry, %s: %s", self._path, error)
        return DatabaseUnavailable(f"the registry's index cannot be used now: {_words_of(error)}")


class _Transaction(Generic[K]):
    """Stands around every question, so that it is no generator: of those, each takes a microsecond or two."""

    def __init__(self, index: Index, view: Callable[[Any], K]) -> None:
        self._index = index
        self._view = view

    def __enter__(self) -> K:
        try:
            self._connection = self._index.connection()
            self._connection.execute("BEGIN")
        except (OSError, sqlite3.Error) as error:
            raise self._index.unavailable(error) from error
        return self._view(self._connection)

    def __exit__(self, _: Any, error: BaseException | None, traceback: Any) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
        except sqlite3.Error as failed:
            raise self._index.unavailable(failed) from failed
        if isinstance(error, OSError | sqlite3.Error):
            raise self._index.unavailable(error) from error


def _state(connection: Any) -> Hashable:
    return connection, connection.execute("PRAGMA data_version").fetchone()[0]


def _apply(file: IndexFile, events: list[Event]) -> None:
    """Apply events, and let everybody see them where a version ends with them."""
    file.apply(events)
    if events[-1].is_last:
        file.commit()
        file.begin()


def _is_damage(error: Exception) -> bool:
    """Tell whether what is in the file is at fault, and not the disk, its room or who may read it."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _words_of(error: Exception) -> str:
    """Return what is wrong, without the path that an error of the system names."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _inode(path: Path) -> _Inode:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _own_path(owner: Index) -> Path:
    folder = tempfile.mkdtemp(prefix="touchstone-registry-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "index.sqlite"
