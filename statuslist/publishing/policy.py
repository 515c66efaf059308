"""
How the lists of a node are published. Pure.
"""

import hashlib

import msgspec

from proofs import EDDSA_RDFC_2022, SUITES, Transformation
from wire import encode


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """
    How lists are published.

    Attributes:
        base_url: the public URL, without a slash at its end.
        cryptosuite: of the Data Integrity form where the key is of Ed25519; `eddsa-rdfc-2022` or `eddsa-jcs-2022`.
            A key of another kind signs in its own suite, with the same transformation.
        validity_seconds: from signature to `validUntil` and `exp`. At half of it the list is signed anew.
        ttl_seconds: `ttl`, and how long HTTP caches may keep a list.
    """

    base_url: str
    cryptosuite: str = EDDSA_RDFC_2022
    validity_seconds: int = 86_400  # 24 h: EUDI ARF, Topic 7 allows no longer
    ttl_seconds: int = 300

    @property
    def transformation(self) -> Transformation:
        """How the Data Integrity form becomes the bytes that are signed; the key decides on the rest."""
        return SUITES[self.cryptosuite].transformation

    @property
    def digest(self) -> str:
        """Tells this policy from others; SHA-256, shortened to 64 bits."""
        return hashlib.sha256(encode(self)).hexdigest()[:16]
