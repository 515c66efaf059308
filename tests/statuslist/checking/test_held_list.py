"""A list in a file, verified by a key or a DID document in a file: all forms, and what must not pass."""

from collections.abc import Callable
from typing import Any

import pytest

from proofs import Algorithm, KeySigner, MalformedProof, ProofError, ProofInvalid, add_proof, sign_compact
from statuslist.checking.held_list import verify_with_document, verify_with_key
from statuslist.errors import StatusListError
from statuslist.formats.forms import MEDIA_TYPES, FormName
from statuslist.formats.token_bits import compressed, packed
from statuslist.formats.token_list import TokenList, signed_token_cwt, signed_token_jwt
from tests.proofs.documents import KEYS
from tests.statuslist.lists import HOUR, NOW, URL, a_list
from tests.statuslist.wing import did_document, signer_for
from wire import JsonError, encode

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
    return a_list(**{"issuer": signer.controller} | changes)


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
