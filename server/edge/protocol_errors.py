"""
What the HTTP protocol refuses before there is a request that a route could see. Pure.

    Refusal
    +-- BadRequest
    |   +-- MalformedRequest      400    not HTTP/1.1, or framed without measure
    |   +-- AmbiguousRequest      400    two parsers may read two requests
    +-- RequestTimeout            408    in `problems.py`, as is HeadTooLarge (431)
    +-- TooManyConnections        429
    +-- TooManyWaiting            429    pipelined requests
    +-- MethodNotImplemented      501
    +-- UnknownTransferCoding     501
"""

from wire import BadRequest, Refusal


class MalformedRequest(BadRequest, type="/problems/malformed-request"):
    """What arrived is not a request of HTTP/1.1 or HTTP/1.0 (RFC 9112)."""


class AmbiguousRequest(BadRequest, type="/problems/ambiguous-request"):
    """Two parsers may read two different requests here, so none is answered (RFC 9112, sections 3.2 and 6.3)."""


class TooManyConnections(Refusal, type="/problems/too-many-connections", status=429):
    """The client holds as many connections as it may; close one, or use one for several requests."""


class TooManyWaiting(
    Refusal, type="/problems/too-many-waiting", title="Too many requests waiting", status=429
):
    """The client sent more requests on one connection than may wait there; read answers before sending more."""


class MethodNotImplemented(Refusal, type="/problems/method-not-implemented", status=501, fault="caller"):
    """The method is not one that this server knows (RFC 9110, section 9.1); names of methods are case-sensitive."""


class UnknownTransferCoding(Refusal, type="/problems/unknown-transfer-coding", status=501, fault="caller"):
    """The body has a transfer coding that this server does not decode (RFC 9112, section 6.1)."""
