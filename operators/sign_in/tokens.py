"""
A bearer token of the identity provider: read, verified, and what it says of a person. Pure.

Two kinds are taken, told apart by `typ` of the header:

- `at+jwt`: a JWT access token (RFC 9068, section 4), of any client, whose `aud` has our audience;
- none, or `JWT`: an ID token (OpenID Connect Core 1.0, section 3.1.3.7) whose one `aud` is our client id. `nonce`
  and `at_hash` are not checked: they bind it to a request and to an access token of ours, and there is none.

Every other `typ` is refused (RFC 8725, section 3.11), and so is what looks like an ID token and is another thing.
"""

import math
from typing import Any

import msgspec

from operators.sign_in.keys import PROVIDER_ALGORITHMS, ProviderKey, is_key_id, require_signature
from proofs import JsonObject, Jws, ProofError, media_type_of_header, read_compact
from wire import JsonError, read

MAX_TOKEN_BYTES = 16_384  # 16 KiB; as much as a request's head may have
MAX_SUBJECT_CHARS = 255  # ASCII characters (OpenID Connect Core 1.0, section 2)
TOLERANCE_SECONDS = 60  # seconds that the provider's clock may be ahead of ours; past `exp` there is none
MAX_AGE_SECONDS = 86_400  # seconds; a day after it was issued, what a token says of a person is too old

_ACCESS_TOKEN = "application/at+jwt"
_ID_TOKEN = ("application/jwt", None)
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z; what comes after it nobody means
# What no ID token has: a provider that does not type its access tokens would let a client in as a person.
_OF_ACCESS_TOKENS = ("client_id", "scope", "scp")
# Members that make a token something that we do not honour, and the reason.
_NOT_HONOURED = {
    "cnf": "it is bound to a key of its holder, who would have to prove it (RFC 7800; RFC 8705, RFC 9449)",
    "act": "somebody else acts with it in the person's name (RFC 8693, section 4.1)",
    "events": "it is a logout token or another event, no ID token (RFC 8417; OIDC Back-Channel Logout, 2.4)",
}


class TokenRefused(Exception):
    """
    A token that is not taken.

    The message is for the operator's log. Neither repeats anything of the token.

    Attributes:
        told: what its holder is told.
    """

    def __init__(self, reason: str, told: str = "this token is not valid here") -> None:
        super().__init__(reason)
        self.told = told


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """
    Whose tokens are taken, and for whom they must be.

    Attributes:
        issuer: `iss`, exactly.
        audience: what `aud` of an access token must have; empty: no access token is taken.
        client_id: what `aud` of an ID token must be; empty: no ID token is taken.
    """

    issuer: str
    audience: str
    client_id: str


class Unverified(msgspec.Struct, frozen=True):
    """A token as read: it names a key, and nothing in it is to be believed."""

    key_id: str
    jws: Jws
    claims: JsonObject


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """
    A token that was verified.

    Attributes:
        subject: `sub`: together with the issuer, who the person is.
        issued_at: seconds since 1970.
        ends_at: seconds since 1970: `exp`, but at most a day after `issued_at`.
        claims: all of them.
    """

    subject: str
    issued_at: int
    ends_at: int
    claims: JsonObject


def read_token(token: str, accepted: Accepted) -> Unverified:
    """
    Read a token, to learn which key to look for.

    Raises:
        TokenRefused: not a JWS of the form that we read (`proofs.read_compact`), without `kid`, claims that are not
            one JSON object without duplicates, or of another issuer.
    """
    try:
        jws = read_compact(token.encode(), max_bytes=MAX_TOKEN_BYTES, algorithms=PROVIDER_ALGORITHMS)
        claims = read(jws.payload, max_bytes=MAX_TOKEN_BYTES)
    except (ProofError, JsonError, UnicodeEncodeError) as error:
        raise TokenRefused(f"cannot be read: {error}") from None
    key_id = jws.header.get("kid")
    if not is_key_id(key_id):
        raise TokenRefused("its header names no key (kid)")
    if not isinstance(claims, dict):
        raise TokenRefused("its claims are no JSON object")
    if claims.get("iss") != accepted.issuer:
        raise TokenRefused("iss is not the issuer that is configured", "this token is of another issuer")
    return Unverified(key_id, jws, claims)


