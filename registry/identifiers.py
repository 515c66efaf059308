"""
The kinds of identifier that an entity may have. Pure.

- `did`: a DID (DID v1.1, section 3.1); an authority's identifier is always one. Of a method that we resolve, it
  is one that could be resolved, in normal form (`resolver.read_spelling`).
- `https`: an https URL without user, query and fragment, as OpenID Federation 1.0, section 1.2 has it. It is
  registered as it is spelled, since credentials name it so: `iss` is compared without any change (RFC 7519,
  section 2, StringOrURI), so that capitals in the host, a default port or an escape are those of the issuer.
- `jwk-thumbprint`: a key alone, as the URI of its SHA-256 thumbprint (RFC 9278, section 3).
- `ni`: a certificate, a signer's or an authority's, as the URI of the SHA-256 of its DER (RFC 6920, section 3),
  without a host and a query, which say nothing of what is named.

`x509_hash:` (OpenID4VP 1.0, section 5.9.3) is another spelling of an `ni`, and no URI: it is taken wherever an
identifier is, and found, but kept as the `ni` (`canonical_identifier`).
"""

import base64
import hashlib
import re
from ipaddress import IPv6Address
from typing import Literal, TypeAlias

import msgspec

from resolver import JsonObject, ResolutionError, parse_did, read_spelling
from resolver.keys.jwk import jwk_of, jwk_to_key

IdentifierKind: TypeAlias = Literal["did", "https", "jwk-thumbprint", "ni"]

# The base64url text of 32 bytes: 43 characters, of which the last carries four bits and so is one of 16.
_SHA256 = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_THUMBPRINT_PREFIX = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"
_NI_PREFIX = "ni:///sha-256;"
_X509_HASH_PREFIX = "x509_hash:"
_THUMBPRINT = re.compile(_THUMBPRINT_PREFIX + _SHA256)
_NI = re.compile(_NI_PREFIX + _SHA256)
_X509_HASH = re.compile(_X509_HASH_PREFIX + _SHA256)

# A developer's own server, which no public did:web can name; the sample ecosystem has it.
_THIS_MACHINE = re.compile(r"did:web:localhost(?:%3A[1-9][0-9]{0,4})?(?::[A-Za-z0-9._:-]+)?")

# RFC 3986, sections 3.2.2, 3.2.3 and 3.3:
#
#   host = IP-literal / reg-name, not empty (RFC 9110, section 4.2.2)
#   port = *DIGIT   path-abempty = *( "/" *pchar )
_ESCAPE = "%[0-9A-Fa-f]{2}"
_HTTPS = re.compile(
    r"(?i:https)://"
    rf"(?:\[(?P<ipv6>[0-9A-Fa-f:.]++)\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|{_ESCAPE})++)(?::[0-9]*+)?"
    rf"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|{_ESCAPE})*+)*+",
    re.ASCII,
)


def identifier_kind(text: str) -> IdentifierKind:
    """
    Return which kind of identifier `text` is; `x509_hash:` is an `ni` in another spelling.

    Raises:
        ValueError: it is none of them, or a DID that is not in normal form.
    """
    if text.startswith("did:"):
        return _did(text)
    if is_https_url(text):
        return "https"
    if _THUMBPRINT.fullmatch(text):
        return "jwk-thumbprint"
    if _NI.fullmatch(text) or _X509_HASH.fullmatch(text):
        return "ni"
    raise ValueError(
        "expected a DID, an https URL, ni:///sha-256;<base64url of the SHA-256 of a certificate's DER> "
        "or a JWK thumbprint URI"
    )


def canonical_identifier(text: str) -> str:
    """
    Return the spelling in which `text` is registered: the only one, but for `x509_hash:`, which becomes an `ni`.

    Raises:
        ValueError: as `identifier_kind`.
    """
    identifier_kind(text)
    return as_registered(text)


def as_registered(text: str) -> str:
    """Return `canonical_identifier` of whatever somebody asks for; what is no identifier is nobody's, as it is."""
    if text.startswith(_X509_HASH_PREFIX):
        return _NI_PREFIX + text.removeprefix(_X509_HASH_PREFIX)
    return text


def certificate_identifier(der: bytes) -> str:
    """Return the `ni` of a certificate; whether `der` is one is for the caller to know."""
    return _NI_PREFIX + _digest(der)


def key_identifier(jwk: JsonObject) -> str:
    """
    Return the thumbprint URI of a public key (RFC 7638, section 3; RFC 9278, section 3).

    Raises:
        ValueError: private members, a key type other than EC, OKP and RSA, or a key that we refuse.
    """
    required = jwk_of(jwk_to_key(jwk))
    return _THUMBPRINT_PREFIX + _digest(msgspec.json.encode(required, order="sorted"))


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def is_https_url(text: str) -> bool:
    """Tell whether `text` is an https URL without user, query and fragment, in any spelling."""
    found = _HTTPS.fullmatch(text)
    return found is not None and (found["ipv6"] is None or _is_ipv6(found["ipv6"]))


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _did(text: str) -> IdentifierKind:
    try:
        (parse_did if _THIS_MACHINE.fullmatch(text) else read_spelling)(text)
    except ResolutionError as error:
        raise ValueError(error.detail) from None
    return "did"
