"""Several status entries, made one verdict: what counts most, and what is not shown."""

import msgspec
import pytest

from credentials.errors import MalformedValue
from statuslist.checking.requests import CheckedEntry
from statuslist.errors import MalformedStatusList, RangeError, StatusRetrievalError
from verification.standing import Outcome, still_valid

HOLDS = CheckedEntry(
    status=0, purpose="revocation", valid=True, status_list_index="7", list_issuer="did:web:a.example"
)
REVOKED = msgspec.structs.replace(HOLDS, status=1, valid=False, reason="revoked")
SUSPENDED = msgspec.structs.replace(HOLDS, status=1, purpose="suspension", valid=False, reason="suspended")
REFRESH = msgspec.structs.replace(HOLDS, status=1, purpose="refresh", valid=False, reason="refresh")
STALE = msgspec.structs.replace(HOLDS, list_key_stale=True)
AWAY = StatusRetrievalError("the list's origin answered 503", statusListCredential="https://a.example/1")


@pytest.mark.parametrize(
    ("outcomes", "reason"),
    [
        ([HOLDS, HOLDS], "not_revoked"),
        ([HOLDS, AWAY], "list_not_read"),
        ([AWAY, REVOKED], "revoked"),
        ([HOLDS, SUSPENDED], "suspended"),
        ([REFRESH], "not_revoked"),
        ([STALE], "list_not_read"),
        ([MalformedValue("type: expected one")], "malformed"),
        ([RangeError("the index lies outside a list of 8 entries")], "malformed"),
        ([MalformedStatusList("encodedList: expected a string")], "list_not_read"),
    ],
)
def test_what_says_no_counts_most_then_what_nobody_can_tell(outcomes: list[Outcome], reason: str) -> None:
    assert still_valid(outcomes, is_required=False, is_full=False).reason == reason


def test_a_key_that_may_be_out_of_date_counts_where_the_policy_says_so() -> None:
    assert still_valid([STALE], is_required=False, is_full=False, takes_stale=True).verdict == "yes"


@pytest.mark.parametrize(("is_required", "verdict"), [(False, "yes"), (True, "no")])
def test_no_entry_is_good_unless_the_registry_demands_one(is_required: bool, verdict: str) -> None:
    assert still_valid([], is_required=is_required, is_full=False).verdict == verdict


def test_an_entry_by_which_nobody_is_revoked_is_not_what_the_registry_demands() -> None:
    told = still_valid([REFRESH], is_required=True, is_full=False)

    assert told.reason == "status_entry_missing"


def test_what_tells_the_holder_apart_is_shown_only_where_it_was_asked_for() -> None:
    safe, full = (still_valid([HOLDS, AWAY], is_required=False, is_full=each) for each in (False, True))

    assert "statusListIndex" not in str(safe.evidence)
    assert "statusListIndex" in str(full.evidence)
