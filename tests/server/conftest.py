"""What the tests of the server share."""

import pytest

from tests.databases import mark_slow_on_postgres

SLOW_ON_POSTGRES = (
    "server/commands/test_restored_keys.py",
    "server/commands/test_restored_registry.py",
    "server/identity/test_taking_up.py",
    "server/identity/test_upkeep.py",
    "server/test_upgrade.py",
    "server/test_upgraded_issuers.py",
    "server/test_upgraded_principals.py",
    "server/test_upgraded_registry.py",
)
BUT = (
    "test_a_restore_after_two_rotations_takes_over_every_list_signed_since",
    "test_what_is_lost_begins_with_the_last_promise_in_other_backups",
    "test_a_retired_key_leaves_the_document_when_what_it_signed_has_ended",
    "test_a_spare_key_that_an_operator_added_ends_the_alarm",
    "test_every_row_is_still_there_and_the_audit_chain_holds",
    "test_each_issuer_gets_a_spare_key_which_its_document_lists",
    "test_its_principals_are_services_with_the_grants_that_their_roles_were",
    "test_every_question_is_answered_as_before",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_slow_on_postgres(items, SLOW_ON_POSTGRES, but=BUT)
