"""Which keys a document has, and what counts as a change of them."""

import pytest

from observatory.key_changes import (
    MAX_ID_CHARS,
    MAX_KEYS,
    MAX_NAMED,
    THE_REST,
    KeyChanges,
    changes_between,
    keys_of,
)
from tests.observatory.documents import DID, a_document, as_jwk


def _changes(before: dict[str, object], after: dict[str, object]) -> KeyChanges:
    return changes_between(keys_of(before), keys_of(after))


def test_a_key_has_the_thumbprint_of_rfc_7638_and_its_relationships() -> None:
    # RFC 8037, appendix A.3: this key and its thumbprint.
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    document = a_document() | {
        "verificationMethod": [
            {"id": f"{DID}#a", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": jwk}
        ],
        "authentication": ["#a"],
        "assertionMethod": [f"{DID}#a"],
    }

    (key,) = keys_of(document).values()

    assert key.thumbprint == "jwk:kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert set(key.relationships) == {"authentication", "assertionMethod"}


@pytest.mark.parametrize(
    "after",
    [
        a_document("a"),
        as_jwk(a_document("a"), "a"),
        a_document("a", service=[{"id": f"{DID}#s", "type": "X", "serviceEndpoint": "https://x.example"}]),
        a_document("a") | {"assertionMethod": ["#a"]},
    ],
)
def test_another_spelling_of_the_same_keys_is_no_change(after: dict[str, object]) -> None:
    assert _changes(a_document("a"), after).is_empty


def test_added_removed_and_changed_keys_are_told_apart() -> None:
    swapped = a_document("b", "c")
    swapped["verificationMethod"][0]["id"] = f"{DID}#a"
    swapped["assertionMethod"] = [f"{DID}#a", f"{DID}#c"]

    changes = _changes(a_document("a", "d"), swapped)

    assert [key.id for key in changes.added] == [f"{DID}#c"]
    assert [key.id for key in changes.removed] == [f"{DID}#d"]
    assert [key.id for key in changes.changed] == [f"{DID}#a"]
    assert changes.changed[0].thumbprint != changes.changed[0].before


@pytest.mark.parametrize(
    "members",
    [
        {"authentication": [f"{DID}#a"]},
        {"assertionMethod": []},
        {"assertionMethod": [f"{DID}#a", "did:web:thief.example#k"]},
        {"keyAgreement": [{"id": f"{DID}#e", "type": "X", "controller": DID, "publicKeyHex": "00"}]},
    ],
)
def test_what_a_key_may_do_and_whose_keys_may_is_part_of_it(members: dict[str, object]) -> None:
    assert not _changes(a_document("a"), a_document("a") | members).is_empty


def test_key_material_that_we_cannot_read_is_compared_too() -> None:
    def unknown(material: str) -> dict[str, object]:
        method = {"id": f"{DID}#q", "type": "Quantum", "controller": DID, "publicKeyHex": material}
        return a_document("a") | {"verificationMethod": [method]}

    assert _changes(unknown("00"), unknown("00")).is_empty
    assert _changes(unknown("00"), unknown("01")).changed_count == 1


def test_a_document_of_very_many_keys_is_told_in_few_words_and_a_change_among_the_rest_is_seen() -> None:
    def many(last: str) -> dict[str, object]:
        methods = [
            {"id": f"{DID}#{n}", "type": "Quantum", "controller": DID, "publicKeyHex": "00"}
            for n in range(500)
        ]
        methods[-1]["publicKeyHex"] = last
        return a_document() | {"verificationMethod": methods}

    assert len(keys_of(many("00"))) == MAX_KEYS + 1
    assert [key.id for key in _changes(many("00"), many("01")).changed] == [THE_REST]
    gone = _changes(many("00"), a_document())
    assert (len(gone.removed), gone.removed_count) == (MAX_NAMED, MAX_KEYS + 1)


def test_keys_of_a_very_long_did_are_told_apart() -> None:
    did = "did:web:uni.example:" + ":".join(["tenant" * 20] * 3)
    other = a_document("c", "b", did=did)
    for method in other["verificationMethod"][:1]:
        method["id"] = f"{did}#a"
    other["assertionMethod"] = [f"{did}#a", f"{did}#b"]

    keys = keys_of(a_document("a", "b", did=did))
    changes = _changes(a_document("a", "b", did=did), other)

    assert len(did) > MAX_ID_CHARS
    assert [key_id[-2:] for key_id in keys] == ["#a", "#b"]
    assert all(len(key_id) <= MAX_ID_CHARS for key_id in keys)
    assert (changes.changed_count, changes.added_count, changes.removed_count) == (1, 0, 0)
    assert _changes(a_document("a", did=did), a_document("b", did=did)).added_count == 1
