"""
How the settings have lists published and DID documents kept. Pure.
"""

import msgspec

from resolver import FreshnessBounds
from resolver.webvh import LogLimits
from server.settings.settings import Settings
from statuslist.publishing.policy import Policy


def policy_of(settings: Settings) -> Policy:
    """Return the publication policy of `settings`."""
    return Policy(
        base_url=settings.public_url,
        cryptosuite=settings.cryptosuite,
        validity_seconds=settings.list_validity_seconds,
        ttl_seconds=settings.list_ttl_seconds,
    )


def freshness_of(settings: Settings) -> FreshnessBounds:
    """Return how long DID documents are kept."""
    return FreshnessBounds(
        floor_seconds=settings.cache_min_ttl_seconds,
        ceiling_seconds=settings.cache_max_ttl_seconds,
        negative_seconds=settings.cache_negative_ttl_seconds,
        revalidate_seconds=min(settings.cache_revalidate_seconds, settings.cache_stale_seconds),
        stale_seconds=settings.cache_stale_seconds,
    )


def log_limits_of(settings: Settings) -> LogLimits:
    """Return what is taken of a did:webvh log."""
    return LogLimits(max_log_bytes=settings.max_did_log_bytes, max_witness_bytes=settings.max_did_log_bytes)


def method_freshness_of(settings: Settings) -> dict[str, FreshnessBounds]:
    """Return the same for the methods that have a time to live of their own: their default, and their most."""
    bounds = freshness_of(settings)
    return {
        method: msgspec.structs.replace(
            bounds,
            floor_seconds=min(bounds.floor_seconds, seconds),
            default_seconds=seconds,
            ceiling_seconds=seconds,
        )
        for method, seconds in settings.cache_method_ttl_seconds.items()
    }
