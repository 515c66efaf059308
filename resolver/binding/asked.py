"""
What a request of the HTTP(S) binding asks for: the identifier from its raw path, the options from its query and
body. Pure.

The identifier is taken from the raw path: a server's decoded path has lost which colons and slashes were
percent-encoded, and with that which DID was meant.
"""

from collections.abc import Mapping
from typing import TypeGuard
from urllib.parse import unquote, unquote_to_bytes

import msgspec

from resolver.did import parse_parameters
from resolver.errors import InvalidDidUrl, InvalidOptions
from resolver.options import ACCEPT, WIRE_NAMES
from wire import JsonError, UnsupportedMediaType, read
from wire.body import MAX_BODY_BYTES, media_type_of
from wire.negotiation import is_accept as is_accept_header

BASE_PATH = "/1.0/identifiers"
_RAW_BASE_PATH = BASE_PATH.encode() + b"/"

# The binding's OpenAPI document gives the body the types of the results; clients send JSON, or no type.
_OPTION_TYPES = ("", "application/json", "application/did-resolution", "application/did-url-dereferencing")

Given = Mapping[str, object] | InvalidOptions  # the options of a body, or why they cannot be read
NOTHING_GIVEN: Mapping[str, object] = {}


class Asked(msgspec.Struct, frozen=True):
    """
    What a request asks for: a DID or DID URL as meant, and the part of the query that holds options.

    `is_verbatim` tells that the query stands after a DID that was not percent-encoded as a whole: by the letter it
    is part of a DID URL.
    """

    identifier: str
    option_query: str = ""
    is_verbatim: bool = False

    @property
    def is_did_url(self) -> bool:
        identifier = self.identifier
        return "#" in identifier or "?" in identifier or "/" in identifier


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
    if not query:
        return Asked(identifier)
    if "/" not in identifier and _has_options_only(query):
        return Asked(identifier, query, is_verbatim=True)
    return Asked(f"{identifier}?{query}")


def wanted_accept(asked: Asked, given: Given, header: str | None) -> str | None:
    """Return the option `accept` where it can be read, else the header."""
    if not asked.option_query and not given:
        return header
    try:
        option = given_options(asked, given).get(ACCEPT)
    except (InvalidDidUrl, InvalidOptions):
        return header
    return option if is_accept(option) else header


def is_accept(option: object) -> TypeGuard[str]:
    """Tell whether the value of the option `accept` is written as an Accept header is."""
    return isinstance(option, str) and is_accept_header(option)


def option_names(asked: Asked, given: Given) -> set[str]:
    """Return the names of all options, whether or not their values can be read."""
    in_query = _names_in_query(asked)
    return in_query if isinstance(given, InvalidOptions) else in_query | given.keys()


def _names_in_query(asked: Asked) -> set[str]:
    if not _is_json(asked):
        return {unquote(part.partition("=")[0]) for part in asked.option_query.split("&") if part}
    try:
        return set(_json_of(asked))
    except InvalidOptions:
        return set()


def given_options(asked: Asked, given: Given) -> dict[str, object]:
    """
    Return all options by their names, values as given.

    Raises:
        InvalidDidUrl: the query of a verbatim DID URL has a parameter twice, or is malformed.
        InvalidOptions: that of an encoded one is; an option in both places; a body that cannot be read.
    """
    try:
        parameters = _parameters_of(asked)
    except InvalidDidUrl as error:
        if asked.is_verbatim:
            raise
        raise InvalidOptions(error.detail) from None
    if isinstance(given, InvalidOptions):
        raise given
    if parameters.keys() & given.keys():
        raise InvalidOptions("an option occurs in the query and in the body")
    return {**parameters, **given}


def _parameters_of(asked: Asked) -> Mapping[str, object]:
    return _json_of(asked) if _is_json(asked) else parse_parameters(asked.option_query)


def _is_json(asked: Asked) -> bool:
    """
    Tell whether the options after an encoded identifier are one JSON object, percent-encoded.

    So do clients of Universal Resolver send them, its own web page among them; no option begins with a brace.
    """
    return not asked.is_verbatim and asked.option_query.startswith(("%7B", "%7b", "{"))


def _json_of(asked: Asked) -> Mapping[str, object]:
    try:
        options: Mapping[str, object] = read(unquote_to_bytes(asked.option_query), max_bytes=MAX_BODY_BYTES)
    except JsonError as error:
        raise InvalidOptions(f"the query is not a JSON object of options: {error}") from None
    return options  # Begins with a brace: an object.


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
