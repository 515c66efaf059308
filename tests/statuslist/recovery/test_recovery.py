"""What is found of published lists after a loss: ours only, revocations add up, the newer suspension wins."""

import msgspec
import pytest

from statuslist.formats.bitstring import with_statuses
from statuslist.formats.forms import DATA_INTEGRITY, JWT, FormName
from statuslist.publishing.artefacts import ListContent
from statuslist.publishing.mirror import FoundForm
from statuslist.publishing.rendering import Policy, render
from statuslist.recovery.found_lists import FoundList, NotOurList, merge, read_found, set_indexes
from tests.statuslist.lists import HOUR, LENGTH, NOW
from tests.statuslist.wing import BASE_URL, signer_for

SIGNERS = {"acme": signer_for("acme"), "default": signer_for("default")}


def published(
    list_id: str, *indexes: int, form: FormName = DATA_INTEGRITY, issuer_id: str = "acme", at: int = NOW
) -> bytes:
    content = ListContent(
        list_id=list_id,
        version=1,
        published_version=0,
        issuer_id=issuer_id,
        purpose=list_id.rpartition("-")[2],
        length=LENGTH,
        statuses=tuple((index, 1) for index in indexes),
    )
    rendered = render(content, signer_for(issuer_id), Policy(base_url=BASE_URL), now=at)
    return next(artefact.body for artefact in rendered.artefacts if artefact.form == form)


def found(list_id: str, body: bytes, form: FormName = DATA_INTEGRITY, *, now: int = NOW) -> FoundList:
    one = FoundForm(list_id=list_id, form=form, body=body, version=None)
    return read_found(one, signers=SIGNERS, base_url=BASE_URL, now=now)


@pytest.mark.parametrize("form", [DATA_INTEGRITY, JWT])
def test_a_list_of_ours_says_its_set_purpose_issuer_and_bits(form: FormName) -> None:
    read = found("badges-revocation", published("badges-revocation", 7, 131_071, form=form), form)

    assert (read.set_id, read.purpose, read.issuer_id) == ("badges", "revocation", "acme")
    assert set_indexes(read.bits) == {7, 131_071}


def test_a_list_that_has_expired_still_counts() -> None:
    read = found("badges-revocation", published("badges-revocation", 7), now=NOW + 10_000 * HOUR)

    assert set_indexes(read.bits) == {7}


@pytest.mark.parametrize(
    ("list_id", "body"),
    [
        ("badges-revocation", published("other-revocation", 7)),
        ("badges-suspension", published("badges-revocation", 7)),
        ("badges-refresh", published("badges-revocation", 7)),
        ("-revocation", published("badges-revocation", 7)),
        ("badges-revocation", b"{}"),
        ("badges-revocation", b""),
        ("badges-revocation", published("badges-revocation", 7).replace(b"2025", b"2024")),
    ],
)
def test_what_is_not_that_list_of_ours_is_refused(list_id: str, body: bytes) -> None:
    with pytest.raises(NotOurList):
        found(list_id, body)


def test_a_list_that_another_key_has_signed_is_refused() -> None:
    body = published("badges-revocation", 7)

    with pytest.raises(NotOurList, match="no key of ours"):
        read_found(
            FoundForm(list_id="badges-revocation", form=DATA_INTEGRITY, body=body, version=1),
            signers={"default": SIGNERS["default"]},
            base_url=BASE_URL,
            now=NOW,
        )


def test_revocations_add_up_and_the_newer_suspension_wins() -> None:
    def of(purpose: str, index: int, at: int) -> FoundList:
        list_id = f"badges-{purpose}"
        return found(list_id, published(list_id, index, at=at))

    revoked = merge(of("revocation", 1, NOW), of("revocation", 2, NOW - HOUR))
    suspended = merge(of("suspension", 1, NOW), of("suspension", 2, NOW - HOUR))

    assert set_indexes(revoked.bits) == {1, 2}
    assert set_indexes(suspended.bits) == {1}
    assert merge(None, revoked) is revoked


def test_lists_of_another_length_are_not_mixed() -> None:
    one = found("badges-revocation", published("badges-revocation", 1))
    longer = msgspec.structs.replace(one, bits=with_statuses(2 * LENGTH, ((2, 1),)), valid_from=NOW)

    assert merge(one, longer) is longer
