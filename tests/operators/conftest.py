"""A database with the tables of operators, and a clock."""

from collections.abc import AsyncIterator

import pytest

from operators import MIGRATIONS
from storage import MIGRATIONS as STORAGE
from storage import Engine
from tests.clock import Clock
from tests.databases import Place, mark_slow_on_postgres, migrated

SLOW_ON_POSTGRES = (
    "access/test_api_keys.py",
    "access/test_granting.py",
    "access/test_key_bounds.py",
    "access/test_people.py",
    "approvals/test_approvals.py",
    "approvals/test_as_asked.py",
    "approvals/test_going_past.py",
    "approvals/test_keys_behind.py",
    "approvals/test_people.py",
    "approvals/test_rules.py",
    "approvals/test_who_decides.py",
    "audit/test_anchors.py",
    "audit/test_pushing.py",
    "issuers/test_key_changes.py",
    "sign_in/test_sign_in.py",
)
BUT = (
    "test_requests_and_who_had_a_part_in_them_stay",
    "test_services_never_approve_whatever_is_granted_to_them",
    "test_anchors_are_files_beside_the_mirror_with_their_keys",
    "test_two_processes_that_push_at_once_lose_nothing",
    "test_certificates_are_kept_with_their_key",
    "test_one_subject_is_one_person_by_every_token",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_slow_on_postgres(items, tuple(f"operators/{name}" for name in SLOW_ON_POSTGRES), but=BUT)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000.0)


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Engine]:
    async with migrated(place, (*STORAGE, *MIGRATIONS)) as database:
        yield database
