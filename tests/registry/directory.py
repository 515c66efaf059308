"""What a registry knows, to be looked through: facts in the real index, in memory."""

from registry.events import Event, new_event
from registry.index.file import IndexFile
from registry.index.reading import Indexed
from registry.known import FactChange
from registry.model import Fact, kind_of
from tests.registry.examples import NOW

LONG_AGO = NOW - 10 * 365 * 86_400_000_000


class History:
    """A registry that is told one thing after another."""

    def __init__(self) -> None:
        self.file = IndexFile(None)
        self._position = 0
        self._numbers: dict[tuple[str, str], int] = {}

    def tell(self, *facts: Fact, recorded_at: int = LONG_AGO) -> "History":
        """Record facts, as they are from now on known to be."""
        self.file.apply([self._event(fact, recorded_at) for fact in facts])
        return self

    def known(self, known_at: int | None = None) -> Indexed:
        return Indexed(self.file.connection, known_at)

    def _event(self, fact: Fact, recorded_at: int) -> Event:
        key = (kind_of(fact), fact.id)
        self._numbers[key] = number = self._numbers.get(key, 0) + 1
        self._position += 1
        new = new_event(FactChange(*key, fact, "add", 0), number)
        return Event(
            position=self._position,
            version=self._position,
            recorded_at=recorded_at,
            kind=new.kind,
            fact_id=new.fact_id,
            revision=number,
            what=new.what,
            effective_at=0,
            body=new.body,
            is_last=True,
            digest="",
        )
