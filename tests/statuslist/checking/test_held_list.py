"""A list in a file, verified by a key or a DID document in a file: all forms, and what must not pass."""

from collections.abc import Callable
from typing import Any

import pytest

from proofs import Algorithm, KeySigner, MalformedProof, ProofError, ProofInvalid, add_proof, sign_compact
from statuslist.checking.held_list import check_held_list, verify_with_document, verify_with_key
from statuslist.checking.requests import CheckedEntry
from statuslist.errors import RangeError, StatusListError, StatusVerificationError
from statuslist.formats.bitstring_entry import status_entry
from statuslist.formats.forms import MEDIA_TYPES, FormName
from statuslist.formats.token_bits import compressed, packed
from statuslist.formats.token_list import TokenList, signed_token_cwt, signed_token_jwt
from tests.proofs.documents import KEYS
from tests.statuslist.lists import HOUR, NOW, URL, a_list
from tests.statuslist.wing import did_document, signer_for
from wire import JsonError, encode, format_utc

OURS, THEIRS = signer_for("default"), signer_for("acme")
# Whoever holds the key of somebody else's list, and says that it is of our issuer.
IMPOSTOR = signer_for("default", "stolen")
MINUTE = 60_000_000  # microseconds


def token_list(**changes: Any) -> TokenList:
    lst = compressed(packed(131_072, [(7, 1)], 2))
    members = {
        "url": URL,
        "issued_at": NOW - HOUR,
        "expires": NOW + HOUR,
        "ttl_ms": None,
        "bits": 2,
        "lst": lst,
    }
    return TokenList(**members | changes)


def credential(signer: KeySigner, **changes: Any) -> dict[str, Any]:
    return a_list((7, 1), **{"issuer": signer.controller} | changes)


def vc_jwt(document: dict[str, Any], signer: KeySigner) -> bytes:
    return sign_compact(encode(document), header={"typ": "vc+jwt"}, signer=signer)


SIGNED: dict[FormName, Callable[[KeySigner], bytes]] = {
    "credential.json": lambda signer: encode(add_proof(credential(signer), signer, "jcs")),
    "credential.jwt": lambda signer: vc_jwt(credential(signer), signer),
    "token.jwt": lambda signer: signed_token_jwt(token_list(), signer),
    "token.cwt": lambda signer: signed_token_cwt(token_list(), signer),
}
each_form = pytest.mark.parametrize("form", SIGNED)


@each_form
def test_a_list_verifies_with_its_issuers_document_and_with_its_key(form: FormName) -> None:
    body = SIGNED[form](OURS)

    verify_with_document(body, MEDIA_TYPES[form], did_document(OURS), now=NOW)
    verify_with_key(body, MEDIA_TYPES[form], OURS.public_key, now=NOW)


@each_form
def test_another_key_and_the_document_of_another_issuer_are_refused(form: FormName) -> None:
    body, media_type = SIGNED[form](OURS), MEDIA_TYPES[form]

    with pytest.raises(ProofInvalid):
        verify_with_key(body, media_type, THEIRS.public_key, now=NOW)
    with pytest.raises(ProofInvalid, match="not one of the DID document's"):
        verify_with_document(body, media_type, did_document(THEIRS), now=NOW)


@each_form
def test_a_key_that_the_document_does_not_let_sign_is_refused(form: FormName) -> None:
    body, document = SIGNED[form](OURS), did_document(OURS)

    with pytest.raises(ProofInvalid, match="assertionMethod"):
        verify_with_document(
            body,
            MEDIA_TYPES[form],
            document | {"assertionMethod": [], "authentication": [f"{OURS.controller}#x"]},
            now=NOW,
        )
    with pytest.raises(ProofInvalid, match="assertionMethod"):
        verify_with_document(SIGNED[form](IMPOSTOR), MEDIA_TYPES[form], document, now=NOW)


@each_form
def test_the_same_key_id_with_another_key_is_refused(form: FormName) -> None:
    document = did_document(OURS)
    method = document["verificationMethod"][0] | {
        "publicKeyMultibase": did_document(THEIRS)["verificationMethod"][0]["publicKeyMultibase"]
    }

    with pytest.raises(ProofInvalid):
        verify_with_document(
            SIGNED[form](OURS), MEDIA_TYPES[form], document | {"verificationMethod": [method]}, now=NOW
        )


@each_form
def test_a_list_that_was_changed_anywhere_is_refused(form: FormName) -> None:
    body, document = SIGNED[form](OURS), did_document(OURS)

    for place in range(len(body)):
        altered = bytearray(body)
        altered[place] ^= 1
        with pytest.raises((ProofError, StatusListError, JsonError)):
            verify_with_document(bytes(altered), MEDIA_TYPES[form], document, now=NOW)


@pytest.mark.parametrize("form", ["credential.json", "credential.jwt"])
def test_a_list_of_an_issuer_that_another_signed_is_refused(form: FormName) -> None:
    document = credential(THEIRS)
    body = encode(add_proof(document, OURS, "jcs")) if form == "credential.json" else vc_jwt(document, OURS)

    with pytest.raises(ProofInvalid, match="another issuer"):
        verify_with_document(body, MEDIA_TYPES[form], did_document(OURS), now=NOW)


