"""The issuer data of mdocs: the example of the standard, what they say, and each way in which one can be wrong."""

import base64
from typing import Any

import cbor2
import pytest
from cryptography import x509

from credentials.claims import claims_of
from credentials.errors import KeyNotIssuers, UnsupportedForm
from credentials.keys.certificates import find_certificate_key
from credentials.reading import read_credential
from credentials.secured import Secured
from proofs import CertificateInvalid, MalformedProof, ProofError, ProofInvalid
from tests.credentials.mdocs import MDL, SPACE, VECTOR, X5CHAIN, embedded, example, mdoc, tdate
from tests.proofs.authorities import DAY, NOW, Authority, der, key

AT = int(NOW.timestamp()) * 1_000_000
HOUR = 3_600_000_000
ROOT_CA, KEY = Authority("IACA"), key("document signer")
LEAF = der(ROOT_CA.leaf("document signer"))


def made(**changes: Any) -> str:
    wanted = {"begins": AT - HOUR, "ends": AT + HOUR} | changes
    return mdoc(KEY, [LEAF], **wanted)


def read(text: str) -> Secured:
    return read_credential(text.encode())


def verified(text: str, *, anchor: bytes = ROOT_CA.der, at: int = AT) -> Secured:
    """Return it once its certificate leads to the anchor and the signature is that one's."""
    secured = read(text)
    secured.verify(find_certificate_key(secured, [anchor], now=at).public_key, at)
    return secured


def test_the_example_of_the_standard_verifies_up_to_its_authority() -> None:
    """ISO/IEC 18013-5:2021, annex D.5.2."""
    found = verified(example(), anchor=bytes.fromhex(VECTOR["iaca"]), at=1_606_780_800_000_000)

    assert (found.form, found.issuer) == ("mso_mdoc", None)
    assert found.document["namespaces"] == {SPACE: {"family_name": "Doe"}}
    claims = claims_of(found)
    assert (claims.scheme, claims.types) == ("doc_type", (MDL,))
    assert (claims.issued_at, claims.valid_from, claims.valid_until) == (
        1_601_559_002_000_000,
        1_601_559_002_000_000,
        1_633_095_002_000_000,
    )


@pytest.mark.parametrize("place", range(0, 1_700, 23))
def test_the_example_with_any_bit_changed_is_refused(place: int) -> None:
    text = example()
    data = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    place %= len(data)
    data[place] ^= 1
    changed = base64.urlsafe_b64encode(data).decode().rstrip("=")

    with pytest.raises((ProofError, UnsupportedForm)):
        verified(changed, anchor=bytes.fromhex(VECTOR["iaca"]), at=1_606_780_800_000_000)


def test_what_is_disclosed_and_its_status_are_read_as_json() -> None:
    status = {"status_list": {"idx": 7, "uri": "https://lists.example/1"}}
    elements = {
        "family_name": "Doe",
        "birth_date": cbor2.CBORTag(1004, "1990-01-01"),
        "portrait": b"\xff\x00",
        "driving_privileges": [{"vehicle_category_code": "A"}],
    }
    found = verified(made(elements=elements, status=status, signed=AT - 2 * HOUR))

    assert found.document == {
        "docType": MDL,
        "namespaces": {
            SPACE: {
                "family_name": "Doe",
                "birth_date": "1990-01-01",
                "portrait": "_wA",
                "driving_privileges": [{"vehicle_category_code": "A"}],
            }
        },
        "signed": AT - 2 * HOUR,
        "status": status,
    }
    assert claims_of(found).statuses == (status,)


def test_an_identifier_list_is_shown_as_json() -> None:
    status = {"identifier_list": {"id": b"\x01\x02", "uri": "https://lists.example/2"}}

    found = read(made(status=status)).document["status"]

    assert found == {"identifier_list": {"id": "AQI", "uri": "https://lists.example/2"}}


@pytest.mark.parametrize("algorithm", ["SHA-256", "SHA-384", "SHA-512"])
def test_digests_are_of_three_algorithms(algorithm: str) -> None:
    assert verified(made(algorithm=algorithm)).document["namespaces"]


