"""
What is known, as it is looked through: what people search in, where nobody is named. Pure.
"""

from typing import Protocol

from registry.known import Known, Revision
from registry.model import Authority, Entity, Kind


class Directory(Known, Protocol):
    """What is known, and can be looked through: what people search in, where an entity is not named."""

    def as_of(self, known_at: int) -> "Directory":
        """As `Known.as_of`."""
        ...

    def authorities_calling(self, name: str) -> tuple[Revision[Authority], ...]:
        """Return the authorities that define something on a resource of this id, or that the formats call so."""
        ...

    def entities_with_key_id(self, ski: str) -> tuple[Revision[Entity], ...]:
        """Return the entities with a certificate of this subject key identifier (hex): candidates, and no more."""
        ...

    def words(self, prefix: str, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """
        Return words with a prefix, each with the id of an entity that had it in a name at some time, in order.

        Args:
            after: those beyond this word and id.
        """
        ...

    def granted_to(
        self, kind: Kind, authority_id: str, action: str, resource: str, after: str, limit: int
    ) -> list[str]:
        """Return the ids beyond `after`, in order, of entities that were granted that at some time."""
        ...
