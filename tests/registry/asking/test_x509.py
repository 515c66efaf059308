"""Chains of certificates, and the registered certificates that they lead to."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1

from proofs import CertificateInvalid, MalformedCertificate
from registry.asking.x509 import MAX_ENDS, RegisteredEnd, read_chain, registered_ends
from registry.identifiers import certificate_identifier
from tests.proofs.asking import LEAF, MID, ROOT
from tests.proofs.authorities import DAY, NOW, YEAR, Authority, Extensions, der, key, usage

AT = int(NOW.timestamp()) * 1_000_000
STRANGER = Authority("Stranger")
NO_CRL = "no CRL of CN=Mid was given"


def x5c(*chain: x509.Certificate) -> list[str]:
    return [base64.b64encode(der(certificate)).decode() for certificate in chain]


def ends(*chain: x509.Certificate, registered: list[x509.Certificate], at: int = AT) -> list[RegisteredEnd]:
    return list(registered_ends(read_chain(x5c(*chain)), [der(each) for each in registered], at))


def ni(*certificates: x509.Certificate) -> tuple[str, ...]:
    return tuple(certificate_identifier(der(certificate)) for certificate in certificates)


def with_ids(own: bytes, above: bytes) -> Extensions:
    return {
        x509.SubjectKeyIdentifier: (x509.SubjectKeyIdentifier(own), False),
        x509.AuthorityKeyIdentifier: (x509.AuthorityKeyIdentifier(above, None, None), False),
    }


def test_a_chain_tells_what_may_be_registered_of_it() -> None:
    chain = read_chain(x5c(MID.leaf(extensions=with_ids(b"\x01", b"\x02")), MID.certificate))

    assert chain.identifiers == ni(MID.leaf(extensions=with_ids(b"\x01", b"\x02")), MID.certificate)
    assert chain.key_ids == {"01", "02"}
    assert chain.key.startswith("urn:ietf:params:oauth:jwk-thumbprint:sha-256:")
    assert chain.key == read_chain(x5c(LEAF)).key != read_chain(x5c(MID.certificate)).key


def test_a_chain_leads_to_the_registered_authority_above_it() -> None:
    found = ends(LEAF, MID.certificate, registered=[STRANGER.certificate, ROOT.certificate])

    assert found == [
        RegisteredEnd(ni(ROOT.certificate)[0], ni(LEAF, MID.certificate, ROOT.certificate), NO_CRL)
    ]


def test_a_chain_leads_to_each_registered_certificate_the_nearest_first() -> None:
    found = ends(LEAF, MID.certificate, registered=[ROOT.certificate, MID.certificate, LEAF])

    assert [end.identifier for end in found] == list(ni(LEAF, MID.certificate, ROOT.certificate))
    assert found[0].path == ni(LEAF)


def test_the_registered_authority_may_be_in_the_chain_or_not() -> None:
    for chain in ((LEAF, MID.certificate), (LEAF, MID.certificate, ROOT.certificate)):
        assert [end.identifier for end in ends(*chain, registered=[ROOT.certificate])] == list(
            ni(ROOT.certificate)
        )


def test_a_certificate_that_only_says_that_it_is_of_an_authority_leads_nowhere() -> None:
    """Another key under the name and with the key identifiers that are registered."""
    forger = Authority("Root", private_key=key("forger"), extensions=with_ids(b"\x01", b"\x01"))
    real = Authority("Root", extensions=with_ids(b"\x01", b"\x01"))
    leaf = forger.leaf(extensions=with_ids(b"\x03", b"\x01"))

    assert read_chain(x5c(leaf)).key_ids == {"03", "01"}
    for chain in ((leaf,), (leaf, forger.certificate), (leaf, real.certificate)):
        with pytest.raises(CertificateInvalid, match="no valid path"):
            ends(*chain, registered=[real.certificate])


def test_a_registered_signer_certifies_nobody() -> None:
    signer = Authority("Signer", extensions={x509.BasicConstraints: None})

    with pytest.raises(CertificateInvalid, match="no certificate of the chain"):
        ends(signer.leaf("Other"), registered=[signer.certificate])


def test_a_registered_authority_signs_nothing_but_certificates() -> None:
    with pytest.raises(CertificateInvalid, match="a certificate authority"):
        ends(ROOT.certificate, registered=[ROOT.certificate])


def test_a_registered_signer_may_have_signed_its_own_certificate() -> None:
    alone = Authority(
        "Alone",
        extensions={x509.BasicConstraints: None, x509.KeyUsage: (usage(digital_signature=True), True)},
    ).certificate

    assert [end.path for end in ends(alone, registered=[alone])] == [ni(alone)]
    with pytest.raises(CertificateInvalid, match="self-signed"):
        ends(alone, registered=[ROOT.certificate])


def test_what_was_valid_then_need_not_be_valid_now() -> None:
    later = int((NOW + 31 * DAY).timestamp()) * 1_000_000

    assert ends(LEAF, MID.certificate, registered=[ROOT.certificate, LEAF])
    with pytest.raises(CertificateInvalid, match="CN=Signer: no valid path"):
        ends(LEAF, MID.certificate, registered=[ROOT.certificate, LEAF], at=later)
    with pytest.raises(CertificateInvalid, match="expired"):
        ends(LEAF, registered=[LEAF], at=later)


def test_an_authority_that_has_expired_leads_nowhere() -> None:
    old = Authority("Old", not_before=NOW - 2 * YEAR, not_after=NOW - DAY)

    with pytest.raises(CertificateInvalid, match="no valid path"):
        ends(old.leaf(), registered=[old.certificate])


def test_one_of_the_registered_that_cannot_be_reached_does_not_hide_another() -> None:
    found = ends(LEAF, MID.certificate, registered=[LEAF, STRANGER.certificate])

    assert [end.identifier for end in found] == list(ni(LEAF))


def test_nothing_registered_leads_nowhere() -> None:
    with pytest.raises(CertificateInvalid, match="is registered"):
        ends(LEAF, MID.certificate, registered=[])


def test_the_number_of_searches_has_a_bound() -> None:
    same_key = [Authority("Root", not_after=NOW + YEAR + number * DAY).certificate for number in range(9)]

    assert len(ends(LEAF, MID.certificate, registered=same_key)) == MAX_ENDS


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ([], "expected 1 to 5 certificates, found 0"),
        (x5c(LEAF) * 6, "found 6"),
        ([1], "certificate 0: expected the base64"),
        (["A" * 21_852], "certificate 0: expected the base64 of its DER, at most 21848 characters"),
        ([*x5c(LEAF), "!"], "certificate 1: expected the base64"),
        ([*x5c(LEAF), "é"], "certificate 1: expected the base64"),
        ([x5c(LEAF)[0].replace("+", "-").replace("/", "_") + "\n"], "certificate 0: expected the base64"),
        (
            [*x5c(LEAF), base64.b64encode(b"0\x00").decode()],
            "certificate 1: expected an X.509 certificate in DER",
        ),
        (x5c(LEAF, MID.leaf(private_key=key("k", SECP256K1()))), "certificate 1: .*expected P-256"),
    ],
)
def test_a_chain_that_cannot_be_read_is_refused_with_its_place(chain: list[Any], why: str) -> None:
    with pytest.raises(MalformedCertificate, match=why):
        read_chain(chain)


def test_four_certificates_between_are_too_many() -> None:
    chain = [ROOT]
    for number in range(4):
        chain.append(Authority(f"Below {number}", chain[-1]))
    certificates = [authority.certificate for authority in reversed(chain[1:])]

    with pytest.raises(MalformedCertificate, match="found 5"):
        ends(chain[-1].leaf(), *certificates, registered=[ROOT.certificate])
    # The authority that is registered is not between.
    assert ends(chain[-1].leaf(), *certificates, registered=[chain[1].certificate])
