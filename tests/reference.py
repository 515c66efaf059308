"""
Reference suites of others, in the folder that `TOUCHSTONE_REFERENCE_DATA` names: read and compared, never copied.

Tests of them run with the slow ones, and skip aloud where the folder is not there: what each holds is held by facts
of our own too, in the tests beside them.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., object])

_ROOT = Path(os.environ.get("TOUCHSTONE_REFERENCE_DATA") or "/nonexistent")


def reference(name: str) -> Path:
    """Return the folder of one suite."""
    return _ROOT / name


def needs_reference(name: str) -> Callable[[Test], Test]:
    """Mark a test that reads one suite."""
    reason = f"TOUCHSTONE_REFERENCE_DATA names no folder with {name}/"
    is_missing = pytest.mark.skipif(not reference(name).is_dir(), reason=reason)
    return lambda test: pytest.mark.slow(is_missing(test))
