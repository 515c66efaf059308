"""The same paths and CRLs, asked of the command of OpenSSL, which shares no code with the verifier."""

import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proofs import CertificateInvalid
from proofs.certificates import Good, certificate_request, read_anchors, validate_path
from proofs.signing import KeySigner
from tests.proofs.authorities import DAY, NOW, YEAR, Authority, der, entry, key, name, usage

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="no openssl command; install the package openssl")

Chain = list[x509.Certificate]
ROOT = Authority("Root")
MID = Authority("Mid", ROOT)
LOW = Authority("Low", MID)
NO_AUTHORITY = {x509.BasicConstraints: (x509.BasicConstraints(ca=False, path_length=None), True)}
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def openssl(*arguments: str | Path) -> bool:
    assert OPENSSL is not None
    return subprocess.run([OPENSSL, *arguments], capture_output=True, timeout=60, check=False).returncode == 0


def both(
    directory: Path, chain: Chain, anchor: x509.Certificate, crls: list[bytes] | None, at: datetime
) -> list[bool]:
    """Return what we say of a path, and what OpenSSL says; with CRLs, whether all of it is good."""
    leaf, others, trusted, lists = (
        directory / f"{part}.pem" for part in ("leaf", "others", "trusted", "lists")
    )
    leaf.write_bytes(chain[0].public_bytes(Encoding.PEM))
    others.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain[1:]))
    trusted.write_bytes(anchor.public_bytes(Encoding.PEM))
    command = ["verify", "-attime", str(int(at.timestamp())), "-CAfile", trusted]
    if chain[1:]:
        command += ["-untrusted", others]
    if crls is not None:
        lists.write_bytes(b"".join(x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM) for crl in crls))
        command += ["-crl_check_all", "-CRLfile", lists]
    try:
        path = validate_path(
            [der(one) for one in chain], read_anchors([der(anchor)]), at=at, crls=crls or (), purposes=None
        )
        ours = crls is None or isinstance(path.revocation, Good)
    except CertificateInvalid:
        ours = False
    return [ours, openssl(*command, leaf)]


def made(
    *,
    root: Authority = ROOT,
    extensions: dict[type[x509.ExtensionType], tuple[x509.ExtensionType, bool] | None] | None = None,
    path_length: int | None = None,
    not_after: datetime = NOW + YEAR,
    private_key: str = "Mid",
    dns: str | None = None,
) -> Chain:
    """Return a leaf and an intermediate, with something about the latter that may be wrong."""
    mid = Authority(
        "Mid",
        root,
        private_key=key(private_key),
        extensions=extensions or {},
        path_length=path_length,
        not_after=not_after,
    )
    alternative = (
        {x509.SubjectAlternativeName: (x509.SubjectAlternativeName([x509.DNSName(dns)]), False)}
        if dns
        else {}
    )
    return [mid.leaf(extensions=alternative), mid.certificate]


CONSTRAINED = {x509.NameConstraints: (x509.NameConstraints([x509.DNSName("a.example")], None), True)}
SHORT = Authority("Root", path_length=0)
PATHS: dict[str, tuple[Chain, x509.Certificate, datetime, bool]] = {
    "two steps": (made(), ROOT.certificate, NOW, True),
    "three steps": ([LOW.leaf(), LOW.certificate, MID.certificate], ROOT.certificate, NOW, True),
    "any order": ([LOW.leaf(), MID.certificate, LOW.certificate], ROOT.certificate, NOW, True),
    "no intermediate": ([MID.leaf()], ROOT.certificate, NOW, False),
    "forged leaf": ([made(private_key="forger")[0], MID.certificate], ROOT.certificate, NOW, False),
    "another root of that name": (
        made(),
        Authority("Root", private_key=key("other")).certificate,
        NOW,
        False,
    ),
    "no authority": (made(extensions=NO_AUTHORITY), ROOT.certificate, NOW, False),
    "may not sign": (
        made(extensions={x509.KeyUsage: (usage(digital_signature=True), True)}),
        ROOT.certificate,
        NOW,
        False,
    ),
    "unknown critical extension": (
        made(extensions={x509.UnrecognizedExtension: (UNKNOWN, True)}),
        ROOT.certificate,
        NOW,
        False,
    ),
    "expired intermediate": (made(not_after=NOW - DAY), ROOT.certificate, NOW, False),
    "expired leaf": (made(), ROOT.certificate, NOW + 60 * DAY, False),
    "not yet valid": (made(), ROOT.certificate, NOW - 60 * DAY, False),
    "path length of 0 is enough": (made(path_length=0), ROOT.certificate, NOW, True),
    "path length exceeded": (made(root=SHORT), SHORT.certificate, NOW, False),
    "permitted name": (made(extensions=CONSTRAINED, dns="x.a.example"), ROOT.certificate, NOW, True),
    "name not permitted": (made(extensions=CONSTRAINED, dns="b.example"), ROOT.certificate, NOW, False),
}
CHAIN = made()
LEAF, _ = CHAIN
PLACE = x509.IssuingDistributionPoint(
    [x509.DirectoryName(name("elsewhere"))], None, False, False, None, False, False
)
CRLS: dict[str, tuple[list[bytes], bool]] = {
    "good": ([MID.crl(), ROOT.crl()], True),
    "leaf revoked": ([MID.crl(entry(LEAF)), ROOT.crl()], False),
    "intermediate revoked": ([MID.crl(), ROOT.crl(entry(MID.certificate))], False),
    "another one revoked": ([MID.crl(entry(MID.leaf("Other signer"))), ROOT.crl()], True),
    "none of the root": ([MID.crl()], False),
    "none of the intermediate": ([ROOT.crl()], False),
    "out of date": ([MID.crl(ends=NOW - DAY / 2), ROOT.crl()], False),
    "of the future": ([MID.crl(begins=NOW + DAY / 2), ROOT.crl()], False),
    "forged": ([MID.crl(signed_by=key("forger")), ROOT.crl()], False),
    "for another place": ([MID.crl(extensions=[(PLACE, True)]), ROOT.crl()], False),
    "unknown critical extension": ([MID.crl(extensions=[(UNKNOWN, True)]), ROOT.crl()], False),
}


@pytest.mark.parametrize("case", PATHS)
def test_openssl_says_the_same_of_a_path(case: str, tmp_path: Path) -> None:
    chain, anchor, at, is_valid = PATHS[case]

    assert both(tmp_path, chain, anchor, None, at) == [is_valid, is_valid]


@pytest.mark.parametrize("case", CRLS)
def test_openssl_says_the_same_of_crls(case: str, tmp_path: Path) -> None:
    crls, is_good = CRLS[case]

    assert both(tmp_path, CHAIN, ROOT.certificate, crls, NOW) == [is_good, is_good]


def test_openssl_verifies_a_request(tmp_path: Path) -> None:
    request = tmp_path / "request.pem"
    request.write_bytes(
        certificate_request(KeySigner(key("Acme"), "did:web:a.example#key-1"), "CN=Acme,C=NO")
    )

    assert openssl("req", "-in", request, "-verify", "-noout")
