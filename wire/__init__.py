"""
The shared border: what every room reads from and writes to the wire with.

Pure: no clock, randomness, network or SQL anywhere below this package.
"""

from wire.answer import Answer, etag_of, matches_etag
from wire.body import (
    BadRequest,
    Conflict,
    Forbidden,
    MalformedBody,
    NotAcceptable,
    PayloadTooLarge,
    ResourceNotFound,
    Unauthenticated,
    UnsupportedMediaType,
    read_body,
    require_media_type,
)
from wire.json import JsonError, decode, encode, read, read_again
from wire.negotiation import MediaType, asks_for_no_cache, choose, parse_accept
from wire.problem import Fault, Problem, Refusal, render_problem
from wire.readings import Reading
from wire.times import format_exact, format_utc, parse_utc

__all__ = [
    "Answer",
    "BadRequest",
    "Conflict",
    "Fault",
    "Forbidden",
    "JsonError",
    "MalformedBody",
    "MediaType",
    "NotAcceptable",
    "PayloadTooLarge",
    "Problem",
    "Reading",
    "Refusal",
    "ResourceNotFound",
    "Unauthenticated",
    "UnsupportedMediaType",
    "asks_for_no_cache",
    "choose",
    "decode",
    "encode",
    "etag_of",
    "format_exact",
    "format_utc",
    "matches_etag",
    "parse_accept",
    "parse_utc",
    "read",
    "read_again",
    "read_body",
    "render_problem",
    "require_media_type",
]
