"""Token lists that are found after a loss: what they say of each purpose, and what they cannot say."""

import random

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import KeySigner, Signer
from statuslist.formats.bitstring import with_statuses
from statuslist.formats.forms import TOKEN_CWT, TOKEN_JWT, TokenForm
from statuslist.formats.token_bits import INVALID, SUSPENDED, bits_of_value, token_bits
from statuslist.publishing.artefacts import content_of
from statuslist.publishing.mirror import FoundForm
from statuslist.publishing.policy import Policy
from statuslist.publishing.rendering import ListContent, render
from statuslist.recovery.found_lists import (
    FoundList,
    KnownKey,
    NotOurList,
    check_owner,
    gather,
    merge,
    set_indexes,
)
from statuslist.recovery.found_token_lists import read_found_tokens
from tests.statuslist.lists import LENGTH, NOW
from tests.statuslist.recovery.test_recovery import KEYS, known
from tests.statuslist.wing import BASE_URL, ISSUERS, signer_for

FORMS = (TOKEN_JWT, TOKEN_CWT)


def bits(*indexes: int) -> bytes:
    return with_statuses(LENGTH, ((index, 1) for index in indexes))


def published(
    revoked: bytes,
    suspended: bytes | None,
    form: TokenForm,
    *,
    set_id: str = "badges",
    version: int | None = 2,
    signer: Signer | None = None,
) -> FoundForm:
    lst = token_bits(revoked, suspended)
    content = ListContent(
        list_id=set_id,
        set_id=set_id,
        issuer_id="acme",
        version=2,
        purpose=None,
        bits=lst,
        digest=content_of(lst),
        entry_bits=1 if suspended is None else 2,
        profile="default",
    )
    rendered = render(content, signer or signer_for("acme"), Policy(base_url=BASE_URL), now=NOW)
    body = next(artefact.body for artefact in rendered.artefacts if artefact.form == form)
    return FoundForm(list_id=set_id, form=form, body=body, version=version)


def read_one(found: FoundForm, keys: dict[str, list[KnownKey]] = KEYS) -> dict[str, FoundList]:
    return {each.purpose: each for each in read_found_tokens(found, keys=keys, base_url=BASE_URL)}


def a_suspension_list(*indexes: int, version: int) -> FoundList:
    """Return a W3C list, which says all."""
    (found,) = [
        each
        for each in read_found_tokens(
            published(bits(), bits(*indexes), TOKEN_JWT, version=version), keys=KEYS, base_url=BASE_URL
        )
        if each.purpose == "suspension"
    ]
    return msgspec.structs.replace(found, hidden=b"", form="credential.json")


@pytest.mark.parametrize("form", FORMS)
def test_a_list_of_one_bit_says_who_is_revoked(form: TokenForm) -> None:
    found = read_one(published(bits(7, 131_071), None, form))

    assert found.keys() == {"revocation"}
    assert found["revocation"].issuer_id == "acme"
    assert (found["revocation"].list_id, found["revocation"].source_id) == ("badges-revocation", "badges")
    assert set_indexes(found["revocation"].bits) == {7, 131_071}


@pytest.mark.parametrize("form", FORMS)
def test_a_list_of_two_bits_hides_whether_a_revoked_entry_was_suspended(form: TokenForm) -> None:
    found = read_one(published(bits(1, 2), bits(2, 3), form))

    assert set_indexes(found["revocation"].bits) == {1, 2}
    assert set_indexes(found["suspension"].bits) == {3}
    assert set_indexes(found["suspension"].hidden) == {1, 2}


def test_what_a_newer_token_list_hides_is_as_the_older_list_has_it() -> None:
    older = a_suspension_list(2, 4, version=1)
    newer = read_one(published(bits(1, 2), bits(2, 3), TOKEN_JWT))["suspension"]

    for first, second in ((older, newer), (newer, older)):
        assert set_indexes(merge(first, second).bits) == {2, 3}


