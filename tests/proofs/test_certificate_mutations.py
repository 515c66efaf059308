"""
No byte of a certificate or of a CRL can be changed: each is signed, or frames the signature, or is it.

But for one: how many bits of the signature are unused. The parser does not look at it, and it says nothing.
"""

from collections.abc import Iterator

import pytest

from proofs import CertificateInvalid, MalformedCertificate
from proofs.certificates import Good, Revocation, Revoked, Unknown, read_anchors, validate_path
from tests.proofs.authorities import NOW, Authority, der, entry

ROOT = Authority("Root")
MID = Authority("Mid", ROOT)
LEAF = MID.leaf()
CHAIN = [der(LEAF), MID.der]
ANCHORS = read_anchors([ROOT.der])
CRLS = [MID.crl(), ROOT.crl()]

# A serial number may become negative; the parser warns of that, and the verifier refuses it.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


def changes(data: bytes) -> Iterator[bytes]:
    """Yield `data` with each of its bytes changed in its lowest bit and in its highest, and cut at each byte."""
    unused = data.rindex(b"\x00\x30", 0, -64)  # Before the two integers of ECDSA, which have over 64 bytes.
    for place in range(len(data)):
        if place == unused:
            continue
        for bit in (0x01, 0x80):
            yield data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
        yield data[:place]


def ask(chain: list[bytes], crls: list[bytes]) -> Revocation:
    return validate_path(chain, ANCHORS, at=NOW, crls=crls, purposes=None).revocation


def test_the_path_is_good_as_long_as_nobody_changes_it() -> None:
    assert isinstance(ask(CHAIN, CRLS), Good)


@pytest.mark.parametrize("place", [0, 1], ids=["signer", "intermediate"])
def test_each_changed_certificate_is_refused(place: int) -> None:
    for changed in changes(CHAIN[place]):
        chain = [*CHAIN]
        chain[place] = changed
        with pytest.raises((CertificateInvalid, MalformedCertificate)):
            ask(chain, CRLS)


def test_each_changed_crl_shows_nothing() -> None:
    for changed in changes(CRLS[0]):
        assert isinstance(ask(CHAIN, [changed, CRLS[1]]), Unknown)


def test_each_changed_crl_that_revokes_shows_nothing() -> None:
    revoking = MID.crl(entry(LEAF))
    assert isinstance(ask(CHAIN, [revoking, CRLS[1]]), Revoked)

    for changed in changes(revoking):
        assert isinstance(ask(CHAIN, [changed, CRLS[1]]), Unknown)
