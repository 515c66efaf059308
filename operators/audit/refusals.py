"""
Refused attempts of those whom we know: an audit row for each principal, route and minute, with a count. Service.

Each process counts for itself and writes once a minute, so that nobody fills the log, or the disk, by trying. What
is counted is bounded too: routes are those of the application, never paths, and past `MAX_COUNTED` pairs of
principal and route, attempts go into one row of the principal's, for all further routes.

Whoever is not known is a number alone (`touchstone_operator_unauthenticated`): rows would be written at the will of
strangers.
"""

from collections import Counter
from collections.abc import Callable

from storage import Database, Transaction, record
from wire import Reading

ACTION = "request.refuse"
FURTHER_ROUTES = "further routes"
MAX_COUNTED = 1_000  # pairs of principal and route, of one process in one minute


class Refusals:
    """
    On one event loop.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._refused: dict[tuple[str, str], Counter[int]] = {}
        self._total = 0
        self._unauthenticated = 0

    def note(self, principal_id: str, route: str, status: int) -> None:
        """Count an attempt; `route`: method and path as declared, such as `POST /operator/issuers/{issuer_id}`."""
        self._total += 1
        pair = (principal_id, route)
        if pair not in self._refused and len(self._refused) >= MAX_COUNTED:
            pair = (principal_id, FURTHER_ROUTES)
        self._refused.setdefault(pair, Counter())[status] += 1

    def note_unknown(self) -> None:
        """Count a request of somebody who is not known."""
        self._unauthenticated += 1

    async def flush(self) -> None:
        """
        Write a row for each pair since the last flush.

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
            for pair, counts in refused.items():
                self._refused.setdefault(pair, Counter()).update(counts)
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


def _record(tx: Transaction, refused: dict[tuple[str, str], Counter[int]], at: int) -> None:
    for (principal_id, route), counts in refused.items():
        statuses = {str(status): count for status, count in sorted(counts.items())}
        detail = {"count": counts.total(), "statuses": statuses}
        record(tx, actor=principal_id, action=ACTION, subject=route, detail=detail, at=at)
