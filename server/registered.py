"""
Which DIDs the registry knows: its authorities, and those of its entities whose identifier is a DID. Pure.
"""

from registry.registry import Registry
from registry.view import EMPTY_VIEW


class RegisteredDids:
    """The set, made once for each view; equal sets of one view are one object."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._view = EMPTY_VIEW
        self._dids: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """Return the DIDs that the registry knows now, each in its one spelling."""
        view = self._registry.view
        if view is not self._view:
            found = (*view.authorities, *view.entities)
            self._dids = frozenset(identifier for identifier in found if identifier.startswith("did:"))
            self._view = view
        return self._dids
