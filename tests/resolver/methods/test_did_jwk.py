"""did:jwk: the published vectors, the relationships, and what is refused."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.did import parse_did
from resolver.encoding import decode_base64url, encode_base64url
from resolver.errors import FeatureNotSupported, InvalidDid, InvalidOptions, ResolutionError
from resolver.methods import JWK
from resolver.results import JsonObject, Options
from tests.vectors import vectors
from wire import decode, encode

SIGNING = ["assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation"]
CASES = vectors("did-jwk-cases")
# "jwk-std-b64" means to show the standard base64 alphabet, but its DID is that of "jwk-p256", which resolves.
# `test_the_standard_alphabet_is_refused` tests what it says.
REFUSED = [case for case in CASES if case["expect"] != "ok" and case["id"] != "jwk-std-b64"]
P256 = decode(decode_base64url(CASES[0]["did"][8:]), dict[str, Any], max_bytes=1_000)
ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
X25519 = {"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}
RSA = {
    "kty": "RSA",
    "e": "AQAB",
    "n": encode_base64url(((1 << 2_047) + 1).to_bytes(256)),
}


def _resolve(did: str, **options: Any) -> JsonObject:
    document = JWK.plan(parse_did(did), Options(**options)).document
    assert document is not None
    return document


def _did(jwk: dict[str, Any]) -> str:
    return f"did:jwk:{encode_base64url(encode(jwk))}"


def _relationships(document: JsonObject) -> list[str]:
    return [name for name in document if name not in ("@context", "id", "verificationMethod")]


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["expect"] == "ok"], ids=lambda case: case["id"]
)
def test_a_vector_resolves_with_its_relationships(case: dict[str, Any]) -> None:
    document = _resolve(case["did"])

    assert _relationships(document) == case.get("relationships", ["keyAgreement"])


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["id"])
def test_a_vector_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidDid):
        _resolve(case["did"])


def test_the_standard_alphabet_is_refused() -> None:
    """ "+" and "/" are no characters of a DID; "-" and "_" are those of base64url."""
    did = _did(P256 | {"a": "\u07ff?>?"})
    assert "_" in did or "-" in did

    with pytest.raises(InvalidDid):
        _resolve(did.replace("-", "+").replace("_", "/"))


def test_the_document_has_one_method_with_the_jwk_as_it_is() -> None:
    jwk = P256 | {"kid": "my-key", "alg": "ES256", "x5c": ["a"], "extra": {"n": 1}}

    document = _resolve(did := _did(jwk))

    assert document["@context"] == [
        "https://www.w3.org/ns/did/v1",
        "https://w3id.org/security/suites/jws-2020/v1",
    ]
    assert document["id"] == did
    assert document["verificationMethod"] == [
        {"id": f"{did}#0", "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk}
    ]
    assert all(document[name] == [f"{did}#0"] for name in _relationships(document))


@pytest.mark.parametrize(
    ("jwk", "use", "relationships"),
    [
        (P256, None, [*SIGNING, "keyAgreement"]),
        (P256, "sig", SIGNING),
        (P256, "enc", ["keyAgreement"]),
        (RSA, None, [*SIGNING, "keyAgreement"]),
        (RSA | {"crv": ["X25519"]}, "sig", SIGNING),
        (ED25519, None, SIGNING),
        (ED25519, "sig", SIGNING),
        (X25519, None, ["keyAgreement"]),
        (X25519, "enc", ["keyAgreement"]),
    ],
)
def test_relationships_follow_the_use_and_the_curve(
    jwk: dict[str, Any], use: str | None, relationships: list[str]
) -> None:
    document = _resolve(_did(jwk if use is None else jwk | {"use": use}))

    assert _relationships(document) == relationships


@pytest.mark.parametrize(
    ("jwk", "use"), [(ED25519, "enc"), (X25519, "sig"), (P256, 1), (P256, False), (P256, ["sig"])]
)
def test_a_use_that_the_key_cannot_have_is_refused(jwk: dict[str, Any], use: Any) -> None:
    with pytest.raises(InvalidDid):
        _resolve(_did(jwk | {"use": use}))


@pytest.mark.parametrize("jwk", [P256, ED25519, X25519, RSA])
def test_null_for_the_use_is_as_if_it_were_absent_and_stays_in_the_jwk(jwk: dict[str, Any]) -> None:
    document = _resolve(_did(jwk | {"use": None, "kid": None}))

    assert _relationships(document) == _relationships(_resolve(_did(jwk)))
    assert document["verificationMethod"][0]["publicKeyJwk"] == jwk | {"use": None, "kid": None}


@pytest.mark.parametrize("use", ["", "SIG", "tls", "sig enc"])
def test_another_use_is_not_supported(use: str) -> None:
    with pytest.raises(FeatureNotSupported):
        _resolve(_did(P256 | {"use": use}))


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_member_is_refused_and_not_repeated(member: str) -> None:
    with pytest.raises(InvalidDid) as refused:
        _resolve(_did(P256 | {member: "c2VjcmV0LXZhbHVl"}))

    assert "c2VjcmV0LXZhbHVl" not in repr((refused.value.detail, refused.value.members))


def test_a_null_private_member_is_refused() -> None:
    """A did:jwk is its JWK: the null would stay in it, and WebCrypto takes a JWK with d for a private key."""
    with pytest.raises(InvalidDid):
        _resolve(_did(P256 | {"d": None}))


@pytest.mark.parametrize(
    "text", [b'{"kty":"EC","kty":"EC"}', b"null", b"1", b'"a"', b"{", b"{} {}", b"NaN", b"{}"]
)
def test_what_is_no_jwk_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidDid):
        _resolve(f"did:jwk:{encode_base64url(text)}")


@pytest.mark.parametrize("suffix", ["=", "%3D", ".", ":a", "A"])
def test_a_second_spelling_of_the_base64url_is_refused(suffix: str) -> None:
    with pytest.raises(InvalidDid):
        _resolve(_did(P256) + suffix)


@pytest.mark.parametrize("kty", ["AKP", "ec"])
def test_a_key_type_that_is_not_ours_is_not_supported(kty: str) -> None:
    with pytest.raises(FeatureNotSupported):
        _resolve(_did(P256 | {"kty": kty}))


def test_options_that_cannot_be_honoured_are_refused() -> None:
    did = _did(P256)

    for options in (
        {"version_id": "1"},
        {"version_time": "2020-12-20T19:17:47Z"},
        {"key_agreement": "ecdh"},
    ):
        with pytest.raises(FeatureNotSupported):
            _resolve(did, **options)
    with pytest.raises(InvalidOptions):
        _resolve(did, version_id="1", version_time="2020-12-20T19:17:47Z")


@pytest.mark.parametrize("form", ["JsonWebKey", "jwk", "JsonWebKey2020", "jwk2020"])
def test_a_format_of_a_jwk_comes_with_a_context_that_defines_it(form: str) -> None:
    document = _resolve(_did(P256), public_key_format=form)

    is_2020 = form.endswith("2020")
    assert document["@context"] == (
        ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"]
        if is_2020
        else ["https://www.w3.org/ns/did/v1.1"]
    )
    assert document["verificationMethod"][0]["type"] == ("JsonWebKey2020" if is_2020 else "JsonWebKey")


@pytest.mark.parametrize("form", ["multikey-v1", "legacy2020", "jwk2019", ""])
def test_a_format_that_is_none_of_a_jwk_is_refused(form: str) -> None:
    with pytest.raises(InvalidOptions):
        _resolve(_did(P256), public_key_format=form)


def test_relationships_that_are_left_out_are_told() -> None:
    def warnings(jwk: dict[str, Any]) -> list[str]:
        metadata = JWK.plan(parse_did(_did(jwk)), Options()).resolution_metadata
        return [warning["code"] for warning in metadata.get("warnings", [])]

    assert warnings(ED25519) == warnings(X25519) == ["relationships-omitted"]
    assert warnings(ED25519 | {"use": None}) == ["relationships-omitted"]
    assert warnings(P256) == warnings(RSA) == []
    assert warnings(ED25519 | {"use": "sig"}) == warnings(P256 | {"use": "enc"}) == []


@pytest.mark.parametrize(
    "extra",
    [
        {"a": {"kty": "OKP", "d": "c2VjcmV0LXZhbHVl"}},
        {"a": [{"b": {"kty": "oct", "k": "c2VjcmV0LXZhbHVl"}}]},
        {"privateKeyJwk": "c2VjcmV0LXZhbHVl"},
        {"a": {"secretKeyMultibase": "c2VjcmV0LXZhbHVl"}},
        {"pem": "-----BEGIN PRIVATE KEY-----c2VjcmV0LXZhbHVl"},
        {"@context": {"kty": "OKP", "d": "c2VjcmV0LXZhbHVl"}},
        {"a": {"@context": [{"privateKeyHex": "c2VjcmV0LXZhbHVl"}]}},
    ],
)
def test_a_secret_key_in_an_extra_member_is_refused_and_not_repeated(extra: dict[str, Any]) -> None:
    with pytest.raises(InvalidDid) as refused:
        _resolve(_did(P256 | extra))

    assert "c2VjcmV0LXZhbHVl" not in repr((refused.value.detail, refused.value.members))


def test_a_bomb_of_brackets_is_refused_at_once() -> None:
    for text in (b"[" * 3_000, b"[" * 2_900 + b"]" * 2_900, b'{"a":' * 1_000 + b"1" + b"}" * 1_000):
        began = time.process_time()
        with pytest.raises(InvalidDid):
            _resolve(f"did:jwk:{encode_base64url(text)}")

        assert time.process_time() - began < 0.001


@pytest.mark.parametrize(
    "text",
    [
        b'{"kty":"EC","crv":NaN}',
        b'{"kty":"EC","n":Infinity}',
        b"\xef\xbb\xbf{}",
        b'{"kty":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":{"b":1,"b":2}}',
    ],
)
def test_json_that_two_readers_read_differently_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidDid):
        _resolve(f"did:jwk:{encode_base64url(text)}")


@given(st.sampled_from([P256, ED25519, X25519]), st.data())
def test_no_did_jwk_with_one_character_changed_is_the_same_text(
    jwk: dict[str, Any], data: st.DataObject
) -> None:
    """A key has many DIDs, but each of them spells one JWK, and comes back as it was."""
    did = _did(jwk)
    position = data.draw(st.integers(8, len(did) - 1))
    changed = did[:position] + data.draw(st.sampled_from("AQaz09-_=.")) + did[position + 1 :]
    try:
        document = _resolve(changed)
    except ResolutionError:
        return

    assert document["id"] == changed
    assert (document["verificationMethod"][0]["publicKeyJwk"] == jwk) == (changed == did)


def test_the_longest_rsa_key_fits_into_a_did() -> None:
    modulus = encode_base64url(((1 << 8_191) + 1).to_bytes(1_024))

    document = _resolve(_did(RSA | {"n": modulus}))

    assert document["verificationMethod"][0]["publicKeyJwk"]["n"] == modulus
