"""
Why a fetch from a stranger gave nothing. Pure.

    FetchError                     nothing came back that we may use; `cause` is its label for metrics
    +-- UrlRefused            400  the URL is not one that we fetch (`plan_for_url`); also a ValueError
    +-- AddressRefused        502  the name leads to an address that is not globally reachable
    +-- NameNotFound          502  there is no such name (NXDOMAIN)
    +-- OriginUnreachable     502  no address was found, nothing listens there, or the connection broke
    +-- OriginUntrusted       502  TLS: the certificate or the protocol version
    +-- OriginMalformed       502  not HTTP/1.1, a head over 16 KiB, a content coding, two framings, cut short
    +-- OriginTooLarge        502  the body is over the cap of the plan
    +-- OriginTimedOut        504  not done within our deadline
    +-- OutboundBudgetExceeded 503 ours: too many fetches, of this host, its site or all; with Retry-After

Messages name no address: they would tell a caller what our network looks like.
"""

import math
from typing import ClassVar

from wire import Fault, Refusal


class FetchError(Refusal):
    """Nothing came back from an origin that we may use."""

    type = "/problems/origin-failed"
    title = "The origin gave no usable answer"
    status = 502
    fault: ClassVar[Fault] = "origin"
    cause: ClassVar[str] = "origin_failed"


class UrlRefused(FetchError, ValueError):
    """The URL is not one that we fetch."""

    type = "/problems/url-refused"
    title = "URL refused"
    status = 400
    cause = "url_refused"


class AddressRefused(FetchError):
    """The host's name leads to an address that is not globally reachable unicast."""

    cause = "address_refused"


class NameNotFound(FetchError):
    """The host's name does not exist, as DNS says (NXDOMAIN; RFC 8020): not that nobody could tell."""

    cause = "name_not_found"


class OriginUnreachable(FetchError):
    """No address of the name is known, nothing accepts a connection there, or the connection broke."""

    cause = "origin_unreachable"


class OriginUntrusted(FetchError):
    """The TLS handshake failed: a certificate for another name, an unknown issuer, an old protocol."""

    cause = "origin_untrusted"


class OriginMalformed(FetchError):
    """What came back is not an HTTP answer of the form that we asked for."""

    cause = "origin_malformed"


class OriginTooLarge(FetchError):
    """The body is over the cap of the plan."""

    cause = "origin_too_large"


class OriginTimedOut(FetchError):
    """The answer was not complete within our deadline."""

    status = 504
    cause = "origin_timed_out"


class OutboundBudgetExceeded(FetchError):
    """
    We may not ask now: too many fetches of this host, its site, or all hosts. Nothing is known of the origin.

    `retry_after_seconds` is when a token will be there; the Retry-After header has it rounded up.
    """

    type = "/problems/outbound-budget-exceeded"
    title = "Too many outbound requests"
    status = 503
    fault = "limit"
    cause = "outbound_budget_exceeded"

    def __init__(self, detail: str, *, retry_after_seconds: float) -> None:
        super().__init__(detail, headers={"retry-after": str(max(1, math.ceil(retry_after_seconds)))})
        self.retry_after_seconds = retry_after_seconds
