"""
The kinds of identifier that an entity may have. Pure.

- `did`: a DID (DID v1.1, section 3.1); an authority's identifier is always one. Of a method that we resolve, it
  is one that could be resolved, in normal form (`resolver.read_spelling`).
- `https`: an https URL without user, query and fragment, as OpenID Federation 1.0, section 1.2 has it. It is
  registered as it is spelled, since credentials name it so: `iss` is compared without any change (RFC 7519,
  section 2, StringOrURI), so that capitals in the host, a default port or an escape are those of the issuer.
- `jwk-thumbprint`: a key alone, as the URI of its SHA-256 thumbprint (RFC 9278, section 3).
- `x509_hash`: a certificate alone, as the SHA-256 of its DER (OpenID4VP 1.0, section 5.9.3).
"""

import re
from ipaddress import IPv6Address
from typing import Literal, TypeAlias

from resolver import ResolutionError, parse_did, read_spelling

IdentifierKind: TypeAlias = Literal["did", "https", "jwk-thumbprint", "x509_hash"]

# The base64url text of 32 bytes: 43 characters, of which the last carries four bits and so is one of 16.
_SHA256 = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_THUMBPRINT = re.compile(rf"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{_SHA256}")
_X509_HASH = re.compile(rf"x509_hash:{_SHA256}")

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
    Return which kind of identifier `text` is.

    Raises:
        ValueError: it is none of them, or a DID that is not in normal form.
    """
    if text.startswith("did:"):
        return _did(text)
    if is_https_url(text):
        return "https"
    if _THUMBPRINT.fullmatch(text):
        return "jwk-thumbprint"
    if _X509_HASH.fullmatch(text):
        return "x509_hash"
    raise ValueError("expected a DID, an https URL, a JWK thumbprint URI or x509_hash:<SHA-256>")


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
