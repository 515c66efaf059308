"""
The tables of the index, and the rows that events add to them. Store.

A revision has the recorded times in which it was the newest, [known_from, known_until), so that a question about
what was known at some time is the same query with another number. A key says until when its revision was known, and
is ordered by it: what was superseded costs nothing to those who ask for now. Words and what was granted are of
whatever was ever so; whoever reads looks at the facts themselves. A date says when its fact ends, so that those who
look for what is due pass what is over without reading it, however much that is.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from registry.events import Event
from registry.index.keys import dates_of, found_under, keys_of, words_for
from registry.model import TYPES, Fact, end_of

FORMAT = 5  # raised with each change of the tables or of the keys
FOREVER = 2**62  # microseconds; the end of what is known now

_Row = tuple[Any, ...]
_DECODERS = {kind: msgspec.json.Decoder(wanted) for kind, wanted in TYPES.items()}

_REVISIONS_OF = "CREATE INDEX revisions_of ON revisions (kind, fact_id, known_from)"
CREATE = (
    "CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER, version INTEGER,"
    " position INTEGER, recorded_at INTEGER, digest TEXT)",
    "CREATE TABLE revisions (position INTEGER PRIMARY KEY, kind TEXT, fact_id TEXT, revision INTEGER,"
    " known_from INTEGER, known_until INTEGER, body TEXT)",
    "CREATE TABLE keys (key INTEGER, known_until INTEGER, position INTEGER,"
    " PRIMARY KEY (key, known_until, position)) WITHOUT ROWID",
    "CREATE TABLE words (word TEXT, entity_id TEXT, PRIMARY KEY (word, entity_id)) WITHOUT ROWID",
    "CREATE TABLE granted (key INTEGER, entity_id TEXT, PRIMARY KEY (key, entity_id)) WITHOUT ROWID",
    "CREATE TABLE dates (what TEXT, at INTEGER, position INTEGER, ended_at INTEGER,"
    " PRIMARY KEY (what, at, position)) WITHOUT ROWID",
    "CREATE TABLE gaps (lost_from INTEGER, lost_until INTEGER)",
    f"INSERT INTO progress VALUES (1, {FORMAT}, 0, 0, 0, '')",  # noqa: S608 (a number)
    _REVISIONS_OF,
)
REVISION = f"INSERT INTO revisions VALUES (?, ?, ?, ?, ?, {FOREVER}, ?)"  # noqa: S608 (a number)
GAP = "INSERT INTO gaps VALUES (?, ?)"
PROGRESS = "UPDATE progress SET version = ?, position = ?, recorded_at = ?, digest = ?"

# The rest of the tables, in which each row has its place by its value.
ONE_BY_ONE = {
    "keys": f"INSERT INTO keys VALUES (?, {FOREVER}, ?)",  # noqa: S608 (a number)
    "words": "INSERT OR IGNORE INTO words VALUES (?, ?)",
    "granted": "INSERT OR IGNORE INTO granted VALUES (?, ?)",
    "dates": "INSERT INTO dates VALUES (?, ?, ?, ?)",
}
BEFORE = (
    "SELECT position, body FROM revisions WHERE kind = ? AND fact_id = ? AND position < ?"
    " ORDER BY known_from DESC, position DESC LIMIT 1"
)
KNOWN_UNTIL = "UPDATE revisions SET known_until = ? WHERE position = ?"
FOUND_UNTIL = f"UPDATE keys SET known_until = ? WHERE key = ? AND known_until = {FOREVER} AND position = ?"  # noqa: S608

# Of an empty file they are filled at once: taken as they come, and sorted at the end.
UNSORTED = (
    "DROP INDEX revisions_of",
    "CREATE TABLE unsorted_keys (key, position)",
    "CREATE TABLE unsorted_words (word, entity_id)",
    "CREATE TABLE unsorted_granted (key, entity_id)",
    "CREATE TABLE unsorted_dates (what, at, position, ended_at)",
)
AT_ONCE = {
    "keys": "INSERT INTO unsorted_keys VALUES (?, ?)",
    "words": "INSERT INTO unsorted_words VALUES (?, ?)",
    "granted": "INSERT INTO unsorted_granted VALUES (?, ?)",
    "dates": "INSERT INTO unsorted_dates VALUES (?, ?, ?, ?)",
}
SORTED = (
    _REVISIONS_OF,
    "UPDATE revisions SET known_until = after.known_from FROM revisions after WHERE after.revision > 1"
    " AND revisions.kind = after.kind AND revisions.fact_id = after.fact_id"
    " AND revisions.revision = after.revision - 1",
    "INSERT INTO keys SELECT key, known_until, position FROM unsorted_keys JOIN revisions USING (position)"
    " ORDER BY 1, 2, 3",
    "INSERT INTO words SELECT DISTINCT word, entity_id FROM unsorted_words ORDER BY 1, 2",
    "INSERT INTO granted SELECT DISTINCT key, entity_id FROM unsorted_granted ORDER BY 1, 2",
    "INSERT INTO dates SELECT what, at, position, ended_at FROM unsorted_dates ORDER BY 1, 2, 3",
    *(f"DROP TABLE unsorted_{table}" for table in AT_ONCE),
)


def revision_row(event: Event) -> _Row:
    """Return the row of `REVISION`."""
    return event.position, event.kind, event.fact_id, event.revision, event.recorded_at, event.body


def placed_rows(events: Sequence[Event]) -> dict[str, list[_Row]]:
    """Return the rows that events add to the tables of `ONE_BY_ONE`."""
    facts = [(event.position, fact_of(event.kind, event.body)) for event in events if event.body is not None]
    return {
        "keys": [(key, at) for at, fact in facts for key in set(keys_of(fact))],
        "words": [(word, fact.id) for _, fact in facts for word in words_for(fact)],
        "granted": [row for _, fact in facts for row in found_under(fact)],
        "dates": [(*date, at, _ended_at(fact)) for at, fact in facts for date in set(dates_of(fact))],
    }


def fact_of(kind: str, body: str) -> Fact:
    """Return the fact that a row has."""
    fact: Fact = _DECODERS[kind].decode(body)  # type: ignore[index]
    return fact


def _ended_at(fact: Fact) -> int:
    end = end_of(fact)
    return FOREVER if end is None else end
