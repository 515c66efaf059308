"""
What changed in the registry: a feed that is read by position, and Security Event Tokens for subscribers. Pure.

For receivers: `read_set` verifies a token, and returns the change that it tells.
"""

from registry.feed.changes import ChangeView, Filter
from registry.feed.tokens import EVENT_TYPE, ReceivedSet, SetRefused, read_set

__all__ = ["EVENT_TYPE", "ChangeView", "Filter", "ReceivedSet", "SetRefused", "read_set"]
