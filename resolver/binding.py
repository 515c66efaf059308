"""
The HTTP(S) binding of DID Resolution v1 without a web framework: a request's bytes to an `Answer`. Service.

The identifier is taken from the raw path: a server's decoded path has lost which colons and slashes were
percent-encoded, and with that which DID was meant.
"""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from resolver.did import parse_did_url, parse_parameters
from resolver.errors import InvalidDidUrl, InvalidOptions, ResolutionError
from resolver.options import OPTION_NAMES, options_of
from resolver.representation import present
from resolver.resolution import Resolver, require_method
from resolver.results import DEFAULT_OPTIONS, Dereferenced, JsonObject, Options, Resolved
from wire import Answer, JsonError, UnsupportedMediaType, read
from wire.body import MAX_BODY_BYTES, media_type_of

BASE_PATH = "/1.0/identifiers"
_RAW_BASE_PATH = BASE_PATH.encode() + b"/"

# The binding's OpenAPI document gives the body the types of the results; clients send JSON, or no type.
_OPTION_TYPES = ("", "application/json", "application/did-resolution", "application/did-url-dereferencing")


class Asked(msgspec.Struct, frozen=True):
    """What a request asks for: a DID or DID URL as meant, and the part of the query that holds options."""

    identifier: str
    option_query: str = ""

    @property
    def is_did_url(self) -> bool:
        return not set("/?#").isdisjoint(self.identifier)


def read_asked(raw_path: bytes, query_string: bytes) -> Asked:
    """
    Read what is asked for (DID Resolution v1, section HTTP(S) Binding: how to tell the two forms apart).

    1. `did%3A...`: percent-encoded as a whole; decoded once, and the query holds options.
    2. Else the path is the identifier as it stands, and the query belongs to the DID URL; but where it has
       names of options only, after a bare DID, these are options: so do clients ask that do not encode.

    What is not ASCII is left in, for the grammar of DIDs to refuse.
    """
    raw = raw_path.removeprefix(_RAW_BASE_PATH) if raw_path.startswith(_RAW_BASE_PATH) else b""
    query = query_string.decode("latin-1")
    if raw[:6].lower() == b"did%3a":
        return Asked(unquote_to_bytes(raw).decode("latin-1"), query)
    identifier = raw.decode("latin-1")
    if not query or ("/" not in identifier and _has_options_only(query)):
        return Asked(identifier, query)
    return Asked(f"{identifier}?{query}")


def answer_local(
    resolver: Resolver,
    raw_path: bytes,
    query_string: bytes,
    accept: str | None,
    given: Mapping[str, object] = {},
) -> Answer | None:
    """
    Answer what needs no network, errors included; None where the network is needed.

    Args:
        raw_path, query_string: as in the ASGI scope.
        accept: the Accept header.
        given: options from a body.
    """
    asked = read_asked(raw_path, query_string)
    try:
        result = _local(resolver, asked, _options(asked, given))
    except ResolutionError as error:
        return present(error, accept, did_url=asked.is_did_url)
    return None if result is None else present(result, accept, did_url=asked.is_did_url)


async def answer(
    resolver: Resolver,
    raw_path: bytes,
    query_string: bytes,
    accept: str | None,
    given: Mapping[str, object] = {},
) -> Answer:
    """Answer anything; arguments as `answer_local`."""
    local = answer_local(resolver, raw_path, query_string, accept, given)
    if local is not None:
        return local
    asked = read_asked(raw_path, query_string)
    try:
        result = await _remote(resolver, asked, _options(asked, given))
    except ResolutionError as error:
        return present(error, accept, did_url=asked.is_did_url)
    return present(result, accept, did_url=asked.is_did_url)


def _local(resolver: Resolver, asked: Asked, options: Options) -> Resolved | Dereferenced | None:
    if asked.is_did_url:
        return resolver.dereference_local(asked.identifier, options)
    return resolver.resolve_local(asked.identifier, options)


async def _remote(resolver: Resolver, asked: Asked, options: Options) -> Resolved | Dereferenced:
    if asked.is_did_url:
        return await resolver.dereference(asked.identifier, options)
    return await resolver.resolve(asked.identifier, options)


def _options(asked: Asked, given: Mapping[str, object]) -> Options:
    """
    Read the options, of the query and of the body; after syntax and method, whose errors come first.

    Raises:
        ResolutionError: as `options_of`; InvalidOptions also for an option given twice.
    """
    if not asked.option_query and not given:
        return DEFAULT_OPTIONS
    require_method(parse_did_url(asked.identifier).did)
    try:
        parameters = parse_parameters(asked.option_query)
    except InvalidDidUrl as error:
        raise InvalidOptions(error.detail) from None
    if parameters.keys() & given.keys():
        raise InvalidOptions("an option occurs in the query and in the body")
    return options_of({**parameters, **given})


def _has_options_only(query: str) -> bool:
    return all(part.partition("=")[0] in OPTION_NAMES for part in query.split("&"))


def read_options_body(body: bytes, content_type: str | None) -> JsonObject:
    """
    Read the body of a POST: a JSON object of options, or nothing.

    Raises:
        UnsupportedMediaType: a Content-Type that no client of the binding sends.
        InvalidOptions: not a JSON object, or one with a member twice.
    """
    if media_type_of(content_type) not in _OPTION_TYPES:
        raise UnsupportedMediaType("expected options as application/json or application/did-resolution")
    if not body:
        return {}
    try:
        options = read(body, max_bytes=MAX_BODY_BYTES)
    except JsonError as error:
        raise InvalidOptions(f"the body is not a JSON object of options: {error}") from None
    if not isinstance(options, dict):
        raise InvalidOptions("the body must be a JSON object of options")
    return options
