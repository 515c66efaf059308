"""
The outbound guard as the settings want it, and what an operator must know of the dangerous ones.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from server.settings.settings import Settings
from wire import Reading

if TYPE_CHECKING:
    from resolver.outbound.fetch import Guard
    from resolver.outbound.names import ResolveName
    from resolver.outbound.transport import Dial

LOG = logging.getLogger("touchstone.outbound")

# The label of an error (resolver/outbound/errors.py), its metric, and what that counts.
_OUTCOMES = (
    ("ok", "touchstone_outbound_ok", "Requests to foreign hosts that were answered."),
    (
        "address_refused",
        "touchstone_outbound_address_refused",
        "Names that led to an address that is not public.",
    ),
    (
        "outbound_budget_exceeded",
        "touchstone_outbound_budget_exceeded",
        "Requests that waited in vain for their turn.",
    ),
    ("name_not_found", "touchstone_outbound_name_not_found", "Host names that do not exist."),
    ("origin_unreachable", "touchstone_outbound_unreachable", "No address, no connection, or it broke."),
    ("origin_untrusted", "touchstone_outbound_untrusted", "TLS failed."),
    ("origin_malformed", "touchstone_outbound_malformed", "No HTTP answer of the form asked for."),
    ("origin_too_large", "touchstone_outbound_too_large", "Answers over the cap."),
    ("origin_timed_out", "touchstone_outbound_timed_out", "Answers over the deadline."),
)

CA_FILE = "TOUCHSTONE_DANGEROUSLY_TRUSTED_CA_FILE"
PRIVATE_HOSTS = "TOUCHSTONE_DANGEROUSLY_ALLOWED_PRIVATE_HOSTS"


def guard_of(
    settings: Settings, *, resolve_name: "ResolveName | None" = None, dial: "Dial | None" = None
) -> "Guard":
    """
    Return the guard of one process; `settings` are its share of the node's, the rest is as of `Guard`.

    Raises:
        OSError: the file of certificates has been taken away since the settings were read.
    """
    from resolver.outbound.fetch import Guard, GuardLimits
    from resolver.outbound.trust import trust_of
    from resolver.outbound.turns import share_of_client

    ca_file = settings.dangerously_trusted_ca_file
    limits = GuardLimits(
        host_rate_per_second=settings.outbound_rate_per_host,
        host_burst=settings.outbound_burst_per_host,
        site_rate_per_second=settings.outbound_rate_per_site,
        site_burst=settings.outbound_burst_per_site,
        rate_per_second=settings.outbound_rate,
        burst=settings.outbound_burst,
        concurrent_per_host=settings.outbound_connections_per_host,
        concurrent=settings.outbound_connections,
        concurrent_per_client=share_of_client(settings.outbound_connections),
    )
    return Guard(
        limits=limits,
        contact=settings.public_url,
        resolve_name=resolve_name,
        dial=dial,
        ssl_context=trust_of(ca_file) if ca_file else None,  # None: made at the first fetch.
        dangerous_private_hosts=frozenset(settings.dangerously_allowed_private_hosts),
    )


def readings_of(guard: "Guard") -> list[Reading]:
    """Return how many requests went out, and what kept the others."""
    return [Reading(metric, text, guard.outcomes[cause], "sum") for cause, metric, text in _OUTCOMES]


def warn_of_dangers(settings: Settings) -> None:
    """Say in the log what the settings for closed networks open, once at the start."""
    if settings.dangerously_trusted_ca_file:
        LOG.warning(
            "%s: whoever holds a key of an authority in %s can pose as any host that we fetch from",
            CA_FILE,
            Path(settings.dangerously_trusted_ca_file).name,
        )
    if settings.dangerously_allowed_private_hosts:
        LOG.warning(
            "%s: whoever can name a DID can make us send requests into the private network, to %s",
            PRIVATE_HOSTS,
            ", ".join(settings.dangerously_allowed_private_hosts),
        )