def verify_token(read: Unverified, key: ProviderKey, accepted: Accepted, *, at: float) -> Token:
    """
    Verify a token that was read, with the provider's key of its `kid`.

    1. The signature. 2. For whom it is, by its kind. 3. A person, and nothing that we cannot honour. 4. The times.

    Args:
        at: seconds since 1970.

    Raises:
        TokenRefused: one of these does not hold; `told` says so where it is over, or for somebody else.
    """
    try:
        require_signature(read.jws, key)  # 1
        kind = media_type_of_header(read.jws.header, "typ")
    except ProofError as error:
        raise TokenRefused(str(error)) from None
    claims = read.claims
    if kind == _ACCESS_TOKEN:  # 2
        _check_access_token(claims, accepted.audience)
    elif kind in _ID_TOKEN:
        _check_id_token(claims, accepted.client_id)
    else:
        raise TokenRefused("typ is neither at+jwt nor JWT")
    subject = _person_of(claims)  # 3
    issued_at, ends_at = _times_of(claims, at)  # 4
    return Token(subject=subject, issued_at=issued_at, ends_at=ends_at, claims=claims)


def _check_access_token(claims: JsonObject, audience: str) -> None:
    """RFC 9068, sections 2.2 and 4; `iss`, `sub`, `exp` and `iat` are looked at for both kinds."""
    if not audience or audience not in _audiences_of(claims):
        raise _of_another_audience("aud of this access token has not the audience that is configured")
    for name in ("client_id", "jti"):
        if not isinstance(claims.get(name), str) or not claims[name]:
            raise TokenRefused(f"an access token has {name}, a string (RFC 9068, section 2.2)")


def _check_id_token(claims: JsonObject, client_id: str) -> None:
    """OpenID Connect Core 1.0, section 3.1.3.7, steps 3 to 5; we trust no audience beside ourselves."""
    if not client_id or _audiences_of(claims) != [client_id]:
        raise _of_another_audience("aud of this ID token is not the client id that is configured, alone")
    if claims.get("azp", client_id) != client_id:
        raise _of_another_audience("azp of this ID token is another client")
    if any(name in claims for name in _OF_ACCESS_TOKENS):
        raise TokenRefused(
            "it has claims of access tokens", "this is an access token without the type at+jwt"
        )


def _of_another_audience(reason: str) -> TokenRefused:
    return TokenRefused(reason, "this token is for another audience")


def _audiences_of(claims: JsonObject) -> list[Any]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _person_of(claims: JsonObject) -> str:
    """
    Return `sub`, of a person.

    A client that has a token for itself is no person: its `sub` is its own name (RFC 9068, section 2.2), or the
    provider says so (`idtyp`, of Entra ID).
    """
    for name, reason in _NOT_HONOURED.items():
        if name in claims:
            raise TokenRefused(f"{name}: {reason}")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS:
        raise TokenRefused(f"sub is no string of 1 to {MAX_SUBJECT_CHARS} characters")
    if not (subject.isascii() and subject.isprintable()):
        raise TokenRefused("sub is not of printable ASCII characters")
    if subject in (claims.get("client_id"), claims.get("azp")) or claims.get("idtyp") == "app":
        raise TokenRefused("a client has this token for itself", "this token is of a client, not of a person")
    return subject


def _times_of(claims: JsonObject, at: float) -> tuple[int, int]:
    """Return when it was issued, and when it ends; a tolerance after `exp` would be one for stolen tokens."""
    issued_at, expires_at = _seconds(claims, "iat"), _seconds(claims, "exp")
    not_before = _seconds(claims, "nbf") if "nbf" in claims else issued_at
    if max(issued_at, not_before) > at + TOLERANCE_SECONDS:
        raise TokenRefused("iat or nbf is in the future", "this token is not valid yet")
    ends_at = min(expires_at, issued_at + MAX_AGE_SECONDS)
    if ends_at <= at:
        raise TokenRefused("exp, or a day after iat, is past", "this token has expired")
    return issued_at, ends_at


def _seconds(claims: JsonObject, name: str) -> int:
    """Return a NumericDate (RFC 7519, section 2) in whole seconds, rounded down."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_SECOND:
        raise TokenRefused(f"{name} is no number of seconds since 1970")
    return math.floor(value)
