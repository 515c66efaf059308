"""
What the target of a request names: the DID or DID URL in its raw path, and the options in its query. Pure.

The identifier is taken from the raw path: a server's decoded path has lost which colons and slashes were
percent-encoded, and with that which DID was meant.
"""

from urllib.parse import unquote_to_bytes

import msgspec

from resolver.options import WIRE_NAMES

BASE_PATH = "/1.0/identifiers"
RAW_BASE_PATH = BASE_PATH.encode() + b"/"


class Target(msgspec.Struct, frozen=True):
    """
    A DID or DID URL as meant, and the part of the query that holds options.

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


def read_target(raw_path: bytes, query_string: bytes) -> Target:
    """
    Read what is asked for (DID Resolution v1, section HTTP(S) Binding: how to tell the two forms apart).

    1. `did%3A...`: percent-encoded as a whole; decoded once, and the query holds options.
    2. Else the path is the identifier as it stands, and the query belongs to the DID URL; but where it has
       names of options only, after a bare DID, these are options: so do clients ask that do not encode.

    What is not ASCII is left in, for the grammar of DIDs to refuse.

    Args:
        raw_path, query_string: as in the ASGI scope.
    """
    raw = raw_path[len(RAW_BASE_PATH) :] if raw_path.startswith(RAW_BASE_PATH) else b""
    if raw[:6].lower() == b"did%3a":
        return Target(unquote_to_bytes(raw).decode("latin-1"), query_string.decode("latin-1"))
    identifier = raw.decode("latin-1")
    if not query_string:
        return Target(identifier)
    query = query_string.decode("latin-1")
    if "/" not in identifier and _has_options_only(query):
        return Target(identifier, query, True)
    return Target(f"{identifier}?{query}")


def _has_options_only(query: str) -> bool:
    return all(part.partition("=")[0] in WIRE_NAMES for part in query.split("&"))
