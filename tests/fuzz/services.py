"""
Fuzz target for URLs at service endpoints: nobody is sent anywhere but below the endpoint that a document names.

A case is three lines: the endpoint, `relativeRef` as it stands in a DID URL's query, the DID URL's fragment.
"""

import posixpath
from urllib.parse import unquote, urlsplit

import httpx

from resolver.did import parse_parameters
from resolver.documents.services import RELATIVE_REF, endpoint_urls
from resolver.errors import InvalidDidUrl

_DECODINGS = 8  # more than anything decodes


def relative_ref(data: bytes) -> None:
    """Whatever `relativeRef` says, the URL has the endpoint's host and a path at or below the endpoint's."""
    endpoint, reference, fragment = [*(line.decode("latin-1") for line in data.split(b"\n", 2)), "", ""][:3]
    services = [{"id": "#s", "type": "x", "serviceEndpoint": endpoint}]
    try:
        given = parse_parameters(f"{RELATIVE_REF}={reference}" if reference else "")
        urls = endpoint_urls(services, given.get(RELATIVE_REF), fragment or None)
    except InvalidDidUrl:
        return
    for url in urls:
        _is_below(url, endpoint)


def _is_below(url: str, endpoint: str) -> None:
    assert url.partition("#")[0].isascii() and url.partition("#")[0].isprintable(), "not a URL to send on"
    seen, base = urlsplit(url), urlsplit(endpoint)
    other = httpx.URL(url.partition("#")[0])
    assert seen.scheme in ("http", "https") and seen.scheme == base.scheme.lower()
    assert seen.netloc == base.netloc and "@" not in seen.netloc, "another host"
    assert other.raw_host == httpx.URL(f"{base.scheme}://{base.netloc}").raw_host and not other.userinfo, (
        "another host"
    )
    start = _carelessly(base.path).rstrip("/")
    for path in (seen.path, other.raw_path.decode().partition("?")[0]):
        found = _carelessly(path)
        assert found.rstrip("/") == start or found.startswith(f"{start}/"), f"outside of the endpoint: {url}"


def _carelessly(path: str) -> str:
    """Return what the least careful server makes of a path: decoded to the end, backslashes and `..;x` taken."""
    for _ in range(_DECODINGS):
        path = unquote(path)
    segments = [segment.partition(";")[0] for segment in path.replace("\\", "/").split("/")]
    return posixpath.normpath("/" + "/".join(segments).lstrip("/"))
