"""
A list that somebody has at hand, verified with a key or a DID document that they have at hand, too. Pure.

Nothing is fetched. So it is the caller who answers for the key being the issuer's, and for how old it is.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from credentials.keys.assertion_methods import assertion_method
from credentials.times import CLOCK_SKEW
from credentials.verifying import read_secured
from proofs import JsonObject, MalformedProof, ProofInvalid, read_compact
from proofs.cose import read_sign1, verify_sign1
from proofs.jose import check_signature
from resolver import public_key_of
from statuslist.checking.verified_list import narrowed
from statuslist.formats.forms import DATA_INTEGRITY, JWT, MAX_FORM_BYTES, MEDIA_TYPES, TOKEN_JWT
from statuslist.formats.token_list import TokenList, token_list_of_cwt, token_list_of_jwt
from wire import format_utc


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    """
    A list, not verified.

    Attributes:
        issuer: None for a token list, which names none.
        key_id: the DID URL of the key that shall have signed it, or None where only certificates name the key.
        begins, ends: when it may be accepted, in microseconds since 1970, or None.
        verify: raises ProofError where its signature is not that of the key.
    """

    issuer: str | None
    key_id: str | None
    begins: int | None
    ends: int | None
    verify: Callable[[object], object]


def verify_with_key(body: bytes, media_type: str, public_key: object, *, now: int) -> None:
    """
    Return if the list was signed with the key, and is in its time.

    Args:
        media_type: one of `MEDIA_TYPES`, that of `body`.
        public_key: a key of the `cryptography` package.
        now: microseconds since 1970.

    Raises:
        ProofError: it was not, or is not.
        StatusListError, JsonError: it is no list.
    """
    _verify(_read(body, media_type, now), public_key, now)


def verify_with_document(body: bytes, media_type: str, did_document: JsonObject, *, now: int) -> None:
    """
    Return if the list was signed with a key that the DID document lets sign, and is in its time.

    A W3C list must name the document's DID as its issuer. A token list names no issuer, but its key by `kid`.

    Raises:
        ProofError: as `verify_with_key`; or the key is not one of the document's, or not under assertionMethod.
        InvalidDidDocument: the key in it cannot be read.
        StatusListError, JsonError: it is no list.
    """
    held = _read(body, media_type, now)
    if held.key_id is None:
        raise MalformedProof("the list names its key by certificates only; verify it with the key itself")
    did, _, fragment = held.key_id.partition("#")
    if not did or did != did_document.get("id") or not fragment:
        raise ProofInvalid("the key that the list names is not one of the DID document's")
    if held.issuer not in (None, did):
        raise ProofInvalid("the list has another issuer than the DID document's subject")
    method = assertion_method(did_document, did, fragment, now=now)
    _verify(held, public_key_of(method), now)


def _read(body: bytes, media_type: str, now: int) -> _Held:
    if media_type in (MEDIA_TYPES[DATA_INTEGRITY], MEDIA_TYPES[JWT]):
        return _credential(body.strip(), media_type, now)
    if media_type == MEDIA_TYPES[TOKEN_JWT]:
        jws = read_compact(body.strip(), max_bytes=MAX_FORM_BYTES)
        kid = jws.header.get("kid")
        found = token_list_of_jwt(jws, max_bytes=MAX_FORM_BYTES)
        return _token_list(found, kid if isinstance(kid, str) else None, partial(check_signature, jws))
    sign1 = read_sign1(body, max_bytes=MAX_FORM_BYTES)
    key_id = None if sign1.key_id is None else sign1.key_id.decode(errors="replace")
    verify = partial(verify_sign1, body, max_bytes=MAX_FORM_BYTES)
    return _token_list(token_list_of_cwt(sign1, max_bytes=MAX_FORM_BYTES), key_id, verify)


def _credential(body: bytes, media_type: str, now: int) -> _Held:
    secured = read_secured(body, media_type, max_bytes=MAX_FORM_BYTES)
    found = narrowed(secured)
    return _Held(
        issuer=secured.issuer,
        key_id=secured.key_id,
        begins=found.valid_from,
        ends=found.valid_until,
        verify=lambda public_key: secured.verify(public_key, now),
    )


def _token_list(found: TokenList, key_id: str | None, verify: Callable[[object], object]) -> _Held:
    begins = max(found.issued_at, found.not_before or 0)
    return _Held(issuer=None, key_id=key_id, begins=begins, ends=found.expires, verify=verify)


def _verify(held: _Held, public_key: object, now: int) -> None:
    held.verify(public_key)
    if held.begins is not None and now + CLOCK_SKEW < held.begins:
        raise ProofInvalid(f"the signature holds, but the list begins only at {format_utc(held.begins)}")
    if held.ends is not None and now - CLOCK_SKEW > held.ends:
        raise ProofInvalid(f"the signature holds, but the list ended at {format_utc(held.ends)}")
