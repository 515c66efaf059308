"""did:peer: the examples of the specification, what the peers' libraries agree on, and what is refused."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multiformats import multibase, varint

from resolver.did import parse_did, parse_did_url
from resolver.documents.dereference import dereference
from resolver.encoding import decode_multibase, encode_base58btc, encode_base64url
from resolver.errors import FeatureNotSupported, InvalidDid, NotFound, ResolutionError
from resolver.keys.multikey import multikey_of
from resolver.methods import KEY, PEER
from resolver.results import JsonObject, Options
from resolver.spelling import read_spelling
from tests.keys import KEYS
from tests.reference import needs_reference, reference
from wire import encode

REFERENCE = reference("did-peer")

ED25519 = "z6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc"
X25519 = "z6LSg8zQom395jKLrGiBNruB9MM6V8PWuf2FpEy4uRFiqQBR"
SERVICES = [
    {
        "type": "DIDCommMessaging",
        "serviceEndpoint": {
            "uri": f"http://example.com/{path}",
            "accept": ["didcomm/v2"],
            "routingKeys": [f"did:example:123456789abcdefghi#key-{number}"],
        },
    }
    for number, path in ((1, "didcomm"), (2, "another"))
]
# The example of the specification, section Resolving a did:peer:2.
TWO = (
    f"did:peer:2.V{ED25519}.E{X25519}"
    ".SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHA6Ly9leGFtcGxlLmNvbS9kaWRjb21tIiwiYSI6WyJkaWRjb21tL3YyIl0sInIiOlsiZGlkOm"
    "V4YW1wbGU6MTIzNDU2Nzg5YWJjZGVmZ2hpI2tleS0xIl19fQ"
    ".SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHA6Ly9leGFtcGxlLmNvbS9hbm90aGVyIiwiYSI6WyJkaWRjb21tL3YyIl0sInIiOlsiZGlkOm"
    "V4YW1wbGU6MTIzNDU2Nzg5YWJjZGVmZ2hpI2tleS0yIl19fQ"
)
INPUT: JsonObject = {
    "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
    "verificationMethod": [
        {"id": "#a", "type": "Multikey", "publicKeyMultibase": ED25519},
        {"id": "#b", "type": "Multikey", "publicKeyMultibase": ED25519, "controller": "did:example:1"},
    ],
    "authentication": ["#a"],
    "keyAgreement": [{"id": "#c", "type": "Multikey", "publicKeyMultibase": X25519}],
    "service": [{"id": "#s", "type": "T", "serviceEndpoint": "didcomm://queue"}],
}


def _resolve(did: str, **options: Any) -> JsonObject:
    document = PEER.plan(parse_did(did), Options(**options)).document
    assert document is not None
    return document


def _service(value: Any) -> str:
    return f".S{encode_base64url(encode(value))}"


def _hash(text: str) -> str:
    return multibase.encode(b"\x12\x20" + sha256(text.encode()).digest(), "base58btc")


def _four(document: Any, code: int = 0x0200) -> str:
    encoded = multibase.encode(varint.encode(code) + encode(document), "base58btc")
    return f"did:peer:4{_hash(encoded)}:{encoded}"


@pytest.mark.parametrize("codec", KEYS)
def test_numalgo_0_has_the_document_of_the_did_key(codec: str) -> None:
    multibase_value = multikey_of(KEYS[codec])
    did, key = f"did:peer:0{multibase_value}", f"did:key:{multibase_value}"

    document, of_key = _resolve(did), KEY.plan(parse_did(key), Options()).document

    assert of_key is not None
    assert encode(document).decode() == encode(of_key).decode().replace(key, did)


def test_the_example_of_numalgo_2_is_resolved_as_the_specification_says() -> None:
    document = _resolve(TWO)

    assert document == {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": TWO,
        "verificationMethod": [
            {"id": "#key-1", "type": "Multikey", "controller": TWO, "publicKeyMultibase": ED25519},
            {"id": "#key-2", "type": "Multikey", "controller": TWO, "publicKeyMultibase": X25519},
        ],
        "authentication": ["#key-1"],
        "keyAgreement": ["#key-2"],
        "service": [SERVICES[0] | {"id": "#service"}, SERVICES[1] | {"id": "#service-1"}],
        "alsoKnownAs": ["did:peer:3zQmd6RdU6e2nDrLn1rjwdA5Buzq7wJwsv3WJ1AgrwKYJoLE"],
    }


def test_the_example_of_numalgo_3_is_the_alias_of_its_numalgo_2() -> None:
    """Specification, section Method 3."""
    did = (
        "did:peer:2.Ez6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"
        ".Vz6MkqRYqQiSgvZQdnBytw86Qbs2ZWUkGv22od935YF4s8M7V.Vz6MkgoLTnTypo3tDRwCkZXSccTPHRLhF4ZnjhueYAFpEX6vg"
        ".SeyJ0IjoiZG0iLCJzIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9lbmRwb2ludCIsInIiOlsiZGlkOmV4YW1wbGU6c29tZW1lZGlhdG9yI3"
        "NvbWVrZXkiXSwiYSI6WyJkaWRjb21tL3YyIiwiZGlkY29tbS9haXAyO2Vudj1yZmM1ODciXX0"
    )

    document = _resolve(did)

    assert document["alsoKnownAs"] == ["did:peer:3zQmS19jtYDvGtKVrJhQnRFpBQAx3pJ9omx2HpNrcXFuRCz9"]
    assert document["authentication"] == ["#key-2", "#key-3"]


def test_a_key_of_numalgo_2_is_found_by_its_fragment() -> None:
    did_url = parse_did_url(f"{TWO}#key-2")

    found = dereference(PEER.plan(did_url.did, Options()), did_url)

    assert found.content is not None
    assert found.content["publicKeyMultibase"] == X25519
    with pytest.raises(NotFound):
        dereference(PEER.plan(did_url.did, Options()), parse_did_url(f"{TWO}#key-3"))


def test_each_purpose_is_a_relationship() -> None:
    purposes = {
        "A": "assertionMethod",
        "V": "authentication",
        "I": "capabilityInvocation",
        "D": "capabilityDelegation",
    }
    for purpose, relationship in purposes.items():
        document = _resolve(f"did:peer:2.{purpose}{ED25519}")

        assert document.pop(relationship) == ["#key-1"]
        assert document.keys() == {"@context", "id", "verificationMethod", "alsoKnownAs"}


def test_a_key_of_a_nist_curve_may_sign_or_agree() -> None:
    p256 = multikey_of(KEYS["p256-pub"])

    document = _resolve(f"did:peer:2.V{p256}.E{p256}")

    assert (document["authentication"], document["keyAgreement"]) == (["#key-1"], ["#key-2"])


def test_an_experimental_key_is_for_numalgo_0_only() -> None:
    """Some of them cost a millisecond, and a DID of numalgo 2 can have many."""
    key = multibase.encode(varint.encode(0x1220) + bytes(32), "base58btc")
    options = Options(enable_experimental_public_key_types=True)

    resolved = PEER.plan(parse_did(f"did:peer:0{key}"), options)

    assert [warning["code"] for warning in resolved.resolution_metadata["warnings"]] == [
        "experimental-key-type"
    ]
    with pytest.raises(FeatureNotSupported):
        PEER.plan(parse_did(f"did:peer:0{key}"), Options())
    with pytest.raises(FeatureNotSupported):
        PEER.plan(parse_did(f"did:peer:2.V{key}"), options)


def test_abbreviations_are_expanded_at_any_depth_and_dm_as_a_type_only() -> None:
    service = {"t": "dm", "s": [{"uri": "dm", "r": ["t", "dm"], "x": {"a": "s"}}]}

    (expanded,) = _resolve(f"did:peer:2.V{ED25519}{_service(service)}")["service"]

    assert expanded == {
        "type": "DIDCommMessaging",
        "serviceEndpoint": [{"uri": "dm", "routingKeys": ["t", "dm"], "x": {"accept": "s"}}],
        "id": "#service",
    }


def test_services_keep_their_ids_and_may_stand_in_one_element() -> None:
    """Until 2023 several services were encoded as a list."""
    services = [{"t": "a", "s": "x:1"}, {"id": "#own", "t": "b", "s": "x:2"}, {"t": "c", "s": "x:3"}]
    singly = "".join(_service(service) for service in services)

    together, apart = (_resolve(f"did:peer:2.V{ED25519}{part}") for part in (_service(services), singly))

    assert [service["id"] for service in apart["service"]] == ["#service", "#own", "#service-1"]
    assert together["service"] == apart["service"]


@pytest.mark.parametrize(
    "identifier",
    [
        "2",
        f"2V{ED25519}",
        f"2..V{ED25519}",
        f"2.V{ED25519}.",
        f"2.X{ED25519}",
        f"2.v{ED25519}",
        f"2.{ED25519}",
        f"2.V{ED25519[1:]}",
        f"2.V{X25519}",
        f"2.A{X25519}",
        f"2.E{ED25519}",
        f"2.E{multikey_of(KEYS['rsa-pub'])}",
        f"2.V{multibase.encode(bytes([0xED, 1]) + bytes(32), 'base58btc')}",
        f"2.V{multibase.encode(varint.encode(0x1300) + bytes(32), 'base58btc')}",
        f"2.Vu{encode_base64url(varint.encode(0x1210) + bytes(1_312))}",
        f"2.V{ED25519}.S",
        f"2.V{ED25519}.SeyJ0Ijoi",
        f"2.V{ED25519}.Se30",
        f"2.V{ED25519}{_service([])[:-1]}",
        f"2.V{ED25519}{_service('a')}",
        f"2.V{ED25519}{_service([['a']])}",
        f"2.V{ED25519}{_service({'t': 'a', 'type': 'b', 's': 'x:1'})}",
        f"2.V{ED25519}{_service({'t': 'a', 's': 'x:1', 'id': 'did:example:1#key-1'})}",
        f"2.V{ED25519}{_service({'t': 'a', 's': 'x:1', 'id': '#a'}) * 2}",
        f"2.V{ED25519}{_service({'t': 'a', 's': 'x:1', 'secretKeyJwk': {}})}",
        f"2.V{ED25519}" * 80,
        "0",
        f"0{ED25519[1:]}",
        f"0u{encode_base64url(varint.encode(0x1210) + bytes(1_312))}",
        "5zQm",
        "z6Mk",
        f"1{ED25519}",
        "3zQm",
        "1",
        "4zQm",
    ],
)
def test_what_no_numalgo_makes_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidDid):
        _resolve(f"did:peer:{identifier}")


@pytest.mark.parametrize("numalgo", ["1", "3", "4"])
def test_a_hash_alone_is_not_found(numalgo: str) -> None:
    with pytest.raises(NotFound):
        _resolve(f"did:peer:{numalgo}zQmd8CpeFPci817KDsbSAKWcXAE2mjvCQSasRewvbSF54Bd")


def test_a_hash_alone_can_be_written_down() -> None:
    """The registry may name such a DID, whose document only its peers have."""
    did = "did:peer:4zQmd8CpeFPci817KDsbSAKWcXAE2mjvCQSasRewvbSF54Bd"

    assert read_spelling(did).text == did
    with pytest.raises(InvalidDid):
        read_spelling(did[:-1])


def test_a_document_of_numalgo_4_gets_its_id_its_alias_and_its_controllers() -> None:
    did = _four(INPUT)

    document = _resolve(did)

    assert document.pop("id") == did
    assert document.pop("alsoKnownAs") == [did.rpartition(":")[0]]
    (first, second), (embedded,) = document["verificationMethod"], document["keyAgreement"]
    assert (first.pop("controller"), embedded.pop("controller")) == (did, did)
    assert second["controller"] == "did:example:1"
    assert document == INPUT


def test_null_and_words_in_a_document_of_numalgo_4_are_left_out_and_told() -> None:
    method = INPUT["verificationMethod"][0]
    nulls = {"service": None, "keyAgreement": None, "verificationMethod": [method | {"controller": None}]}
    did = _four(INPUT | nulls | {"alsoKnownAs": ["word", None]})

    resolved = PEER.plan(parse_did(did), Options())

    assert resolved.document is not None
    assert resolved.document.keys().isdisjoint({"service", "keyAgreement"})
    assert resolved.document["verificationMethod"] == [method | {"controller": did}]
    assert resolved.document["alsoKnownAs"] == [did.rpartition(":")[0]]
    codes = [warning["code"] for warning in resolved.resolution_metadata["warnings"]]
    assert codes == ["null-member", "null-member", "malformed-alias", "malformed-alias"]


def test_null_for_the_alias_or_the_id_of_a_service_is_as_if_it_were_absent() -> None:
    aliased = _resolve(_four(INPUT | {"alsoKnownAs": None}))
    service = {"id": None, "t": "dm", "s": "https://a.example"}
    served = _resolve(f"did:peer:2.S{encode_base64url(encode(service))}")

    assert len(aliased["alsoKnownAs"]) == 1
    assert served["service"][0]["id"] == "#service"


def test_an_alias_of_numalgo_4_is_kept() -> None:
    did = _four(INPUT | {"alsoKnownAs": ["https://a.example"]})

    assert _resolve(did)["alsoKnownAs"] == ["https://a.example", did.rpartition(":")[0]]


@pytest.mark.parametrize(
    "document",
    [
        INPUT | {"id": "did:example:1"},
        INPUT | {"id": None},
        INPUT | {"alsoKnownAs": "a"},
        INPUT | {"verificationMethod": {}},
        INPUT | {"verificationMethod": [{"id": "did:example:1#a", "type": "Multikey"}]},
        INPUT | {"service": [{"id": "did:example:1#s", "type": "T", "serviceEndpoint": "x:1"}]},
        INPUT | {"authentication": "#a"},
        INPUT | {"a": {"kty": "OKP", "d": "AQ"}},
        [INPUT],
        "a",
    ],
)
def test_a_document_of_numalgo_4_that_must_not_be_passed_on_is_refused(document: Any) -> None:
    with pytest.raises(InvalidDid):
        _resolve(_four(document))


def test_a_document_whose_hash_is_another_is_refused() -> None:
    did, other = _four(INPUT), _four(INPUT | {"a": 1})

    with pytest.raises(InvalidDid, match="hash"):
        _resolve(f"{did.rpartition(':')[0]}:{other.rpartition(':')[2]}")


@pytest.mark.parametrize("code", [0x55, 0x0129, 0xED])
def test_a_document_that_is_not_marked_as_json_is_refused(code: int) -> None:
    with pytest.raises(InvalidDid):
        _resolve(_four(INPUT, code))


def test_json_of_numalgo_4_is_strict() -> None:
    for text in (b'{"a":1,"a":2}', b'{"a":NaN}', b"[" * 3_000, b"\xef\xbb\xbf{}"):
        encoded = multibase.encode(varint.encode(0x0200) + text, "base58btc")

        with pytest.raises(InvalidDid):
            _resolve(f"did:peer:4{_hash(encoded)}:{encoded}")


def test_a_document_that_its_did_makes_too_large_is_refused() -> None:
    """Each method without a controller gets the DID, of up to 8 KiB."""
    methods = [{"id": f"#{n}", "type": "T"} for n in range(200)]
    did = _four({"verificationMethod": methods})
    assert len(did) < 8_192

    with pytest.raises(InvalidDid, match="over the limit"):
        _resolve(did)


def test_options_that_cannot_be_honoured_are_refused() -> None:
    for did in (f"did:peer:0{ED25519}", TWO, _four(INPUT)):
        for options in ({"version_id": "1"}, {"public_key_format": "jwk"}, {"key_agreement": "ecdh"}):
            with pytest.raises(FeatureNotSupported):
                _resolve(did, **options)


@given(st.sampled_from([f"did:peer:0{ED25519}", TWO, _four(INPUT)]), st.data())
def test_no_did_peer_with_one_character_changed_is_the_same_did(did: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(9, len(did) - 1))
    changed = did[:position] + data.draw(st.sampled_from("01248AaZzSVE.:-_")) + did[position + 1 :]
    try:
        document = _resolve(changed)
    except ResolutionError:
        return

    assert document["id"] == changed
    assert changed == did or not did.startswith("did:peer:4")  # One hash, one document.


@needs_reference("did-peer")
@pytest.mark.parametrize("name", ["credo-didPeer4zQmUJdJ", "credo-didPeer4zQmd8Cp"])
def test_numalgo_4_gives_what_credo_gives(name: str) -> None:
    expected = json.loads((REFERENCE / f"{name}.json").read_text())

    assert _resolve(expected["id"]) == expected


@needs_reference("did-peer")
@pytest.mark.parametrize("number", range(6))
def test_the_input_documents_of_did_peer_4_come_back(number: int) -> None:
    given_document = json.loads((REFERENCE / f"did-peer-4-example-{number}.json").read_text())
    did = _four(given_document)

    document = _resolve(did)

    assert (document.pop("id"), document.pop("alsoKnownAs")) == (did, [did.rpartition(":")[0]])
    assert encode(document).decode().replace(f',"controller":"{did}"', "") == encode(given_document).decode()


@needs_reference("did-peer")
@pytest.mark.parametrize(
    "name", ["0z6MksLe", "2Ez6L", "2Ez6LMoreServices", "2Ez6LMultipleServicesSingleToken"]
)
def test_keys_and_services_are_those_that_credo_finds(name: str) -> None:
    """Its documents are of another shape: suites of 2018, embedded keys, ids of services before 2023."""
    expected = json.loads((REFERENCE / f"credo-didPeer{name}.json").read_text())

    document = _resolve(expected["id"])

    relationships = ("authentication", "keyAgreement", "assertionMethod")
    for name in relationships:
        assert _keys(document, name) == _keys(expected, name)
    services = [service | {"id": ""} for service in document.get("service", [])]
    assert services == [service | {"id": ""} for service in expected.get("service", [])]


def _keys(document: JsonObject, relationship: str) -> list[str]:
    """Return the keys of a relationship in base58btc, embedded or referenced, Multikey or of 2018."""
    methods = {method["id"]: method for method in document.get("verificationMethod", [])}
    found = [item if isinstance(item, dict) else methods[item] for item in document.get(relationship, [])]
    return [
        method.get("publicKeyBase58") or encode_base58btc(decode_multibase(method["publicKeyMultibase"])[2:])
        for method in found
    ]