def test_it_may_disclose_nothing() -> None:
    assert verified(made(change_all=lambda made: made.pop("nameSpaces"))).document["namespaces"] == {}
    assert verified(made(change_all=lambda made: made["nameSpaces"][SPACE].clear())).document["namespaces"]


def _item(**members: Any) -> dict[str, Any]:
    return {"change_items": lambda items: items[0].update(members)}


def _without(name: str) -> dict[str, Any]:
    return {"change_items": lambda items: items[0].pop(name)}


def _mso(**members: Any) -> dict[str, Any]:
    return {"change_mso": lambda mso: mso.update(members)}


def _validity(**members: Any) -> dict[str, Any]:
    return {"change_mso": lambda mso: mso["validityInfo"].update(members)}


def _whole(change: Any) -> dict[str, Any]:
    return {"change_all": change}


def _twice(items: list[Any]) -> None:
    items.append(dict(items[0], elementIdentifier="given_name"))


def _two_values(items: list[Any]) -> None:
    items[1]["elementIdentifier"] = items[0]["elementIdentifier"]


def _payload(payload: bytes) -> dict[str, Any]:
    return _whole(lambda made: made["issuerAuth"].__setitem__(2, payload))


FORGED = {
    "another value": _item(elementValue="Roe"),
    "another name": _item(elementIdentifier="given_name"),
    "another random": _item(random=bytes(31)),
    "a digest of another element": _item(digestID=1),
    "no digest": _item(digestID=99),
    "a digest twice": {"change_items": _twice},
    "a digest that is none": _mso(valueDigests={SPACE: {0: "text", 1: 7}}),
    "a name space without digests": _mso(valueDigests={"other": {0: bytes(32)}}),
    "a name space that is no map": _mso(valueDigests={SPACE: [bytes(32)]}),
    "another name space": _whole(lambda made: made.update(nameSpaces={"other": made["nameSpaces"][SPACE]})),
    "another algorithm": _mso(digestAlgorithm="SHA-512"),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_disclosed_and_was_not_signed_refuses_the_whole(name: str) -> None:
    with pytest.raises(ProofInvalid, match="no digest in what the issuer signed, or another"):
        read(made(**FORGED[name]))


MALFORMED = {
    "an element twice": ({"change_items": _two_values}, "each element once"),
    "an item twice": ({"change_items": lambda items: items.append(items[0])}, "each element once"),
    "no value": (_without("elementValue"), "with a value"),
    "no digestID": (_without("digestID"), "digestID"),
    "no random": (_without("random"), "random"),
    "no name": (_without("elementIdentifier"), "elementIdentifier"),
    "true for the digestID 1": (_item(digestID=True), "with a value"),
    "another version": (_mso(version="2.0"), "MobileSecurityObject 1.0"),
    "a weak hash": (_mso(digestAlgorithm="SHA-1"), "SHA-256"),
    "digests that are none": (_mso(valueDigests=[]), "valueDigests"),
    "no type": (_mso(docType=None), "docType"),
    "no validityInfo": (_mso(validityInfo=None), "validityInfo"),
    "no end": (_validity(validUntil=None), "validUntil"),
    "a time without its tag": (_validity(validFrom="2026-01-01T00:00:00Z"), "validFrom"),
    "a time of seconds": (_validity(signed=cbor2.CBORTag(1, 0)), "tag 1 "),
    "no time": (_validity(signed=cbor2.CBORTag(0, "yesterday")), "expected a day"),
    "a tag within": ({"elements": {"family_name": cbor2.CBORTag(35, "a+")}}, "tag 35 "),
    "a member beside": (_whole(lambda made: made.update(docType=MDL)), "nothing beside"),
    "no issuerAuth": (_whole(lambda made: made.pop("issuerAuth")), "issuerAuth"),
    "name spaces that are none": (_whole(lambda made: made.update(nameSpaces=[])), "nameSpaces"),
    "a name space that is none": (_whole(lambda made: made.update(nameSpaces={1: []})), "nameSpaces"),
    "items that are none": (_whole(lambda made: made["nameSpaces"].update({SPACE: {}})), "nameSpaces"),
    "an item without its tag": (_whole(lambda made: made["nameSpaces"].update({SPACE: [b""]})), "tag 24"),
    "an item of nothing": (
        _whole(lambda made: made["nameSpaces"].update({SPACE: [cbor2.CBORTag(24, b"")]})),
        "cut",
    ),
    "a payload without its tag": (_payload(cbor2.dumps({})), "tag 24"),
    "a payload of two": (_payload(cbor2.dumps(embedded({})) + b"\x00"), "after the end"),
    "an issuerAuth of three": (_whole(lambda made: made["issuerAuth"].pop()), "COSE_Sign1"),
    "a tag in a header": ({"unprotected": {X5CHAIN: LEAF, 99: cbor2.CBORTag(24, b"")}}, "tag"),
    "no certificates": ({"unprotected": {}}, "x5chain"),
    "protected certificates": ({"unprotected": {}, "protected": {X5CHAIN: LEAF}}, "unprotected"),
    "six certificates": ({"unprotected": {X5CHAIN: [LEAF] * 6}}, "1 to 5"),
    "too many items": ({"elements": {"list": [0] * 7_000}}, "over"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_not_of_the_form_is_refused_with_the_reason(name: str) -> None:
    changes, reason = MALFORMED[name]

    with pytest.raises(MalformedProof, match=reason):
        read(made(**changes))


def test_items_of_all_elements_count_together() -> None:
    assert read(made(elements={"a": [0] * 5_000}))
    with pytest.raises(MalformedProof, match="over"):
        read(made(elements={"a": [0] * 5_000, "b": [0] * 5_000}))


def test_a_credential_has_one_spelling() -> None:
    text = made()
    for other in (text + "=", text.replace("_", "/") + "/", text[:40] + " " + text[40:]):
        with pytest.raises(MalformedProof, match="cannot be read"):
            read(other)


def test_it_must_be_signed_while_its_certificate_is_valid() -> None:
    """ISO/IEC 18013-5, section 9.3.1, step 5."""
    for signed in (NOW - 31 * DAY, NOW + 31 * DAY):
        with pytest.raises(ProofInvalid, match="at the time of signing"):
            verified(made(signed=int(signed.timestamp()) * 1_000_000))


def test_another_key_did_not_sign_it() -> None:
    text = mdoc(key("another"), [LEAF], begins=AT - HOUR, ends=AT + HOUR)

    with pytest.raises(ProofInvalid, match="signature"):
        verified(text)


@pytest.mark.parametrize(
    ("purpose", "is_taken"),
    [("1.0.18013.5.1.2", True), ("1.0.18013.5.1.6", False), ("1.3.6.1.5.5.7.3.1", False)],
)
def test_the_certificate_must_be_for_mdocs_where_it_says_what_it_is_for(purpose: str, is_taken: bool) -> None:
    """ISO/IEC 18013-5, annex B.1.4; 1.0.18013.5.1.6 is that of readers."""
    usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)])
    leaf = der(ROOT_CA.leaf("document signer", extensions={x509.ExtendedKeyUsage: (usage, True)}))
    text = mdoc(KEY, [leaf], begins=AT - HOUR, ends=AT + HOUR)

    if is_taken:
        assert verified(text)
    else:
        with pytest.raises(CertificateInvalid, match="other purposes"):
            verified(text)


def test_a_chain_of_two_leads_to_its_authority() -> None:
    between = Authority("between", ROOT_CA)
    leaf = der(between.leaf("document signer"))

    assert verified(mdoc(KEY, [leaf, between.der], begins=AT - HOUR, ends=AT + HOUR))


def test_a_chain_to_another_authority_is_refused() -> None:
    with pytest.raises(CertificateInvalid, match="no valid path"):
        verified(made(), anchor=Authority("another").der)


def test_a_key_of_a_did_beside_the_certificate_is_refused() -> None:
    text = made(unprotected={X5CHAIN: LEAF, 4: b"did:web:issuer.example#key-1"})

    with pytest.raises(KeyNotIssuers, match="two keys"):
        verified(text)


def test_times_are_those_of_the_issuer() -> None:
    assert tdate(AT).value == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    found = read(made(begins=AT - 5 * HOUR, ends=AT + 6 * HOUR))
    assert (found.not_before, found.expires) == (AT - 5 * HOUR, AT + 6 * HOUR)
