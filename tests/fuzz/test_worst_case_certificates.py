"""What the dearest certificates cost that we accept: 10 ms of CPU, whatever they say and whoever signed them."""

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurve

from proofs.certificates import read_anchors, validate_path
from proofs.certificates.paths import MAX_INTERMEDIATES
from proofs.certificates.reading import MAX_CERTIFICATE_BYTES, MAX_NAMES
from proofs.certificates.revocation import MAX_CRL_BYTES
from tests.fuzz.costs import ACCEPTED_MS, REFUSED_MS, milliseconds
from tests.proofs.authorities import DAY, NOW, YEAR, Authority, Extensions, der, key

pytestmark = pytest.mark.slow

ROOT = Authority("Root")
ANCHORS = read_anchors([ROOT.der])
_NAMES = x509.SubjectAlternativeName([x509.DNSName(f"{number}.a") for number in range(MAX_NAMES)])
_SUBTREES = x509.NameConstraints(None, [x509.DNSName(f"{number}.b") for number in range(MAX_NAMES)])
NAMES: Extensions = {x509.SubjectAlternativeName: (_NAMES, False)}
CONSTRAINED: Extensions = {**NAMES, x509.NameConstraints: (_SUBTREES, True)}


def _asked(chain: list[bytes], crls: list[bytes]) -> Callable[[], object]:
    return lambda: validate_path(chain, ANCHORS, at=NOW, crls=crls, purposes=None)


def _around(curve: EllipticCurve, extensions: Extensions) -> list[bytes]:
    """Return a leaf below two authorities that certify one another, one of them twice: no search is longer."""
    first, second = (Authority(text, private_key=key(text, curve)) for text in ("First", "Second"))
    found = [first.leaf(extensions=NAMES)]
    for number in range(MAX_INTERMEDIATES):
        of, by = (second, first) if number == MAX_INTERMEDIATES - 1 else (first, second)
        text = "Second" if of is second else "First"
        end = NOW + YEAR + number * DAY
        again = Authority(text, by, private_key=of.private_key, extensions=extensions, not_after=end)
        found.append(again.certificate)
    return [der(certificate) for certificate in found]


_MID = Authority("Mid", ROOT)
_CHAIN = [der(_MID.leaf()), _MID.der]
ACCEPTED: dict[str, Callable[[], object]] = {
    "the usual path": _asked(_CHAIN, [_MID.crl(), ROOT.crl()]),
    "a circle of P-256": _asked(_around(SECP256R1(), {}), []),
    "a circle of P-384": _asked(_around(SECP384R1(), {}), []),
    "a circle of P-521": _asked(_around(SECP521R1(), {}), []),
    "a circle of P-384 with names": _asked(_around(SECP384R1(), CONSTRAINED), []),
}
REFUSED: dict[str, Callable[[], object]] = {
    "a certificate over the limit": _asked([bytes(MAX_CERTIFICATE_BYTES + 1)], []),
    "16 KiB of nothing": _asked([b"\x30\x82\x3f\xfc" + bytes(MAX_CERTIFICATE_BYTES - 4)], []),
    "1,000 certificates": _asked([_MID.der] * 1_000, []),
    "1,000 CRLs": _asked(_CHAIN, [_MID.crl()] * 1_000),
    "a CRL over the limit": _asked(_CHAIN, [bytes(MAX_CRL_BYTES + 1)]),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_no_path_costs_more_than_ten_milliseconds(name: str, slowness: float) -> None:
    spent = milliseconds(ACCEPTED[name])
    print(f"{spent:8.2f} ms  {name}")

    assert spent <= ACCEPTED_MS * slowness


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_over_a_limit_costs_one_millisecond(name: str, slowness: float) -> None:
    spent = milliseconds(REFUSED[name])
    print(f"{spent:8.2f} ms  {name}")

    assert spent <= REFUSED_MS * slowness
