"""What a registry asks of its index, statement by statement, so that costs are counted and not timed."""

from collections.abc import Iterator
from contextlib import contextmanager

from registry.registry import Registry


@contextmanager
def statements_of(registry: Registry) -> Iterator[list[str]]:
    """Yield a list into which each statement goes that this thread's connection to the index runs."""
    statements: list[str] = []
    connection = registry.index.connection()
    connection.set_trace_callback(statements.append)
    try:
        yield statements
    finally:
        connection.set_trace_callback(None)
