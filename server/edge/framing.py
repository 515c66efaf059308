"""
What a request's head says of where requests begin and end, judged so that no two parsers read it differently. Pure.

RFC 9112, sections 3.2, 6.1 and 6.3.
"""

import re
from collections import Counter
from collections.abc import Sequence

from server.edge.protocol_errors import (
    AmbiguousRequest,
    MalformedRequest,
    MethodNotImplemented,
    UnknownTransferCoding,
)
from wire import Refusal

LENGTHS = frozenset((b"content-length", b"transfer-encoding"))  # headers that tell of a body

# RFC 9112, section 3: method SP request-target SP HTTP-version. Tells an unknown method from what is no HTTP.
_REQUEST_LINE = re.compile(rb"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+) [\x21-\x7e]+ HTTP/1\.[01]\r\n")
_KNOWN_METHODS = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH".split()
)  # RFC 9110, RFC 5789

# RFC 9110, section 7.2, and RFC 3986, section 3.2.2: uri-host [ ":" port ]; both may be empty.
_HOST = re.compile(
    rb"(?:\[[0-9A-Za-z:._~!$&'()*+,;=-]+\]|(?:[0-9A-Za-z._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*+)(?::[0-9]*+)?"
)


def is_host(value: bytes) -> bool:
    """Tell whether the value of a Host header is a host and a port."""
    return _HOST.fullmatch(value) is not None


def framing_fault(
    version: str, headers: Sequence[tuple[bytes, bytes]], *, offers_upgrade: bool
) -> Refusal | None:
    """
    Return why a head cannot be answered; None: its framing is plain.

    Args:
        headers: with their names in lower case.
        offers_upgrade: httptools does not read the content of such a request.
    """
    if version not in ("1.0", "1.1"):
        return MalformedRequest("expected HTTP/1.1 or HTTP/1.0")
    counts = Counter(name for name, _ in headers)
    codings, lengths, hosts = counts[b"transfer-encoding"], counts[b"content-length"], counts[b"host"]
    if codings and lengths:
        return AmbiguousRequest("Content-Length beside Transfer-Encoding: the length is ambiguous")
    if lengths > 1 or codings > 1:
        return AmbiguousRequest("Content-Length or Transfer-Encoding occurs twice")
    if hosts > 1 or (not hosts and version == "1.1"):
        return AmbiguousRequest("expected exactly one Host header")
    if offers_upgrade and (codings or lengths):
        return AmbiguousRequest("a request with content cannot offer to upgrade")
    if codings and dict(headers)[b"transfer-encoding"].lower() != b"chunked":
        return UnknownTransferCoding("expected no transfer coding but chunked")
    return None


def unknown_method(data: bytes) -> Refusal:
    """Tell an unknown method, which is HTTP, from what is not; only where it is the first of what arrived."""
    found = _REQUEST_LINE.match(data)
    if found and found[1] not in _KNOWN_METHODS:
        return MethodNotImplemented("no resource here has that method; method names are in upper case")
    return MalformedRequest("not a valid HTTP/1.1 request")
