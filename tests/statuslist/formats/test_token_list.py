"""Status List Tokens: what we sign, what we read, and what is refused, as JWT and as CWT."""

import base64
import json
from typing import Any

import cbor2
import pytest

from credentials.times import CLOCK_SKEW, TokenOutOfTime, check_in_time
from proofs import Algorithm, KeySigner, MalformedProof, read_compact, sign_compact, verify_compact
from proofs.cose import read_sign1, sign1, verify_sign1
from statuslist.errors import MalformedStatusList
from statuslist.formats.token_bits import WIDTHS, compressed, packed
from statuslist.formats.token_list import (
    TokenList,
    signed_token_cwt,
    signed_token_jwt,
    token_list_of_cwt,
    token_list_of_jwt,
)
from tests.proofs.documents import KEYS, SIGNERS
from wire import JsonError

SIGNER = SIGNERS[Algorithm.P256]
CERTIFIED = KeySigner(KEYS[Algorithm.P256], "did:web:a.example#k", certificates=(b"leaf", b"intermediate"))
LIST = TokenList(
    url="https://lists.example/status-lists/a/token.jwt",
    issued_at=1_780_000_000_000_000,
    expires=1_780_003_600_000_000,
    ttl_ms=300_000,
    bits=2,
    lst=compressed(packed(131_072, [(7, 1), (9, 2)], 2)),
    aggregation_uri="https://lists.example/status-lists/aggregation/default",
)
each_algorithm = pytest.mark.parametrize("algorithm", Algorithm)
CAP = 100_000


def of_jwt(token: bytes) -> TokenList:
    return token_list_of_jwt(read_compact(token, max_bytes=CAP), max_bytes=CAP)


def of_cwt(token: bytes) -> TokenList:
    return token_list_of_cwt(read_sign1(token, max_bytes=CAP), max_bytes=CAP)


@each_algorithm
def test_a_jwt_is_read_as_it_was_signed(algorithm: Algorithm) -> None:
    signer = SIGNERS[algorithm]

    jws = verify_compact(signed_token_jwt(LIST, signer), signer.public_key)

    assert jws.header == {"alg": algorithm.jose, "typ": "statuslist+jwt", "kid": signer.jws_key_id}
    assert token_list_of_jwt(jws, max_bytes=CAP) == LIST


@each_algorithm
def test_a_cwt_is_read_as_it_was_signed(algorithm: Algorithm) -> None:
    signer = SIGNERS[algorithm]

    found = verify_sign1(signed_token_cwt(LIST, signer), signer.public_key)

    assert found.protected == {1: algorithm.cose, 16: "application/statuslist+cwt"}
    assert found.unprotected == {4: signer.jws_key_id.encode()}
    assert token_list_of_cwt(found, max_bytes=CAP) == LIST


def test_the_claims_of_a_jwt_are_those_of_the_draft() -> None:
    payload = json.loads(read_compact(signed_token_jwt(LIST, SIGNER), max_bytes=CAP).payload)

    assert payload == {
        "sub": "https://lists.example/status-lists/a/token.jwt",
        "iat": 1_780_000_000,
        "exp": 1_780_003_600,
        "ttl": 300,
        "status_list": {
            "bits": 2,
            "lst": base64.urlsafe_b64encode(LIST.lst).rstrip(b"=").decode(),
            "aggregation_uri": "https://lists.example/status-lists/aggregation/default",
        },
    }


def test_the_claims_of_a_cwt_are_those_of_the_draft() -> None:
    """TI7: tag 18 and no tag 61; numbers for names, text keys within, and `lst` as bytes."""
    token = cbor2.loads(signed_token_cwt(LIST, SIGNER))

    assert token.tag == 18
    assert cbor2.loads(token.value[2]) == {
        2: "https://lists.example/status-lists/a/token.jwt",
        6: 1_780_000_000,
        4: 1_780_003_600,
        65_534: 300,
        65_533: {
            "bits": 2,
            "lst": LIST.lst,
            "aggregation_uri": "https://lists.example/status-lists/aggregation/default",
        },
    }


def test_what_a_list_does_not_say_is_not_written() -> None:
    bare = TokenList(url="https://a.example/1", issued_at=0, expires=None, ttl_ms=None, bits=1, lst=b"x")

    assert of_jwt(signed_token_jwt(bare, SIGNER)) == of_cwt(signed_token_cwt(bare, SIGNER)) == bare
    assert b"null" not in read_compact(signed_token_jwt(bare, SIGNER), max_bytes=CAP).payload


def test_certificates_name_the_key_where_asked() -> None:
    jwt = read_compact(signed_token_jwt(LIST, CERTIFIED, "certificates"), max_bytes=CAP)
    cwt = read_sign1(signed_token_cwt(LIST, CERTIFIED, "certificates"), max_bytes=CAP)

    assert [base64.b64decode(text) for text in jwt.header["x5c"]] == [b"leaf", b"intermediate"]
    assert cwt.certificates == (b"leaf", b"intermediate")
    assert "kid" not in jwt.header and cwt.key_id is None


