"""
API keys that somebody works with and that end soon, so that no pipeline stops on a Sunday. Service.

Done by the holder of the lease.
"""

from collections.abc import Callable

from operators.actors.key_store import KeyRow, keys_near_end
from storage import Database
from wire import format_utc

DAY = 86_400_000_000  # microseconds
NEAR_DAYS = 14  # days before the end
USED_DAYS = 7  # days; a key that was not used since is missed by nobody
LASTING_DAYS = (
    28  # days; a key that was made for less was meant to end, unless it came in another one's place
)

OnNearEnd = Callable[[str, str | None], None]  # the key, and why; None: no more


class KeyEnds:
    """
    Args:
        clock: seconds since 1970; keys end by it.
        on_state: told of each key that ends soon, and when that is over.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float], on_state: OnNearEnd) -> None:
        self._database = database
        self._clock = clock
        self._on_state = on_state
        self._near_end: set[str] = set()  # As far as we told.

    async def look(self) -> None:
        """Tell of keys in use that end soon, and in whose place there is no other."""
        now = int(self._clock() * 1_000_000)
        keys = await self._database.read(
            lambda tx: keys_near_end(
                tx,
                now,
                until=now + NEAR_DAYS * DAY,
                used_since=now - USED_DAYS * DAY,
                made_for=LASTING_DAYS * DAY,
            )
        )
        self._tell({_subject(key): _why(key) for key in keys})

    def leave(self) -> None:
        """Another process looks, and tells from now on."""
        self._tell({})

    def _tell(self, near_end: dict[str, str]) -> None:
        for subject in self._near_end - near_end.keys():
            self._on_state(subject, None)
        for subject, why in near_end.items():
            self._on_state(subject, why)
        self._near_end = set(near_end)


def _subject(key: KeyRow) -> str:
    return f"{key.principal_id}#{key.public_id}"


def _why(key: KeyRow) -> str:
    assert key.expires_at is not None
    return f"this API key is used, and ends on {format_utc(key.expires_at)}"
