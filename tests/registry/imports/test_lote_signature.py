"""Lists of trusted entities: whose signature counts, and which do not."""

from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1
from cryptography.hazmat.primitives.serialization import Encoding

from proofs import MalformedCertificate
from registry.errors import ListNotTrusted
from registry.imports.lote import signature
from registry.imports.lote.signature import SignedList, read_list_anchors, verify_list
from tests.proofs.authorities import NOW, Authority, Extensions, key, usage
from tests.registry.imports.lists import (
    ANCHORS,
    AT,
    DAY,
    OPERATOR,
    ROOT,
    SIGNER,
    anchors,
    b64,
    digest,
    document,
    header,
    sign,
    signer,
)

STRANGER = Authority("Stranger")
P384 = key("P-384 signer", SECP384R1())


def verify(token: bytes, trusted: signature.ListAnchors = ANCHORS, *, now: int = AT) -> SignedList:
    return verify_list(token, trusted, now=now)


def test_a_list_that_an_anchor_answers_for_is_read_as_it_was_signed() -> None:
    signed = verify(sign(document()))

    assert msgspec.json.decode(signed.payload) == document()
    assert (signed.countries, signed.organisations) == ({"DE"}, {OPERATOR})


def test_the_anchor_may_be_the_signer_itself() -> None:
    signed = verify(sign(document()), anchors(SIGNER))

    assert msgspec.json.decode(signed.payload) == document()


def test_a_signer_may_be_two_authorities_below_its_anchor_which_may_be_sent_too() -> None:
    below = Authority("Below", ROOT)
    certificate = signer(authority=below)

    assert verify(sign(document(), header(certificate, below.certificate)))
    assert verify(sign(document(), header(certificate, below.certificate, ROOT.certificate)))
    with pytest.raises(ListNotTrusted, match="no valid path"):
        verify(sign(document(), header(certificate)))


def test_a_key_on_p_384_signs_too() -> None:
    head = header(signer(private_key=P384), alg="ES384")

    assert verify(sign(document(), head, private_key=P384))


def test_lines_behind_the_token_do_no_harm() -> None:
    assert verify(sign(document()) + b"\r\n")


@pytest.mark.parametrize(
    "members",
    [
        {"x5t#S256": None},
        {"x5t#S256": None, "x5t#o": {"digAlg": "S512", "digVal": digest(SIGNER, "sha512")}},
        {"x5t#o": {"digAlg": "S384", "digVal": digest(SIGNER, "sha384")}, "crit": ["x5t#o"]},
        {"iat": None, "sigT": "2026-05-31T00:00:00Z", "crit": ["sigT"]},
        {"iat": None, "sigT": "2026-05-31T00:00:00Z"},
        {"iat": int(NOW.timestamp()) + 60},
        {"kid": "1", "sigPl": {"addressCountry": "DE"}, "cty": "json"},
    ],
)
def test_what_baseline_b_allows_is_read(members: dict[str, Any]) -> None:
    assert verify(sign(document(), header(**members)))


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"alg": "none"}, "expected alg ES256, ES384"),
        ({"alg": "HS256"}, "expected alg"),
        ({"alg": "EdDSA"}, "expected alg"),
        ({"alg": "ES384"}, "the key needs alg ES256"),
        ({"x5c": None}, "expected the header x5c"),
        ({"x5c": "MIIB"}, "expected the header x5c"),
        ({"x5c": []}, "expected 1 to 5 certificates"),
        ({"x5c": [1]}, "certificate 0"),
        ({"x5c": ["MIIB"], "x5t#S256": None}, "expected an X.509 certificate"),
        ({"x5t#S256": digest(ROOT.certificate)}, "not that of the first certificate"),
        ({"x5t#S256": 1}, "not that of the first certificate"),
        ({"x5t#o": {"digAlg": "S512", "digVal": digest(SIGNER)}}, "not that of the first certificate"),
        ({"x5t#S256": "", "x5t#o": {"digAlg": "S256", "digVal": digest(SIGNER)}}, "not that of the first"),
        ({"x5t#o": {"digAlg": "S1", "digVal": digest(SIGNER)}}, "expected the header x5t#o"),
        ({"x5t#o": {"digAlg": [], "digVal": digest(SIGNER)}}, "expected the header x5t#o"),
        ({"x5t#o": "S256"}, "expected the header x5t#o"),
        ({"sigD": {"mId": "http://uri.etsi.org/19182/ObjectIdByURI"}}, "sigD"),
        ({"sigD": {}, "crit": ["sigD"]}, "crit"),
        ({"sigPl": {}, "crit": ["sigPl"]}, "crit"),
        ({"crit": ["sigT"]}, "crit"),
        ({"b64": True}, "b64"),
        ({"iat": None}, "iat and sigT"),
        ({"iat": True}, "iat and sigT"),
        ({"iat": 1.5}, "iat and sigT"),
        ({"sigT": "2026-05-31T00:00:00Z"}, "iat and sigT"),
        ({"iat": None, "sigT": "yesterday"}, "the header sigT"),
        ({"iat": int(NOW.timestamp()) + 61}, "in the future"),
        ({"iat": 10**300}, "in the future"),
        ({"iat": None, "sigT": "2026-06-01T00:01:01Z"}, "in the future"),
    ],
)
def test_what_baseline_b_does_not_allow_is_refused(members: dict[str, Any], why: str) -> None:
    with pytest.raises(ListNotTrusted, match=why):
        verify(sign(document(), header(**members)))


