"""
How the settings have lists published. Pure.
"""

from server.settings import Settings
from statuslist.rendering import Policy


def policy_of(settings: Settings) -> Policy:
    """Return the publication policy of `settings`."""
    return Policy(
        base_url=settings.public_url,
        cryptosuite=settings.cryptosuite,
        validity_seconds=settings.list_validity_seconds,
        ttl_seconds=settings.list_ttl_seconds,
    )
