"""
X.509 certificates of those who sign: paths to trust anchors, revocation, requests and imported chains. Pure.

Kept out of `proofs` itself, since a process that reads no certificate need not load the parser: 14 ms.
"""

from proofs.certificates.chains import chain_ends, read_chain
from proofs.certificates.paths import (
    TrustAnchors,
    ValidPath,
    read_anchors,
    trust_signer,
    validate_path,
)
from proofs.certificates.reading import decode_x5c, is_authority, is_self_signed, key_ids, read_certificate
from proofs.certificates.requests import certificate_request
from proofs.certificates.revocation import Good, Revocation, Revoked, Unknown

__all__ = [
    "Good",
    "Revocation",
    "Revoked",
    "TrustAnchors",
    "Unknown",
    "ValidPath",
    "certificate_request",
    "chain_ends",
    "decode_x5c",
    "is_authority",
    "is_self_signed",
    "key_ids",
    "read_anchors",
    "read_certificate",
    "read_chain",
    "trust_signer",
    "validate_path",
]
