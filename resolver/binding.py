"""
The HTTP(S) binding of DID Resolution v1 without a web framework: a request's bytes to an `Answer`. Service.

The identifier is taken from the raw path: a server's decoded path has lost which colons and slashes were
percent-encoded, and with that which DID was meant.
"""

import math
from collections.abc import Callable, Mapping
from typing import TypeGuard
from urllib.parse import unquote, unquote_to_bytes

import msgspec

from resolver.did import Did, parse_did_url, parse_parameters
from resolver.errors import FeatureNotSupported, InvalidDid, InvalidDidUrl, InvalidOptions, ResolutionError
from resolver.options import ACCEPT, NO_CACHE, VERSION_OPTIONS, WIRE_NAMES, options_of, refuse_unsupported
from resolver.representation import present
from resolver.resolution import Resolver
from resolver.results import DEFAULT_OPTIONS, Dereferenced, Options, Resolved
from wire import Answer, JsonError, UnsupportedMediaType, parse_accept, read
from wire.body import MAX_BODY_BYTES, media_type_of

BASE_PATH = "/1.0/identifiers"
_RAW_BASE_PATH = BASE_PATH.encode() + b"/"

# The binding's OpenAPI document gives the body the types of the results; clients send JSON, or no type.
_OPTION_TYPES = ("", "application/json", "application/did-resolution", "application/did-url-dereferencing")


Given = Mapping[str, object] | InvalidOptions  # the options of a body, or why they cannot be read
NOTHING_GIVEN: Mapping[str, object] = {}
_NO_CACHE = Options(no_cache=True)

WaitToRenew = Callable[[], float]


def _at_once() -> float:
    return 0.0


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
    given: Given = NOTHING_GIVEN,
    *,
    no_cache: bool = False,
) -> Answer | None:
    """
    Answer what needs no network, errors included; None where the network is needed.

    Args:
        raw_path, query_string: as in the ASGI scope.
        accept: the Accept header; the option of this name goes over it.
        given: options from a body.
        no_cache: `Cache-Control: no-cache` was sent: the option `noCache`, where that is not given itself.
    """
    asked = read_asked(raw_path, query_string)
    accept = _accept(asked, given, accept)
    try:
        result = _local(resolver, asked, _options(resolver, asked, given, no_cache=no_cache))
    except ResolutionError as error:
        return present(error, accept, did_url=asked.is_did_url)
    return None if result is None else present(result, accept, did_url=asked.is_did_url)


async def answer(
    resolver: Resolver,
    raw_path: bytes,
    query_string: bytes,
    accept: str | None,
    given: Given = NOTHING_GIVEN,
    *,
    no_cache: bool = False,
    wait_to_renew: WaitToRenew = _at_once,
) -> Answer:
    """
    Answer anything; arguments as `answer_local`.

    Args:
        wait_to_renew: takes a token for going around the cache; returns 0, or the seconds until there is one.
    """
    local = answer_local(resolver, raw_path, query_string, accept, given, no_cache=no_cache)
    if local is not None:
        return local
    asked = read_asked(raw_path, query_string)
    accept = _accept(asked, given, accept)
    try:
        options = _options(resolver, asked, given, no_cache=no_cache)
        if options.no_cache:
            options = _within_budget(options, wait_to_renew, was_named=NO_CACHE in _names(asked, given))
        result = await _remote(resolver, asked, options)
    except ResolutionError as error:
        return present(error, accept, did_url=asked.is_did_url)
    return present(result, accept, did_url=asked.is_did_url)


def may_fetch(resolver: Resolver, raw_path: bytes, query_string: bytes) -> bool:
    """
    Tell whether a request may make us ask an origin, for the limits on clients; does not ask it.

    False for what is computed, for our own DIDs, and for what is refused before any network traffic. Options
    in a body are not looked at.
    """
    asked = read_asked(raw_path, query_string)
    try:
        if not resolver.may_fetch(parse_did_url(asked.identifier).did):
            return False
        return _local(resolver, asked, _options(resolver, asked, NOTHING_GIVEN, no_cache=False)) is None
    except ResolutionError:
        return False


def _local(resolver: Resolver, asked: Asked, options: Options) -> Resolved | Dereferenced | None:
    if asked.is_did_url:
        return resolver.dereference_local(asked.identifier, options)
    return resolver.resolve_local(asked.identifier, options)


