"""
Which DIDs the registry knows: identifiers of its entities. Pure.
"""

from registry.model import Entity
from registry.registry import Registry


class RegisteredDids:
    """The set, made once for each version of the registry; of one version it is one object."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._version = 0
        self._dids: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """Return the DIDs that the registry knows now, each in its one spelling."""
        with self._registry.reading() as known:
            version = self._registry.version
            if version != self._version:
                entities = (each.fact for each in known.all("entity"))
                found = (
                    each.value for one in entities if isinstance(one, Entity) for each in one.identifiers
                )
                self._dids = frozenset(value for value in found if value.startswith("did:"))
                self._version = version
        return self._dids
