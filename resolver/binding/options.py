"""
The options of a request: in the query of its target, in its body, or in both. Pure.
"""

from collections.abc import Mapping
from typing import TypeGuard
from urllib.parse import unquote, unquote_to_bytes

from resolver.binding.target import Target
from resolver.did import DidUrl, parse_parameters
from resolver.errors import InvalidDidUrl, InvalidOptions
from resolver.options import (
    ACCEPT,
    NO_CACHE,
    PUBLIC_KEY_FORMAT,
    VERSION_OPTIONS,
    options_of,
    refuse_format,
    refuse_unsupported,
)
from resolver.planning import Planner
from resolver.results import Options
from wire import JsonError, UnsupportedMediaType, read
from wire.body import MAX_BODY_BYTES, media_type_of
from wire.negotiation import is_accept as is_accept_header

# The binding's OpenAPI document gives the body the types of the results; clients send JSON, or no type.
_OPTION_TYPES = ("", "application/json", "application/did-resolution", "application/did-url-dereferencing")

Given = Mapping[str, object] | InvalidOptions  # the options of a body, or why they cannot be read
NOTHING_GIVEN: Mapping[str, object] = {}


def read_options(
    planner: Planner, target: Target, did_url: DidUrl, given: Given, *, no_cache: bool
) -> Options:
    """
    Read the options, of the query and of the body, in the order of the resolution algorithm.

    1. Syntax of the DID URL, and its method.
    2. Is every option supported? A version in the DID URL itself counts as one.
    3. Is each of them valid?

    Args:
        no_cache: `Cache-Control: no-cache` was sent: the option `noCache`, where that is not given itself.

    Raises:
        ResolutionError: as `refuse_unsupported`, `options_of`; InvalidOptions also for an option given twice.
    """
    if target.is_verbatim:  # 1.
        parse_parameters(target.option_query)
    own = parse_parameters(did_url.query).keys() & VERSION_OPTIONS
    did = did_url.did
    planner.require_method(did)
    names = own | option_names(target, given)  # 2.
    refuse_unsupported(names, did.method, planner.versions_of(did), dereferences=target.is_did_url)
    named = given_options(target, given)
    refuse_format(named.get(PUBLIC_KEY_FORMAT), did.method)  # Its value decides.
    accept = named.pop(ACCEPT, "*/*")  # 3.
    options = options_of({NO_CACHE: True} | named if no_cache else named)
    if not is_accept(accept):
        raise InvalidOptions("the option accept must be written as an Accept header is")
    return options


def wanted_accept(target: Target, given: Given, header: str | None) -> str | None:
    """Return the option `accept` where it can be read, else the header."""
    try:
        option = given_options(target, given).get(ACCEPT)
    except (InvalidDidUrl, InvalidOptions):
        return header
    return option if is_accept(option) else header


def is_accept(option: object) -> TypeGuard[str]:
    """Tell whether the value of the option `accept` is written as an Accept header is."""
    return isinstance(option, str) and is_accept_header(option)


def option_names(target: Target, given: Given) -> set[str]:
    """Return the names of all options, whether or not their values can be read."""
    in_query = _names_in_query(target)
    return in_query if isinstance(given, InvalidOptions) else in_query | given.keys()


def _names_in_query(target: Target) -> set[str]:
    if not _is_json(target):
        return {unquote(part.partition("=")[0]) for part in target.option_query.split("&") if part}
    try:
        return set(_json_of(target))
    except InvalidOptions:
        return set()


def given_options(target: Target, given: Given) -> dict[str, object]:
    """
    Return all options by their names, values as given.

    Raises:
        InvalidDidUrl: the query of a verbatim DID URL has a parameter twice, or is malformed.
        InvalidOptions: that of an encoded one is; an option in both places; a body that cannot be read.
    """
    try:
        parameters = _parameters_of(target)
    except InvalidDidUrl as error:
        if target.is_verbatim:
            raise
        raise InvalidOptions(error.detail) from None
    if isinstance(given, InvalidOptions):
        raise given
    if parameters.keys() & given.keys():
        raise InvalidOptions("an option occurs in the query and in the body")
    return {**parameters, **given}


def _parameters_of(target: Target) -> Mapping[str, object]:
    return _json_of(target) if _is_json(target) else parse_parameters(target.option_query)


def _is_json(target: Target) -> bool:
    """
    Tell whether the options after an encoded identifier are one JSON object, percent-encoded.

    So do clients of Universal Resolver send them, its own web page among them; no option begins with a brace.
    """
    return not target.is_verbatim and target.option_query.startswith(("%7B", "%7b", "{"))


def _json_of(target: Target) -> Mapping[str, object]:
    try:
        options: Mapping[str, object] = read(unquote_to_bytes(target.option_query), max_bytes=MAX_BODY_BYTES)
    except JsonError as error:
        raise InvalidOptions(f"the query is not a JSON object of options: {error}") from None
    return options  # Begins with a brace: an object.


def read_options_body(body: bytes, content_type: str | None) -> Given:
    """
    Read the body of a POST: a JSON object of options, or nothing.

    What is not an object, or has a member twice, is returned as the error it is: it is told only after those
    of the DID (`read_options`).

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
