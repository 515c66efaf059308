"""The validator's algorithm: each code of the standard is reached, and nothing but a clear 0 is valid."""

import pytest

from credentials.errors import MalformedValue
from statuslist.checking.algorithm import CLOCK_SKEW, StatusResult, evaluate
from statuslist.errors import (
    MalformedStatusList,
    RangeError,
    StatusListLengthError,
    StatusListTooLarge,
    StatusRetrievalError,
    StatusVerificationError,
)
from statuslist.formats.bitstring import MAX_LIST_BYTES, encode_list, expand_list
from statuslist.formats.bitstring_credential import read_status_list_credential
from statuslist.formats.bitstring_entry import read_entry
from tests.statuslist.lists import HOUR, LENGTH, NOW, URL, a_list, an_entry, messages
from wire import Refusal

STATUS_LIST = "https://www.w3.org/ns/credentials/status-list#"
VCDM = "https://www.w3.org/TR/vc-data-model#"


def check(entry: dict[str, object], document: dict[str, object], *, now: int = NOW) -> StatusResult:
    credential = read_status_list_credential(document)
    bits = expand_list(credential.encoded_list, max_bytes=MAX_LIST_BYTES)
    return evaluate(read_entry(entry), credential, bits, now=now)


def test_a_status_of_0_is_valid() -> None:
    assert check(an_entry(5), a_list((4, 1), (6, 1))) == StatusResult(
        status=0, purpose="revocation", valid=True
    )


def test_a_status_of_1_is_not_valid() -> None:
    assert check(an_entry(5), a_list((5, 1))) == StatusResult(status=1, purpose="revocation", valid=False)


@pytest.mark.parametrize("index", [0, 1, 7, 8, 9, LENGTH - 1])
def test_only_the_credential_at_the_index_is_revoked(index: int) -> None:
    document = a_list((index, 1))

    assert not check(an_entry(index), document).valid
    assert check(an_entry((index + 1) % LENGTH), document).valid
    assert check(an_entry((index - 1) % LENGTH), document).valid
    assert check(an_entry(index ^ 7), document).valid, "the other end of the same byte"


def test_a_list_of_several_purposes_answers_for_each() -> None:
    document = a_list((5, 1), subject={"statusPurpose": ["revocation", "suspension"]})

    assert check(an_entry(5, statusPurpose="suspension"), document).purpose == "suspension"


def test_another_purpose_is_a_verification_error() -> None:
    with pytest.raises(StatusVerificationError) as caught:
        check(an_entry(5), a_list(subject={"statusPurpose": "suspension"}))

    assert caught.value.type == STATUS_LIST + "STATUS_VERIFICATION_ERROR"


def test_another_list_served_at_the_url_is_a_verification_error() -> None:
    with pytest.raises(StatusVerificationError, match="another"):
        check(an_entry(5), a_list(id=URL + "/other"))


def test_a_list_without_an_id_is_bound_by_its_url_alone() -> None:
    assert check(an_entry(5), a_list(id=None)).valid


@pytest.mark.parametrize(
    "now", [NOW - HOUR - CLOCK_SKEW, NOW - HOUR, NOW, NOW + HOUR, NOW + HOUR + CLOCK_SKEW]
)
def test_a_list_is_used_within_its_window_and_the_skew(now: int) -> None:
    assert check(an_entry(5), a_list(), now=now).valid


@pytest.mark.parametrize(
    "now", [0, NOW - HOUR - CLOCK_SKEW - 1, NOW + HOUR + CLOCK_SKEW + 1, NOW + 1000 * HOUR]
)
def test_a_list_outside_its_window_is_a_verification_error(now: int) -> None:
    with pytest.raises(StatusVerificationError, match="valid"):
        check(an_entry(5), a_list(), now=now)


def test_a_list_below_the_minimum_is_a_length_error() -> None:
    with pytest.raises(StatusListLengthError) as caught:
        check(an_entry(5), a_list(length=LENGTH - 8))

    assert caught.value.type == STATUS_LIST + "STATUS_LIST_LENGTH_ERROR"


def test_an_empty_list_is_a_length_error() -> None:
    with pytest.raises(StatusListLengthError):
        check(an_entry(0), a_list(length=0))


def test_an_ecosystem_may_set_another_minimum() -> None:
    entry, document = read_entry(an_entry(5)), read_status_list_credential(a_list(length=64))

    assert evaluate(entry, document, bytes(8), now=NOW, minimum_length=64).valid
    with pytest.raises(StatusListLengthError):
        evaluate(entry, document, bytes(8), now=NOW, minimum_length=65)


