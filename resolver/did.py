"""
DIDs and DID URLs as values. Pure.

Decentralized Identifiers v1.1, section 3 (Identifier); the parameters of DID Resolution v1, section DID
Parameters. A value of these types has been checked; its text is never changed.
"""

import re
from urllib.parse import unquote_to_bytes

import msgspec

from resolver.errors import InvalidDid, InvalidDidUrl

MAX_PARAMETERS = 64  # of a DID URL
MAX_DID_BYTES = 8_192  # bytes; ample for an RSA did:jwk (about 1,500); house rule, for DID URLs too

# DID v1.1, section 3.1 (DID Syntax):
#
#   did                = "did:" method-name ":" method-specific-id
#   method-name        = 1*method-char
#   method-char        = %x61-7A / DIGIT
#   method-specific-id = *( *idchar ":" ) 1*idchar
#   idchar             = ALPHA / DIGIT / "." / "-" / "_" / pct-encoded
#   pct-encoded        = "%" HEXDIG HEXDIG
#
# Empty segments are legal, but for the last: hence "does not end in a colon". Every character has one way to
# match, so that matching stays linear.
_DID = re.compile(r"did:([a-z0-9]+):([A-Za-z0-9._:-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._:-]*)*)(?<!:)")

# DID v1.1, section 3.2 (DID URL Syntax); the rules of RFC 3986, appendix A:
#
#   did-url       = did path-abempty [ "?" query ] [ "#" fragment ]
#   path-abempty  = *( "/" *pchar )
#   query         = *( pchar / "/" / "?" )
#   fragment      = *( pchar / "/" / "?" )
#   pchar         = unreserved / pct-encoded / sub-delims / ":" / "@"
_PCHAR = r"A-Za-z0-9._~!$&'()*+,;=:@\-"
_SUFFIX = re.compile(
    rf"((?:/[{_PCHAR}/]*(?:%[0-9A-Fa-f]{{2}}[{_PCHAR}/]*)*)?)"
    rf"(?:\?([{_PCHAR}/?]*(?:%[0-9A-Fa-f]{{2}}[{_PCHAR}/?]*)*))?"
    rf"(?:#([{_PCHAR}/?]*(?:%[0-9A-Fa-f]{{2}}[{_PCHAR}/?]*)*))?"
)
_END_OF_DID = re.compile(r"[/?#]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Did(msgspec.Struct, frozen=True):
    """A DID: `text` is all of it, as it was spelled."""

    text: str
    method: str
    method_specific_id: str


class DidUrl(msgspec.Struct, frozen=True):
    """
    A DID URL in its parts, each still percent-encoded.

    `path` is "" or begins with a slash; `query` has no question mark and is "" where absent; `fragment` has
    no number sign and is None where absent.
    """

    did: Did
    path: str
    query: str
    fragment: str | None

    @property
    def text(self) -> str:
        query = f"?{self.query}" if self.query else ""
        fragment = "" if self.fragment is None else f"#{self.fragment}"
        return f"{self.did.text}{self.path}{query}{fragment}"


def parse_did(text: str) -> Did:
    """
    Read a DID.

    Raises:
        InvalidDid: over `MAX_DID_BYTES`, or not the grammar above: anything but ASCII, an upper-case
            method name, a broken percent-encoding, an empty last segment, the rest of a DID URL.
    """
    if len(text) > MAX_DID_BYTES:
        raise InvalidDid(f"a DID may have {MAX_DID_BYTES} bytes; this one has more")
    found = _DID.fullmatch(text)
    if found is None or not found[2]:
        raise InvalidDid("expected did:<method>:<identifier> in the characters of DID v1.1, section 3.1")
    return Did(text, found[1], found[2])


def is_did(text: str) -> bool:
    """Tell whether `text` follows the syntax of DIDs."""
    try:
        parse_did(text)
    except InvalidDid:
        return False
    return True


def parse_did_url(text: str) -> DidUrl:
    """
    Read a DID URL; a DID is one too.

    Raises:
        InvalidDid: there is no path, query or fragment, and it is not a DID.
        InvalidDidUrl: it has one of them, and is over `MAX_DID_BYTES` or does not follow the grammar.
    """
    end = _END_OF_DID.search(text)
    if end is None:
        return DidUrl(parse_did(text), "", "", None)
    if len(text) > MAX_DID_BYTES:
        raise InvalidDidUrl(f"a DID URL may have {MAX_DID_BYTES} bytes; this one has more")
    try:
        did = parse_did(text[: end.start()])
    except InvalidDid as error:
        raise InvalidDidUrl(f"before its path, query or fragment: {error.detail}") from None
    found = _SUFFIX.fullmatch(text, end.start())
    if found is None:
        raise InvalidDidUrl("the path, query or fragment has a character that DID v1.1, section 3.2 forbids")
    return DidUrl(did, found[1], found[2] or "", found[3])


def parse_parameters(query: str) -> dict[str, str]:
    """
    Read the parameters of a DID URL's query, names and values percent-decoded once; "+" is a plus.

    DID Resolution v1 leaves a repeated parameter to us and suggests INVALID_DID_URL.

    Raises:
        InvalidDidUrl: a parameter without a name, given twice, or not percent-encoded UTF-8; over `MAX_PARAMETERS`.
    """
    parameters: dict[str, str] = {}
    if query.count("&") >= MAX_PARAMETERS:
        raise InvalidDidUrl(f"expected at most {MAX_PARAMETERS} parameters")
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        name, value = _decode(name), _decode(value)
        if not name:
            raise InvalidDidUrl("the query has a parameter without a name")
        if name in parameters:
            raise InvalidDidUrl(f"the parameter {name[:64]!r} occurs twice")
        parameters[name] = value
    return parameters


def _decode(text: str) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise InvalidDidUrl("the query has a broken percent-encoding")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise InvalidDidUrl("a parameter of the query is not UTF-8") from None