@each_form
@pytest.mark.parametrize(
    ("after", "words"), [(HOUR + 2 * MINUTE, "ended at"), (-HOUR - 2 * MINUTE, "begins only")]
)
def test_a_list_out_of_its_time_is_refused(form: FormName, after: int, words: str) -> None:
    body, media_type = SIGNED[form](OURS), MEDIA_TYPES[form]

    with pytest.raises(ProofInvalid, match=words):
        verify_with_key(body, media_type, OURS.public_key, now=NOW + after)
    with pytest.raises(ProofInvalid, match=words):
        verify_with_document(body, media_type, did_document(OURS), now=NOW + after)


def test_a_claim_of_the_token_ends_the_list_before_its_credential_does() -> None:
    document = credential(OURS) | {"exp": (NOW - 2 * MINUTE) // 1_000_000}

    with pytest.raises(ProofInvalid, match="ended at"):
        verify_with_key(vc_jwt(document, OURS), MEDIA_TYPES["credential.jwt"], OURS.public_key, now=NOW)


def test_a_list_that_names_its_key_by_certificates_asks_for_the_key() -> None:
    key = KEYS[Algorithm.P256]
    signer = KeySigner(key, OURS.verification_method, certificates=(b"leaf",))
    body = signed_token_cwt(token_list(), signer, "certificates")

    verify_with_key(body, MEDIA_TYPES["token.cwt"], key.public_key(), now=NOW)
    with pytest.raises(MalformedProof, match="with the key itself"):
        verify_with_document(body, MEDIA_TYPES["token.cwt"], did_document(OURS), now=NOW)


# An entry, and the list at hand.


def entry_of(form: str, index: int, **changes: Any) -> dict[str, Any]:
    if form.startswith("token"):
        return {"status_list": {"idx": index, "uri": URL} | changes}
    return status_entry(list_url=URL, index=index, purpose="revocation") | changes


def check(
    form: FormName, index: int, key: object, *, issuer: str = OURS.controller, **options: Any
) -> CheckedEntry:
    body = SIGNED[form](OURS)
    (result,) = check_held_list(entry_of(form, index), body, key, issuer=issuer, **{"now": NOW} | options)
    return result


@each_form
@pytest.mark.parametrize("key", [OURS.public_key, did_document(OURS)], ids=["key", "document"])
def test_an_entry_is_checked_by_the_list_at_hand(form: FormName, key: object) -> None:
    revoked, valid = check(form, 7, key), check(form, 8, key)

    assert (revoked.valid, revoked.reason, revoked.status) == (False, "revoked", 1)
    assert (valid.valid, valid.reason, valid.issuer_bound) == (True, None, True)
    assert (valid.list_issuer, valid.list_valid_until) == (OURS.controller, format_utc(NOW + HOUR))
    assert valid.list_retrieved_at is None


@each_form
def test_an_entry_of_another_issuers_credential_is_not_valid_by_the_list(form: FormName) -> None:
    alone = check(form, 8, did_document(OURS), issuer=THEIRS.controller)
    trusting = check(form, 8, did_document(OURS), issuer=THEIRS.controller, list_issuers=(OURS.controller,))

    assert (alone.valid, alone.reason) == (False, "list-issuer-not-trusted")
    assert (trusting.valid, trusting.issuer_bound) == (True, False)


@each_form
@pytest.mark.parametrize("key", [THEIRS.public_key, did_document(THEIRS)], ids=["key", "document"])
def test_an_entry_is_not_checked_by_a_list_of_another_key(form: FormName, key: object) -> None:
    with pytest.raises(ProofInvalid):
        check(form, 8, key)


@each_form
def test_an_entry_is_not_checked_by_a_list_out_of_its_time(form: FormName) -> None:
    with pytest.raises(ProofInvalid, match="ended at"):
        check(form, 8, OURS.public_key, now=NOW + HOUR + 2 * MINUTE)


@each_form
def test_an_entry_is_not_checked_by_the_list_of_another_url(form: FormName) -> None:
    entry = entry_of(form, 8, **{"uri" if form.startswith("token") else "statusListCredential": URL + "/2"})

    with pytest.raises(StatusVerificationError, match="another"):
        check_held_list(entry, SIGNED[form](OURS), OURS.public_key, issuer=OURS.controller, now=NOW)


def test_an_entry_is_not_checked_by_a_list_of_the_other_standard() -> None:
    with pytest.raises(StatusVerificationError, match="another standard"):
        check_held_list(
            entry_of("token.jwt", 8),
            SIGNED["credential.json"](OURS),
            OURS.public_key,
            issuer=OURS.controller,
            now=NOW,
        )


def test_an_entry_of_an_unknown_type_is_told_to_be_one() -> None:
    entry, body = {"type": "RevocationList2020Status"}, SIGNED["credential.json"](OURS)

    (result,) = check_held_list(entry, body, OURS.public_key, issuer=OURS.controller, now=NOW)

    assert (result.valid, result.reason) == (False, "unsupported")


@each_form
def test_an_index_beyond_the_list_is_never_valid(form: FormName) -> None:
    with pytest.raises(RangeError):
        check(form, 131_072, OURS.public_key)
