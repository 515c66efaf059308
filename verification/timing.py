"""
Is it in its time? Pure.
"""

from credentials.claims import Claims
from credentials.times import CLOCK_SKEW
from verification.verdicts import Verdict, verdict
from wire import format_utc


def in_time(claims: Claims, at: int) -> Verdict:
    """Return whether a credential may be relied on at a time, in microseconds since 1970, by all that says when."""
    evidence = {
        "validFrom": None if claims.valid_from is None else format_utc(claims.valid_from),
        "validUntil": None if claims.valid_until is None else format_utc(claims.valid_until),
        "toleranceSeconds": CLOCK_SKEW // 1_000_000,
    }
    if claims.issued_at is not None and at + CLOCK_SKEW < claims.issued_at:
        why = f"it was issued only at {format_utc(claims.issued_at)}, or says so"
        return verdict("inTime", "not_yet_valid", why, **evidence)
    if claims.valid_from is not None and at + CLOCK_SKEW < claims.valid_from:
        return verdict("inTime", "not_yet_valid", f"it begins at {evidence['validFrom']}", **evidence)
    if claims.valid_until is not None and at - CLOCK_SKEW > claims.valid_until:
        return verdict("inTime", "expired", f"it ended at {evidence['validUntil']}", **evidence)
    return verdict("inTime", "in_time", "it is within its time", **evidence)
