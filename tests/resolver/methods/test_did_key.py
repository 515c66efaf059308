"""did:key: the published vectors, the shape of the document, and the options."""

import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from multiformats import multibase, varint

from resolver import Resolver
from resolver.did import parse_did, parse_did_url
from resolver.documents.dereference import dereference
from resolver.documents.members import maps_of
from resolver.encoding import decode_base58btc, decode_multibase, encode_base58btc
from resolver.errors import FeatureNotSupported, InvalidDid, InvalidOptions, NotFound, ResolutionError
from resolver.keys.multikey import jwk_of, public_key_of
from resolver.keys.types import KEY_TYPES
from resolver.methods import KEY
from resolver.methods.formats import FORMATS
from resolver.results import JsonObject, Options
from tests.resolver.asking import answer_now
from tests.resolver.keys.test_bls12_381 import G1, G2
from tests.resolver.keys.test_weierstrass import SECP256K1_GENERATOR, SM2_GENERATOR
from tests.vectors import vectors

SIGNATURES = ["authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation"]
ED25519 = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
X25519 = "did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F"
P256 = "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"

POSITIVE = vectors("did-key-positive")
SUPPORTED = [vector for vector in POSITIVE if vector["publicKeyJwk"] is not None]
EXPERIMENTAL = [vector for vector in POSITIVE if vector not in SUPPORTED]
EXPERIMENTAL_TYPES = Options(enable_experimental_public_key_types=True)
EXPERIMENTAL_KEYS = {
    0xEE: G1 + G2,
    0x1203: Ed448PrivateKey.generate().public_key().public_bytes_raw(),
    0x1204: X448PrivateKey.generate().public_key().public_bytes_raw(),
    0x1206: bytes.fromhex("02" + SM2_GENERATOR),
    0x1340: bytes.fromhex(SECP256K1_GENERATOR),
    0x120C: bytes(1_184),
    0x1220: bytes(32),
}
# The one left out is a DID URL: `test_the_fragment_of_another_key_is_not_found`.
NEGATIVE = [vector for vector in vectors("did-key-negative") if vector["id"] != "key-mismatch-fragment"]


def _multikey(code: int, raw: bytes) -> str:
    """Return the multikey of `raw`, made by the multiformats package."""
    return multibase.encode(varint.encode(code) + raw, "base58btc")


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


@pytest.mark.parametrize("vector", EXPERIMENTAL, ids=lambda v: v["did"][8:16] + v["did"][-6:])
def test_a_positive_vector_of_bls_is_not_supported_unless_asked_for(vector: dict[str, Any]) -> None:
    with pytest.raises(FeatureNotSupported) as refused:
        _resolve(vector["did"])

    assert refused.value.did_key_error == "unsupportedPublicKeyType"


@pytest.mark.parametrize("vector", EXPERIMENTAL, ids=lambda v: v["did"][8:16] + v["did"][-6:])
def test_a_positive_vector_of_bls_is_a_multikey_with_warnings(vector: dict[str, Any]) -> None:
    resolved = KEY.plan(parse_did(vector["did"]), EXPERIMENTAL_TYPES)

    assert resolved.document is not None
    methods = resolved.document["verificationMethod"]
    keys = b"".join(decode_multibase(method["publicKeyMultibase"])[2:] for method in methods)
    assert keys.hex() == vector["keyHex"]
    assert all(resolved.document[name] == [method["id"] for method in methods] for name in SIGNATURES)
    codes = [warning["code"] for warning in resolved.resolution_metadata["warnings"]]
    is_pair = vector["codec"] == "bls12_381-g1g2-pub"
    assert codes == ["experimental-key-type", "key-not-fully-checked"][: 1 + is_pair]


