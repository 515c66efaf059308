"""did:key: the published vectors, the shape of the document, and the options."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.dereference import dereference
from resolver.did import parse_did, parse_did_url
from resolver.encoding import decode_multibase, encode_base58btc
from resolver.errors import FeatureNotSupported, InvalidDid, InvalidOptions, NotFound, ResolutionError
from resolver.keys import jwk_of, public_key_of
from resolver.methods import KEY
from resolver.results import JsonObject, Options
from tests.vectors import vectors

SIGNATURES = ["authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation"]
ED25519 = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
X25519 = "did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F"
P256 = "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"

POSITIVE = vectors("did-key-positive")
SUPPORTED = [vector for vector in POSITIVE if vector["publicKeyJwk"] is not None]
# The one left out is a DID URL: `test_the_fragment_of_another_key_is_not_found`.
NEGATIVE = [vector for vector in vectors("did-key-negative") if vector["id"] != "key-mismatch-fragment"]


def _resolve(did: str, **options: Any) -> JsonObject:
    document = KEY.plan(parse_did(did), Options(**options)).document
    assert document is not None
    return document


@pytest.mark.parametrize("vector", SUPPORTED, ids=lambda vector: vector["did"][8:20] + vector["did"][-6:])
def test_a_positive_vector_gives_its_key(vector: dict[str, Any]) -> None:
    for form in ("Multikey", "JsonWebKey", "JsonWebKey2020"):
        method = _resolve(vector["did"], public_key_format=form)["verificationMethod"][0]

        assert jwk_of(public_key_of(method)) == vector["publicKeyJwk"]
        assert method.get("publicKeyJwk", vector["publicKeyJwk"]) == vector["publicKeyJwk"]
        assert method["id"] == f"{vector['did']}#{vector['did'][8:]}"


@pytest.mark.parametrize(
    "vector", [v for v in SUPPORTED if "x25519Multibase" in v], ids=lambda v: v["did"][-6:]
)
def test_a_positive_vector_gives_its_derived_key(vector: dict[str, Any]) -> None:
    document = _resolve(vector["did"])

    derived = f"{vector['did']}#{vector['x25519Multibase']}"
    assert document["keyAgreement"] == [derived]
    assert document["verificationMethod"][1] == {
        "id": derived,
        "type": "Multikey",
        "controller": vector["did"],
        "publicKeyMultibase": vector["x25519Multibase"],
    }


@pytest.mark.parametrize(
    "vector", [v for v in POSITIVE if v not in SUPPORTED], ids=lambda v: v["did"][8:16] + v["did"][-6:]
)
def test_a_bls_key_is_not_supported(vector: dict[str, Any]) -> None:
    with pytest.raises(FeatureNotSupported) as refused:
        _resolve(vector["did"])

    assert refused.value.did_key_error == "unsupportedPublicKeyType"


@pytest.mark.parametrize("vector", NEGATIVE, ids=lambda vector: vector["id"])
def test_a_negative_vector_is_refused_with_its_error(vector: dict[str, Any]) -> None:
    with pytest.raises(InvalidDid) as refused:
        _resolve(vector["did"])

    expected = vector["expect"]
    assert refused.value.did_key_error == (
        None if expected in ("invalidDid", "implementation-choice") else expected
    )


def test_the_fragment_of_another_key_is_not_found() -> None:
    (vector,) = (v for v in vectors("did-key-negative") if v["id"] == "key-mismatch-fragment")
    did_url = parse_did_url(vector["did"])

    with pytest.raises(NotFound):
        dereference(KEY.plan(did_url.did, Options()), did_url)


def test_an_ed25519_document_has_the_shape_of_v0_9() -> None:
    document = _resolve(ED25519)

    key = f"{ED25519}#{ED25519[8:]}"
    derived = f"{ED25519}#z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW"
    assert document["@context"] == ["https://www.w3.org/ns/did/v1.1"]
    assert document["id"] == ED25519
    assert [method["id"] for method in document["verificationMethod"]] == [key, derived]
    assert {name: document[name] for name in SIGNATURES} == {name: [key] for name in SIGNATURES}
    assert document["keyAgreement"] == [derived]
    assert len(document) == 8


def test_derivation_can_be_turned_off() -> None:
    document = _resolve(ED25519, enable_encryption_key_derivation=False)

    assert len(document["verificationMethod"]) == 1
    assert "keyAgreement" not in document


def test_an_x25519_key_can_only_agree() -> None:
    document = _resolve(X25519)

    assert document["keyAgreement"] == [f"{X25519}#{X25519[8:]}"]
    assert not set(SIGNATURES) & document.keys()


def test_every_other_key_can_only_sign() -> None:
    others = [v["did"] for v in SUPPORTED if v["codec"] not in ("ed25519-pub", "x25519-pub")]
    assert len(others) > 5

    for did in others:
        document = _resolve(did)

        assert all(document[name] == [document["verificationMethod"][0]["id"]] for name in SIGNATURES)
        assert "keyAgreement" not in document


@pytest.mark.parametrize(
    ("form", "types", "context"),
    [
        ("Multikey", ["Multikey"] * 2, ["https://www.w3.org/ns/did/v1.1"]),
        ("JsonWebKey", ["JsonWebKey"] * 2, ["https://www.w3.org/ns/did/v1.1"]),
        (
            "JsonWebKey2020",
            ["JsonWebKey2020"] * 2,
            ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        ),
        (
            "Ed25519VerificationKey2020",
            ["Ed25519VerificationKey2020", "X25519KeyAgreementKey2020"],
            [
                "https://www.w3.org/ns/did/v1",
                "https://w3id.org/security/suites/ed25519-2020/v1",
                "https://w3id.org/security/suites/x25519-2020/v1",
            ],
        ),
    ],
)
def test_a_public_key_format_comes_with_contexts_that_define_it(
    form: str, types: list[str], context: list[str]
) -> None:
    document = _resolve(ED25519, public_key_format=form)

    material = "publicKeyJwk" if form.startswith("Json") else "publicKeyMultibase"
    assert [method["type"] for method in document["verificationMethod"]] == types
    assert all(material in method and len(method) == 4 for method in document["verificationMethod"])
    assert document["@context"] == context


def test_without_a_derived_key_its_context_is_not_there() -> None:
    document = _resolve(
        ED25519, public_key_format="Ed25519VerificationKey2020", enable_encryption_key_derivation=False
    )

    assert "https://w3id.org/security/suites/x25519-2020/v1" not in document["@context"]


@pytest.mark.parametrize(
    ("did", "form"),
    [
        (ED25519, ""),
        (ED25519, "multikey"),
        (P256, "Ed25519VerificationKey2018"),
        (ED25519, "X25519KeyAgreementKey2020"),
        (P256, "Ed25519VerificationKey2020"),
        (X25519, "Ed25519VerificationKey2020"),
    ],
)
def test_a_format_that_the_key_cannot_have_is_refused(did: str, form: str) -> None:
    with pytest.raises(InvalidOptions) as refused:
        _resolve(did, public_key_format=form)

    assert refused.value.did_key_error == "unsupportedPublicKeyType"


@pytest.mark.parametrize(
    "identifier", [f"1:{ED25519[8:]}", f"1.1:{ED25519[8:]}", f"{ED25519[8:]}:{ED25519[8:]}"]
)
def test_a_did_with_a_version_part_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidDid):
        _resolve(f"did:key:{identifier}")


def test_versions_are_refused() -> None:
    with pytest.raises(FeatureNotSupported):
        _resolve(ED25519, version_id="1")
    with pytest.raises(FeatureNotSupported):
        _resolve(ED25519, version_time="2020-12-20T19:17:47Z")
    with pytest.raises(InvalidOptions):
        _resolve(ED25519, version_id="1", version_time="2020-12-20T19:17:47Z")


def test_a_resolution_of_did_key_never_goes_stale() -> None:
    resolved = KEY.plan(parse_did(ED25519), Options())

    assert (resolved.did, resolved.made_at, resolved.fresh_until) == (ED25519, None, None)


@given(
    st.binary(min_size=1, max_size=40),
    st.sampled_from([b"\xed\x01", b"\xec\x01", b"\x80\x24", b"\x85\x24", b""]),
)
def test_no_key_bytes_give_anything_but_a_document_or_a_refusal(raw: bytes, prefix: bytes) -> None:
    did = f"did:key:z{encode_base58btc(prefix + raw)}"
    try:
        document = _resolve(did)
    except ResolutionError:
        return

    multibase = document["verificationMethod"][0]["publicKeyMultibase"]
    assert document["id"] == did
    assert decode_multibase(multibase) == prefix + raw


@given(st.sampled_from([v["did"] for v in SUPPORTED if len(v["did"]) < 120]), st.data())
def test_no_did_key_with_one_character_changed_is_the_same_key(did: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(8, len(did) - 1))
    character = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    changed = did[:position] + character + did[position + 1 :]
    try:
        document = KEY.plan(parse_did(changed), Options()).document
    except ResolutionError:
        return

    same = changed == did
    assert document is not None
    assert (document["verificationMethod"][0]["publicKeyMultibase"] == did[8:]) == same
