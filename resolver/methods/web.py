"""
did:web, a document on a web server as a DID. Pure: which URL to fetch, and what its answer means.

did:web Method (CG draft of 2024-08-01). Its rules leave much open; the host and path rules here are those of
did:webvh v1.0 and of the outbound guard. Everything is refused before any network traffic.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_to_bytes

from resolver.did import Did, parse_did
from resolver.documents.document import MAX_DOCUMENT_BYTES, read_document
from resolver.errors import InvalidDid, InvalidDidDocument, NotFound, OriginFailed, ResolutionError
from resolver.lint.subject import Finding, Severity
from resolver.methods.method import Method, refuse_public_key_format, refuse_versions
from resolver.methods.question import Question
from resolver.results import DEFAULT_OPTIONS, Fetched, FetchPlan, JsonObject, Options

_ACCEPT = (
    "application/did, application/did+json, application/did+ld+json, application/json, application/ld+json"
)

# RFC 1123, section 2.1 (letters, digits, inner hyphens; 63 bytes at most), at least two labels, the last one
# alphabetic or an A-label: no IPv4 address in any spelling ends so.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{0,58}}[a-z0-9])")
_MAX_HOST_CHARS = 253  # characters; RFC 1035, section 2.3.4, without the trailing dot

# RFC 6761 and its registry, RFC 8375 (home.arpa), ICANN SAC 115 (internal): names that no public server has.
# `example` is left in: nothing is delegated there either, and the examples of the field use it.
_SPECIAL_USE = frozenset({"localhost", "local", "internal", "test", "invalid", "onion", "arpa"})

_HOST_AND_PORT = re.compile(r"([^%]+)(?:%3[Aa]([1-9][0-9]{2,4}))?")
_HTTPS_PORT = 443
_ROOT_PATH = "/.well-known/did.json"  # of a did:web without a path; the same behind a path is a path
_FREE_PORTS = range(1_024, 65_536)  # below are services that must not be reached through us

_PLAIN_SEGMENT = re.compile(r"[A-Za-z0-9._-]*[A-Za-z0-9_-]")  # the common case, which needs no decoding

_MAX_REMEMBERED_CHARS = 512  # characters of an identifier whose plan is remembered

# application/json, application/did, and every `+json`; RFC 6839, section 3.1.
_JSON_TYPE = re.compile(r"(?:application|text)/(?:json|did|[a-z0-9!#$&^_.+-]+\+json)")
# What hosts of plain files say of a name, or of one that they do not know: nothing about what is in the file.
_UNTOLD_TYPES = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})


class WebMethod(Method):
    """did:web; documents are fetched."""

    name = "web"

    def plan(self, did: Did, options: Options) -> FetchPlan:
        """
        Return what to fetch (section Read): `https://<host>[:port]/<path>/did.json`.

        1. The first segment is the host, in lower case for the URL, and its port after `%3A`.
        2. The other segments are the path, or `/.well-known` where there are none.

        Raises:
            InvalidDid: a host, port or path segment that we refuse.
            FeatureNotSupported: a version or publicKeyFormat.
        """
        identifier = did.method_specific_id
        plan = _plan_of(identifier) if len(identifier) <= _MAX_REMEMBERED_CHARS else _new_plan(identifier)
        if options is not DEFAULT_OPTIONS:
            refuse_versions(options)
            refuse_public_key_format(options, did.method)
        return plan

    def question(self, did: Did, options: Options) -> Question:
        """Return what to ask: the DID in its one spelling, of its host; raises as `plan`."""
        plan = self.plan(did, options)
        return Question(normal_form(plan), plan.host)

    def document(self, did: Did, fetched: Fetched) -> JsonObject | None:
        """
        Return the document that the origin served, or None where it says 410 Gone: deactivated.

        Its id may be any spelling of `did`, the normal form; whether it is the one asked for is told later.

        did:web deletes a document to deactivate it; 404 stays NOT_FOUND, since that is what a mistake gives.

        Raises:
            NotFound: 404.
            OriginFailed: any status but 200, 404 and 410; the member `originStatus` has it.
            InvalidDidDocument: of a content type that is another's (text/html), or refused by `read_document`.
        """
        if fetched.status == 410:
            return None
        if fetched.status == 404:
            raise NotFound("the web server has no document for this DID")
        if fetched.status != 200:
            raise OriginFailed(
                f"the web server answered with status {fetched.status}", originStatus=fetched.status
            )
        if not _is_json(fetched) and _media_type(fetched) not in _UNTOLD_TYPES:
            raise InvalidDidDocument(
                "the web server did not serve the document as JSON (its Content-Type); "
                "expected application/did or application/json"
            )
        return read_document(fetched.body, did.text, max_bytes=MAX_DOCUMENT_BYTES, is_same=_is_spelling_of)

    def warnings(self, fetched: Fetched) -> tuple[JsonObject, ...]:
        """Return what to tell of how a document was served that `document` has read."""
        if _is_json(fetched):
            return ()
        told = f"served as {_media_type(fetched) or 'no media type'}, not as JSON; it was read strictly"
        advice = "serve did.json with Content-Type: application/did or application/json"
        return (Finding("media-type", "", Severity.WARNING, told, advice).as_json(),)


def _is_spelling_of(found: str, normal: str) -> bool:
    try:
        return found == normal or normal_form(WEB.plan(parse_did(found), DEFAULT_OPTIONS)) == normal
    except ResolutionError:
        return False


def authority_of(did: Did) -> str:
    """Return `host` or `host:port` of a did:web, in lower case and without port 443, be it ours or a stranger's."""
    return unquote(did.method_specific_id.partition(":")[0]).lower().removesuffix(":443")


