"""
Security Event Tokens (RFC 8417) that tell changes of the registry: made, and verified by receivers. Pure.

A token tells one change. Its event is of one type, `EVENT_TYPE`, with the members of a change of the feed. It is a
URN, as our request ids are: it is the same from every service that runs this software, receivers compare it as
text, and it names no host that could change hands. What kind of change it is stands in the event, so that a
receiver that knows the type also understands kinds that come later.
"""

import base64
import hashlib
from typing import Any

import msgspec

from proofs import MalformedProof, ProofError, Signer, media_type_of_header, sign_compact, verify_compact
from registry.feed.changes import Change, ChangeView, change_view
from wire import JsonError, decode

EVENT_TYPE = "urn:touchstone:event:registry-change"
MEDIA_TYPE = "application/secevent+jwt"  # RFC 8417, section 7.2
MAX_SET_BYTES = 4_194_304  # 4 MiB; a fact is of one file of 16 MiB at most, and nobody has such ones
_TYP = "secevent+jwt"  # RFC 8417, section 2.3


class SetRefused(ValueError):
    """The token is not a Security Event Token of that issuer, for that audience, that tells a change."""


class ReceivedSet(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a verified token says.

    Attributes:
        id: `jti`: the same whenever the same change is told to the same subscriber: a repeat may be dropped.
        transaction: `txn`: the same for all changes that were recorded at the same time.
        issued_at: seconds since 1970.
    """

    id: str
    transaction: str
    issuer: str
    issued_at: int
    change: ChangeView


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str | list[str]
    iat: int
    jti: str
    txn: str
    events: dict[str, Any]


def make_set(told: Change, *, subscriber_id: str, audience: str, signer: Signer, issued_at: int) -> bytes:
    """
    Return the token that tells a change to a subscriber, signed.

    Args:
        issued_at: seconds since 1970.

    Raises:
        SignerAway: the signer cannot sign just now.
    """
    claims = {
        "iss": signer.controller,
        "aud": audience,
        "iat": issued_at,
        "jti": _digest(told.digest, str(told.position), subscriber_id),
        "txn": _digest(told.digest),
        "toe": told.recorded_at // 1_000_000,
        "events": {EVENT_TYPE: change_view(told)},
    }
    return sign_compact(msgspec.json.encode(claims), header={"typ": _TYP}, signer=signer)


def read_set(token: bytes | str, key: object, *, issuer: str, audience: str) -> ReceivedSet:
    """
    Return the change that a token tells, once it is verified: what a receiver does before anything else.

    Answer 202 once the change is kept where it stays; until then it comes again. What has a `jti` that you have
    seen is a repeat: answer 202, and do nothing.

    Args:
        key: of the `cryptography` package: the one that the header `kid` names in the DID document of the issuer.
        issuer: the DID of the service; `aud` of the token must name `audience`, which you registered with.

    Raises:
        SetRefused: another `typ`, a signature that is not this key's, another issuer or audience, or no change.
    """
    data = token.encode("ascii", "replace") if isinstance(token, str) else token
    try:
        jws = verify_compact(data, key, max_bytes=MAX_SET_BYTES)
        if media_type_of_header(jws.header, "typ") != MEDIA_TYPE:
            raise MalformedProof(f"expected the header typ {_TYP}")
        claims = decode(jws.payload, _Claims, max_bytes=MAX_SET_BYTES, max_values=None)
        _require_for(claims, issuer, audience)
        change = msgspec.convert(claims.events.get(EVENT_TYPE), ChangeView)
    except (ProofError, JsonError, msgspec.ValidationError) as error:
        raise SetRefused(str(error)) from None
    return ReceivedSet(
        id=claims.jti, transaction=claims.txn, issuer=claims.iss, issued_at=claims.iat, change=change
    )


def _require_for(claims: _Claims, issuer: str, audience: str) -> None:
    """RFC 8417, section 2.2: `iss` and `aud`; a token for somebody else says nothing to us."""
    if claims.iss != issuer:
        raise SetRefused("the token is of another issuer")
    if audience not in ([claims.aud] if isinstance(claims.aud, str) else claims.aud):
        raise SetRefused("the token is for another audience")


def _digest(*parts: str) -> str:
    digest = hashlib.sha256(msgspec.json.encode(parts)).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")
