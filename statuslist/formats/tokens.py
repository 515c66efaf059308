"""
A `vc+jwt` as read: the credential in it, who shall have signed it, and when it may be accepted. Pure.

Securing Verifiable Credentials using JOSE and COSE (W3C REC, 2025-05-15), section 3.1, on RFC 7515 and RFC
7519. These rules bind every token alike, that of a credential and that of a status list.
"""

from typing import Protocol

import msgspec

from proofs import JsonObject, Jws, MalformedProof, ProofInvalid, media_type_of_header, read_compact
from statuslist.formats.numeric_dates import numeric_date
from wire import read
from wire.json import MAX_VALUES

VC_JWT = "application/vc+jwt"
CLOCK_SKEW = (
    60 * 1_000_000
)  # microseconds; tolerated at both ends of a period (RFC 7519, 4.1.4: "small leeway")


class TokenOutOfTime(ProofInvalid):
    """The token has expired, or is to be accepted only later (RFC 7519, sections 4.1.4 and 4.1.5)."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """
    A token, not verified.

    Attributes:
        jws: as it was read.
        document: the credential: the payload.
        key_id: the header `kid`, a DID URL.
        not_before, expires: the claims `nbf` and `exp` in microseconds since 1970, or None.
    """

    jws: Jws
    document: JsonObject
    key_id: str
    not_before: int | None
    expires: int | None


def read_token(body: bytes, *, max_bytes: int, max_values: int = MAX_VALUES) -> Token:
    """
    Read a token without verifying it.

    One line ending behind it is left out: files are saved with one, and it was never signed.

    Raises:
        JsonError: the payload is not strict JSON, or has over `max_values` values.
        MalformedProof: no JWS, no `kid`, another `typ`, or a payload that is not a credential as it is.
        ProofInvalid: a claim contradicts the member that it repeats.
        MalformedValue: `nbf`, `exp` or `iat` is no time.
    """
    compact = body.removesuffix(b"\n").removesuffix(b"\r")
    jws = read_compact(compact, max_bytes=max_bytes)
    kid = jws.header.get("kid")
    if not isinstance(kid, str):
        raise MalformedProof("expected the header kid, the DID URL of the issuer's key")
    if media_type_of_header(jws.header, "typ") not in (None, VC_JWT):
        raise MalformedProof("expected the header typ vc+jwt")
    document = read(jws.payload, max_bytes=max_bytes, max_values=max_values)
    if not isinstance(document, dict):
        raise MalformedProof("expected a credential, a JSON object")
    if "vc" in document or "vp" in document:
        raise MalformedProof("the claims vc and vp must not be there; the payload is the credential itself")
    _check_repeated(document)
    numeric_date(document, "iat")
    return Token(
        jws=jws,
        document=document,
        key_id=kid,
        not_before=numeric_date(document, "nbf"),
        expires=numeric_date(document, "exp"),
    )


class Timed(Protocol):
    """What may be accepted for a time: a `Token`, or a `token_list.TokenList`."""

    @property
    def not_before(self) -> int | None: ...

    @property
    def expires(self) -> int | None: ...


def check_in_time(token: Timed, now: int) -> None:
    """
    Raises:
        TokenOutOfTime: `now` (microseconds since 1970) is before `nbf` or after `exp`, by more than `CLOCK_SKEW`.
    """
    if token.not_before is not None and now + CLOCK_SKEW < token.not_before:
        raise TokenOutOfTime("the token is not valid yet", pointer="/nbf")
    if token.expires is not None and now - CLOCK_SKEW > token.expires:
        raise TokenOutOfTime("the token has expired", pointer="/exp")


def _check_repeated(document: JsonObject) -> None:
    """VC-JOSE-COSE, section 3.1.3: a claim beside the member that it repeats must say the same."""
    issuer = document.get("issuer")
    issuer = issuer.get("id") if isinstance(issuer, dict) else issuer
    if document.get("iss", issuer) != issuer:
        raise ProofInvalid("the claim iss is another than the issuer of the credential", pointer="/iss")
    if "id" in document and document.get("jti", document["id"]) != document["id"]:
        raise ProofInvalid("the claim jti is another than the id of the credential", pointer="/jti")
    subject = document.get("credentialSubject")
    subjects = subject if isinstance(subject, list) else [subject]
    ids = [one["id"] for one in subjects if isinstance(one, dict) and "id" in one]
    if ids and document.get("sub", ids[0]) not in ids:
        raise ProofInvalid("the claim sub is none of the credential's subjects", pointer="/sub")
