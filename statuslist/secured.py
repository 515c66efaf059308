"""
A secured credential to its verified document: proof, key and issuer bound to one another here. Service.

Whoever signs must be who the document says: the key's DID URL lies under the issuer's DID, and the issuer's
document lists it under assertionMethod (VC Data Integrity 1.0, section 4.5; VC-JOSE-COSE, section 4.1).
"""

import asyncio

import msgspec

from proofs import (
    MalformedProof,
    ProofInvalid,
    parse_date_time_stamp,
    proof_of,
    read_compact,
    verify_compact,
    verify_proof,
)
from resolver import JsonObject, Resolver, public_key_of
from wire import read

VC_JWT = "application/vc+jwt"
# Data Integrity: its own media type, and what servers say that do not know it.
VC_JSON = ("application/vc", "application/json", "application/ld+json", "application/vc+ld+json")


class Secured(msgspec.Struct, frozen=True, kw_only=True):
    """
    A secured credential as read; verified where it comes from `verify_secured`.

    Attributes:
        document: the credential; for a JWT its payload.
        issuer: its `issuer`, from the string or the object.
        verification_method: the DID URL of the key that signed, or shall have.
    """

    body: bytes
    media_type: str
    document: JsonObject
    issuer: str
    verification_method: str


async def verify_secured(
    body: bytes, media_type: str, *, resolver: Resolver, now: int, max_bytes: int
) -> Secured:
    """
    Return the credential in `body` once its signature holds.

    1. Read it.
    2. The key must be the issuer's; otherwise nothing is resolved.
    3. Resolve the issuer; find the key under assertionMethod.
    4. Verify.

    Args:
        media_type: `VC_JWT` or one of `VC_JSON`.
        now: microseconds since 1970.

    Raises:
        JsonError: not strict JSON, or over `max_bytes`.
        ProofError: a malformed or invalid proof, or a key that is not the issuer's.
        ResolutionError: the issuer's DID cannot be resolved.
    """
    secured = await asyncio.to_thread(_read, body, media_type, max_bytes)  # 1
    method = await _assertion_method(secured, resolver, now)  # 2, 3
    await asyncio.to_thread(_verify, secured, public_key_of(method), now)  # 4
    return secured


def _read(body: bytes, media_type: str, max_bytes: int) -> Secured:
    if media_type == VC_JWT:
        return _read_jwt(body, max_bytes)
    document = _object(read(body, max_bytes=max_bytes))
    return Secured(
        body=body,
        media_type=media_type,
        document=document,
        issuer=_issuer_of(document),
        verification_method=proof_of(document).verification_method,
    )


def _read_jwt(token: bytes, max_bytes: int) -> Secured:
    """VC-JOSE-COSE, section 3.1.1: the payload is the credential; `vc` and `vp` are of an older standard."""
    jws = read_compact(token, max_bytes=max_bytes)
    kid = jws.header.get("kid")
    if not isinstance(kid, str):
        raise MalformedProof("expected the header kid, the DID URL of the issuer's key")
    if jws.header.get("typ", "vc+jwt") != "vc+jwt":
        raise MalformedProof("expected the header typ vc+jwt")
    document = _object(read(jws.payload, max_bytes=max_bytes))
    if "vc" in document or "vp" in document:
        raise MalformedProof("the claims vc and vp must not be there; the payload is the credential itself")
    issuer = _issuer_of(document)
    _check_claims(document, issuer)
    return Secured(body=token, media_type=VC_JWT, document=document, issuer=issuer, verification_method=kid)


def _check_claims(document: JsonObject, issuer: str) -> None:
    """VC-JOSE-COSE, section 3.1.3: a claim beside the member that it repeats must say the same."""
    if document.get("iss", issuer) != issuer:
        raise ProofInvalid("the claim iss is another than the issuer of the credential", pointer="/iss")
    if "id" in document and document.get("jti", document["id"]) != document["id"]:
        raise ProofInvalid("the claim jti is another than the id of the credential", pointer="/jti")
    subject = document.get("credentialSubject")
    subjects = subject if isinstance(subject, list) else [subject]
    ids = [one["id"] for one in subjects if isinstance(one, dict) and "id" in one]
    if ids and document.get("sub", ids[0]) not in ids:
        raise ProofInvalid("the claim sub is none of the credential's subjects", pointer="/sub")


async def _assertion_method(secured: Secured, resolver: Resolver, now: int) -> JsonObject:
    did, _, fragment = secured.verification_method.partition("#")
    if did != secured.issuer or not fragment:
        raise ProofInvalid("the key is not one of the credential's issuer")
    document = (await resolver.resolve(secured.issuer)).document
    if document is None:
        raise ProofInvalid("the issuer's DID is deactivated")
    method = find_assertion_method(document, secured.issuer, fragment)
    if method is None:
        raise ProofInvalid("the issuer's DID document does not list the key under assertionMethod")
    if method.get("controller") != secured.issuer:
        raise ProofInvalid("the key is controlled by another than the issuer")
    if any(_has_passed(method.get(member), now) for member in ("expires", "revoked")):
        raise ProofInvalid("the issuer's key has expired or was revoked")
    return method


def _has_passed(moment: object, now: int) -> bool:
    """Tell whether a time of a verification method is over (Controlled Identifiers v1.0, section 2.2)."""
    if moment is None:
        return False
    if not isinstance(moment, str):
        raise ProofInvalid("expires and revoked of the issuer's key are no times")
    try:
        return parse_date_time_stamp(moment) <= now
    except ValueError:
        raise ProofInvalid("expires and revoked of the issuer's key are no times") from None


def find_assertion_method(document: JsonObject, did: str, fragment: str) -> JsonObject | None:
    """Return the verification method `did#fragment` if it stands, or is named, under assertionMethod."""
    wanted = (f"#{fragment}", f"{did}#{fragment}")
    for entry in _array(document.get("assertionMethod")):
        if isinstance(entry, dict) and entry.get("id") in wanted:
            return entry
        if entry in wanted:
            methods = _array(document.get("verificationMethod"))
            return next((m for m in methods if isinstance(m, dict) and m.get("id") in wanted), None)
    return None


def _verify(secured: Secured, public_key: object, now: int) -> None:
    if secured.media_type == VC_JWT:
        verify_compact(secured.body, public_key)
    else:
        verify_proof(secured.document, public_key, now=now)


def _object(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise MalformedProof("expected a credential, a JSON object")
    return value


def _array(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _issuer_of(document: JsonObject) -> str:
    issuer = document.get("issuer")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    if not isinstance(issuer, str):
        raise MalformedProof("expected the issuer, a DID", pointer="/issuer")
    return issuer
