"""What the tests of the observatory share."""

import pytest

from tests.databases import mark_slow_on_postgres


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    files = ("observatory/test_observations.py",)
    mark_slow_on_postgres(items, files, but=("test_two_processes_that_see_the_same_make_one_interval",))
