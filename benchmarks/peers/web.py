"""
did:web cold over TLS.
"""

from pathlib import Path

from benchmarks.result import Result


def measure(_: Path) -> list[Result]:
    """Return nothing yet."""
    return []
