"""
The options of a request: in the query of its target, in its body, or in both. Pure.
"""

from collections.abc import Mapping, Set
from typing import Any, TypeGuard
from urllib.parse import unquote, unquote_to_bytes

import msgspec

from resolver.binding.target import Target
from resolver.did import DidUrl, parse_parameters
from resolver.errors import InvalidDidUrl, InvalidOptions, ResolutionError
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

MAX_OPTIONS = 16  # of a request; there are 13 names
_MAX_VALUES = 64  # JSON values of an object of options, which is refused before it is decoded

Given = Mapping[str, object] | InvalidOptions  # the options of a body, or why they cannot be read
NOTHING_GIVEN: Mapping[str, object] = {}


class NamedOptions(msgspec.Struct, frozen=True):
    """
    Options as given, read once.

    Attributes:
        names: of all of them, whether or not their values can be read.
        values: by their names; or why they cannot be read: InvalidDidUrl in the query of a verbatim DID URL, else
            InvalidOptions.
    """

    names: Set[str]
    values: Mapping[str, object] | ResolutionError


NOTHING_NAMED = NamedOptions(frozenset(), {})


def query_options(target: Target) -> NamedOptions:
    """Read the options in the query of a target."""
    query = target.option_query
    if not query:
        return NOTHING_NAMED
    try:
        values = _json_of(target) if _is_json(target) else _parameters_of(query)
    except InvalidOptions as error:
        return NamedOptions(frozenset(), error)
    except InvalidDidUrl as error:
        names = {unquote(part.partition("=")[0]) for part in query.split("&", MAX_OPTIONS) if part}
        return NamedOptions(names, error if target.is_verbatim else InvalidOptions(error.detail))
    return NamedOptions(values.keys(), values)


def joined(in_query: NamedOptions, given: Given) -> NamedOptions:
    """Return the options of the query and those of the body; one that is in both is refused."""
    values = in_query.values
    if isinstance(given, InvalidOptions):
        return NamedOptions(in_query.names, values if isinstance(values, ResolutionError) else given)
    if not given:
        return in_query
    names = in_query.names | given.keys()
    if isinstance(values, ResolutionError):
        return NamedOptions(names, values)
    if values.keys() & given.keys():
        return NamedOptions(names, InvalidOptions("an option occurs in the query and in the body"))
    return NamedOptions(names, {**values, **given})


def read_options(
    planner: Planner, target: Target, did_url: DidUrl, named: NamedOptions, *, no_cache: bool
) -> Options:
    """
    Judge the options in the order of the resolution algorithm.

    1. Syntax of the DID URL, and its method.
    2. Is every option supported? A version in the DID URL itself counts as one.
    3. Is each of them valid?

    Args:
        no_cache: `Cache-Control: no-cache` was sent: the option `noCache`, where that is not given itself.

    Raises:
        ResolutionError: as `refuse_unsupported`, `options_of`; InvalidOptions also for an option given twice.
    """
    if isinstance(named.values, InvalidDidUrl):  # 1.
        raise named.values
    own = parse_parameters(did_url.query).keys() & VERSION_OPTIONS
    did = did_url.did
    planner.require_method(did)
    names = own | named.names  # 2.
    refuse_unsupported(names, did.method, planner.versions_of(did), dereferences=target.is_did_url)
    if isinstance(named.values, ResolutionError):
        raise named.values
    values = dict(named.values)
    refuse_format(values.get(PUBLIC_KEY_FORMAT), did.method)  # Its value decides.
    accept = values.pop(ACCEPT, "*/*")  # 3.
    options = options_of({NO_CACHE: True} | values if no_cache else values)
    if not is_accept(accept):
        raise InvalidOptions("the option accept must be written as an Accept header is")
    return options


def wanted_accept(named: NamedOptions, header: str | None) -> str | None:
    """Return the option `accept` where it can be read, else the header."""
    if isinstance(named.values, ResolutionError):
        return header
    option = named.values.get(ACCEPT)
    return option if is_accept(option) else header


def is_accept(option: object) -> TypeGuard[str]:
    """Tell whether the value of the option `accept` is written as an Accept header is."""
    return isinstance(option, str) and is_accept_header(option)


def _parameters_of(query: str) -> Mapping[str, object]:
    if query.count("&") >= MAX_OPTIONS:
        raise InvalidDidUrl(f"expected at most {MAX_OPTIONS} options")
    return parse_parameters(query)


def _is_json(target: Target) -> bool:
    """
    Tell whether the options after an encoded identifier are one JSON object, percent-encoded.

    So do clients of Universal Resolver send them, its own web page among them; no option begins with a brace.
    """
    return not target.is_verbatim and target.option_query.startswith(("%7B", "%7b", "{"))


def _json_of(target: Target) -> Mapping[str, object]:
    try:
        options: Mapping[str, object] = _read(unquote_to_bytes(target.option_query))
    except JsonError as error:
        raise InvalidOptions(f"the query is not a JSON object of options: {error}") from None
    return options  # Begins with a brace: an object.


def _read(body: bytes) -> Any:
    return read(body, max_bytes=MAX_BODY_BYTES, max_values=_MAX_VALUES)


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
        options = _read(body)
    except JsonError as error:
        return InvalidOptions(f"the body is not a JSON object of options: {error}")
    return (
        options if isinstance(options, dict) else InvalidOptions("the body must be a JSON object of options")
    )
