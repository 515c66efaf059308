"""
A key that was found to be an issuer's, and what says so. Pure.
"""

import hashlib
from typing import Literal, TypeAlias

import msgspec

from proofs import JsonObject
from proofs.certificates.paths import ValidPath
from wire import encode

By: TypeAlias = Literal["did", "jwt-vc-issuer", "x5c"]


class FoundKey(msgspec.Struct, frozen=True, kw_only=True):
    """
    Attributes:
        public_key: a key of the `cryptography` package.
        id: what names it: a DID URL, `kid` of a key set, or `ni` of a certificate.
        by: how it was found.
        ends: when it may sign no more, in microseconds since 1970; None: nobody says.
        document: what says so.
        retrieved_at: when that was obtained, in seconds since 1970; None: it was computed.
        is_stale: it may be out of date, since its origin could not be asked.
        fresh_until: until when it was not, in seconds since 1970; None: that is not known, or it never is.
        path: of a certificate, to the anchor.
    """

    public_key: object
    id: str
    by: By
    ends: int | None = None
    document: JsonObject | None = None
    retrieved_at: float | None = None
    is_stale: bool = False
    fresh_until: float | None = None
    path: ValidPath | None = None

    @property
    def digest(self) -> str | None:
        """The digest of the document: "sha256:", and 64 hex digits, of its JSON as we write it."""
        if self.document is None:
            return None
        return "sha256:" + hashlib.sha256(encode(self.document)).hexdigest()
