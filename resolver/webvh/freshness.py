"""
How long a log may be kept before it is asked for again. Pure.

did:webvh v1.0, parameter `ttl`: its controller's guidance. The web server's headers may say less, and the
operator's bounds rule over both, as in `resolver/sources/freshness.py`.
"""

from collections.abc import Mapping

from resolver.sources.freshness import FreshnessBounds, lifetime


def judge_log(ttl: int, headers: Mapping[str, str], bounds: FreshnessBounds) -> tuple[float, str]:
    """Return for how many seconds from now a log with this `ttl` is fresh, and the reason for it in words."""
    seconds, because = float(ttl), "as the log's ttl says"
    if seconds < bounds.floor_seconds:
        seconds, because = bounds.floor_seconds, "the log's ttl is less than our floor"
    elif seconds > bounds.ceiling_seconds:
        seconds, because = bounds.ceiling_seconds, "the log's ttl is more than our ceiling"
    if headers.keys() & {"cache-control", "expires"} and (said := lifetime(headers, bounds)) < seconds:
        return said, "the web server wants less than the log's ttl"
    return seconds, because