def normal_form(plan: FetchPlan) -> str:
    """
    Return the DID in its one spelling: host in lower case, `%3A` before a port other than 443, and nothing
    percent-encoded in the path but what is no character of a DID.
    """
    port = "" if plan.port == _HTTPS_PORT else f"%3A{plan.port}"
    path = "" if plan.path == _ROOT_PATH else plan.path.removesuffix("/did.json")
    return f"did:web:{plan.host}{port}{path.replace('/', ':').replace('~', '%7E')}"


def _new_plan(identifier: str) -> FetchPlan:
    first, *segments = identifier.split(":")
    host, port = _host_and_port(first)
    path = "/".join(_path_segment(segment) for segment in segments) or ".well-known"
    return FetchPlan(
        host=host, port=port, path=f"/{path}/did.json", accept=_ACCEPT, max_bytes=MAX_DOCUMENT_BYTES
    )


# One request asks for the plan of its DID six times, from the limits on clients to the spelling of the id.
_plan_of = lru_cache(256)(_new_plan)


def _host_and_port(segment: str) -> tuple[str, int]:
    found = _HOST_AND_PORT.fullmatch(segment)
    if found is None:
        raise InvalidDid("did:web: expected a host name, and at most a port after %3A")
    host, port = found[1].lower(), int(found[2] or _HTTPS_PORT)
    if len(host) > _MAX_HOST_CHARS or not _HOST.fullmatch(host):
        raise InvalidDid("did:web: expected a host name of at least two labels, in A-labels, not an address")
    if host.rpartition(".")[2] in _SPECIAL_USE:
        raise InvalidDid("did:web: the host name is one that no public web server has")
    if port != _HTTPS_PORT and port not in _FREE_PORTS:
        raise InvalidDid("did:web: expected port 443 or one of 1024 to 65535")
    return host, port


def _path_segment(segment: str) -> str:
    """
    Return a path segment as it goes on the wire: decoded once, checked, encoded again.

    So `%61` and `a` reach the same resource, and nothing decodes to a delimiter or to a second escape.
    """
    if _PLAIN_SEGMENT.fullmatch(segment):
        return segment
    try:
        text = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise InvalidDid("did:web: a path segment is not UTF-8") from None
    if text in ("", ".", "..") or text != text.strip() or not text.isprintable():
        raise InvalidDid("did:web: a path segment is empty, a dot segment, or has white space or controls")
    if not set("/\\?#%").isdisjoint(text):
        raise InvalidDid("did:web: a path segment has an encoded delimiter or is encoded twice")
    return quote(text, safe="")


def _is_json(fetched: Fetched) -> bool:
    return _JSON_TYPE.fullmatch(_media_type(fetched)) is not None


def _media_type(fetched: Fetched) -> str:
    """Return the type without its parameters: a charset has no effect on JSON (RFC 8259, section 11)."""
    return fetched.headers.get("content-type", "").partition(";")[0].strip().lower()


WEB = WebMethod()
