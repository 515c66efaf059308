"""
The server with an engine that is wrong on purpose: it acknowledges a write before its commit.

A positive control for test_crash.py; nothing else may use it.
"""

import time
from collections.abc import Callable

from server.commands.cli import main
from storage import sqlite
from storage.writer import Job, take_turn, tell


def acknowledge_early(jobs: list[Job], run: Callable[[Job], None], **first: Callable[[Job], None]) -> None:
    """Resolve the futures first, and commit a moment later."""
    take_turn(jobs, run, **first)
    tell(jobs)
    time.sleep(0.01)


sqlite.take_turn = acknowledge_early
main()
