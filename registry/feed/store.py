"""
Events read for the feed, and the subscribers' rows. Store.
"""

import msgspec

from registry.events import GAP, read_head
from registry.feed.changes import Change, Filter
from storage import Row, Transaction

LOOKED_AT = 1_000  # events that one page looks at, whatever of them is wanted
PAGE_BYTES = 1_048_576  # 1 MiB of facts, as rows; a page ends with the fact that is beyond it
_TOGETHER = 100  # events that are read at a time

_EVENTS = (
    "SELECT e.position, e.version, v.recorded_at, v.occasion, v.actor, v.change_set, v.digest, e.kind, e.fact_id,"
    " e.what, e.effective_at, e.body, p.body AS body_before"
    " FROM registry_events e JOIN registry_versions v ON v.version = e.version"
    " LEFT JOIN registry_events p"
    " ON p.kind = e.kind AND p.fact_id = e.fact_id AND p.revision = e.revision - 1"
    " WHERE e.position > :since AND e.position <= :last ORDER BY e.position LIMIT :limit"
)
_SUBSCRIBERS = (
    "SELECT number, id, url, audience, filters, position, created_at, failures, last_error, tried_at,"
    " next_try_at, delivered_at FROM registry_subscribers"
)


class Page(msgspec.Struct, frozen=True):
    """
    What was found beyond a position.

    Attributes:
        next: up to where it was looked.
        last: the position of the last event that there is.
    """

    found: tuple[Change, ...]
    next: int
    last: int


class LastGap(msgspec.Struct, frozen=True):
    """Where a restore left a gap, and when, in microseconds since 1970."""

    position: int
    recorded_at: int


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """
    Somebody whom changes are pushed to; times are microseconds since 1970.

    Attributes:
        number: never given twice, unlike the id.
        position: up to where everything that it wants was taken.
        failures: attempts that failed since the last one that did not.
        last_error: which change the last one was for, and why it failed, though one may have been taken since.
    """

    number: int
    id: str
    url: str
    audience: str
    filters: Filter
    position: int
    created_at: int
    failures: int
    last_error: str | None
    tried_at: int | None
    next_try_at: int | None
    delivered_at: int | None


def last_position(tx: Transaction) -> int:
    """Return the position of the last event; 0: there is none."""
    return read_head(tx).position


def newest_gap(tx: Transaction) -> LastGap | None:
    """Return the gap that the last restore left."""
    row = tx.one(
        "SELECT e.position, v.recorded_at FROM registry_events e JOIN registry_versions v ON v.version = e.version"
        " WHERE e.kind = :kind ORDER BY e.position DESC LIMIT 1",
        {"kind": GAP},
    )
    return None if row is None else LastGap(row["position"], row["recorded_at"])


def read_page(tx: Transaction, since: int, wanted: Filter, limit: int) -> Page:
    """Return at most `limit` wanted events beyond a position, of the next `LOOKED_AT`."""
    last, found, size, position = last_position(tx), [], 0, since
    while position < last and position - since < LOOKED_AT:
        for told in _told(tx, position, last):
            position = told.position
            if wanted.takes(told):
                found.append(told)
                size += len(told.body or "")
            if len(found) == limit or size >= PAGE_BYTES:
                return Page(tuple(found), position, last)
    return Page(tuple(found), position, last)


def subscribers(tx: Transaction) -> list[Subscriber]:
    """Return all subscribers, in the order of their ids."""
    return [_subscriber(row) for row in tx.all(f"{_SUBSCRIBERS} ORDER BY id")]


def find_subscriber(tx: Transaction, subscriber_id: str) -> Subscriber | None:
    """Return a subscriber by its id."""
    row = tx.one(f"{_SUBSCRIBERS} WHERE id = :id", {"id": subscriber_id})
    return None if row is None else _subscriber(row)


def add_subscriber(
    tx: Transaction, subscriber_id: str, url: str, audience: str, filters: Filter, position: int, at: int
) -> None:
    """Add a subscriber; there is none of this id."""
    tx.execute(
        "INSERT INTO registry_subscribers (id, url, audience, filters, position, created_at, failures)"
        " VALUES (:id, :url, :audience, :filters, :position, :at, 0)",
        {
            "id": subscriber_id,
            "url": url,
            "audience": audience,
            "filters": msgspec.json.encode(filters).decode(),
            "position": position,
            "at": at,
        },
    )


def remove_subscriber(tx: Transaction, number: int) -> None:
    """Take a subscriber away, and what is known of it."""
    tx.execute("DELETE FROM registry_subscribers WHERE number = :number", {"number": number})


def move_to(tx: Transaction, number: int, position: int) -> None:
    """Let a subscriber get everything after `position`, again or not at all, and at once."""
    tx.execute(
        "UPDATE registry_subscribers SET position = :position, failures = 0, next_try_at = NULL"
        " WHERE number = :number",
        {"number": number, "position": position},
    )


def advance(tx: Transaction, number: int, before: int, position: int, delivered_at: int | None) -> bool:
    """
    Note that a subscriber has everything up to `position`; tell whether it was still at `before`.

    It is not where an operator moved or removed it, or another process was faster.

    Args:
        delivered_at: when it took what is at `position`; None: it does not want that.
    """
    return bool(
        tx.execute(
            "UPDATE registry_subscribers SET position = :position, failures = 0, next_try_at = NULL,"
            " tried_at = COALESCE(:at, tried_at), delivered_at = COALESCE(:at, delivered_at)"
            " WHERE number = :number AND position = :before",
            {"number": number, "before": before, "position": position, "at": delivered_at},
        )
    )


def note_failed(
    tx: Transaction, number: int, before: int, position: int, error: str, at: int, next_try_at: int
) -> None:
    """Note that a subscriber at `before` has everything up to `position`, and did not take what comes next."""
    tx.execute(
        "UPDATE registry_subscribers SET position = :position, failures = failures + 1, last_error = :error,"
        " tried_at = :at, next_try_at = :next WHERE number = :number AND position = :before",
        {
            "number": number,
            "before": before,
            "position": position,
            "error": error,
            "at": at,
            "next": next_try_at,
        },
    )


def _told(tx: Transaction, since: int, last: int) -> list[Change]:
    rows = tx.all(_EVENTS, {"since": since, "last": last, "limit": _TOGETHER})
    return [Change(**{name: row[name] for name in Change.__struct_fields__}) for row in rows]


def _subscriber(row: Row) -> Subscriber:
    members = {name: row[name] for name in Subscriber.__struct_fields__}
    return Subscriber(**members | {"filters": msgspec.json.decode(row["filters"], type=Filter)})
