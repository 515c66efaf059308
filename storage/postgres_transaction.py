"""
`Transaction` on PostgreSQL: our SQL in psycopg's words, and what need not be awaited.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from storage.database import Row

# `:name`, but neither a cast (`::text`) nor a part of a quoted string.
_PARAMETER = re.compile(r"'(?:[^']|'')*'|::|:([a-z_]+)|(%)", re.ASCII)


@functools.cache
def translate(sql: str) -> str:
    """Return `sql` with `:name` written as psycopg wants it, `%(name)s`."""

    def swap(match: re.Match[str]) -> str:
        if match[1]:
            return f"%({match[1]})s"
        return "%%" if match[2] else match[0].replace("%", "%%")

    return _PARAMETER.sub(swap, sql)


class PostgresTransaction:
    """`Transaction` over one connection."""

    def __init__(
        self, connection: psycopg.Connection[dict[str, Any]], pipeline: psycopg.Pipeline | None = None
    ) -> None:
        self._connection = connection
        self._pipeline = pipeline

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        cursor = self._run(sql, parameters)
        if self._pipeline is not None:
            self._pipeline.sync()
        return cursor.rowcount

    def send(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        self._run(sql, parameters)

    def execute_many(self, sql: str, parameters: Iterable[Mapping[str, Any]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(translate(sql), list(parameters))

    def all(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        return list(self._run(sql, parameters).fetchall())

    def one(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Row | None:
        return next(iter(self.all(sql, parameters)), None)

    def _run(self, sql: str, parameters: Mapping[str, Any] | None) -> psycopg.Cursor[dict[str, Any]]:
        if not parameters:  # Sent as it is: a migration's statement may hold several.
            return self._connection.execute(sql, prepare=False)
        return self._connection.execute(translate(sql), parameters)
