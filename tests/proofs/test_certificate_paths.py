"""Paths to trust anchors: one vector for each check, and for each way around one."""

from collections.abc import Sequence, Set
from datetime import datetime

import pytest
from cryptography import x509

from proofs import CertificateInvalid
from proofs.certificates import Unknown, ValidPath, read_anchors, validate_path
from tests.proofs.authorities import NOW, Authority, der, usage

ROOT = Authority("Root")
MID = Authority("Mid", ROOT)
LEAF = MID.leaf()
MDL_SIGNER = "1.0.18013.5.1.2"  # id-mdl-kp-mdlDS; ISO/IEC 18013-5, annex B


def find(
    *chain: x509.Certificate,
    anchors: Sequence[x509.Certificate] = (ROOT.certificate,),
    at: datetime = NOW,
    purposes: Set[str] | None = None,
) -> ValidPath:
    trusted = read_anchors(der(anchor) for anchor in anchors)
    return validate_path([der(one) for one in chain], trusted, at=at, crls=(), purposes=purposes)


def test_a_path_leads_from_the_signer_over_its_authorities_to_the_anchor() -> None:
    path = find(LEAF, MID.certificate)

    assert path.certificates == (LEAF, MID.certificate, ROOT.certificate)
    assert path.revocation == Unknown(0, "no CRL of CN=Mid was given")


def test_an_intermediate_that_may_not_sign_is_refused() -> None:
    subscriber = Authority("Mid", ROOT, extensions={x509.KeyUsage: (usage(digital_signature=True), True)})

    with pytest.raises(CertificateInvalid, match="keyCertSign"):
        find(subscriber.leaf(), subscriber.certificate)


def test_a_self_signed_leaf_in_the_store_is_refused() -> None:
    selfie = Authority("Selfie", extensions={x509.KeyUsage: (usage(digital_signature=True), True)})

    with pytest.raises(CertificateInvalid, match="a trust anchor; expected"):
        find(selfie.certificate, anchors=[selfie.certificate])
