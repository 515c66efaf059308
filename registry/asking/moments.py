"""
The times that a question names: the one it is about, and the one whose knowledge counts. Pure.

A time to come is refused, since what will be granted by then nobody knows (the draft on lifecycles, TRQP issue 176,
section 8.1, has a 400 for a time out of range); what is known already of the near future is in `expires_at`.
"""

import msgspec
from msgspec import UNSET, UnsetType

from registry.errors import TimeOutOfRange
from wire import BadRequest, format_utc, parse_utc

MAX_AHEAD = 60_000_000  # microseconds: how far ahead of ours the clock of whoever asks may be

Context = dict[str, str] | UnsetType  # of a query; `time` and `known_at` in it are times in UTC


class Moment(msgspec.Struct, frozen=True):
    """
    When a question is asked, and of when; microseconds since 1970.

    Attributes:
        now: when it is answered.
        at: the time it is about.
        known_at: only what was recorded by then counts; None: all that is recorded. Never later than `now`: of a
            clock that is a little ahead, what is recorded later is not known yet.
    """

    now: int
    at: int
    known_at: int | None = None


def moment_of(context: Context, now: int) -> Moment:
    """Return the times that a query names, however far ahead they are."""
    if context is UNSET:
        return Moment(now, now)
    time, known_at = context.get("time"), context.get("known_at")
    return Moment(
        now,
        now if time is None else parse_utc(time),
        None if known_at is None else min(now, parse_utc(known_at)),
    )


def require_past(context: Context, now: int, place: str | None = "/context/") -> None:
    """
    Refuse a question about a time to come.

    Args:
        place: JSON pointer of the names of the times; None: they are parameters.

    Raises:
        TimeOutOfRange: one of them is more than a minute ahead.
    """
    for name in ("time", "known_at"):
        text = None if context is UNSET else context.get(name)
        if text is not None and parse_utc(text) > now + MAX_AHEAD:
            raise TimeOutOfRange(
                f"`{name}` lies more than a minute ahead; here it is {format_utc(now)}",
                pointer=None if place is None else place + name,
            )


def parameters(time: str | None, known_at: str | None) -> dict[str, str]:
    """
    Return the parameters `time` and `known_at` of a GET as the context of a query.

    Raises:
        BadRequest: one of them is not a time in UTC.
    """
    given = {name: text for name, text in (("time", time), ("known_at", known_at)) if text is not None}
    for name, text in given.items():
        try:
            parse_utc(text)
        except ValueError as error:
            raise BadRequest(f"`{name}`: {error}") from None
    return given