@pytest.mark.parametrize(
    ("certificate", "trusted", "why"),
    [
        (signer(authority=STRANGER), (ROOT.certificate,), "no valid path"),
        (
            signer(authority=Authority("List root", private_key=key("forger"))),
            (ROOT.certificate,),
            "no valid path",
        ),
        (signer(not_after=NOW - DAY), (ROOT.certificate,), "no valid path"),
        (signer(not_after=NOW - DAY), (signer(not_after=NOW - DAY),), "expired"),
        (signer(organisation="Other"), (SIGNER,), "none of the anchors"),
        (ROOT.certificate, (ROOT.certificate,), "a trust anchor"),
    ],
)
def test_a_signer_that_no_anchor_answers_for_is_refused(
    certificate: x509.Certificate, trusted: tuple[x509.Certificate, ...], why: str
) -> None:
    with pytest.raises(ListNotTrusted, match=why):
        verify(sign(document(), header(certificate)), anchors(*trusted))


def test_a_signature_of_another_key_than_the_certificate_has_is_refused() -> None:
    with pytest.raises(ListNotTrusted, match="not this key's"):
        verify(sign(document(), private_key=key("forger")))


def test_every_part_of_the_token_is_signed() -> None:
    head, payload, signed = sign(document()).split(b".")
    other = sign(document(LoTESequenceNumber=8)).split(b".")

    for token in (
        (head, other[1], signed),
        (sign(document(), header(kid="1")).split(b".")[0], payload, signed),
    ):
        with pytest.raises(ListNotTrusted, match="not this key's"):
            verify(b".".join(token))


def test_a_list_of_many_bytes_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature, "MAX_LIST_BYTES", 1_000)

    with pytest.raises(ListNotTrusted, match="the limit is 1000"):
        verify(sign(document()))


@pytest.mark.parametrize(
    "token", [b"", b"{}", b"a.b", b64(b"{}").encode() + b"..", b"\xef\xbb\xbf" + sign({})]
)
def test_what_is_no_token_is_refused(token: bytes) -> None:
    with pytest.raises(ListNotTrusted, match="the signature of the list"):
        verify(token)


def test_anchors_are_certificates_of_authorities_and_signers() -> None:
    read = anchors(ROOT.certificate, SIGNER, SIGNER)

    assert read.authorities is not None
    assert (len(read.authorities.certificates), len(read.signers)) == (1, 1)
    assert anchors(SIGNER).authorities is None


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\nMIIB",
        SIGNER.public_bytes(Encoding.PEM).replace(b"CERTIFICATE", b"X509 CRL"),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        b" " * (256 * 1024 + 1),
    ],
)
def test_what_is_no_anchor_is_refused(pem: bytes) -> None:
    with pytest.raises(MalformedCertificate):
        read_list_anchors(pem)


def test_an_authority_with_the_usage_of_a_signer_is_still_none() -> None:
    both = Authority(
        "Both", extensions={x509.KeyUsage: (usage(digital_signature=True, key_cert_sign=True), True)}
    )

    with pytest.raises(ListNotTrusted, match="a trust anchor"):
        verify(
            sign(document(), header(both.certificate), private_key=both.private_key),
            anchors(both.certificate),
        )  # type: ignore[arg-type]


def test_a_header_has_room_for_long_certificates() -> None:
    below = Authority("Below", ROOT, extensions=long_extension())
    certificate = signer(authority=below)
    head = header(certificate, below.certificate, ROOT.certificate)

    assert len(msgspec.json.encode(head)) > 8_192
    assert verify(sign(document(), head))


def long_extension() -> Extensions:
    note = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x04\x82\x1f\x00" + bytes(0x1F00))
    return {x509.UnrecognizedExtension: (note, False)}
