"""
The Status List Token, JWT and CWT: build ours, read anyone's. Pure.

Token Status List (draft-ietf-oauth-status-list-21), sections 4.2, 4.3 (Status List) and 5 (Status List Token). Both
forms have the same claims; a CWT has numbers for their names, and `lst` as bytes.

    sub            2      the URL at which the list is served: `uri` of the tokens whose statuses it has
    iat            6      seconds since 1970
    exp            4      seconds since 1970
    nbf            5      seconds since 1970; nobody need write it, and it binds (RFC 7519, section 4.1.5)
    ttl            65534  seconds (the W3C's `ttl` are milliseconds)
    status_list    65533  {bits, lst, aggregation_uri}; text keys in both
    iss            1      nobody need write it (section 5); whoever does shall be the one who signed

The reader is strict: what does not comply with a MUST is refused, and nothing is coerced. Other claims are passed
over (sections 5.1 and 5.2, step 1 each).
"""

import msgspec

from credentials.members import Members
from credentials.numeric_dates import numeric_date
from proofs import JsonObject, Jws, KeyName, MalformedProof, Signer, media_type_of_header, sign_compact
from proofs.cose import Sign1, sign1
from statuslist.errors import MalformedStatusList
from statuslist.formats.token_bits import WIDTHS, Width
from wire import encode, read
from wire.base64url import decode_base64url, encode_base64url
from wire.cbor import CborError, read_cbor, write_cbor
from wire.json import MAX_VALUES

TOKEN_JWT = "application/statuslist+jwt"
TOKEN_CWT = "application/statuslist+cwt"

_TYP = 16  # the label of `typ` in COSE (RFC 9596)
# Section 5.2: the media type, or its number among the CoAP Content-Formats. We write the first.
_CWT_TYPES = (TOKEN_CWT, 279)
_LABELS = {"iss": 1, "sub": 2, "exp": 4, "nbf": 5, "iat": 6, "status_list": 65_533, "ttl": 65_534}
_NAMES = {label: name for name, label in _LABELS.items()}
_SECOND = 1_000_000  # microseconds
_MAX_TTL = (
    2**53 - 1
)  # seconds; the last integer that all readers of JSON have exactly (RFC 7493, section 2.2)


