"""
What is known, read from the file of the index: `Known`, at one recorded time. Store, over that file.

A lookup takes some microseconds, so that an event loop may do it.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Literal, overload

import msgspec
from pysqlite3 import dbapi2 as sqlite3

from registry.index.keys import granted_key, key, keys_of_grants_to
from registry.index.tables import FOREVER
from registry.known import Revision, oldest_first
from registry.looks import looks_of
from registry.model import TYPES, Authority, Delegation, Entity, Fact, FactKind, Grant, Kind

PAGE = 1_000  # facts that are read at a time where all are
LAST_CHARACTER = "\U0010ffff"  # no letter is beyond it
_WORDS = (
    "SELECT word, entity_id FROM words WHERE (word, entity_id) > (?, ?) AND word < ?"
    " ORDER BY word, entity_id LIMIT ?"
)
_GRANTED = "SELECT entity_id FROM granted WHERE key = ? AND entity_id > ? ORDER BY entity_id LIMIT ?"

_DECODERS = {kind: msgspec.json.Decoder(wanted) for kind, wanted in TYPES.items()}
_AT = "known_from <= ? AND known_until > ?"
_FACT = (
    "SELECT body, revision, known_from FROM revisions WHERE kind = ? AND fact_id = ? AND known_from <= ?"
    " ORDER BY known_from DESC LIMIT 1"
)
FOUND = (  # The last column tells by which key.
    "SELECT r.position, r.kind, r.body, r.revision, r.known_from, k.key"
    " FROM keys k CROSS JOIN revisions r ON r.position = k.position"
    " WHERE k.key {} AND r.known_from <= ? AND k.known_until > ?"
)
_FOUND_BY_ONE, _FOUND_BETWEEN = FOUND.format("= ?"), FOUND.format("BETWEEN ? AND ?")
_DATED = (
    "SELECT d.at, d.position, r.kind, r.body, r.revision, r.known_from FROM dates d"  # noqa: S608
    f" JOIN revisions r ON r.position = d.position WHERE d.what = ? AND (d.at, d.position) > (?, ?) AND d.at < ?"
    f" AND d.ended_at > ? AND {_AT}"
    " ORDER BY d.at, d.position LIMIT ?"
)
_ALL = (
    f"SELECT fact_id, body, revision, known_from FROM revisions WHERE kind = ? AND fact_id > ? AND {_AT}"  # noqa: S608
    " ORDER BY fact_id LIMIT ?"
)
_NEWEST = (
    f"SELECT position, kind, body, revision, known_from FROM revisions WHERE position < ? AND {_AT}"  # noqa: S608
    " ORDER BY position DESC LIMIT ?"
)


class Dated(msgspec.Struct, frozen=True):
    """
    A fact that something happens to at a time, in microseconds since 1970.

    Attributes:
        position: of its event; of what is due at one time, in that order.
    """

    at: int
    position: int
    what: str
    found: Revision[Fact]


class Indexed:
    """
    What the registry knew at one recorded time.

    Args:
        connection: to the file; one thread uses it.
        known_at: microseconds since 1970; None: all that is known.
    """

    def __init__(self, connection: Any, known_at: int | None = None) -> None:
        self._connection = connection
        at = FOREVER - 1 if known_at is None else known_at
        self._at = (at, at)

    @overload
    def fact(self, kind: Literal["entity"], fact_id: str) -> Revision[Entity] | None: ...
    @overload
    def fact(self, kind: Literal["authority"], fact_id: str) -> Revision[Authority] | None: ...
    @overload
    def fact(self, kind: FactKind, fact_id: str) -> Revision[Fact] | None: ...

    def fact(self, kind: FactKind, fact_id: str) -> Revision[Any] | None:
        """As `Known.fact`."""
        row = self._connection.execute(_FACT, (kind, fact_id, self._at[0])).fetchone()
        return None if row is None or row[0] is None else Revision(decoded(kind, row[0]), row[1], row[2])

    def recorded_at(self, kind: FactKind, fact_id: str) -> int:
        """As `Known.recorded_at`."""
        row = self._connection.execute(_FACT, (kind, fact_id, self._at[0])).fetchone()
        return 0 if row is None else int(row[2])

    def last_number(self, kind: FactKind, fact_id: str) -> int:
        """Return the number of the newest revision of a fact, also of one that is voided; 0: there is none."""
        row = self._connection.execute(_FACT, (kind, fact_id, FOREVER)).fetchone()
        return 0 if row is None else int(row[1])

    def entity(self, entity_id: str) -> Revision[Entity] | None:
        """As `Known.entity`."""
        return self.fact("entity", entity_id)

    def authority(self, authority_id: str) -> Revision[Authority] | None:
        """As `Known.authority`."""
        return self.fact("authority", authority_id)

    def entities_named(self, identifier: str) -> tuple[Revision[Entity], ...]:
        """As `Known.entities_named`."""
        return tuple(
            found
            for found in self._found("named", identifier)
            if isinstance(found.fact, Entity)
            and any(each.value == identifier for each in found.fact.identifiers)
        )

    def entities_like(self, look: str) -> tuple[Revision[Entity], ...]:
        """As `Known.entities_like`."""
        found = (each for each in self._found("looks", look) if isinstance(each.fact, Entity))
        return tuple(each for each in found if look in looks_of(each.fact))

    def grants(
        self, kind: Kind, authority_id: str, entity_id: str, action: str, resource: str
    ) -> tuple[Revision[Grant], ...]:
        """As `Known.grants`."""
        asked = (kind, authority_id, entity_id, action, resource)
        return oldest_first(found for found in self._found("asked", *asked) if _is_about(found.fact, asked))

    def grants_to(self, entity_id: str) -> tuple[Revision[Grant], ...]:
        """As `Known.grants_to`."""
        found = self._look_up(_FOUND_BETWEEN, *keys_of_grants_to(entity_id))
        return tuple(
            each for _, each in found if isinstance(each.fact, Grant) and each.fact.entity_id == entity_id
        )

    def granted(self, kind: Kind, authority_id: str, action: str, resource: str) -> Iterator[Revision[Grant]]:
        """As `Known.granted`."""
        after: str | None = ""
        while after is not None:
            page = self.granted_to(kind, authority_id, action, resource, after, PAGE)
            for entity_id in page:
                yield from self.grants(kind, authority_id, entity_id, action, resource)
            after = page[-1] if len(page) == PAGE else None

    def delegations_to(self, authority_id: str, delegate_id: str) -> tuple[Revision[Delegation], ...]:
        """As `Known.delegations_to`."""
        return tuple(
            found
            for found in self._found("delegated", authority_id, delegate_id)
            if isinstance(found.fact, Delegation)
            and (found.fact.authority_id, found.fact.delegate_id) == (authority_id, delegate_id)
        )

    def all(self, kind: FactKind, *, after: str = "") -> Iterator[Revision[Fact]]:
        """As `Known.all`."""
        beyond: str | None = after
        while beyond is not None:
            rows = self._connection.execute(_ALL, (kind, beyond, *self._at, PAGE)).fetchall()
            for _, body, number, recorded_at in rows:
                if body is not None:
                    yield Revision(decoded(kind, body), number, recorded_at)
            beyond = rows[-1][0] if len(rows) == PAGE else None

    def as_of(self, known_at: int) -> "Indexed":
        """As `Known.as_of`."""
        return Indexed(self._connection, min(known_at, self._at[0]))

    def dated(self, what: str, after: tuple[int, int], until: int, now: int, limit: int) -> list[Dated]:
        """
        Return at most `limit` facts with a date before `until` that have not ended until `now`, the earliest first.

        Args:
            what: which date: "review", "end" or "identifier-end" (`keys.dates_of`).
            after: beyond which date, and position at that date.
        """
        rows = self._connection.execute(_DATED, (what, *after, until, now, *self._at, limit)).fetchall()
        return [
            Dated(at, position, what, Revision(decoded(kind, body), number, known_from))
            for at, position, kind, body, number, known_from in rows
        ]

    def authorities_calling(self, name: str) -> tuple[Revision[Authority], ...]:
        """As `directory.Directory.authorities_calling`."""
        return tuple(found for found in self._found("called", name) if isinstance(found.fact, Authority))

    def entities_with_key_id(self, ski: str) -> tuple[Revision[Entity], ...]:
        """As `directory.Directory.entities_with_key_id`."""
        return tuple(found for found in self._found("ski", ski) if isinstance(found.fact, Entity))

    def words(self, prefix: str, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """As `directory.Directory.words`."""
        first = max(after, (prefix, ""))
        rows: list[tuple[str, str]] = self._connection.execute(
            _WORDS, (*first, prefix + LAST_CHARACTER, limit)
        ).fetchall()
        return rows

    def granted_to(
        self, kind: Kind, authority_id: str, action: str, resource: str, after: str, limit: int
    ) -> list[str]:
        """As `directory.Directory.granted_to`; of two things that share a key, both."""
        asked = granted_key(kind, authority_id, action, resource)
        return [row[0] for row in self._connection.execute(_GRANTED, (asked, after, limit))]

    def newest(self) -> Iterator[Revision[Fact]]:
        """Yield every fact, the one that was recorded last first; for work that may take long."""
        before: int | None = FOREVER
        while before is not None:
            rows = self._connection.execute(_NEWEST, (before, *self._at, PAGE)).fetchall()
            for _, kind, body, number, recorded_at in rows:
                if body is not None:
                    yield Revision(decoded(kind, body), number, recorded_at)
            before = rows[-1][0] if len(rows) == PAGE else None

    def _found(self, *parts: str) -> Iterable[Revision[Any]]:
        """Return what is found by one key."""
        return (revision for _, revision in self._look_up(_FOUND_BY_ONE, key(*parts)))

    def _look_up(self, statement: str, *keys: int) -> list[tuple[int, Revision[Any]]]:
        """Return what is found by keys, each with its key, the first recorded first."""
        rows = self._connection.execute(statement, (*keys, *self._at)).fetchall()
        if len(rows) > 1:
            rows.sort()
        return [(row[5], Revision(decoded(row[1], row[2]), row[3], row[4])) for row in rows]


def decoded(kind: FactKind, body: str) -> Any:
    """
    Return the fact that a row has.

    Raises:
        DatabaseError: the row has none, so that the file is damaged.
    """
    try:
        return _authority(body) if kind == "authority" else _DECODERS[kind].decode(body)
    except msgspec.DecodeError as error:
        raise sqlite3.DatabaseError(f"the {kind} of a row cannot be read: {error}") from None


@lru_cache(maxsize=64)  # there are few, every question is about one, and each may be long
def _authority(body: str) -> Authority:
    found: Authority = _DECODERS["authority"].decode(body)
    return found


def _is_about(fact: Any, asked: tuple[str, ...]) -> bool:
    return (
        isinstance(fact, Grant)
        and (fact.kind, fact.authority_id, fact.entity_id, fact.action, fact.resource) == asked
    )