def test_of_two_of_one_version_the_list_that_says_all_counts() -> None:
    whole = a_suspension_list(2, 3, version=2)
    token = read_one(published(bits(1, 2), bits(2, 3), TOKEN_JWT))["suspension"]

    for first, second in ((whole, token), (token, whole)):
        assert merge(first, second).hidden == b""
        assert set_indexes(merge(first, second).bits) == {2, 3}


def test_revocations_of_both_kinds_of_list_add_up() -> None:
    one, other = (read_one(published(bits(index), None, TOKEN_CWT))["revocation"] for index in (5, 6))

    assert set_indexes(merge(one, other).bits) == {5, 6}


def test_what_is_not_ours_is_told_and_changes_nothing() -> None:
    stranger = KeySigner(Ed25519PrivateKey.generate(), f"{ISSUERS['acme']}#stranger")
    elsewhere = msgspec.structs.replace(published(bits(1), None, TOKEN_JWT, set_id="other"), list_id="badges")
    forged = published(bits(1), None, TOKEN_CWT, signer=stranger)
    damaged = FoundForm(list_id="badges", form=TOKEN_JWT, body=b"a.b.c", version=1)
    told: list[str] = []

    found = gather(
        [elsewhere, forged, damaged, published(bits(9), None, TOKEN_JWT)],
        lambda form: read_found_tokens(form, keys=KEYS, base_url=BASE_URL),
        told.append,
    )

    assert len(told) == 3
    assert set_indexes(found["badges-revocation"].bits) == {9}


def test_a_key_that_was_compromised_by_then_says_nothing() -> None:
    keys = {"acme": [known(signer_for("acme"), compromised_since=NOW - 3_600_000_000)]}

    with pytest.raises(NotOurList, match="compromised"):
        read_one(published(bits(1), None, TOKEN_JWT), keys)


@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_was_compromised_under_another_id_says_nothing_under_this_one(form: TokenForm) -> None:
    stolen = known(signer_for("acme"), compromised_since=0)
    keys = {"acme": [known(signer_for("acme")), msgspec.structs.replace(stolen, key_id="copy")]}

    with pytest.raises(NotOurList, match="compromised"):
        read_one(published(bits(1), None, form), keys)


def test_of_all_versions_that_were_found_none_is_given_again() -> None:
    """The newest by its time has no version beside it, as after a crash between the file and its version."""
    numbered = read_one(published(bits(5), None, TOKEN_JWT, version=9))["revocation"]
    newest = msgspec.structs.replace(numbered, version=None, valid_from=NOW + 3_600_000_000)

    for first, second in ((numbered, newest), (newest, numbered)):
        assert (merge(first, second).version, merge(first, second).highest_version) == (None, 9)


@pytest.mark.parametrize("owner", [("default", LENGTH), ("acme", 2 * LENGTH)])
def test_a_list_of_another_issuer_or_length_than_its_set_is_refused(owner: tuple[str, int]) -> None:
    found = read_found_tokens(published(bits(5), None, TOKEN_CWT), keys=KEYS, base_url=BASE_URL)

    check_owner(found, {"badges": ("acme", LENGTH), "other": owner})
    with pytest.raises(NotOurList, match="another issuer or length"):
        check_owner(found, {"badges": owner})


def test_the_way_back_from_two_bits_is_exact() -> None:
    chance = random.Random(14)
    revoked, suspended = (
        bits(*{chance.randrange(LENGTH) for _ in range(count)}) for count in (30_000, 40_000)
    )
    lst = token_bits(revoked, suspended)
    only = int.from_bytes(suspended) & ~int.from_bytes(revoked)

    assert bits_of_value(lst, INVALID, 2) == revoked
    assert bits_of_value(lst, SUSPENDED, 2) == only.to_bytes(len(revoked))
    assert bits_of_value(token_bits(revoked, None), INVALID, 1) == revoked
