"""Certificates of signers that are trusted themselves, and what finds a certificate."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP521R1

from proofs import CertificateInvalid, MalformedCertificate
from proofs.certificates import is_authority, key_ids, trust_signer
from tests.proofs.asking import LEAF, MDL_SIGNER, MID, ROOT, SECOND, UNKNOWN, for_purposes
from tests.proofs.authorities import NOW, Authority, Extensions, der, key, usage

NO_AUTHORITY: Extensions = {
    x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True),
    x509.KeyUsage: (usage(digital_signature=True), True),
}


def test_a_signer_may_be_trusted_whoever_signed_its_certificate() -> None:
    alone = Authority("Alone", extensions=NO_AUTHORITY).certificate

    for certificate in (LEAF, alone):
        assert trust_signer(der(certificate), at=NOW, purposes=None) == certificate


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (ROOT.certificate, "a certificate authority"),
        (MID.leaf(extensions={x509.KeyUsage: (usage(key_agreement=True), True)}), "digitalSignature"),
        (MID.leaf(extensions={x509.UnrecognizedExtension: (UNKNOWN, True)}), "critical extension"),
        (MID.leaf(private_key=key("521", SECP521R1())), "P-256 or P-384"),
        (MID.leaf(extensions=for_purposes(MDL_SIGNER)), "for other purposes"),
        (MID.leaf(not_after=NOW - SECOND), "expired"),
        (MID.leaf(not_before=NOW + SECOND), "not valid before"),
    ],
)
def test_a_trusted_signer_must_still_be_one(certificate: x509.Certificate, why: str) -> None:
    with pytest.raises(CertificateInvalid, match=why):
        trust_signer(der(certificate), at=NOW, purposes={"1.2.3"})


def test_what_is_no_certificate_is_not_trusted() -> None:
    with pytest.raises(MalformedCertificate):
        trust_signer(b"0\x00", at=NOW, purposes=None)


def test_a_certificate_tells_its_key_identifiers_and_whether_it_is_an_authority() -> None:
    own, above = x509.SubjectKeyIdentifier(b"own"), x509.AuthorityKeyIdentifier(b"above", None, None)
    told = MID.leaf(
        extensions={x509.SubjectKeyIdentifier: (own, False), x509.AuthorityKeyIdentifier: (above, False)}
    )

    assert key_ids(told) == (b"own", b"above")
    assert key_ids(LEAF) == (None, None)
    assert is_authority(MID.certificate)
    assert not is_authority(LEAF)