def test_a_pair_of_bls_keys_is_two_methods_with_fragments_of_their_own() -> None:
    """As ACA-Py and Transmute have them; the fragment that is the DID itself is no key."""
    did = f"did:key:{_multikey(0xEE, G1 + G2)}"

    document = _resolve(did, enable_experimental_public_key_types=True)

    fragments = [method["id"].removeprefix(f"{did}#") for method in document["verificationMethod"]]
    assert fragments == [_multikey(0xEA, G1), _multikey(0xEB, G2)]
    assert document["authentication"] == [f"{did}#{fragment}" for fragment in fragments]


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
        (
            "Ed25519VerificationKey2018",
            ["Ed25519VerificationKey2018", "X25519KeyAgreementKey2019"],
            [
                "https://www.w3.org/ns/did/v1",
                "https://w3id.org/security/suites/ed25519-2018/v1",
                "https://w3id.org/security/suites/x25519-2019/v1",
            ],
        ),
        (
            "multikey-v1",
            ["Multikey"] * 2,
            ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        ),
    ],
)
def test_a_public_key_format_comes_with_contexts_that_define_it(
    form: str, types: list[str], context: list[str]
) -> None:
    document = _resolve(ED25519, public_key_format=form)

    material = {"Json": "publicKeyJwk", "2018": "publicKeyBase58"}
    member = material.get(form[:4]) or material.get(form[-4:]) or "publicKeyMultibase"
    assert [method["type"] for method in document["verificationMethod"]] == types
    assert all(member in method and len(method) == 4 for method in document["verificationMethod"])
    assert document["@context"] == context


@pytest.mark.parametrize(
    ("form", "same_as"),
    [("legacy2020", "Ed25519VerificationKey2020"), ("legacy2018", "Ed25519VerificationKey2018")],
)
def test_a_legacy_format_embeds_the_derived_key(form: str, same_as: str) -> None:
    legacy, referenced = (
        _resolve(ED25519, public_key_format=form),
        _resolve(ED25519, public_key_format=same_as),
    )

    signing, derived = referenced.pop("verificationMethod")
    assert legacy.pop("verificationMethod") == [signing]
    assert legacy.pop("keyAgreement") == [derived]
    assert referenced.pop("keyAgreement") == [derived["id"]]
    assert legacy == referenced


@pytest.mark.parametrize(("form", "year"), [("legacy2020", "2020"), ("legacy2018", "2019")])
def test_an_x25519_key_has_the_agreement_suite_of_a_legacy_format(form: str, year: str) -> None:
    document = _resolve(X25519, public_key_format=form)

    assert [method["type"] for method in document["verificationMethod"]] == [f"X25519KeyAgreementKey{year}"]
    assert document["@context"] == [
        "https://www.w3.org/ns/did/v1",
        f"https://w3id.org/security/suites/x25519-{year}/v1",
    ]
    assert document["keyAgreement"] == [f"{X25519}#{X25519[8:]}"]


@pytest.mark.parametrize("form", ["legacy2020", "legacy2018", "jwk2020"])
def test_other_keys_are_json_web_keys_in_a_legacy_format(form: str) -> None:
    assert _resolve(P256, public_key_format=form) == _resolve(P256, public_key_format="JsonWebKey2020")


def test_a_key_of_2018_is_the_key_in_base58() -> None:
    (method, _) = _resolve(ED25519, public_key_format="Ed25519VerificationKey2018")["verificationMethod"]

    assert decode_multibase(ED25519[8:])[2:] == decode_base58btc(method["publicKeyBase58"])


@pytest.mark.parametrize("vector", SUPPORTED, ids=lambda vector: vector["did"][8:20] + vector["did"][-6:])
def test_old_loaders_get_a_format_that_they_know_and_the_key_can_have(vector: dict[str, Any]) -> None:
    suites = {"ed25519-pub": "Ed25519VerificationKey2020", "x25519-pub": "legacy2020"}
    form = suites.get(vector["codec"], "JsonWebKey2020")

    document = _resolve(vector["did"], old_suites=True)

    assert document == _resolve(vector["did"], public_key_format=form)
    assert document["@context"][0] == "https://www.w3.org/ns/did/v1"
    assert len(document["@context"]) > 1


@pytest.mark.parametrize("did", [X25519, X25519.replace("did:key:", "did:peer:0")])
def test_old_loaders_get_an_x25519_key_in_its_suite_of_2020(did: str) -> None:
    resolved = Resolver().resolve_local(did, Options(old_suites=True))

    assert resolved is not None
    assert resolved.document is not None
    assert resolved.document["@context"] == [
        "https://www.w3.org/ns/did/v1",
        "https://w3id.org/security/suites/x25519-2020/v1",
    ]
    (method,) = resolved.document["verificationMethod"]
    assert method["type"] == "X25519KeyAgreementKey2020"
    assert method["publicKeyMultibase"] == X25519.removeprefix("did:key:")
    assert resolved.document["keyAgreement"] == [method["id"]]


