"""A root, an authority below it and a signer, and how tests ask for the path between them."""

from collections.abc import Sequence, Set
from datetime import datetime, timedelta

from cryptography import x509

from proofs.certificates import ValidPath, read_anchors, validate_path
from tests.proofs.authorities import (
    NOW,
    Authority,
    Extensions,
    der,
)

ROOT = Authority("Root")
MID = Authority("Mid", ROOT)
LEAF = MID.leaf()
MDL_SIGNER = "1.0.18013.5.1.2"  # id-mdl-kp-mdlDS; ISO/IEC 18013-5, annex B
EU_AUTHORITY = "1.3.130.2.0.0.1.7"  # what the authorities of the EU's reference issuers have
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
SECOND = timedelta(seconds=1)


def find(
    *chain: x509.Certificate,
    anchors: Sequence[x509.Certificate] = (ROOT.certificate,),
    at: datetime = NOW,
    purposes: Set[str] | None = None,
) -> ValidPath:
    trusted = read_anchors([der(anchor) for anchor in anchors])
    return validate_path([der(one) for one in chain], trusted, at=at, crls=(), purposes=purposes)


def alternative(*names: x509.GeneralName) -> Extensions:
    return {x509.SubjectAlternativeName: (x509.SubjectAlternativeName(names), False)}


def constrained(
    permitted: Sequence[x509.GeneralName] | None = None,
    excluded: Sequence[x509.GeneralName] | None = None,
    *,
    is_critical: bool = True,
) -> Authority:
    """Return an authority under the root that may certify some names alone."""
    constraints = x509.NameConstraints(permitted, excluded)
    return Authority("Mid", ROOT, extensions={x509.NameConstraints: (constraints, is_critical)})


def for_purposes(*oids: str, is_critical: bool = False) -> Extensions:
    purposes = x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in oids])
    return {x509.ExtendedKeyUsage: (purposes, is_critical)}
