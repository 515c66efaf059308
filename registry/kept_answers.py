"""
Answers that were given, for whoever asks the same again while they hold. Pure.

An answer about now holds while nothing is recorded, and until the first time at which what is known already changes
it (`Finding.until`). What differs until then is when it was made, and how long it may be relied on.
"""

from collections.abc import Callable, Hashable
from typing import TypeAlias

import msgspec
from msgspec import UNSET

from registry.asking.standing import Finding
from registry.trqp import AuthorizationAnswer, Meta, RecognitionAnswer
from wire import format_utc

MOST = 16_384  # answers; usual ones take some 25 MiB
MAX_BODY_BYTES = 1_024  # of a question; a usual one has 150

Given: TypeAlias = AuthorizationAnswer | RecognitionAnswer


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """An answer, the times between which it holds, and how long it may be relied on, in microseconds."""

    answer: Given
    since: int
    until: int | None
    fresh: int


class KeptAnswers:
    """
    Answers by the bytes of their questions.

    Args:
        state: tells what the registry knows; the same for as long as nothing is recorded.
    """

    def __init__(self, state: Callable[[], Hashable]) -> None:
        self._state = state
        self._of: Hashable = None
        self._kept: dict[bytes, _Kept] = {}

    def find(self, body: bytes, now: int) -> Given | None:
        """Return the answer to a question as it is now; None: work it out."""
        kept = self._kept.get(body)
        if kept is None or self._state() != self._of or now < kept.since:
            return None
        expires = now + kept.fresh
        if kept.until is not None:
            if now >= kept.until:
                return None
            expires = min(expires, kept.until)
        evaluated = format_utc(now)
        meta = Meta(time_evaluated=evaluated, expires_at=format_utc(expires))
        return msgspec.structs.replace(kept.answer, time_evaluated=evaluated, meta=meta)

    def keep(self, of: Hashable, body: bytes, answer: Given, found: Finding, now: int, fresh: int) -> None:
        """
        Keep the answer to a question about now, unless it is long, or more changes it than what was found.

        Args:
            of: the state that it was worked out in.
            fresh: microseconds, as `trqp_answers.fresh_for`.
        """
        if self._of != of or len(self._kept) >= MOST:
            self._of, self._kept = of, {}
        is_all = answer.chain is UNSET and answer.late is UNSET and found.recorded_at <= now
        if is_all and len(body) <= MAX_BODY_BYTES:
            self._kept[body] = _Kept(answer, now, found.until, fresh)
