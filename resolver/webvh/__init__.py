"""did:webvh v1.0: a log is verified entry by entry, and told as documents and metadata. Pure, but for source.py."""

from resolver.webvh.errors import InvalidLog
from resolver.webvh.limits import LogLimits
from resolver.webvh.services import implied_services, parallel_did_web

__all__ = ["InvalidLog", "LogLimits", "implied_services", "parallel_did_web"]