def _within_budget(options: Options, wait_to_renew: WaitToRenew, *, was_named: bool) -> Options:
    """
    Return the options of a client that wants to go around the cache, as far as it may.

    Past its budget the option is refused, as the specification says (DID Resolution v1, Security Considerations);
    the header of a browser's reload is answered from the cache instead, whose Age tells so.

    Raises:
        FeatureNotSupported: the option was given; Retry-After says when it may be again.
    """
    seconds = math.ceil(wait_to_renew())
    if seconds and was_named:
        raise FeatureNotSupported(
            f"this client may not go around the cache now; noCache is permitted again in {seconds} s",
            headers={"retry-after": str(seconds)},
        )
    return msgspec.structs.replace(options, no_cache=False) if seconds else options


async def _remote(resolver: Resolver, asked: Asked, options: Options) -> Resolved | Dereferenced:
    if asked.is_did_url:
        return await resolver.dereference(asked.identifier, options)
    return await resolver.resolve(asked.identifier, options)


def _options(resolver: Resolver, asked: Asked, given: Given, *, no_cache: bool) -> Options:
    """
    Read the options, of the query and of the body, in the order of the resolution algorithm.

    1. Syntax of the DID, its method, and what the method says of the syntax.
    2. Is every option supported? A version in the DID URL itself counts as one.
    3. Is each of them valid?

    Raises:
        ResolutionError: as `refuse_unsupported`, `options_of`; InvalidOptions also for an option given twice.
    """
    if not asked.option_query and not given:
        return _NO_CACHE if no_cache else DEFAULT_OPTIONS
    did_url = parse_did_url(asked.identifier)  # 1.
    own = parse_parameters(did_url.query).keys() & VERSION_OPTIONS
    resolver.require_method(did_url.did)
    _require_valid(resolver, did_url.did)
    versions = resolver.versions_of(did_url.did)
    refuse_unsupported(own | _names(asked, given), did_url.did.method, versions)  # 2.
    named = _given_options(asked, given)  # 3.
    accept = named.pop(ACCEPT, "*/*")
    options = options_of({NO_CACHE: True} | named if no_cache else named)
    if not _is_accept(accept):
        raise InvalidOptions("the option accept must be written as an Accept header is")
    return options


def _require_valid(resolver: Resolver, did: Did) -> None:
    """Refuse a DID that breaks a rule of its method; whatever else is wrong with it is told in its turn."""
    try:
        resolver.resolve_local(did.text)
    except InvalidDid:
        raise
    except ResolutionError:
        return


def _accept(asked: Asked, given: Given, header: str | None) -> str | None:
    """Return the option `accept` where it can be read, else the header."""
    if not asked.option_query and not given:
        return header
    try:
        option = _given_options(asked, given).get(ACCEPT)
    except InvalidOptions:
        return header
    return option if _is_accept(option) else header


def _is_accept(option: object) -> TypeGuard[str]:
    return isinstance(option, str) and bool(parse_accept(option))


def _names(asked: Asked, given: Given) -> set[str]:
    """Return the names of all options, whether or not their values can be read."""
    in_query = {unquote(part.partition("=")[0]) for part in asked.option_query.split("&") if part}
    return in_query if isinstance(given, InvalidOptions) else in_query | given.keys()


def _given_options(asked: Asked, given: Given) -> dict[str, object]:
    try:
        parameters = parse_parameters(asked.option_query)
    except InvalidDidUrl as error:
        raise InvalidOptions(error.detail) from None
    if isinstance(given, InvalidOptions):
        raise given
    if parameters.keys() & given.keys():
        raise InvalidOptions("an option occurs in the query and in the body")
    return {**parameters, **given}


def _has_options_only(query: str) -> bool:
    return all(part.partition("=")[0] in WIRE_NAMES for part in query.split("&"))


def read_options_body(body: bytes, content_type: str | None) -> Given:
    """
    Read the body of a POST: a JSON object of options, or nothing.

    What is not an object, or has a member twice, is returned as the error it is: it is told only after those
    of the DID (`_options`).

    Raises:
        UnsupportedMediaType: a Content-Type that no client of the binding sends.
    """
    if media_type_of(content_type) not in _OPTION_TYPES:
        raise UnsupportedMediaType("expected options as application/json or application/did-resolution")
    if not body:
        return {}
    try:
        options = read(body, max_bytes=MAX_BODY_BYTES)
    except JsonError as error:
        return InvalidOptions(f"the body is not a JSON object of options: {error}")
    return (
        options if isinstance(options, dict) else InvalidOptions("the body must be a JSON object of options")
    )