CLAIMS: dict[str, Any] = {
    "sub": "https://lists.example/1",
    "iat": 1_780_000_000,
    "status_list": {"bits": 1, "lst": LIST.lst},
}
LABELS = {"sub": 2, "exp": 4, "nbf": 5, "iat": 6, "status_list": 65_533, "ttl": 65_534}


def changed(*path: str, to: object = None) -> dict[str, Any]:
    """Return the claims with one of them changed, or (None) left out."""
    claims = CLAIMS | {"status_list": dict(CLAIMS["status_list"])}
    parent = claims if len(path) == 1 else claims["status_list"]
    parent.pop(path[-1], None)
    if to is not None:
        parent[path[-1]] = to
    return claims


def as_json(value: Any) -> Any:
    """Return a value of CBOR as JSON has it: bytes as base64url."""
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode() if isinstance(value, bytes) else value


def a_jwt(claims: object, **header: Any) -> bytes:
    """Sign any claims as JWT, or any bytes."""
    payload = claims if isinstance(claims, bytes) else json.dumps(as_json(claims)).encode()
    return sign_compact(payload, header={"typ": "statuslist+jwt"} | header, signer=SIGNER)


def a_cwt(claims: object, typ: object = "application/statuslist+cwt") -> bytes:
    """Sign any claims as CWT, those with a name under their label."""
    if isinstance(claims, dict):
        claims = {LABELS.get(name, name): value for name, value in claims.items()}
    payload = claims if isinstance(claims, bytes) else cbor2.dumps(claims)
    return sign1(payload, SIGNER, protected={16: typ} if typ is not None else None)


def test_the_least_that_a_token_says_is_read() -> None:
    expected = TokenList(
        url="https://lists.example/1",
        issued_at=1_780_000_000_000_000,
        expires=None,
        ttl_ms=None,
        bits=1,
        lst=LIST.lst,
    )

    assert of_jwt(a_jwt(CLAIMS)) == of_cwt(a_cwt(CLAIMS)) == expected


@pytest.mark.parametrize(
    ("claims", "pointer"),
    [
        (changed("sub"), "/sub"),
        (changed("sub", to=7), "/sub"),
        (changed("sub", to="lists/1"), "/sub"),
        (changed("iat"), "/iat"),
        (changed("iat", to="1780000000"), "/iat"),
        (changed("iat", to=True), "/iat"),
        (changed("iat", to=10**12), "/iat"),
        (changed("exp", to="never"), "/exp"),
        (changed("exp", to=1e300), "/exp"),
        (changed("nbf", to=[1]), "/nbf"),
        (changed("ttl", to=0), "/ttl"),
        (changed("ttl", to=-1), "/ttl"),
        (changed("ttl", to=True), "/ttl"),
        (changed("ttl", to="300"), "/ttl"),
        (changed("ttl", to=1e300), "/ttl"),
        (changed("status_list"), "/status_list"),
        (changed("status_list", to="eNrbuRgAAhcBXQ"), "/status_list"),
        (changed("status_list", "bits"), "/status_list/bits"),
        *(
            (changed("status_list", "bits", to=bits), "/status_list/bits")
            for bits in (0, 3, 16, "1", True, 1.0)
        ),
        (changed("status_list", "lst"), "/status_list/lst"),
        (changed("status_list", "lst", to=7), "/status_list/lst"),
        (changed("status_list", "aggregation_uri", to=7), "/status_list/aggregation_uri"),
        (changed("status_list", "aggregation_uri", to="a b"), "/status_list/aggregation_uri"),
        ([CLAIMS["iat"]], ""),
    ],
)
@pytest.mark.parametrize("form", ["jwt", "cwt"])
def test_a_claim_that_does_not_comply_is_refused(form: str, claims: object, pointer: str) -> None:
    with pytest.raises(MalformedStatusList) as caught:
        of_jwt(a_jwt(claims)) if form == "jwt" else of_cwt(a_cwt(claims))

    assert (caught.value.pointer or "") == pointer


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=str)
@pytest.mark.parametrize("name", ["iat", "exp", "nbf", "ttl"])
def test_what_cbor_has_beside_numbers_is_no_time(name: str, value: float) -> None:
    with pytest.raises(MalformedStatusList, match=name):
        of_cwt(a_cwt(changed(name, to=value)))


def test_lst_is_text_in_a_jwt_and_bytes_in_a_cwt() -> None:
    """TI5. A CWT with base64url, as if it were JSON, is refused, and base64url has one spelling."""
    with pytest.raises(MalformedStatusList, match="bytes"):
        of_cwt(a_cwt(changed("status_list", "lst", to="eNrbuRgAAhcBXQ")))
    for text in ("eNrbuRgAAhcBXQ==", "eNrbuRgAAhcBXR", "eNrbuRg+Ahc", "ueNrbuRgA hcBXQ", "é"):
        with pytest.raises(MalformedStatusList, match="base64url"):
            of_jwt(a_jwt(changed("status_list", "lst", to=text)))


