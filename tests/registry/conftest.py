"""What the tests of the registry share."""

import pytest

from tests.databases import mark_slow_on_postgres

SLOW_ON_POSTGRES = (
    "feed/test_changes.py",
    "feed/test_deliveries.py",
    "feed/test_subscribers.py",
    "index/test_index_file.py",
    "reports/test_reports.py",
    "sources/test_following.py",
    "sources/test_passing.py",
    "sources/test_sources.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_slow_on_postgres(items, tuple(f"registry/{name}" for name in SLOW_ON_POSTGRES))
