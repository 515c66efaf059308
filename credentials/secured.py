"""
A credential as it was read: what it says, who shall have signed it, and how that is verified. Pure.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from proofs import JsonObject, MalformedProof

# OpenID4VCI's identifiers of formats; of W3C credentials the media types.
Form: TypeAlias = Literal[
    "application/vc",
    "application/vc+jwt",
    "dc+sd-jwt",
    "vc+sd-jwt",
    "jwt_vc_json",
    "mso_mdoc",
    "application/statuslist+jwt",
    "application/statuslist+cwt",
]
VC: Form = "application/vc"  # with a Data Integrity proof in it
VC_JWT: Form = "application/vc+jwt"
SD_JWT: Form = "dc+sd-jwt"
FORMER_SD_JWT: Form = "vc+sd-jwt"  # what SD-JWT VC was called before its draft 06
VC11_JWT: Form = "jwt_vc_json"  # a VC 1.1 in the claim `vc`
MDOC: Form = "mso_mdoc"
STATUS_LIST_JWT: Form = "application/statuslist+jwt"  # no credential, but secured as one
STATUS_LIST_CWT: Form = "application/statuslist+cwt"
LEGACY: frozenset[Form] = frozenset({FORMER_SD_JWT, VC11_JWT})


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """
    A token by which a holder shows that the credential is his (RFC 9901, section 4.3); not verified.

    Attributes:
        token: the Key Binding JWT.
        bound: what its `sd_hash` is the digest of.
        hash_name: by which algorithm, as `_sd_alg` says it.
    """

    token: bytes
    bound: bytes
    hash_name: str


class Secured(msgspec.Struct, frozen=True, kw_only=True):
    """
    A secured credential as read; verified where it comes from `verifying`.

    Attributes:
        document: the credential; of a token its payload, with what was disclosed in its place.
        issuer: who says that he issued it: a DID, or an https URL as it is spelled; None: only certificates say so.
        key_id: the DID URL of the key that shall have signed, or another name of it; None: none is named.
        algorithm: `alg` of a token's header; None where the proof has its suite.
        certificates: `x5c` or `x5chain` in DER, the signer's first.
        not_before, expires: when what secures it may be accepted, in microseconds since 1970, or None: `nbf` and
            `exp` of the token, `expires` of the proof, and once verified, the end of the key. The period in a W3C
            document itself is not among them.
        verify: returns if a key of the `cryptography` package signed it, at a time in microseconds since 1970 by
            which a proof that ends is judged; raises ProofError.
        binding: None: the holder shows nothing.
    """

    form: Form
    document: JsonObject
    issuer: str | None
    verify: Callable[[object, int], None]
    key_id: str | None = None
    algorithm: str | None = None
    certificates: tuple[bytes, ...] = ()
    not_before: int | None = None
    expires: int | None = None
    binding: Binding | None = None

    @property
    def is_legacy(self) -> bool:
        return self.form in LEGACY


def issuer_of(document: JsonObject) -> str:
    """Return `issuer` of a W3C credential, from the string or the object (VCDM 2.0, section 4.7)."""
    issuer = document.get("issuer")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    if not isinstance(issuer, str):
        raise MalformedProof("expected the issuer, a DID", pointer="/issuer")
    return issuer