@pytest.mark.parametrize("typ", ["statuslist+jwt", "application/statuslist+jwt", "StatusList+JWT"])
def test_the_type_of_a_jwt_is_compared_as_a_media_type(typ: str) -> None:
    """RFC 7515, section 4.1.9."""
    assert of_jwt(a_jwt(CLAIMS, typ=typ)).bits == 1


@pytest.mark.parametrize("typ", ["JWT", "vc+jwt", "statuslist+cwt", "", 7, None])
def test_a_jwt_of_another_type_is_refused(typ: object) -> None:
    with pytest.raises(MalformedProof, match="typ"):
        of_jwt(a_jwt(CLAIMS, typ=typ))


def test_a_jwt_without_type_is_refused() -> None:
    token = sign_compact(json.dumps({"sub": "https://a.example"}).encode(), header={}, signer=SIGNER)

    with pytest.raises(MalformedProof, match="typ"):
        of_jwt(token)


@pytest.mark.parametrize(
    "typ", [None, "statuslist+cwt", "application/cwt", "application/statuslist+jwt", 61, 279.0]
)
def test_a_cwt_of_another_type_or_without_is_refused(typ: object) -> None:
    with pytest.raises(MalformedProof, match="typ"):
        of_cwt(a_cwt(CLAIMS, typ))


def test_the_type_of_a_cwt_may_be_its_number() -> None:
    """Section 5.2: the CoAP Content-Format of application/statuslist+cwt is 279."""
    assert of_cwt(a_cwt(CLAIMS, 279)).bits == 1


def test_a_type_that_nobody_signed_is_none() -> None:
    """TI7: `typ` in the protected header."""
    header, _, payload, signature = cbor2.loads(a_cwt(CLAIMS, None)).value
    forged = cbor2.dumps([header, {16: "application/statuslist+cwt"}, payload, signature])

    with pytest.raises(MalformedProof, match="typ"):
        of_cwt(forged)


def test_a_cwt_with_the_tag_of_a_cwt_is_refused() -> None:
    """TI7."""
    with pytest.raises(MalformedProof):
        of_cwt(b"\xd8\x3d" + a_cwt(CLAIMS))


def test_a_time_with_a_tag_is_refused() -> None:
    """RFC 8392, section 2: NumericDate without its tag."""
    with pytest.raises(MalformedProof):
        of_cwt(a_cwt(changed("exp", to=cbor2.CBORTag(1, 1_780_000_000))))


def test_labels_are_not_read_by_name_nor_names_by_label() -> None:
    with pytest.raises(MalformedStatusList):
        of_cwt(sign1(cbor2.dumps(CLAIMS), SIGNER, protected={16: "application/statuslist+cwt"}))
    with pytest.raises(MalformedStatusList):
        of_jwt(a_jwt({str(LABELS[name]): value for name, value in CLAIMS.items()}))


def test_claims_that_are_not_json_or_not_cbor_are_refused() -> None:
    for payload in (b"", b"{", b'{"sub":"https://a.example","sub":"https://b.example"}'):
        with pytest.raises(JsonError):
            of_jwt(a_jwt(payload))
    for payload in (b"", b"\xa1", b"\xa2\x02\x01\x02\x01"):
        with pytest.raises(MalformedProof):
            of_cwt(a_cwt(payload))


def test_times_may_have_fractions_and_other_claims_are_passed_over() -> None:
    claims = CLAIMS | {"iat": 1.5, "exp": 2.25, "nbf": 0.5, "ttl": 0.5, "iss": "https://a.example", "x": [1]}

    for found in (of_jwt(a_jwt(claims)), of_cwt(a_cwt(claims | {1: "https://a.example"}))):
        assert (found.issued_at, found.expires, found.not_before) == (1_500_000, 2_250_000, 500_000)
        assert found.ttl_ms == 500


@pytest.mark.parametrize("bits", WIDTHS)
def test_all_widths_are_read(bits: int) -> None:
    claims = changed("status_list", "bits", to=bits)

    assert of_jwt(a_jwt(claims)).bits == of_cwt(a_cwt(claims)).bits == bits


def test_a_list_is_in_its_time_as_every_token_is() -> None:
    for found in (
        of_jwt(a_jwt(CLAIMS | {"nbf": 1_000, "exp": 2_000})),
        of_cwt(a_cwt(CLAIMS | {"exp": 2_000})),
    ):
        check_in_time(found, 2_000_000_000 + CLOCK_SKEW)
        with pytest.raises(TokenOutOfTime):
            check_in_time(found, 2_000_000_001 + CLOCK_SKEW)


def test_a_list_before_its_nbf_is_not_in_its_time() -> None:
    with pytest.raises(TokenOutOfTime):
        check_in_time(of_jwt(a_jwt(CLAIMS | {"nbf": 1_000})), 1_000_000_000 - CLOCK_SKEW - 1)
