"""
Refused attempts of those whom we know: an audit row for each of them, route and minute, with a count. Service.

Each process counts for itself and writes once a minute, so that nobody fills the log, or the disk, by trying. What
is counted is bounded too: routes are those of the application, never paths, and past `MAX_COUNTED` rows attempts go
into one of the principal's, for all further routes.

An API key that was good, and is revoked or has ended, or whose principal was deactivated, is of somebody known too.
Whoever is not known is a number alone (`touchstone_operator_unauthenticated`): rows would be written at the will of
strangers.
"""

from collections import Counter
from collections.abc import Callable

import msgspec

from operators.grants import Principal
from operators.noting import behind
from storage import Database, Transaction, record
from wire import Reading

ACTION = "request.refuse"
FURTHER_ROUTES = "further routes"
MAX_COUNTED = 1_000  # rows, of one process in one minute


class _Refused(msgspec.Struct, frozen=True):
    """Whose attempts are counted together; `key` and `person`: who is behind the principal."""

    principal: str
    key: str | None
    person: str | None
    route: str


class Refusals:
    """
    On one event loop.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._refused: dict[_Refused, Counter[int]] = {}
        self._total = 0
        self._unauthenticated = 0

    def note(self, principal: Principal, route: str, status: int) -> None:
        """Count an attempt; `route`: method and path as declared, such as `POST /operator/issuers/{issuer_id}`."""
        self._total += 1
        who = _Refused(principal.id, principal.key, principal.person, route)
        if who not in self._refused and len(self._refused) >= MAX_COUNTED:
            who = _Refused(principal.id, None, None, FURTHER_ROUTES)
        self._refused.setdefault(who, Counter())[status] += 1

    def note_unknown(self) -> None:
        """Count a request of somebody who is not known."""
        self._unauthenticated += 1

    async def flush(self) -> None:
        """
        Write a row for each since the last flush.

        Raises:
            DatabaseUnavailable: it is written later; should it have been written after all, it is twice.
        """
        refused, self._refused = self._refused, {}
        if not refused:
            return
        at = int(self._clock() * 1_000_000)
        try:
            await self._database.write(lambda tx: _record(tx, refused, at))
        except BaseException:
            for who, counts in refused.items():
                self._refused.setdefault(who, Counter()).update(counts)
            raise

    def readings(self) -> list[Reading]:
        return [
            Reading(
                "touchstone_operator_unauthenticated",
                "Requests to the operator API without a valid key or token.",
                self._unauthenticated,
                "sum",
            ),
            Reading(
                "touchstone_operator_refused",
                "Requests to the operator API that a known principal may not make.",
                self._total,
                "sum",
            ),
        ]


def _record(tx: Transaction, refused: dict[_Refused, Counter[int]], at: int) -> None:
    for who, counts in refused.items():
        statuses = {str(status): count for status, count in sorted(counts.items())}
        detail: dict[str, object] = {"count": counts.total(), "statuses": statuses}
        if by := behind(who):
            detail["by"] = by
        record(tx, actor=who.principal, action=ACTION, subject=who.route, detail=detail, at=at)
