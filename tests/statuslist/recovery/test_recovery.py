"""What is found of published lists after a loss: ours only, revocations add up, the newer suspension wins."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import KeySigner, Signer, add_proof
from statuslist.formats.bitstring import with_statuses
from statuslist.formats.forms import DATA_INTEGRITY, JWT, FormName
from statuslist.publishing.artefacts import content_of
from statuslist.publishing.mirror import FoundForm
from statuslist.publishing.policy import Policy
from statuslist.publishing.rendering import ListContent, render
from statuslist.recovery.found_lists import (
    FoundList,
    KnownKey,
    NotOurList,
    merge,
    read_found,
    set_indexes,
)
from tests.statuslist.lists import HOUR, LENGTH, NOW
from tests.statuslist.wing import BASE_URL, ISSUERS, KEY_ID, signer_for
from wire import encode, read


def known(signer: Signer, *, compromised_since: int | None = None) -> KnownKey:
    return KnownKey(
        did=signer.controller,
        key_id=signer.verification_method.partition("#")[2],
        public_key=signer.public_key,
        compromised_since=compromised_since,
    )


OLDER = KeySigner(Ed25519PrivateKey.from_private_bytes(b"older".ljust(32)), f"{ISSUERS['acme']}#older")
KEYS = {
    "acme": [known(OLDER), known(signer_for("acme"))],
    "default": [known(signer_for("default"))],
}


def published(
    list_id: str,
    *indexes: int,
    form: FormName = DATA_INTEGRITY,
    issuer_id: str = "acme",
    at: int = NOW,
    signer: Signer | None = None,
) -> bytes:
    set_id, _, purpose = list_id.rpartition("-")
    bits = with_statuses(LENGTH, ((index, 1) for index in indexes))
    content = ListContent(
        list_id=list_id,
        set_id=set_id,
        issuer_id=issuer_id,
        version=1,
        purpose=purpose,
        bits=bits,
        digest=content_of(bits),
        entry_bits=1,
        profile="default",
    )
    rendered = render(content, signer or signer_for(issuer_id), Policy(base_url=BASE_URL), now=at)
    return next(artefact.body for artefact in rendered.artefacts if artefact.form == form)


def found(
    list_id: str,
    body: bytes,
    form: FormName = DATA_INTEGRITY,
    *,
    now: int = NOW,
    keys: Mapping[str, Sequence[KnownKey]] = KEYS,
) -> FoundList:
    one = FoundForm(list_id=list_id, form=form, body=body, version=None)
    return read_found(one, keys=keys, base_url=BASE_URL, now=now)


@pytest.mark.parametrize("form", [DATA_INTEGRITY, JWT])
def test_a_list_of_ours_says_its_set_purpose_issuer_and_bits(form: FormName) -> None:
    said = found("badges-revocation", published("badges-revocation", 7, 131_071, form=form), form)

    assert (said.set_id, said.purpose, said.issuer_id) == ("badges", "revocation", "acme")
    assert set_indexes(said.bits) == {7, 131_071}


def test_a_list_that_has_expired_still_counts() -> None:
    said = found("badges-revocation", published("badges-revocation", 7), now=NOW + 10_000 * HOUR)

    assert set_indexes(said.bits) == {7}


@pytest.mark.parametrize(
    ("list_id", "body"),
    [
        ("badges-revocation", published("other-revocation", 7)),
        ("badges-suspension", published("badges-revocation", 7)),
        ("badges-refresh", published("badges-revocation", 7)),
        ("-revocation", published("badges-revocation", 7)),
        ("badges-revocation", b"{}"),
        ("badges-revocation", b""),
        ("badges-revocation", b"[]"),
        ("badges-revocation", published("badges-revocation", 7).replace(b"2025", b"2024")),
    ],
)
def test_what_is_not_that_list_of_ours_is_refused(list_id: str, body: bytes) -> None:
    with pytest.raises(NotOurList):
        found(list_id, body)


def test_a_list_that_another_key_has_signed_is_refused() -> None:
    body = published("badges-revocation", 7)

    with pytest.raises(NotOurList, match="no key of ours"):
        found("badges-revocation", body, keys={"default": KEYS["default"], "acme": [known(OLDER)]})


def test_a_list_that_one_issuer_signed_in_the_name_of_another_is_refused() -> None:
    key = KnownKey(did=ISSUERS["default"], key_id=KEY_ID, public_key=signer_for("acme").public_key)

    with pytest.raises(NotOurList, match="no key of ours"):
        found("badges-revocation", published("badges-revocation", 7), keys={"default": [key]})


@pytest.mark.parametrize("form", [DATA_INTEGRITY, JWT])
@pytest.mark.parametrize("signer", [OLDER, signer_for("acme")])
def test_a_list_counts_whichever_key_of_its_issuer_has_signed_it(form: FormName, signer: Signer) -> None:
    said = found("badges-revocation", published("badges-revocation", 7, form=form, signer=signer), form)

    assert said.issuer_id == "acme"
    assert set_indexes(said.bits) == {7}


@pytest.mark.parametrize("form", [DATA_INTEGRITY, JWT])
def test_a_compromised_key_vouches_for_what_is_dated_before_and_for_nothing_later(form: FormName) -> None:
    body = published("badges-revocation", 7, form=form)
    dated = found("badges-revocation", body, form).valid_from

    def keys(since: int) -> dict[str, list[KnownKey]]:
        return {"acme": [known(OLDER), known(signer_for("acme"), compromised_since=since)]}

    assert set_indexes(found("badges-revocation", body, form, keys=keys(dated + 1)).bits) == {7}
    for since in (dated, dated - HOUR):
        with pytest.raises(NotOurList, match="compromised"):
            found("badges-revocation", body, form, keys=keys(since))


def test_a_compromised_key_vouches_for_nothing_without_a_date_nor_under_another_id() -> None:
    body = published("badges-revocation", 7)
    undated = read(body, max_bytes=100_000)
    del undated["validFrom"], undated["proof"]
    stolen = known(signer_for("acme"), compromised_since=NOW + HOUR)

    with pytest.raises(NotOurList, match="compromised"):
        found(
            "badges-revocation",
            encode(add_proof(undated, signer_for("acme"), "jcs")),
            keys={"acme": [stolen]},
        )
    with pytest.raises(NotOurList, match="compromised"):
        found(
            "badges-revocation",
            body,
            keys={"acme": [known(signer_for("acme")), known(signer_for("acme"), compromised_since=0)]},
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
