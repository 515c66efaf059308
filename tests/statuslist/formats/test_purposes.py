"""What we publish, and which statuses can be taken back."""

import pytest

from statuslist.errors import IrreversibleStatus, UnknownPurpose
from statuslist.formats.purposes import check_purpose, check_purposes, check_transition


def test_a_revocation_is_final() -> None:
    with pytest.raises(IrreversibleStatus):
        check_transition("revocation", 1, 0)


def test_a_suspension_is_lifted() -> None:
    check_transition("suspension", 1, 0)


@pytest.mark.parametrize("purpose", ["revocation", "suspension"])
@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (1, 1)])
def test_a_status_is_set_or_left(purpose: str, old: int, new: int) -> None:
    check_transition(purpose, old, new)


@pytest.mark.parametrize("purpose", ["", "refresh", "message", "Revocation", "revocation "])
def test_a_purpose_that_we_do_not_publish_is_refused(purpose: str) -> None:
    with pytest.raises(UnknownPurpose):
        check_purpose(purpose)
    with pytest.raises(UnknownPurpose):
        check_transition(purpose, 0, 1)


def test_purposes_come_in_one_order() -> None:
    assert check_purposes(["suspension", "revocation"]) == ("revocation", "suspension")
    assert check_purposes(["suspension"]) == ("suspension",)


@pytest.mark.parametrize("purposes", [[], ["message"], ["revocation", "revocation"]], ids=str)
def test_a_missing_unknown_or_repeated_purpose_is_refused(purposes: list[str]) -> None:
    with pytest.raises(UnknownPurpose):
        check_purposes(purposes)
