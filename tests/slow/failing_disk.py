"""
The service with a disk that fails: `python -m tests.slow.failing_disk serve` is `python -m server serve`, but that
every commit raises what SQLite raises for an I/O error while the file `fail` is in the working directory, and for a
full disk while `full` is.
"""

from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite3

from server.commands.cli import main
from storage import sqlite as engine

FAULTS = {"fail": ("disk I/O error", sqlite3.SQLITE_IOERR), "full": ("disk is full", sqlite3.SQLITE_FULL)}


class FaultyConnection(sqlite3.Connection):  # type: ignore[misc]
    """A connection to a database on a disk that may fail at COMMIT, which is when the disk is asked."""

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql == "COMMIT":
            for name, (message, code) in FAULTS.items():
                if Path(name).exists():
                    error = sqlite3.OperationalError(message)
                    error.sqlite_errorcode = code
                    raise error
        return super().execute(sql, *parameters)


if __name__ == "__main__":
    connect = sqlite3.connect
    engine.sqlite3.connect = lambda *arguments, **options: connect(
        *arguments, **options, factory=FaultyConnection
    )
    main()
