"""The keys of every method's documents in the one form that a verifier asks for."""

import json
from base64 import b64encode
from itertools import product
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from resolver import FeatureNotSupported, InvalidOptions, Resolver
from resolver.documents.conversion import MAX_KEYS, converted
from resolver.encoding import encode_base58btc, encode_base64url
from resolver.keys.jwk import PublicKey
from resolver.keys.multikey import jwk_of, multikey_of
from resolver.lint.findings import lint
from resolver.results import JsonObject, Options, Resolved
from tests.keys import KEYS
from tests.resolver.scenes import DID, PATH, web

pytestmark = pytest.mark.anyio

FORMATS = ("JsonWebKey", "Multikey")
V1 = "https://www.w3.org/ns/did/v1"
V1_1 = "https://www.w3.org/ns/did/v1.1"
OF_FORMAT = {
    "JsonWebKey": "https://w3id.org/security/jwk/v1",
    "Multikey": "https://w3id.org/security/multikey/v1",
}
RSA_8192 = RSAPublicNumbers(65_537, (1 << 8_191) + 1).public_key()
RSA_1024 = RSAPublicNumbers(65_537, (1 << 1_023) + 1).public_key()
P224 = ec.derive_private_key(7, ec.SECP224R1()).public_key()
# The point of order one as an Ed25519 key: RFC 8410 puts twelve bytes before it.
SMALL_ORDER_PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    + b64encode(bytes.fromhex("302a300506032b6570032100") + b"\1" + bytes(31)).decode()
    + "\n-----END PUBLIC KEY-----\n"
)
_P256_DER = KEYS["p256-pub"].public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
OFF_THE_CURVE_PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    + b64encode(_P256_DER[:-1] + bytes([_P256_DER[-1] ^ 1])).decode()
    + "\n-----END PUBLIC KEY-----\n"
)
ED25519, X25519, SECP256K1, P256 = (KEYS[f"{n}-pub"] for n in ("ed25519", "x25519", "secp256k1", "p256"))


