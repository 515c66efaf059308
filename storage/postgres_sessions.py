"""
What needs a PostgreSQL session of its own: leases (advisory locks) and the watch (LISTEN).

Both end with the connection, hence with the process, and both come back by themselves after an outage.
"""

import asyncio
import contextlib
import threading
import zlib
from collections.abc import Callable
from typing import Any

import psycopg

from storage.postgres_dsn import Dsn

LOCK_SPACE = 0x544F5543  # "TOUC": our advisory locks are pairs that begin with it
SILENT_SECONDS = 10  # seconds; a holder asks several times a second
WAIT_SECONDS = (
    1.0  # seconds between two looks whether the watch shall end, and between two attempts to connect
)


class PostgresLease:
    """
    As `storage.Lease`: a session's advisory lock. A server that we cannot reach gives it to nobody.

    The server ends the session of a holder that does not call `hold` for `SILENT_SECONDS`: one that was stopped, or
    whose machine is lost, keeps its TCP session for longer than others can wait.
    """

    def __init__(self, dsn: Dsn, name: str) -> None:
        self._dsn = dsn
        # Bit 30 is set, so that no name meets the number of the write lock.
        self._key = zlib.crc32(name.encode()) & 0x3FFFFFFF | 0x40000000
        self._connection: psycopg.Connection[Any] | None = None
        self._is_held = False

    def hold(self) -> bool:
        """As `Lease.hold`; while it is held, a round trip that shows that the session lives."""
        try:
            self._is_held = self._ask()
        except psycopg.Error:
            self.release()
        return self._is_held

    def release(self) -> None:
        """As `Lease.release`: the lock goes with its session."""
        self._is_held = False
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _ask(self) -> bool:
        if self._connection is None:
            self._connection = psycopg.connect(self._dsn.conninfo(), autocommit=True)
            self._connection.execute(f"SET idle_session_timeout = '{SILENT_SECONDS}s'")
        if self._is_held:
            self._connection.execute("SELECT 1")
            return True
        row = self._connection.execute(
            "SELECT pg_try_advisory_lock(%s::int, %s::int)", (LOCK_SPACE, self._key)
        ).fetchone()
        return bool(row and row[0])


class PostgresWatch:
    """Listens on a channel until closed; tells the event loop on which it was made."""

    def __init__(self, dsn: Dsn, channel: str, on_change: Callable[[], None]) -> None:
        self._dsn = dsn
        self._channel = channel
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postgres-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, within `WAIT_SECONDS`."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._dsn.conninfo(), autocommit=True) as connection:
                    connection.execute(f"LISTEN {self._channel}")
                    self._tell()  # What was committed while nobody listened.
                    self._listen(connection)
            except psycopg.Error:
                self._closing.wait(WAIT_SECONDS)

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        while not self._closing.is_set():
            for _ in connection.notifies(timeout=WAIT_SECONDS, stop_after=1):
                self._tell()

    def _tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is closed.
            self._loop.call_soon_threadsafe(self._on_change)
