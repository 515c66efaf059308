"""DID documents of strangers: what is passed on as it is, and what is refused."""

import re
from typing import Any

import pytest

from resolver.documents.document import (
    MAX_DOCUMENT_BYTES,
    MAX_DOCUMENT_VALUES,
    MAX_METHODS_AND_SERVICES,
    read_document,
)
from resolver.documents.ids import relative_ids_expanded
from resolver.documents.members import OPTIONAL_MEMBERS, RELATIONSHIPS, maps_of
from resolver.documents.secrets import MAX_KEYS
from resolver.encoding import encode_base58btc, encode_base64url, encode_varint
from resolver.errors import FeatureNotSupported, InvalidDidDocument, SecretKeyFound
from resolver.keys.jwk import PRIVATE_MEMBERS
from resolver.results import JsonObject
from wire import encode

DID = "did:web:example.com"
SERVICE = {"type": "A", "serviceEndpoint": "https://example.com/"}
METHOD = {"id": "#key-1", "type": "Multikey", "controller": DID, "publicKeyMultibase": "z6Mk"}
METHOD_WITHOUT_KEY = {"id": "#key-1", "type": "JsonWebKey2020", "controller": DID}


def _document(**members: Any) -> bytes:
    return encode({"id": DID, **members})


def test_a_document_is_kept_as_received() -> None:
    document = {
        "@context": ["https://www.w3.org/ns/did/v1", {"a": "b"}],
        "id": DID,
        "alsoKnownAs": ["https://example.com"],
        "verificationMethod": [METHOD, {**METHOD, "id": f"{DID}#key-2", "type": "Unknown2031"}],
        "authentication": ["#key-1", {**METHOD, "id": "#key-3"}],
        "service": [{"id": "#a", "type": ["A", "B"], "serviceEndpoint": {"x": []}}, SERVICE],
        "controller": [DID, "did:example:other"],
        "publicKey": [],
        "extension": {"n": 1.5, "null": None},
    }

    assert read_document(encode(document), DID) == document


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"did:web:example.com"',
        b"<html>",
        b"{}",
        b'{"id": 5}',
        b'{"id": "did:web:example.org"}',
        b'{"id": "did:web:Example.com"}',
        b'{"id": "did:web:example.com "}',
        b'{"id": "did:web:example.com", "id": "did:web:example.com"}',
        b'\xef\xbb\xbf{"id": "did:web:example.com"}',
        b'{"id": "did:web:example.com", "a": "\xff"}',
        b'{"id": "did:web:example.com", "a": NaN}',
        b'{"id": "did:web:example.com", "a": ' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_what_is_no_document_of_the_did_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidDidDocument):
        read_document(body, DID)


def test_a_document_may_have_256_kib_and_not_one_byte_more() -> None:
    filling = MAX_DOCUMENT_BYTES - len(_document(a=""))

    assert read_document(_document(a="x" * filling), DID)["id"] == DID
    with pytest.raises(InvalidDidDocument):
        read_document(_document(a="x" * (filling + 1)), DID)


@pytest.mark.parametrize("member", sorted(PRIVATE_MEMBERS))
def test_a_private_jwk_member_refuses_the_document_and_is_not_repeated(member: str) -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "AQ", member: "c2VjcmV0"}

    with pytest.raises(InvalidDidDocument) as refused:
        read_document(_document(assertionMethod=[METHOD | {"publicKeyJwk": jwk}]), DID)

    assert "c2VjcmV0" not in str(refused.value)


