"""
A secured credential to its verified document: proof, key and issuer bound to one another here. Service.

Whoever signs must be who the document says: the key's DID URL lies under the issuer's DID, and the issuer's
document lists it under assertionMethod (VC Data Integrity 1.0, section 4.5; VC-JOSE-COSE, section 4.1).
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import chain

import msgspec

from proofs import (
    JsonObject,
    MalformedProof,
    ProofInvalid,
    parse_date_time_stamp,
    proof_of,
    verify_proof,
)
from proofs.jose import check_signature
from resolver import Resolved, public_key_of
from resolver.documents.members import RELATIONSHIPS, embedded_methods
from statuslist.formats.tokens import VC_JWT, Token, check_in_time, read_token
from wire import read
from wire.json import MAX_VALUES

Resolve = Callable[[str], Awaitable[Resolved]]

VC = "application/vc"  # with a Data Integrity proof in it


class Secured(msgspec.Struct, frozen=True, kw_only=True):
    """
    A secured credential as read; verified where it comes from `verify_secured`.

    Attributes:
        document: the credential; for a JWT its payload.
        issuer: its `issuer`, from the string or the object.
        verification_method: the DID URL of the key that signed, or shall have.
        token: what it was read from, or None where it has a proof in it.
        not_before, ends: when what secures it may be accepted, in microseconds since 1970, or None: `nbf` and `exp`
            of the token, `expires` of the proof, `expires` and `revoked` of the key (once verified). The period of
            the credential itself is not among them.
    """

    document: JsonObject
    issuer: str
    verification_method: str
    token: Token | None = None
    not_before: int | None = None
    ends: int | None = None


async def verify_secured(
    body: bytes, media_type: str, *, resolve: Resolve, now: int, max_bytes: int, max_values: int = MAX_VALUES
) -> Secured:
    """
    Return the credential in `body` once its signature holds.

    1. Read it.
    2. The key must be the issuer's; otherwise nothing is resolved.
    3. Resolve the issuer; find the key under assertionMethod.
    4. Verify.
    5. A token must be in its time.

    Args:
        media_type: `VC_JWT` or `VC`.
        resolve: a DID to its resolution.
        now: microseconds since 1970.

    Raises:
        JsonError: not strict JSON, over `max_bytes`, or over `max_values` JSON values.
        MalformedValue: a claim of a token that shall be a time is none.
        ProofError: a malformed or invalid proof, a key that is not the issuer's, or one past its time.
        TokenOutOfTime: that ProofError, of a token that has expired or is not valid yet.
        ResolutionError: the issuer's DID cannot be resolved.
    """
    read_it = partial(read_secured, body, media_type, max_bytes=max_bytes, max_values=max_values)
    secured = await asyncio.to_thread(read_it)  # 1
    method = await _assertion_method(secured, resolve, now)  # 2, 3
    await asyncio.to_thread(verify_signature, secured, public_key_of(method), now=now)  # 4
    if secured.token is not None:
        check_in_time(secured.token, now)  # 5
    return msgspec.structs.replace(secured, ends=earliest(secured.ends, _end_of(method)))


def earliest(*moments: int | None) -> int | None:
    """Return the first of the moments that there are; None: there is none."""
    return min((moment for moment in moments if moment is not None), default=None)


def read_secured(body: bytes, media_type: str, *, max_bytes: int, max_values: int = MAX_VALUES) -> Secured:
    """Read a credential without verifying it; raises as `verify_secured`."""
    if media_type == VC_JWT:
        token = read_token(body, max_bytes=max_bytes, max_values=max_values)
        return Secured(
            document=token.document,
            issuer=_issuer_of(token.document),
            verification_method=token.key_id,
            token=token,
            not_before=token.not_before,
            ends=token.expires,
        )
    document = read(body, max_bytes=max_bytes, max_values=max_values)
    if not isinstance(document, dict):
        raise MalformedProof("expected a credential, a JSON object")
    proof = proof_of(document)
    return Secured(
        document=document,
        issuer=_issuer_of(document),
        verification_method=proof.verification_method,
        ends=proof.expires,
    )


async def _assertion_method(secured: Secured, resolve: Resolve, now: int) -> JsonObject:
    did, _, fragment = secured.verification_method.partition("#")
    if did != secured.issuer or not fragment:
        raise ProofInvalid("the key is not one of the credential's issuer")
    document = (await resolve(secured.issuer)).document
    if document is None:
        raise ProofInvalid("the issuer's DID is deactivated")
    return assertion_method(document, secured.issuer, fragment, now=now)


def assertion_method(document: JsonObject, did: str, fragment: str, *, now: int) -> JsonObject:
    """
    Return the verification method `did#fragment` that may sign for `did` at `now`, microseconds since 1970.

    Raises:
        ProofInvalid: it is not under assertionMethod, has another controller than the DID, or has ended; or
            `expires` or `revoked` is no time.
    """
    method = _find_assertion_method(document, did, fragment)
    if method is None:
        raise ProofInvalid("the issuer's DID document does not list the key under assertionMethod")
    if method.get("controller") not in (did, ""):  # "" is relative to the DID: DID v1.1, section 3.2.2
        raise ProofInvalid("the key is controlled by another than the issuer")
    ends = _end_of(method)
    if ends is not None and ends <= now:
        raise ProofInvalid("the issuer's key has expired or was revoked")
    return method


def _end_of(method: JsonObject) -> int | None:
    """Return when a verification method ends (Controlled Identifiers v1.0, section 2.2); None: never."""
    try:
        moments = [method[name] for name in ("expires", "revoked") if method.get(name) is not None]
        return earliest(*(parse_date_time_stamp(moment) for moment in moments))
    except TypeError:
        raise ProofInvalid("expires or revoked of the issuer's key is no string") from None
    except ValueError as error:
        raise ProofInvalid(f"expires or revoked of the issuer's key: {error}") from None


def _find_assertion_method(document: JsonObject, did: str, fragment: str) -> JsonObject | None:
    """
    Return the verification method `did#fragment` if it stands, or is named, under assertionMethod.

    A reference names a method of the document wherever that is embedded (Controlled Identifiers v1.0, section 3.3).
    """
    wanted = (f"#{fragment}", f"{did}#{fragment}")
    listed = [
        item.get("id") if isinstance(item, dict) else item for item in _array(document.get("assertionMethod"))
    ]
    if not any(own_id in wanted for own_id in listed):
        return None
    properties = ("verificationMethod", *RELATIONSHIPS)
    methods = chain.from_iterable(embedded_methods(document, name) for name in properties)
    return next((method for method in methods if method.get("id") in wanted), None)


def verify_signature(secured: Secured, public_key: object, *, now: int) -> None:
    """Return if the key signed it; raises ProofError. Neither its owner nor a token's times are looked at."""
    if secured.token is not None:
        check_signature(secured.token.jws, public_key)
    else:
        verify_proof(secured.document, public_key, now=now)


def _array(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _issuer_of(document: JsonObject) -> str:
    issuer = document.get("issuer")
    if isinstance(issuer, dict):
        issuer = issuer.get("id")
    if not isinstance(issuer, str):
        raise MalformedProof("expected the issuer, a DID", pointer="/issuer")
    return issuer
