"""
The server with an engine that is wrong on purpose: it acknowledges a write before its commit.

A positive control for test_crash.py; nothing else may use it.
"""

import time

from server.commands.cli import main
from storage import sqlite
from storage.writer import Job, tell


class EarlyAcknowledgement(sqlite.SqliteDatabase):
    """Resolves the futures first, and commits a moment later."""

    def _run_in_savepoint(self, job: Job) -> None:
        super()._run_in_savepoint(job)
        tell([job])
        time.sleep(0.01)


sqlite.SqliteDatabase = EarlyAcknowledgement  # type: ignore[misc]
main()