def test_a_key_that_is_no_json_web_key_has_the_old_context_of_multikeys() -> None:
    did = f"did:key:{_multikey(0x1210, bytes(1_312))}"

    assert _resolve(did, old_suites=True) == _resolve(did, public_key_format="multikey-v1")
    assert _resolve(
        EXPERIMENTAL[0]["did"], old_suites=True, enable_experimental_public_key_types=True
    ) == _resolve(
        EXPERIMENTAL[0]["did"], public_key_format="multikey-v1", enable_experimental_public_key_types=True
    )


def test_a_format_that_is_asked_for_goes_over_that_of_old_loaders() -> None:
    assert _resolve(ED25519, public_key_format="JsonWebKey", old_suites=True) == _resolve(
        ED25519, public_key_format="JsonWebKey"
    )


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_without_experimental_types_only_the_formats_that_did_key_lists_are_given(form: str) -> None:
    listed = {"Multikey", "JsonWebKey", "JsonWebKey2020", "Ed25519VerificationKey2020"}
    if form in listed:
        assert _resolve(ED25519, public_key_format=form, enable_experimental_public_key_types=False)
        return
    with pytest.raises(InvalidOptions, match="expected one of Multikey") as refused:
        _resolve(ED25519, public_key_format=form, enable_experimental_public_key_types=False)

    assert refused.value.did_key_error == "invalidPublicKeyType"
    assert _resolve(ED25519, public_key_format=form) == _resolve(
        ED25519, public_key_format=form, enable_experimental_public_key_types=True
    )


def test_an_unknown_format_is_unsupported_whether_or_not_experimental_types_are_on() -> None:
    for experimental in (None, False, True):
        with pytest.raises(InvalidOptions) as refused:
            _resolve(ED25519, public_key_format="x", enable_experimental_public_key_types=experimental)

        assert refused.value.did_key_error == "unsupportedPublicKeyType"


@pytest.mark.parametrize(("code", "size"), [(0x1210, 1_312), (0x1211, 1_952), (0x1212, 2_592)])
@pytest.mark.parametrize("base", ["base58btc", "base64url"])
def test_an_ml_dsa_key_can_sign_in_both_of_its_spellings(code: int, size: int, base: str) -> None:
    raw = random.Random(size).randbytes(size)
    did = f"did:key:{multibase.encode(varint.encode(code) + raw, base)}"

    resolved = KEY.plan(parse_did(did), Options())

    assert resolved.document is not None
    (method,) = resolved.document["verificationMethod"]
    assert method["id"] == f"{did}#{did[8:]}"
    assert multibase.decode(method["publicKeyMultibase"]) == varint.encode(code) + raw
    assert all(resolved.document[name] == [method["id"]] for name in SIGNATURES)
    assert "keyAgreement" not in resolved.document
    assert resolved.resolution_metadata == {}


def test_a_multikey_of_ml_dsa_44_has_the_length_that_its_suite_says() -> None:
    """`ukCQ` to `ukCT`, 1,753 characters: Quantum-Resistant Cryptosuites (CG draft of 2026-04)."""
    text = multibase.encode(varint.encode(0x1210) + bytes(1_312), "base64url")

    assert (text[:4], len(text)) == ("ukCQ", 1_753)
    assert _resolve(f"did:key:{text}")


@pytest.mark.parametrize("delta", [-1, 1])
@pytest.mark.parametrize("base", ["base58btc", "base64url"])
def test_an_ml_dsa_key_of_another_length_is_refused_by_length(delta: int, base: str) -> None:
    raw = random.Random(1).randbytes(2_592 + delta)
    with pytest.raises(InvalidDid) as refused:
        _resolve(f"did:key:{multibase.encode(varint.encode(0x1212) + raw, base)}")

    assert refused.value.did_key_error == "invalidPublicKeyLength"


