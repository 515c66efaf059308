"""Fixtures of the tests of costs."""

import pytest

from tests.fuzz.costs import slowness_now


@pytest.fixture
def slowness() -> float:
    """How many times slower than the machine of the figures this one is, now."""
    return slowness_now()
