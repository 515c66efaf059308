"""
The server with an engine that is wrong on purpose: it acknowledges a write before its commit.

A positive control for test_crash.py; nothing else may use it.
"""

import time

from server.cli import main
from storage import sqlite


class EarlyAcknowledgement(sqlite.SqliteDatabase):
    """Resolves the futures first, and commits a moment later."""

    def _run_in_savepoint(self, job: sqlite._Job) -> None:
        super()._run_in_savepoint(job)
        sqlite._settle(job)
        time.sleep(0.01)

    def _settle_all(self, batch: list[sqlite._Job]) -> None:
        """They are settled already."""


sqlite.SqliteDatabase = EarlyAcknowledgement  # type: ignore[misc]
main()
