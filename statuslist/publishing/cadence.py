"""
When a set may be published, of which a change waits. Pure.

A set whose cadence is a second at most is published at once, and then not again before half of its cadence is over:
changes that come thick make one version together, and each is seen within the cadence.

One with a longer cadence is published only at whole multiples of it, at an offset of the set's own. So the time of
a version says no more than which of these spans a change fell into; were it published a fixed time after the
change, whoever watches the list would know to the second when somebody was revoked.
"""

import zlib

AT_ONCE_MS = 1_000  # milliseconds; the longest cadence that hides no times


def delay_of(set_id: str, cadence_ms: int, *, since_published: float | None, now: float) -> float:
    """
    Return for how many seconds a change that came now has to wait.

    Args:
        since_published: seconds since the version that readers have was begun; None: nobody here knows.
        now: seconds since 1970; what is a multiple of a cadence is so by this clock.
    """
    cadence = cadence_ms / 1_000
    if cadence_ms <= AT_ONCE_MS:
        return 0.0 if since_published is None else max(0.0, cadence / 2 - since_published)
    return cadence - (now - offset_of(set_id, cadence)) % cadence


def offset_of(set_id: str, cadence: float) -> float:
    """Return by how many seconds the versions of a set come later than the multiples."""
    return zlib.crc32(set_id.encode()) / 2**32 * cadence