def raw(key: PublicKey, point: PublicFormat = PublicFormat.CompressedPoint) -> bytes:
    if isinstance(key, EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, point)
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def pem(key: PublicKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return key.public_bytes(Encoding.PEM, form).decode()


def material(key: PublicKey, name: str) -> JsonObject:
    """Return the member of a format, with the key in it."""
    return {"publicKeyJwk": jwk_of(key)} if name == "JsonWebKey" else {"publicKeyMultibase": multikey_of(key)}


def a_method(kind: str, **members: Any) -> JsonObject:
    return {"id": f"{DID}#a", "type": kind, "controller": DID, **members}


def in_format(name: str, *methods: Any, **members: Any) -> Resolved:
    document = {"@context": [V1], "id": DID, "verificationMethod": list(methods), **members}
    return converted(Resolved(did=DID, document=document), name)


def methods_of(resolved: Resolved) -> list[JsonObject]:
    assert resolved.document is not None
    methods: list[JsonObject] = resolved.document["verificationMethod"]
    return methods


WRITTEN: list[tuple[str, PublicKey, JsonObject]] = [
    *(("Multikey", key, material(key, "Multikey")) for key in KEYS.values()),
    *((kind, key, material(key, "JsonWebKey")) for kind, key in product(FORMATS[:1], KEYS.values())),
    *(("JsonWebKey2020", key, material(key, "JsonWebKey")) for key in KEYS.values()),
    ("Ed25519VerificationKey2020", ED25519, material(ED25519, "Multikey")),
    ("Ed25519VerificationKey2018", ED25519, {"publicKeyBase58": encode_base58btc(raw(ED25519))}),
    ("Ed25519VerificationKey2018", ED25519, {"publicKeyHex": raw(ED25519).hex()}),
    ("Ed25519VerificationKey2018", ED25519, material(ED25519, "JsonWebKey")),
    ("X25519KeyAgreementKey2020", X25519, material(X25519, "Multikey")),
    ("X25519KeyAgreementKey2019", X25519, {"publicKeyBase58": encode_base58btc(raw(X25519))}),
    ("EcdsaSecp256k1VerificationKey2019", SECP256K1, material(SECP256K1, "JsonWebKey")),
    ("EcdsaSecp256k1VerificationKey2019", SECP256K1, {"publicKeyHex": raw(SECP256K1).hex()}),
    ("EcdsaSecp256k1VerificationKey2019", SECP256K1, {"publicKeyBase58": encode_base58btc(raw(SECP256K1))}),
    (
        "EcdsaSecp256k1VerificationKey2019",
        SECP256K1,
        {"publicKeyHex": raw(SECP256K1, PublicFormat.UncompressedPoint).hex()},
    ),
    ("EcdsaSecp256k1RecoveryMethod2020", SECP256K1, material(SECP256K1, "JsonWebKey")),
    ("EcdsaSecp256r1VerificationKey2019", P256, {"publicKeyBase58": encode_base58btc(raw(P256))}),
    ("RsaVerificationKey2018", KEYS["rsa-pub"], material(KEYS["rsa-pub"], "JsonWebKey")),
    ("RsaVerificationKey2018", KEYS["rsa-pub"], {"publicKeyPem": pem(KEYS["rsa-pub"])}),
    ("RsaVerificationKey2018", KEYS["rsa-pub"], {"publicKeyPem": pem(KEYS["rsa-pub"], PublicFormat.PKCS1)}),
    ("Ed25519VerificationKey2018", ED25519, {"publicKeyPem": pem(ED25519)}),
    ("Ed25519VerificationKey2018", ED25519, {"publicKeyBase64": b64encode(raw(ED25519)).decode()}),
    ("Secp256k1VerificationKey2018", SECP256K1, {"publicKeyBase64": b64encode(raw(SECP256K1)).decode()}),
    *(("NobodyKnows2031", key, material(key, name)) for key, name in product(KEYS.values(), FORMATS)),
    *(("NobodyKnows2031", key, {"publicKeyPem": pem(key)}) for key in KEYS.values()),
    *((kind, key, {"publicKeyPem": pem(key)}) for kind, key in product(FORMATS, KEYS.values())),
    ("JwsVerificationKey2020", ED25519, material(ED25519, "JsonWebKey")),
    ("P256Key2021", P256, material(P256, "Multikey")),
    ("Multikey", P256, material(P256, "JsonWebKey")),
    ("JsonWebKey", P256, material(P256, "Multikey")),
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("kind", "key", "held"), WRITTEN)
def test_a_key_of_any_suite_and_encoding_is_written_in_the_format(
    name: str, kind: str, key: PublicKey, held: JsonObject
) -> None:
    resolved = in_format(name, a_method(kind, **held))

    assert methods_of(resolved) == [a_method(name, **material(key, name))]
    assert resolved.resolution_metadata == {}


def test_ids_controllers_relationships_and_all_other_members_stay() -> None:
    own = {"id": "#a", "type": "Ed25519VerificationKey2020", "controller": "did:web:other.example"}
    method = own | {"expires": "2031-01-01T00:00:00Z"} | material(ED25519, "Multikey")
    embedded = {**a_method("X25519KeyAgreementKey2020"), **material(X25519, "Multikey")}
    rest = {
        "assertionMethod": ["#a"],
        "service": [{"id": "#s", "type": "T", "serviceEndpoint": "https://a.b/"}],
    }

    resolved = in_format("JsonWebKey", method, keyAgreement=[embedded, f"{DID}#a"], **rest)

    assert resolved.document is not None
    assert {name: resolved.document[name] for name in rest} == rest
    assert methods_of(resolved) == [
        own | {"type": "JsonWebKey", "expires": "2031-01-01T00:00:00Z"} | material(ED25519, "JsonWebKey")
    ]
    assert resolved.document["keyAgreement"] == [
        a_method("JsonWebKey", **material(X25519, "JsonWebKey")),
        f"{DID}#a",
    ]


def test_a_method_that_is_embedded_again_and_again_is_converted_once_and_everywhere() -> None:
    methods = [
        {**a_method("Ed25519VerificationKey2020"), **material(ED25519, "Multikey"), "id": f"#{number}"}
        for number in range(MAX_KEYS)
    ]
    embedding = ("authentication", "assertionMethod", "keyAgreement")

    document = in_format("JsonWebKey", **dict.fromkeys(embedding, methods)).document

    assert document is not None
    for name in embedding:
        assert {method["type"] for method in document[name]} == {"JsonWebKey"}


def test_a_member_that_is_null_is_no_key() -> None:
    method = a_method("Ed25519VerificationKey2020", publicKeyJwk=None, **material(ED25519, "Multikey"))

    assert methods_of(in_format("Multikey", method)) == [
        a_method("Multikey", **material(ED25519, "Multikey"))
    ]


def test_a_jwk_keeps_its_members() -> None:
    jwk = jwk_of(P256) | {"kid": "k", "alg": "ES256", "use": "sig"}

    resolved = in_format("JsonWebKey", a_method("JsonWebKey2020", publicKeyJwk=jwk))

    assert methods_of(resolved) == [a_method("JsonWebKey", publicKeyJwk=jwk)]


UNREADABLE = [
    a_method("NobodyKnows2031", publicKeyBase58=encode_base58btc(raw(ED25519))),
    a_method("NobodyKnows2031", publicKeyBase64=b64encode(raw(ED25519)).decode()),
    a_method("Ed25519VerificationKey2018", publicKeyBase64="%" + b64encode(raw(ED25519)).decode()),
    a_method("Ed25519VerificationKey2018", publicKeyPem=pem(P256)),
    a_method("RsaVerificationKey2018", publicKeyPem=pem(RSA_1024)),
    a_method("NobodyKnows2031", publicKeyPem=SMALL_ORDER_PEM),
    a_method("NobodyKnows2031", publicKeyPem=pem(P224)),
    a_method("NobodyKnows2031", publicKeyPem=OFF_THE_CURVE_PEM),
    a_method("NobodyKnows2031", publicKeyPem=7),
    a_method("Multikey"),
    a_method("JsonWebKey"),
    a_method("Bls12381G2Key2020", publicKeyBase58="x"),
    a_method("EcdsaSecp256k1RecoveryMethod2020", blockchainAccountId="eip155:1:0xab"),
    a_method("Ed25519VerificationKey2020", **material(P256, "Multikey")),
    a_method("Ed25519VerificationKey2018", **material(X25519, "JsonWebKey")),
    a_method("Ed25519VerificationKey2018", publicKeyBase58=encode_base58btc(bytes(32))),
    a_method("Ed25519VerificationKey2018", publicKeyHex="zz"),
    a_method("EcdsaSecp256k1VerificationKey2019", publicKeyHex="02" + "ff" * 32),
    a_method("JsonWebKey2020", publicKeyJwk={"kty": "OKP", "crv": "Ed448", "x": encode_base64url(bytes(57))}),
    a_method("JsonWebKey2020", publicKeyJwk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
    a_method("RsaVerificationKey2018", publicKeyPem="-----BEGIN PUBLIC KEY-----"),
    a_method("RsaVerificationKey2018", publicKeyBase58="111"),
    a_method("JsonWebKey2020", publicKeyBase58=encode_base58btc(raw(ED25519))),
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("method", UNREADABLE)
def test_what_cannot_be_converted_is_passed_on_and_told(name: str, method: JsonObject) -> None:
    other = a_method("Ed25519VerificationKey2020", **material(ED25519, "Multikey")) | {"id": f"{DID}#b"}

    resolved = in_format(name, method, other)

    assert methods_of(resolved) == [method, a_method(name, **material(ED25519, name)) | {"id": f"{DID}#b"}]
    (warning,) = resolved.resolution_metadata["warnings"]
    assert warning["code"] == "key-not-converted"
    assert f"{DID}#a" in warning["detail"]
    assert f"{DID}#b" not in warning["detail"]
    assert f"or it is behind the first {MAX_KEYS} keys" in warning["detail"]


@pytest.mark.parametrize(
    ("context", "name", "expected"),
    [
        ([V1], "JsonWebKey", [V1, OF_FORMAT["JsonWebKey"]]),
        (V1, "Multikey", [V1, OF_FORMAT["Multikey"]]),
        ([V1, {"@base": DID}], "Multikey", [V1, {"@base": DID}, OF_FORMAT["Multikey"]]),
        ([V1_1], "JsonWebKey", [V1_1]),
        (V1_1, "Multikey", V1_1),
        ([V1, OF_FORMAT["Multikey"]], "Multikey", [V1, OF_FORMAT["Multikey"]]),
        (["https://www.w3.org/ns/cid/v1"], "JsonWebKey", ["https://www.w3.org/ns/cid/v1"]),
        (None, "JsonWebKey", None),
    ],
)
def test_the_contexts_define_the_format_and_none_is_taken_away(
    context: Any, name: str, expected: Any
) -> None:
    document = {"@context": context, "id": DID} if context else {"id": DID}

    found = converted(Resolved(did=DID, document=document), name).document

    assert found is not None
    assert found.get("@context") == expected


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("key", "converts"), [(ED25519, MAX_KEYS), (RSA_8192, 11)])
def test_past_a_bound_on_keys_the_rest_is_passed_on(name: str, key: PublicKey, converts: int) -> None:
    methods = [
        a_method("JsonWebKey2020", **material(key, "JsonWebKey")) | {"id": f"{DID}#{number}"}
        for number in range(100)
    ]

    resolved = in_format(name, *methods)

    assert [method["type"] for method in methods_of(resolved)] == [name] * converts + ["JsonWebKey2020"] * (
        100 - converts
    )
    assert resolved.resolution_metadata["warnings"][0]["detail"].endswith(f"and {100 - converts - 8} more")


COMPUTED = [
    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    "did:jwk:" + encode_base64url(json.dumps(jwk_of(P256) | {"kid": "k"}).encode()),
    "did:peer:0z6MkqRYqQiSgvZQdnBytw86Qbs2ZWUkGv22od935YF4s8M7V",
    "did:peer:2.Vz6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    "did:pkh:solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev",
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("did", COMPUTED)
def test_every_computed_method_has_both_formats(did: str, name: str) -> None:
    resolved = Resolver().resolve_local(did, Options(public_key_format=name))
    plain = Resolver().resolve_local(did)

    assert resolved is not None
    assert plain is not None
    assert {method["type"] for method in methods_of(resolved)} == {name}
    assert [method["id"] for method in methods_of(resolved)] == [method["id"] for method in methods_of(plain)]
    assert [f for f in lint(resolved.document or {}) if f.code in ("undefined-term", "undefined-type")] == []


def test_a_method_without_a_key_is_told_for_an_account() -> None:
    did = "did:pkh:eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a"

    resolved = Resolver().resolve_local(did, Options(public_key_format="JsonWebKey"))

    assert resolved is not None
    assert methods_of(resolved)[0]["type"] == "EcdsaSecp256k1RecoveryMethod2020"
    assert [warning["code"] for warning in resolved.resolution_metadata["warnings"]] == ["key-not-converted"]


@pytest.mark.parametrize("did", [DID, *COMPUTED[2:]])
def test_other_formats_are_those_of_did_key_and_did_jwk(did: str) -> None:
    for name in ("JsonWebKey2020", "jwk", "legacy2018", "Nothing"):
        with pytest.raises(FeatureNotSupported):
            Resolver().resolve_local(did, Options(public_key_format=name))
    with pytest.raises(InvalidOptions):
        Resolver().resolve_local(COMPUTED[0], Options(public_key_format="Nothing"))


async def test_warnings_are_about_the_document_as_published_in_whichever_form_it_is_given() -> None:
    document = {
        "@context": [V1],
        "id": DID,
        "alsoKnownAs": None,
        "verificationMethod": [
            a_method("Ed25519VerificationKey2018", publicKeyBase58=encode_base58btc(raw(ED25519)))
            | {"id": "#a"},
            a_method("Ed25519VerificationKey2018") | {"id": "#b"},
        ],
        "assertionMethod": ["#a"],
    }
    async with web() as (_world, issuer, resolver, _clock):
        issuer.publish(PATH, document)
        plain = await resolver.resolve(DID)
        shown = await resolver.resolve(DID, Options(public_key_format="Multikey", expand_relative_urls=True))

    warnings = plain.resolution_metadata["warnings"]
    pointers = {warning["pointer"] for warning in warnings}
    assert {"/alsoKnownAs", "/verificationMethod/0/publicKeyBase58", "/verificationMethod/0/id"} <= pointers
    *same, left = shown.resolution_metadata["warnings"]
    assert same == warnings
    assert left["code"] == "key-not-converted"


async def test_the_formats_of_a_document_are_kept_apart_and_it_is_fetched_once() -> None:
    document = {
        "@context": [V1, "https://w3id.org/security/suites/ed25519-2020/v1"],
        "id": DID,
        "verificationMethod": [a_method("Ed25519VerificationKey2020", **material(ED25519, "Multikey"))],
        "assertionMethod": [f"{DID}#a"],
    }
    async with web() as (world, issuer, resolver, _clock):
        issuer.publish(PATH, document)
        found = {
            name: [(await resolver.resolve(DID, Options(public_key_format=name))).document for _ in range(2)]
            for name in (*FORMATS, None)
        }
        part = await resolver.dereference(f"{DID}#a", Options(public_key_format="JsonWebKey"))

        assert found[None] == [document, document]
        for name in FORMATS:
            assert found[name][0] == found[name][1]
            assert (found[name][0] or {})["verificationMethod"] == [a_method(name, **material(ED25519, name))]
        assert part.content == a_method("JsonWebKey", **material(ED25519, "JsonWebKey"))
        assert len(world.requests) == 1
