"""
Services of a DID document: which ones a DID URL selects, and the URLs that it names at their endpoints. Pure.

DID Resolution v1 (CR of 2026-07-23), section 5.4.1 (Dereferencing the Resource), steps on `service`,
`serviceType` and `relativeRef`, and section 13.7.1 (Path Traversal via relativeRef).
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address
from itertools import islice
from urllib.parse import quote

import msgspec

from resolver.documents.ids import absolute
from resolver.documents.references import Reference, fully_decoded, parse_reference, resolved_reference
from resolver.errors import InvalidDidUrl
from resolver.results import JsonObject

SERVICE, SERVICE_TYPE, RELATIVE_REF = "service", "serviceType", "relativeRef"

MAX_RELATIVE_REF_CHARS = 2_048  # characters; the same as of a URL in `outbound/urls.py`
MAX_ENDPOINT_CHARS = 2_048
# Endpoints that are looked at: a client is sent to one of them, and the time to judge them is bounded.
MAX_ENDPOINTS = 16

# RFC 3986, appendix A. A URL to send a browser to: http or https, no userinfo, ASCII, nothing to repair.
#
#   relative-part = "//" authority path-abempty / path-absolute / path-noscheme / path-empty
#
# of which only the last three may be asked for: `//` would name another host.
_PCHAR = r"A-Za-z0-9._~!$&'()*+,;=:@\-"
_PATH = rf"[{_PCHAR}/]*(?:%[0-9A-Fa-f]{{2}}[{_PCHAR}/]*)*"
_TAIL = rf"[{_PCHAR}/?]*(?:%[0-9A-Fa-f]{{2}}[{_PCHAR}/?]*)*"  # of a query or a fragment
_REST = rf"(?:\?{_TAIL})?(?:#{_TAIL})?"
_HOST = r"(?:[A-Za-z0-9._~\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_HTTP_URL = re.compile(rf"[Hh][Tt][Tt][Pp][Ss]?://{_HOST}(?:/{_PATH})?{_REST}")
_RELATIVE_REF = re.compile(rf"(?!//)(?![^/?#]*:){_PATH}{_REST}")


def selected_services(document: JsonObject, parameters: Mapping[str, str]) -> list[JsonObject]:
    """
    Return the services that have the id `service` and the type `serviceType`, of those given.

    Ids are compared as absolute DID URLs; a bare word counts as a fragment: `files`, `#files` and
    `did:...#files` are one, in the parameter and in the document.
    """
    did, own_id, kind = document["id"], parameters.get(SERVICE), parameters.get(SERVICE_TYPE)
    return [
        service
        for service in document.get("service", [])
        if (own_id is None or _has_id(service, own_id, did)) and (kind is None or _has_type(service, kind))
    ]


def endpoint_urls(
    services: list[JsonObject], relative_ref: str | None, fragment: str | None
) -> tuple[str, ...]:
    """
    Return the http and https URLs that a DID URL names at the endpoints of `services`, in their order.

    1. Endpoints that are maps are passed over, and so is what is no such URL: we send nobody there. Only the
       first `MAX_ENDPOINTS` that are strings are looked at.
    2. `relative_ref` is resolved against each.
    3. A URL inherits the fragment of the DID URL.

    Raises:
        InvalidDidUrl: `relative_ref` is not a relative reference, or leaves an endpoint; two fragments.
    """
    relative = None if relative_ref is None else _relative_ref(relative_ref)
    urls = []
    for endpoint in filter(_is_http_url, islice(_endpoints(services), MAX_ENDPOINTS)):
        url = parse_reference(endpoint)
        if relative is not None:
            url = _below(url, relative)
        urls.append(str(url if fragment is None else _with_fragment(url, fragment)))
    return tuple(dict.fromkeys(urls))


def _has_id(service: JsonObject, wanted: str, did: str) -> bool:
    own_id = service.get("id")
    return isinstance(own_id, str) and _absolute_id(own_id, did) == _absolute_id(wanted, did)


def _has_type(service: JsonObject, wanted: str) -> bool:
    kinds = service.get("type")
    return wanted in kinds if isinstance(kinds, list) else wanted == kinds


def _absolute_id(reference: str, did: str) -> str:
    is_bare_word = not reference.startswith(("#", "?", "/")) and ":" not in reference
    return f"{did}#{reference}" if is_bare_word else absolute(reference, did)


def _endpoints(services: list[JsonObject]) -> Iterator[str]:
    for service in services:
        endpoints = service.get("serviceEndpoint")
        for endpoint in endpoints if isinstance(endpoints, list) else [endpoints]:
            if isinstance(endpoint, str):
                yield endpoint


def _is_http_url(text: str) -> bool:
    if len(text) > MAX_ENDPOINT_CHARS or not _HTTP_URL.fullmatch(text):
        return False
    reference = parse_reference(text)
    if not _is_host(reference.authority or ""):
        return False
    path = fully_decoded(reference.path)
    return path is not None and _is_plain(path)


def _is_host(authority: str) -> bool:
    """Tell whether what is in brackets is an IPv6 address; a name was matched by the grammar."""
    if not authority.startswith("["):
        return True
    try:
        IPv6Address(authority[1:].partition("]")[0])
    except ValueError:
        return False
    return True


def _relative_ref(text: str) -> Reference:
    """
    Read `relativeRef`, decoded once with the query it stood in.

    What is not ASCII is encoded again (RFC 3987, section 3.1).

    Raises:
        InvalidDidUrl: too long; an absolute URL or another host; a character that no reference has, a
            backslash among them.
    """
    reference = quote(text, safe="".join(map(chr, range(128))))
    if len(reference) > MAX_RELATIVE_REF_CHARS:
        raise InvalidDidUrl(f"relativeRef may have {MAX_RELATIVE_REF_CHARS} characters; this one has more")
    if not _RELATIVE_REF.fullmatch(reference):
        raise InvalidDidUrl(
            "relativeRef: expected a path, query or fragment as RFC 3986 writes them, no more"
        )
    return parse_reference(reference)


def _below(endpoint: Reference, relative: Reference) -> Reference:
    """
    Return what `relative` names at `endpoint`, which is always below the endpoint's own path.

    1. As RFC 3986, section 5 resolves it, where that stays below.
    2. Else appended to the endpoint, as in the specification's own example (section 5.5.2): to
       `https://example.com/messages/8377464`, `/some/path` is `.../8377464/some/path`.
    3. What is below neither way, in any decoding, is refused.
    """
    base = fully_decoded(endpoint.path or "/")
    found = resolved_reference(endpoint, relative)
    if not _is_below(found, endpoint, base):
        directory = msgspec.structs.replace(endpoint, path=endpoint.path.removesuffix("/") + "/")
        appended = msgspec.structs.replace(relative, path=relative.path.lstrip("/") or "./")
        found = resolved_reference(directory, appended)
    if not _is_below(found, endpoint, base):
        raise InvalidDidUrl("relativeRef leaves the service endpoint")
    return found


def _is_below(url: Reference, endpoint: Reference, base: str | None) -> bool:
    """
    Tell whether the path of `url` is the endpoint's or below it, as the least careful reader decodes it.

    `base` is the endpoint's path, fully decoded.
    """
    if (url.scheme, url.authority) != (endpoint.scheme, endpoint.authority):
        return False
    path = fully_decoded(url.path or "/")
    if path is None or base is None or not _is_plain(path):  # `base` is plain: `_is_http_url`
        return False
    return path == base or path.startswith(base.removesuffix("/") + "/")


def _is_plain(decoded: str) -> bool:
    """
    Tell whether a decoded path has no dot segment, backslash or control character.

    `..;x` counts as `..`: servers of Java servlets drop what follows a semicolon.
    """
    segments = {segment.partition(";")[0] for segment in decoded.split("/")}
    return decoded.isprintable() and "\\" not in decoded and segments.isdisjoint({".", ".."})


def _with_fragment(url: Reference, fragment: str) -> Reference:
    if url.fragment is not None:
        raise InvalidDidUrl("the service endpoint has a fragment, so that the DID URL may not have one")
    return msgspec.structs.replace(url, fragment=fragment)


def with_services(document: JsonObject, services: tuple[JsonObject, ...]) -> JsonObject:
    """Return the document with these services (ids absolute) but for those whose id one of its own has."""
    own = [service for service in document.get("service", []) if isinstance(service, dict)]
    ids = {absolute(service["id"], document["id"]) for service in own if isinstance(service.get("id"), str)}
    return {**document, "service": [*own, *(service for service in services if service["id"] not in ids)]}