class TokenList(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a Status List Token says; whether it verifies, and is in its time, is not known here.

    Attributes:
        url: `sub`.
        issued_at: `iat`, in microseconds since 1970.
        expires: `exp`, in microseconds since 1970, or None.
        not_before: `nbf`, in microseconds since 1970, or None.
        ttl_ms: `ttl` in milliseconds, as that of a W3C list, or None.
        bits: per entry.
        lst: the list in its ZLIB container (`token_bits.expanded`).
        aggregation_uri: where all lists of the issuer are named (section 9), or None.
        issuer: `iss`, or None.
    """

    url: str
    issued_at: int
    expires: int | None
    ttl_ms: int | None
    bits: Width
    lst: bytes
    aggregation_uri: str | None = None
    not_before: int | None = None
    issuer: str | None = None


def signed_token_jwt(token_list: TokenList, signer: Signer, key_name: KeyName = "kid") -> bytes:
    """
    Return a list as signed JWT (section 5.1). Times, and `ttl`, are rounded down to seconds.

    Raises:
        ValueError: as `proofs.sign_compact`.
        SignerAway: the signer cannot sign just now.
    """
    payload = encode(_claims(token_list, encode_base64url(token_list.lst)))
    return sign_compact(payload, header={"typ": "statuslist+jwt"}, signer=signer, key_name=key_name)


def signed_token_cwt(token_list: TokenList, signer: Signer, key_name: KeyName = "kid") -> bytes:
    """
    Return a list as signed CWT (section 5.2): a COSE_Sign1 with its tag 18 and without that of a CWT, 61.

    Raises:
        ValueError: as `proofs.cose.sign1`.
        SignerAway: the signer cannot sign just now.
    """
    claims = {_LABELS[name]: value for name, value in _claims(token_list, token_list.lst).items()}
    return sign1(write_cbor(claims), signer, protected={_TYP: TOKEN_CWT}, key_name=key_name)


def token_list_of_jwt(jws: Jws, *, max_bytes: int, max_values: int = MAX_VALUES) -> TokenList:
    """
    Read the claims of a JWT that was read, or verified.

    Raises:
        MalformedProof: the header's `typ` is not `statuslist+jwt`: a token of another kind, signed with the same
            key, says nothing of statuses (RFC 8725, section 3.11).
        JsonError: the payload is not strict JSON, or has over `max_values` values.
        MalformedStatusList: a claim does not comply with section 5.1 or 4.2.
    """
    if media_type_of_header(jws.header, "typ") != TOKEN_JWT:
        raise MalformedProof("expected the header typ statuslist+jwt")
    payload = read(jws.payload, max_bytes=max_bytes, max_values=max_values)
    claims = Members(payload, MalformedStatusList)
    status_list = _status_list(claims)
    try:
        lst = decode_base64url(status_list.string("lst"))
    except ValueError:
        raise status_list.fault("lst", "base64url without padding, in its one spelling") from None
    return _token_list(claims, status_list, lst)


def token_list_of_cwt(found: Sign1, *, max_bytes: int) -> TokenList:
    """
    Read the claims of a CWT that was read, or verified.

    Raises:
        MalformedProof: `typ` of the protected header is not `application/statuslist+cwt` or its number, or the
            payload is not the CBOR that we read.
        MalformedStatusList: a claim does not comply with section 5.2 or 4.3.
    """
    typ = found.protected.get(_TYP)
    if typ not in _CWT_TYPES or isinstance(typ, float):
        raise MalformedProof("expected the protected header typ application/statuslist+cwt")
    try:
        labelled = read_cbor(found.payload, max_bytes=max_bytes)
    except CborError as error:
        raise MalformedProof(f"the claims cannot be read: {error}") from None
    claims = Members(_named(labelled), MalformedStatusList)
    status_list = _status_list(claims)
    lst = status_list.members.get("lst")
    if not isinstance(lst, bytes):
        raise status_list.fault("lst", "bytes")
    return _token_list(claims, status_list, lst)


def _claims(token_list: TokenList, lst: str | bytes) -> JsonObject:
    status_list = {"bits": token_list.bits, "lst": lst}
    if token_list.aggregation_uri is not None:
        status_list["aggregation_uri"] = token_list.aggregation_uri
    claims: JsonObject = {"sub": token_list.url, "iat": token_list.issued_at // _SECOND}
    if token_list.issuer is not None:
        claims["iss"] = token_list.issuer
    if token_list.expires is not None:
        claims["exp"] = token_list.expires // _SECOND
    if token_list.ttl_ms is not None:
        claims["ttl"] = token_list.ttl_ms // 1_000
    return claims | {"status_list": status_list}


def _named(labelled: object) -> object:
    """Return a CWT's claims under the names that a JWT has for them; others are left out."""
    if not isinstance(labelled, dict):
        return labelled
    return {_NAMES[label]: value for label, value in labelled.items() if label in _NAMES}


def _status_list(claims: Members) -> Members:
    return Members(claims.members.get("status_list"), MalformedStatusList, "/status_list")


def _token_list(claims: Members, status_list: Members, lst: bytes) -> TokenList:
    issued_at = _time(claims, "iat")
    if issued_at is None:
        raise claims.fault("iat", "seconds since 1970")
    return TokenList(
        url=claims.url("sub"),
        issued_at=issued_at,
        expires=_time(claims, "exp"),
        not_before=_time(claims, "nbf"),
        ttl_ms=_ttl_ms(claims),
        bits=_bits(status_list),
        lst=lst,
        aggregation_uri=status_list.optional_url("aggregation_uri"),
        issuer=claims.string("iss") if "iss" in claims.members else None,
    )


def _time(claims: Members, name: str) -> int | None:
    return numeric_date(claims.members, name, MalformedStatusList)


def _bits(status_list: Members) -> Width:
    found = status_list.members.get("bits")
    for width in WIDTHS:
        if type(found) is int and found == width:
            return width
    raise status_list.fault("bits", "1, 2, 4 or 8")


def _ttl_ms(claims: Members) -> int | None:
    """Read `ttl`: a positive number (section 5.1), perhaps with a fraction."""
    ttl = claims.members.get("ttl")
    if "ttl" not in claims.members:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl <= _MAX_TTL:
        raise claims.fault("ttl", "a positive number of seconds")
    return int(ttl * 1_000)
