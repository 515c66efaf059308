"""
When what secures a credential may be accepted. Pure.
"""

from typing import Protocol

from proofs import ProofInvalid

CLOCK_SKEW = (
    60 * 1_000_000
)  # microseconds; tolerated at both ends of a period (RFC 7519, 4.1.4: "small leeway")


class TokenOutOfTime(ProofInvalid):
    """The token has expired, or is to be accepted only later (RFC 7519, sections 4.1.4 and 4.1.5)."""


class Timed(Protocol):
    """What may be accepted for a time: a `Secured`, or a token list; microseconds since 1970, or None."""

    @property
    def not_before(self) -> int | None: ...

    @property
    def expires(self) -> int | None: ...


def check_in_time(token: Timed, now: int) -> None:
    """
    Raises:
        TokenOutOfTime: `now` (microseconds since 1970) is before `nbf` or after `exp`, by more than `CLOCK_SKEW`.
    """
    if token.not_before is not None and now + CLOCK_SKEW < token.not_before:
        raise TokenOutOfTime("the token is not valid yet", pointer="/nbf")
    if token.expires is not None and now - CLOCK_SKEW > token.expires:
        raise TokenOutOfTime("the token has expired", pointer="/exp")


def earliest(*moments: int | None) -> int | None:
    """Return the first of the moments that there are; None: there is none."""
    return min((moment for moment in moments if moment is not None), default=None)
