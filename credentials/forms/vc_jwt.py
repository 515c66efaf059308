"""
A `vc+jwt` as read: the credential in it, who shall have signed it, and when it may be accepted. Pure.

Securing Verifiable Credentials using JOSE and COSE (W3C REC, 2025-05-15), section 3.1, on RFC 7515 and RFC
7519. These rules bind every token alike, that of a credential and that of a status list.
"""

import msgspec

from credentials.forms.x5c import certificates_of
from credentials.numeric_dates import numeric_date
from credentials.secured import VC_JWT, Secured, issuer_of
from proofs import JsonObject, Jws, MalformedProof, ProofInvalid, media_type_of_header, read_compact
from proofs.jose import check_signature
from wire import read
from wire.json import MAX_VALUES


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


def read_vc_jwt(body: bytes, *, max_bytes: int, max_values: int = MAX_VALUES) -> Secured:
    """Read a token as a credential; raises as `read_token`."""
    token = read_token(body, max_bytes=max_bytes, max_values=max_values)
    return Secured(
        form=VC_JWT,
        document=token.document,
        issuer=issuer_of(token.document),
        key_id=token.key_id,
        algorithm=token.jws.algorithm,
        certificates=certificates_of(token.jws),
        not_before=token.not_before,
        expires=token.expires,
        verify=lambda public_key, _: check_signature(token.jws, public_key),
    )


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
