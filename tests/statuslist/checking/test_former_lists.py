"""Lists of before Bitstring Status List v1.0: Status List 2021, and VC 1.1 in JWTs."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import KeySigner
from statuslist.errors import (
    MalformedStatusList,
    RangeError,
    StatusListLengthError,
    StatusVerificationError,
)
from statuslist.formats.bitstring import encode_list, with_statuses
from tests.credentials.rdf.credentials import ED25519_2020, signed
from tests.statuslist.former_lists import V1, V2, former_list, vc11_jwt
from tests.statuslist.house import House
from tests.statuslist.stranger import PATH, REVOKED, VALID, Stranger, secured
from tests.statuslist.wing import ISSUERS
from wire import encode, format_utc

pytestmark = pytest.mark.anyio

HOUR = 3_600_000_000  # microseconds
each_form = pytest.mark.parametrize("form", ["jcs", "jwt", "vc in a jwt"])
TYPE = {"type": "StatusList2021Entry"}


def entry(house: House, index: int = VALID, **changes: Any) -> dict[str, Any]:
    return house.issuer.entry(index, **TYPE | changes)


def serve(house: House, document: dict[str, Any], form: str, signer: KeySigner | None = None) -> None:
    signer = signer or house.issuer.signer
    body = vc11_jwt(document, signer) if form == "vc in a jwt" else secured(document, signer, form)
    house.issuer.serve(body, content_type="application/octet-stream")


def changed(document: dict[str, Any], **subject: Any) -> dict[str, Any]:
    """Return a list whose subject is changed; a change to None removes a member."""
    members = {name: value for name, value in (document["credentialSubject"] | subject).items() if value}
    return document | {"credentialSubject": members}


@each_form
@pytest.mark.parametrize("is_padded", [False, True])
async def test_list_of_2021_is_verified_and_read(house: House, form: str, is_padded: bool) -> None:
    serve(house, former_list(house.issuer, is_padded=is_padded), form)

    valid = await house.check(entry(house, VALID))
    revoked = await house.check(entry(house, REVOKED))

    assert (valid.valid, revoked.valid, revoked.reason) == (True, False, "revoked")
    (result,) = revoked.results
    assert (result.type, result.purpose, result.list_issuer) == (
        "StatusList2021Entry",
        "revocation",
        house.issuer.did,
    )
    assert house.requests() == ["issuer.example.com" + PATH, "issuer.example.com/.well-known/did.json"]


OVER_RDF = {
    "eddsa-rdfc-2022": ("https://w3id.org/security/data-integrity/v2", {}),
    "Ed25519Signature2020": (ED25519_2020, {"type": "Ed25519Signature2020", "cryptosuite": None}),
}


@pytest.mark.parametrize("suite", list(OVER_RDF))
async def test_list_of_2021_is_verified_over_rdf(house: House, suite: str) -> None:
    context, options = OVER_RDF[suite]
    contexts = [V1, "https://w3id.org/vc/status-list/2021/v1", context]
    document = signed(
        former_list(house.issuer, **{"@context": contexts}), signer=house.issuer.signer, **options
    )
    house.issuer.serve(encode(document), content_type="application/json")
    assert (await house.check(entry(house, REVOKED))).reason == "revoked"

    other = document["credentialSubject"] | {"statusPurpose": "suspension"}
    house.issuer.serve(encode(document | {"credentialSubject": other}), content_type="application/json")
    house.checker.purge_lists()
    with pytest.raises(StatusVerificationError):
        await house.check(entry(house, REVOKED))


async def test_list_of_2021_in_the_data_model_of_now_is_read(house: House) -> None:
    document = former_list(
        house.issuer,
        **{"@context": [V2, "https://w3id.org/vc/status-list/2021/v1"]},
        issuanceDate=None,
        expirationDate=None,
        validUntil=format_utc(house.now + HOUR),
    )
    serve(house, document, "jwt")

    assert (await house.check(entry(house))).valid


async def test_plain_base64_is_read_as_base64url(house: House) -> None:
    document = former_list(house.issuer)
    encoded = document["credentialSubject"]["encodedList"].replace("-", "+").replace("_", "/")
    serve(house, changed(document, encodedList=encoded), "jcs")

    assert (await house.check(entry(house, REVOKED))).reason == "revoked"


async def test_bitstring_list_in_a_jwt_of_before_is_read(house: House) -> None:
    document = former_list(house.issuer, type=["VerifiableCredential", "BitstringStatusListCredential"])
    encoded = encode_list(with_statuses(131_072, [(REVOKED, 1)]))
    serve(house, changed(document, type="BitstringStatusList", encodedList=encoded), "vc in a jwt")

    checked = [await house.check(house.issuer.entry(index)) for index in (VALID, REVOKED)]

    assert [one.valid for one in checked] == [True, False]


async def test_bitstring_list_with_a_proof_is_of_the_data_model_of_now(house: House) -> None:
    document = house.issuer.list_document() | {"@context": [V1]}
    house.issuer.publish_list(document)

    with pytest.raises(MalformedStatusList):
        await house.check(house.issuer.entry())


@pytest.mark.parametrize("kind", ["former entry", "former list"])
async def test_list_of_another_kind_than_the_entry_is_refused(house: House, kind: str) -> None:
    house.issuer.publish_list(former_list(house.issuer) if kind == "former list" else None)

    with pytest.raises(StatusVerificationError, match="another kind"):
        await house.check(entry(house) if kind == "former entry" else house.issuer.entry())


@each_form
@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"issuanceDate": -2 * HOUR, "expirationDate": -HOUR}, StatusVerificationError),
        ({"expirationDate": -HOUR}, MalformedStatusList),
        ({"issuanceDate": HOUR, "expirationDate": 2 * HOUR}, StatusVerificationError),
        ({"id": "https://issuer.example.com/lists/2"}, StatusVerificationError),
        ({"type": ["VerifiableCredential", "StatusList2021"]}, MalformedStatusList),
        ({"credentialStatus": {"id": "x"}}, MalformedStatusList),
        ({"@context": [V1 + "#"]}, (StatusVerificationError, MalformedStatusList)),
    ],
    ids=[
        "ended",
        "ended before it began",
        "not begun",
        "another list",
        "another type",
        "with a status",
        "another context",
    ],
)
async def test_list_of_2021_that_is_wrong_is_refused(
    house: House, form: str, members: dict[str, Any], error: Any
) -> None:
    absolute = {
        name: format_utc(house.now + value) if isinstance(value, int) else value
        for name, value in members.items()
    }
    serve(house, former_list(house.issuer, **absolute), form)

    with pytest.raises(error):
        await house.check(entry(house))


@pytest.mark.parametrize(
    ("subject", "error"),
    [
        ({"statusPurpose": "suspension"}, StatusVerificationError),
        ({"statusPurpose": None}, MalformedStatusList),
        ({"type": "BitstringStatusList"}, MalformedStatusList),
        ({"encodedList": None}, MalformedStatusList),
        ({"encodedList": "u" + "H4sI" * 4}, MalformedStatusList),
        ({"encodedList": "====", "x": 1}, MalformedStatusList),
        ({"encodedList": encode_list(bytes(1_024))[1:]}, StatusListLengthError),
    ],
    ids=["purpose", "no purpose", "type", "no list", "multibase", "nothing", "too short"],
)
async def test_subject_of_2021_that_is_wrong_is_refused(
    house: House, subject: dict[str, Any], error: type[Exception]
) -> None:
    serve(house, changed(former_list(house.issuer), **subject), "jcs")

    with pytest.raises(error):
        await house.check(entry(house))


async def test_index_beyond_a_list_of_2021_is_never_valid(house: House) -> None:
    serve(house, former_list(house.issuer), "jcs")

    with pytest.raises(RangeError):
        await house.check(entry(house, 131_072))


@each_form
async def test_forged_list_of_2021_is_refused(house: House, form: str) -> None:
    forger = KeySigner(Ed25519PrivateKey.generate(), house.issuer.signer.verification_method)
    serve(house, former_list(house.issuer), form, forger)

    with pytest.raises(StatusVerificationError):
        await house.check(entry(house))


@each_form
async def test_list_of_2021_of_another_issuer_is_not_trusted(house: House, form: str) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    serve(house, former_list(house.issuer, issuer=other.did), form, other.signer)

    checked = await house.check(entry(house))

    assert (checked.valid, checked.reason) == (False, "list-issuer-not-trusted")


async def test_claims_of_a_jwt_that_contradict_its_credential_refuse_the_list(house: House) -> None:
    other = Stranger(house.world, "other.example.com", house.now)
    document = former_list(house.issuer)
    token = vc11_jwt(document, other.signer, issuer=other.did)
    house.issuer.serve(token, content_type="application/jwt")

    with pytest.raises(StatusVerificationError, match="issuer"):
        await house.check(entry(house))


async def test_list_of_ours_is_no_list_of_2021(house: House) -> None:
    await house.wing.create("badges")
    await house.wing.publisher.publish_dirty()
    url = "https://status.example.com/status-lists/badges-revocation/credential.json"

    with pytest.raises(StatusVerificationError, match="as it was allocated") as raised:
        await house.check(entry(house, statusListCredential=url), ISSUERS["acme"])

    assert raised.value.status == 422