def test_a_secret_key_is_found_in_a_jwk_set_of_any_name() -> None:
    keys = {"keys": [{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AQ", "priv": "c2VjcmV0"}]}

    with pytest.raises(InvalidDidDocument) as refused:
        read_document(_document(jwks=keys), DID)

    assert "c2VjcmV0" not in str(refused.value)


@pytest.mark.parametrize("code", [0xA0, 0x1300, 0x1305, 0x1306, 0x1341])
@pytest.mark.parametrize("place", ["verificationMethod", "extension"])
def test_a_private_multicodec_refuses_the_document(code: int, place: str) -> None:
    secret = encode_varint(code) + bytes(range(32))
    for multibase in ("z" + encode_base58btc(secret), "u" + encode_base64url(secret)):
        with pytest.raises(InvalidDidDocument, match="private or symmetric") as refused:
            read_document(_document(**{place: [METHOD | {"publicKeyMultibase": multibase}]}), DID)

        assert multibase not in str(refused.value)


@pytest.mark.parametrize(
    "multibase",
    [
        "f8026" + "42" * 32,
        "F8026" + "42" * 32,
        "mgCZ" + "QkJC" * 10,
        "UgCZ" + "QkJC" * 10,
        "M" + "gCZC" * 11,
        "b" + "qate" * 8,
        "k" + "2" * 40,
        "7" + "4" * 40,
        "\0abc",
        "\U0001f680\U0001fa90",
        "6Mk",
        "",
        " ",
    ],
)
def test_a_multibase_value_in_another_base_is_refused_since_no_secret_is_looked_for_there(
    multibase: str,
) -> None:
    with pytest.raises(InvalidDidDocument, match="expected multibase in base58btc or base64url") as refused:
        read_document(_document(verificationMethod=[METHOD | {"publicKeyMultibase": multibase}]), DID)

    assert len(multibase) < 3 or multibase not in str(refused.value)


@pytest.mark.parametrize("code", [0x1300, 0x1306])
@pytest.mark.parametrize("around", ["{}\n", " {}", "\t{}  "])
def test_white_space_hides_no_secret_key(around: str, code: int) -> None:
    secret = encode_varint(code) + bytes(range(32))
    for multibase in ("z" + encode_base58btc(secret), "u" + encode_base64url(secret)):
        method = METHOD | {"publicKeyMultibase": around.format(multibase)}

        with pytest.raises(InvalidDidDocument, match="private or symmetric"):
            read_document(_document(verificationMethod=[method]), DID)


@pytest.mark.parametrize(
    "armour",
    [
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
    ],
)
def test_a_private_key_in_pem_refuses_the_document(armour: str) -> None:
    for members in (
        {"verificationMethod": [METHOD_WITHOUT_KEY | {"publicKeyPem": armour}]},
        {armour: 1},
        {"x": [{"y": {armour: None}}]},
        {"x": [1, [[armour]]]},
        {"@context": ["https://www.w3.org/ns/did/v1", armour]},
        {"@context": ["https://www.w3.org/ns/did/v1", {"a": {"@id": armour}}]},
    ):
        with pytest.raises(InvalidDidDocument, match="private key in PEM"):
            read_document(_document(**members), DID)


def test_words_about_private_keys_and_public_keys_in_pem_are_passed_on() -> None:
    texts = [
        "NEVER SEND YOUR PRIVATE KEY",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----",
    ]

    read_document(_document(x=texts, **dict.fromkeys(texts, "")), DID)


@pytest.mark.parametrize(
    "inner",
    [
        {"kty": "OKP", "crv": "Ed25519", "x": "AQ", "d": "c2VjcmV0"},
        {"a": {"@context": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"a": {"@context": {"b": {"@context": {"publicKeyJwk": {"kty": "EC", "d": "c2VjcmV0"}}}}}},
        {"privateKeyMultibase": "c2VjcmV0"},
        {"secretKeyJwk": {"kty": "OKP", "d": "c2VjcmV0"}},
        {"publicKeyMultibase": "z3u2en7t5LR2WtQH5PfFqMqwVHgeXouLzo6haApm8XHqvjxq"},
        {"publicKeyMultibase": "f8026c2VjcmV0"},
    ],
)
def test_a_secret_key_in_a_context_refuses_the_document(inner: JsonObject) -> None:
    for members in ({"@context": [inner]}, {"x": [{"@context": inner}]}):
        with pytest.raises(InvalidDidDocument) as refused:
            read_document(_document(**members), DID)

        assert "c2VjcmV0" not in str(refused.value)


def test_a_context_may_define_the_names_of_secret_keys() -> None:
    """Inline contexts in the field are copies of those of the suites."""
    sec = "https://w3id.org/security#"
    terms = {
        "@version": 1.1,
        "privateKeyMultibase": {"@id": f"{sec}privateKeyMultibase", "@type": f"{sec}multibase"},
        "publicKeyMultibase": {"@id": f"{sec}publicKeyMultibase"},
        "publicKeyJwk": {"@id": f"{sec}publicKeyJwk", "@type": "@json"},
        "secretKeyJwk": "sec:secretKeyJwk",
        "privateKeyHex": None,
        "JsonWebKey2020": {
            "@id": f"{sec}JsonWebKey2020",
            "@context": {"kty": "jose:kty", "d": {"@id": "jose:d"}, "k": "@nest"},
        },
    }

    assert read_document(_document(**{"@context": [terms]}), DID)["@context"] == [terms]


@pytest.mark.parametrize(
    "member", ["secretKeyJwk", "secretKeyMultibase", "privateKeyMultibase", "privateKeyPem", "secretKeyHex"]
)
def test_secret_key_material_anywhere_refuses_the_document(member: str) -> None:
    with pytest.raises(InvalidDidDocument):
        read_document(_document(service=[{"type": "A", "serviceEndpoint": {"deep": [{member: "a"}]}}]), DID)


@pytest.mark.parametrize(
    "members",
    [
        {"secretKeyJwk": "a"},
        {"x": ["-----BEGIN PRIVATE KEY-----"]},
        {"x": {"kty": "oct", "k": "AQ"}},
        {"x": {"publicKeyMultibase": "z3u2en7t5LR2WtQH5PfFqMqwVHgeXouLzo6haApm8XHqvjxq"}},
    ],
)
def test_escapes_hide_no_secret(members: JsonObject) -> None:
    body = re.sub(rb"[A-Za-z ]", lambda found: b"\\u%04x" % ord(found[0]), _document(**members))

    with pytest.raises(SecretKeyFound):
        read_document(body, DID)


def test_a_private_jwk_below_the_methods_refuses_the_document() -> None:
    with pytest.raises(InvalidDidDocument):
        read_document(_document(extension=[{"publicKeyJwk": {"kty": "oct", "k": "AQ"}}]), DID)


@pytest.mark.parametrize(
    "members",
    [
        {"verificationMethod": METHOD},
        {"verificationMethod": ["#key-1"]},
        {"verificationMethod": [None]},
        {"verificationMethod": [{**METHOD, "id": None}]},
        {"verificationMethod": [{**METHOD, "type": ["Multikey"]}]},
        {"verificationMethod": [{**METHOD, "controller": [DID]}]},
        {"verificationMethod": [{"type": "Multikey", "controller": DID}]},
        {"verificationMethod": [{**METHOD, "publicKeyJwk": {}}]},
        {"verificationMethod": [{**METHOD, "publicKeyBase58": "a"}]},
        {"verificationMethod": [METHOD, METHOD]},
        {"verificationMethod": [METHOD, {**METHOD, "id": f"{DID}#key-1"}]},
        {"verificationMethod": [METHOD], "keyAgreement": [METHOD | {"type": "JsonWebKey"}]},
        {"verificationMethod": [METHOD], "keyAgreement": [METHOD | {"id": f"{DID}#key-1", "n": 1}]},
        {"authentication": [METHOD | {"n": 1}], "keyAgreement": [METHOD | {"n": True}]},
        {"keyAgreement": [METHOD, METHOD]},
        {"authentication": "#key-1"},
        {"authentication": [5]},
        {"keyAgreement": [["#key-1"]]},
        {"service": {"id": "#a"}},
        {"service": ["#a"]},
        {"service": [{**SERVICE, "id": 5}]},
        {"service": [{**SERVICE, "id": ""}]},
        {"service": [{**SERVICE, "id": "#a"}, {**SERVICE, "id": "#a"}]},
        {"service": [{**SERVICE, "id": "#a"}, {**SERVICE, "id": f"{DID}#a"}]},
        {"service": [{"id": "#a"}]},
        {"service": [{"type": "A"}]},
        {"service": [{"serviceEndpoint": "https://example.com/"}]},
        {"service": [{**SERVICE, "type": []}]},
        {"service": [{**SERVICE, "type": ["A", 5]}]},
        {"service": [{**SERVICE, "serviceEndpoint": ""}]},
        {"service": [{**SERVICE, "serviceEndpoint": None}]},
        {"service": [{**SERVICE, "serviceEndpoint": ["https://example.com/", 5]}]},
        {"verificationMethod": [{**METHOD, "id": ""}]},
        {"verificationMethod": [{**METHOD, "id": "#key 1"}]},
        {"verificationMethod": [{**METHOD, "type": ""}]},
        {"verificationMethod": [{**METHOD, "controller": "#me"}]},
        {"verificationMethod": [{**METHOD, "publicKeyMultibase": 5}]},
        {"verificationMethod": [{**METHOD_WITHOUT_KEY, "publicKeyJwk": [{"kty": "oct", "k": "AQ"}]}]},
        {"controller": 5},
        {"controller": "me"},
        {"controller": [DID, 5]},
        {"@context": 5},
        {"@context": None},
        {"@context": ""},
        {"@context": []},
        {"@context": {"a": "b"}},
        {"@context": ["https://www.w3.org/ns/did/v1", 5]},
    ],
)
def test_a_document_that_breaks_a_rule_of_cid_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidDidDocument):
        read_document(_document(**members), DID)


@pytest.mark.parametrize("first", ["verificationMethod", "authentication"])
@pytest.mark.parametrize(
    "again",
    [
        METHOD,
        dict(reversed(METHOD.items())),
        METHOD | {"id": f"{DID}#key-1", "controller": ""},
        METHOD | {"publicKeyJwk": None},
    ],
)
def test_a_method_that_is_embedded_again_as_it_was_is_taken(first: str, again: JsonObject) -> None:
    document = {"id": DID, first: [METHOD], "assertionMethod": [again], "keyAgreement": [again]}

    assert read_document(encode(document), DID) == document


@pytest.mark.parametrize("name", OPTIONAL_MEMBERS)
def test_null_for_a_member_that_may_be_absent_is_taken(name: str) -> None:
    assert read_document(_document(**{name: None}), DID)[name] is None


@pytest.mark.parametrize("members", [{"controller": ""}, {"controller": ["", "did:example:other"]}])
def test_a_relative_controller_is_the_did(members: dict[str, Any]) -> None:
    method = METHOD | {"controller": ""}
    document = read_document(_document(verificationMethod=[method], **members), DID)

    expanded = relative_ids_expanded(document)

    assert document["verificationMethod"] == [method]
    assert expanded["verificationMethod"][0]["controller"] == DID
    assert expanded["controller"] in (DID, [DID, "did:example:other"])


def test_relative_controllers_count_towards_what_a_document_may_grow_by() -> None:
    did = "did:web:a.example:" + "a" * 8_000

    with pytest.raises(FeatureNotSupported):
        relative_ids_expanded({"id": did, "x": [{"controller": ""}] * 200})
    with pytest.raises(FeatureNotSupported):
        relative_ids_expanded({"id": did, "controller": [""] * 200})


def test_methods_and_services_are_counted_together() -> None:
    methods = [{**METHOD, "id": f"#{i}"} for i in range(MAX_METHODS_AND_SERVICES - 1)]

    read_document(_document(verificationMethod=methods, service=[SERVICE]), DID)
    with pytest.raises(InvalidDidDocument):
        read_document(_document(verificationMethod=methods, service=[SERVICE, SERVICE]), DID)


def test_relative_ids_become_absolute() -> None:
    document = {
        "@context": {"id": "#context"},
        "id": DID,
        "verificationMethod": [METHOD],
        **{name: ["#key-1", f"{DID}#key-1", {**METHOD, "id": "#embedded"}] for name in RELATIONSHIPS},
        "service": [
            {"id": "#s", "type": "A", "serviceEndpoint": "#untouched"},
            {"id": "https://a.example/#x"},
        ],
        "extension": [{"deep": {"id": "?service=a"}}, {"id": "files"}, {"id": 5}],
    }

    expanded = relative_ids_expanded(document)

    reference = f"{DID}#key-1"
    assert expanded["@context"] == {"id": "#context"}
    assert expanded["verificationMethod"] == [{**METHOD, "id": reference}]
    for name in RELATIONSHIPS:
        assert expanded[name] == [reference, reference, {**METHOD, "id": f"{DID}#embedded"}]
    assert expanded["service"][0] == {"id": f"{DID}#s", "type": "A", "serviceEndpoint": "#untouched"}
    assert expanded["service"][1] == {"id": "https://a.example/#x"}
    assert expanded["extension"] == [{"deep": {"id": f"{DID}?service=a"}}, {"id": "files"}, {"id": 5}]


@pytest.mark.parametrize(
    ("reference", "expanded"),
    [
        ("#a", f"{DID}#a"),
        ("?service=a#b", f"{DID}?service=a#b"),
        ("/path#a", f"{DID}/path#a"),
        ("//host/path", "//host/path"),
        ("word", "word"),
        (f"{DID}#a", f"{DID}#a"),
        ("did:web:other.example#a", "did:web:other.example#a"),
        ("https://example.com/#a", "https://example.com/#a"),
    ],
)
def test_every_relative_did_url_is_expanded_and_nothing_else(reference: str, expanded: str) -> None:
    document = {"id": DID, "service": [{"id": reference}], "keyAgreement": [reference, {"id": reference}]}

    found = relative_ids_expanded({**document, "extension": {"list": [{"id": reference}]}})

    assert found["service"] == [{"id": expanded}]
    assert found["keyAgreement"] == [expanded, {"id": expanded}]
    assert found["extension"] == {"list": [{"id": expanded}]}


def test_expansion_leaves_the_document_it_was_given_alone() -> None:
    document = {"id": DID, "authentication": ["#key-1"], "verificationMethod": [dict(METHOD)]}

    relative_ids_expanded(document)

    assert document == {"id": DID, "authentication": ["#key-1"], "verificationMethod": [METHOD]}


def test_maps_come_outer_before_inner_in_the_order_of_the_document() -> None:
    document = {"id": 1, "a": [{"id": 2, "b": {"id": 3}}, [{"id": 4}]], "@context": {"id": 0}, "c": {"id": 5}}

    assert [found["id"] for found in maps_of(document)] == [1, 2, 3, 4, 5]


def test_the_cap_on_values_leaves_room_for_the_cap_on_methods() -> None:
    jwk = {"kty": "EC", "crv": "P-256", "x": "a", "y": "b"}
    methods = [
        {"id": f"#{n}", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": jwk}
        for n in range(MAX_METHODS_AND_SERVICES)
    ]
    references = {name: [method["id"] for method in methods] for name in RELATIONSHIPS}
    document = {"id": DID, "verificationMethod": methods, **references}

    assert read_document(encode(document), DID) == document
    with pytest.raises(InvalidDidDocument, match="over 6144 values"):
        read_document(encode({"id": DID, "a": [0] * MAX_DOCUMENT_VALUES}), DID)


def test_a_document_has_so_many_keys_and_no_more() -> None:
    keys = [{"publicKeyMultibase": "z6Mk"}] * MAX_KEYS

    read_document(_document(extension=keys), DID)
    with pytest.raises(InvalidDidDocument, match="over 1024 keys"):
        read_document(_document(extension=[*keys, {"publicKeyJwk": {}}]), DID)


def test_a_secret_key_just_below_the_next_prefix_is_seen() -> None:
    """It is judged by a logarithm: what is within its error of the next prefix was taken for that."""
    secret = encode_varint(0x1300) + b"\xff" * 32

    with pytest.raises(InvalidDidDocument, match="private"):
        read_document(
            _document(verificationMethod=[{**METHOD, "publicKeyMultibase": "z" + encode_base58btc(secret)}]),
            DID,
        )


def test_a_document_that_would_grow_too_much_is_not_expanded() -> None:
    """8 KiB of DID times 50,000 references are 400 MB."""
    did = "did:web:a.example:" + "a" * 8_000
    small = {"id": did, "authentication": ["#a"] * 100, "x": [{"id": "#b"}]}
    large = small | {"authentication": ["#a"] * 200}

    assert relative_ids_expanded(small)["authentication"][99] == f"{did}#a"
    with pytest.raises(FeatureNotSupported):
        relative_ids_expanded(large)
    with pytest.raises(FeatureNotSupported):
        relative_ids_expanded(small | {"x": [{"id": "#b"}] * 100})


def test_of_two_bad_keys_in_a_method_the_first_is_told_in_every_process() -> None:
    bad = {"publicKeyJwk": "no map", "publicKeyMultibase": "Z no base"}
    told = []
    for names in (list(bad), list(reversed(bad))):
        method = {
            "id": f"{DID}#1",
            "type": "Multikey",
            "controller": DID,
            **{name: bad[name] for name in names},
        }
        with pytest.raises(InvalidDidDocument) as refused:
            read_document(_document(verificationMethod=[method]), DID)
        told.append(next(name for name in bad if name in refused.value.detail))

    assert told == list(bad)
