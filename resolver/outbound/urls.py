"""
An https URL that a stranger's document names, to a plan of what to fetch. Pure.

The strict half of RFC 3986: what a URL parser would have to repair or to guess is refused.
"""

import re

from resolver.did import parse_did
from resolver.errors import InvalidDid
from resolver.methods import WEB
from resolver.outbound.errors import UrlRefused
from resolver.results import DEFAULT_OPTIONS, FetchPlan

MAX_URL_CHARS = 2_048  # characters

# RFC 3986, appendix A, without userinfo, IP literals and fragment:
#
#   URI   = "https://" host [ ":" port ] path-abempty [ "?" query ]
#   pchar = unreserved / pct-encoded / sub-delims / ":" / "@"
_PCHAR = r"A-Za-z0-9\-._~!$&'()*+,;=:@"
_PATH_AND_QUERY = (
    rf"((?:/[{_PCHAR}/]*(?:%[0-9A-Fa-f]{{2}}[{_PCHAR}/]*)*)?)"
    rf"(\?[{_PCHAR}/?]*(?:%[0-9A-Fa-f]{{2}}[{_PCHAR}/?]*)*)?"
)
_URL = re.compile(rf"https://([A-Za-z0-9.-]+)(?::([0-9]+))?{_PATH_AND_QUERY}")
PATH_AND_QUERY = re.compile(_PATH_AND_QUERY)
# A segment that is ".", "..", or that with escapes.
DOT_SEGMENT = re.compile(r"/(?:\.|%2[Ee]){1,2}(?:/|$)")


def plan_for_url(url: str, *, accept: str, max_bytes: int) -> FetchPlan:
    """
    Return what to fetch for `url`; the path of the plan is path and query.

    Host and port follow the rules of did:web: a name of two labels or more, A-labels only, no address, no
    special-use name; port 443, or 1024 to 65535.

    Raises:
        UrlRefused: over `MAX_URL_CHARS`, not https, userinfo, a fragment, a host or port that did:web
            refuses, a dot segment, or a character that does not belong in a URL.
    """
    if len(url) > MAX_URL_CHARS:
        raise UrlRefused(f"a URL may have {MAX_URL_CHARS} characters; this one has more")
    found = _URL.fullmatch(url)
    if found is None:
        raise UrlRefused("expected https://<host>[:port]/<path>[?query], without user or fragment")
    host, port, path, query = found.groups()
    if DOT_SEGMENT.search(path):
        raise UrlRefused("the path has a dot segment")
    origin = _origin(host, port)
    return FetchPlan(
        host=origin.host,
        port=origin.port,
        path=(path or "/") + (query or ""),
        accept=accept,
        max_bytes=max_bytes,
    )


def _origin(host: str, port: str | None) -> FetchPlan:
    """Return the plan of the host's own did:web, so that the rules on hosts exist once."""
    try:
        return WEB.plan(parse_did(f"did:web:{host}" + (f"%3A{port}" if port else "")), DEFAULT_OPTIONS)
    except InvalidDid as error:
        raise UrlRefused(error.detail.removeprefix("did:web: ")) from None
