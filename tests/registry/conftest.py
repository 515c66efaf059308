"""What the tests of the registry share."""

import pytest

from tests.databases import mark_slow_on_postgres

SLOW_ON_POSTGRES = (
    "registry/feed/test_changes.py",
    "registry/feed/test_deliveries.py",
    "registry/feed/test_subscribers.py",
    "registry/index/test_index_file.py",
    "registry/reports/test_reports.py",
    "registry/sources/test_following.py",
    "registry/sources/test_passing.py",
    "registry/sources/test_sources.py",
    "registry/test_as_of.py",
    "registry/test_import.py",
)
BUT = ("test_an_import_adds_every_fact_and_says_so",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_slow_on_postgres(items, SLOW_ON_POSTGRES, but=BUT)