@pytest.mark.parametrize("code", [0x1203, 0x1204, 0x1206, 0x1340, 0x120C, 0x1220])
def test_an_experimental_key_says_what_it_is(code: int) -> None:
    kind = KEY_TYPES[code]
    raw = EXPERIMENTAL_KEYS[code]
    did = f"did:key:{_multikey(code, raw)}"

    resolved = KEY.plan(parse_did(did), EXPERIMENTAL_TYPES)

    assert resolved.document is not None
    assert resolved.document["verificationMethod"][0]["type"] == "Multikey"
    assert ("keyAgreement" in resolved.document) == kind.agrees
    assert ("authentication" in resolved.document) != kind.agrees
    (warning,) = resolved.resolution_metadata["warnings"]
    assert warning["code"] == "experimental-key-type"
    assert kind.codec in warning["detail"]
    with pytest.raises(FeatureNotSupported):
        _resolve(did)


@pytest.mark.parametrize("form", ["JsonWebKey", "JsonWebKey2020", "legacy2020", "Ed25519VerificationKey2020"])
def test_a_key_that_cannot_be_a_json_web_key_is_refused_as_one(form: str) -> None:
    for code, raw in EXPERIMENTAL_KEYS.items():
        with pytest.raises(InvalidOptions):
            _resolve(
                f"did:key:{_multikey(code, raw)}",
                public_key_format=form,
                enable_experimental_public_key_types=True,
            )


def test_nist_curves_agree_where_it_is_asked_for() -> None:
    """DIDComm v2 encrypts to P-256; v0.9 gives no such key a keyAgreement."""
    agreeing = {"p256-pub", "p384-pub", "p521-pub"}
    for vector in SUPPORTED:
        plain, asked = _resolve(vector["did"]), _resolve(vector["did"], key_agreement="ecdh")

        if vector["codec"] in agreeing:
            assert asked.pop("keyAgreement") == [asked["verificationMethod"][0]["id"]]
        assert asked == plain


# What each context defines beyond the core terms of DID documents, as published.
TERMS = {
    "https://www.w3.org/ns/did/v1": set(),
    "https://www.w3.org/ns/did/v1.1": {"Multikey", "publicKeyMultibase", "JsonWebKey", "publicKeyJwk"},
    "https://w3id.org/security/multikey/v1": {"Multikey", "publicKeyMultibase"},
    "https://w3id.org/security/suites/jws-2020/v1": {"JsonWebKey2020", "publicKeyJwk"},
    "https://w3id.org/security/suites/ed25519-2020/v1": {"Ed25519VerificationKey2020", "publicKeyMultibase"},
    "https://w3id.org/security/suites/x25519-2020/v1": {"X25519KeyAgreementKey2020", "publicKeyMultibase"},
    "https://w3id.org/security/suites/ed25519-2018/v1": {"Ed25519VerificationKey2018", "publicKeyBase58"},
    "https://w3id.org/security/suites/x25519-2019/v1": {"X25519KeyAgreementKey2019", "publicKeyBase58"},
}


@pytest.mark.parametrize("form", [None, *FORMATS])
@pytest.mark.parametrize("derives", [True, False])
def test_every_term_of_a_document_is_defined_by_its_contexts_and_no_context_is_idle(
    form: str | None, derives: bool
) -> None:
    resolved = 0
    for vector in SUPPORTED:
        try:
            document = _resolve(
                vector["did"], public_key_format=form, enable_encryption_key_derivation=derives
            )
        except InvalidOptions:
            continue
        resolved += 1
        used = set()
        for method in maps_of(document):
            if method is not document and "controller" in method:
                used |= method.keys() - {"id", "type", "controller"} | {method["type"]}
        contexts = [TERMS[context] for context in document["@context"]]

        assert used <= set().union(*contexts)
        assert all(terms & used for terms in contexts[1:])
    assert resolved >= 3


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


@pytest.mark.parametrize("code", [0xA0, 0x1300, 0x1306, 0x131C, 0x1341, 0x1A24])
@pytest.mark.parametrize("base", ["base58btc", "base64url"])
@pytest.mark.parametrize(
    "accept",
    [None, "application/did", "application/did+ld+json", "application/problem+json", "application/ld+json"],
)
def test_an_answer_about_a_private_key_does_not_repeat_it(code: int, base: str, accept: str | None) -> None:
    secret = multibase.encode(varint.encode(code) + random.Random(code).randbytes(32), base)

    answer = answer_now(Resolver(), f"/1.0/identifiers/did:key:{secret}".encode(), b"", accept)

    assert answer is not None
    assert answer.status == 400
    for part in (secret[:20], secret[-20:]):
        assert part not in repr((answer.body, answer.headers, answer.etag))


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