@pytest.mark.parametrize("index", [LENGTH, LENGTH + 1, 2**63, 10**99])
def test_an_index_beyond_the_list_is_a_range_error(index: int) -> None:
    with pytest.raises(RangeError) as caught:
        check(an_entry(index), a_list())

    assert caught.value.type == VCDM + "RANGE_ERROR"


def test_a_damaged_list_is_a_malformed_value() -> None:
    with pytest.raises(MalformedStatusList) as caught:
        check(an_entry(5), a_list(subject={"encodedList": "uH4sI"}))

    assert caught.value.type == VCDM + "MALFORMED_VALUE_ERROR"


def test_a_list_over_our_cap_is_refused() -> None:
    with pytest.raises(StatusListTooLarge):
        check(an_entry(5), a_list(subject={"encodedList": encode_list(bytes(MAX_LIST_BYTES + 1))}))


def test_the_minimum_counts_entries_and_not_bits() -> None:
    """Trap T4: a list of two bits per entry needs 262,144 bits."""
    entry = an_entry(5, statusSize=2, statusMessage=messages(4))

    with pytest.raises(StatusListLengthError):
        check(entry, a_list(length=LENGTH))
    assert check(entry, a_list((5, 2), size=2)).status == 2


def test_an_index_counts_entries_and_not_bits() -> None:
    entry = an_entry(LENGTH, statusSize=2, statusMessage=messages(4))

    with pytest.raises(RangeError):
        check(entry, a_list(size=2))


@pytest.mark.parametrize("size", [1, 4])
def test_a_list_with_entries_of_another_size_is_a_verification_error(size: int) -> None:
    entry = an_entry(5, statusSize=2, statusMessage=messages(4))

    with pytest.raises(StatusVerificationError, match="size"):
        check(entry, a_list(size=8, subject={"statusSize": size}))


def test_a_message_is_the_one_that_the_credential_was_issued_with() -> None:
    entry = an_entry(5, statusPurpose="message", statusSize=2, statusMessage=messages(4))
    document = a_list((5, 3), size=2, subject={"statusPurpose": "message", "statusSize": 2})

    assert check(entry, document) == StatusResult(
        status=3, purpose="message", valid=False, message="message 3"
    )


@pytest.mark.parametrize(("status", "message"), [(0, "unset"), (1, "set")])
def test_without_messages_a_status_is_set_or_unset(status: int, message: str) -> None:
    found = check(
        an_entry(5, statusPurpose="message"), a_list((5, status), subject={"statusPurpose": "message"})
    )

    assert found.message == message


def test_other_purposes_have_no_message() -> None:
    assert check(an_entry(5, statusMessage=messages(2)), a_list()).message is None


def test_errors_come_in_the_order_of_the_specification() -> None:
    """Each fault is mended in turn; the next one appears. What is malformed is refused where the list is read."""
    entry = an_entry(LENGTH)
    subject = {"statusPurpose": "refresh"}
    past = "2025-12-31T23:30:00Z"

    with pytest.raises(MalformedStatusList):
        check(entry, a_list(length=8, subject=subject | {"encodedList": "u"}, validUntil=past))
    with pytest.raises(StatusVerificationError, match="no longer valid"):
        check(entry, a_list(length=8, id=URL + "/other", subject=subject, validUntil=past))
    with pytest.raises(StatusVerificationError, match="another"):
        check(entry, a_list(length=8, id=URL + "/other", subject=subject))
    with pytest.raises(StatusVerificationError, match="purpose"):
        check(entry, a_list(length=8, subject=subject))
    with pytest.raises(StatusListLengthError):
        check(entry, a_list(length=8))
    with pytest.raises(RangeError):
        check(entry, a_list())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StatusRetrievalError, STATUS_LIST + "STATUS_RETRIEVAL_ERROR"),
        (StatusVerificationError, STATUS_LIST + "STATUS_VERIFICATION_ERROR"),
        (StatusListLengthError, STATUS_LIST + "STATUS_LIST_LENGTH_ERROR"),
        (MalformedValue, VCDM + "MALFORMED_VALUE_ERROR"),
        (MalformedStatusList, VCDM + "MALFORMED_VALUE_ERROR"),
        (RangeError, VCDM + "RANGE_ERROR"),
    ],
)
def test_each_error_carries_the_uri_of_its_code(error: type[Refusal], code: str) -> None:
    assert error.type == code
