"""
Verdicts that were given, for whoever asks the same again while they hold. Pure.

A verdict holds while nothing is recorded, and, about now, until its `expires_at`: what is known already changes it
no earlier. One about a time that is over changes in no other way.
"""

from collections.abc import Callable, Hashable, Sequence

import msgspec

from registry.asking.evaluation import Evaluation, EvaluationRequest
from wire import parse_utc

MOST = 4_096  # verdicts; usual ones take some 20 MiB
KEPT = 10_000_000  # microseconds: how much earlier `expires_at` may be than that of a new one
MAX_RESULTS = 4  # of a verdict that is kept
MAX_CHARS = 1_024  # of a question that is kept; the rest of it has at most 1,024 more

Weigh = Callable[[EvaluationRequest], Evaluation]


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """A verdict, and the times between which it holds, in microseconds since 1970."""

    verdict: Evaluation
    since: int
    until: int


class KeptVerdicts:
    """
    Verdicts by their questions, which name neither a key nor certificates: more than the registry decides on those.

    Args:
        state: tells what the registry knows; the same for as long as nothing is recorded.
        weigh: works one out, from what is known when it is called.
    """

    def __init__(self, state: Callable[[], Hashable], weigh: Weigh) -> None:
        self._state = state
        self._weigh = weigh
        self._of: Hashable = None
        self._kept: dict[EvaluationRequest, _Kept] = {}

    def verdicts(self, requests: Sequence[EvaluationRequest], now: int) -> list[Evaluation]:
        """Return the verdicts on questions at `now`, in microseconds since 1970; raises as `state` and `weigh`."""
        if (of := self._state()) != self._of:
            self._of, self._kept = of, {}
        return [self._find(each, now) or self._worked_out(each, now) for each in requests]

    def _find(self, request: EvaluationRequest, now: int) -> Evaluation | None:
        kept = self._kept.get(request)
        return kept.verdict if kept is not None and kept.since <= now < kept.until else None

    def _worked_out(self, request: EvaluationRequest, now: int) -> Evaluation:
        told = self._weigh(request)
        if _is_short(request) and len(told.results) <= MAX_RESULTS:
            if len(self._kept) >= MOST:
                self._kept = {}
            self._kept[request] = _Kept(told, now, min(now + KEPT, parse_utc(told.expires_at)))
        return told


def _is_short(request: EvaluationRequest) -> bool:
    named = (request.did, request.iss, request.action, request.authority)
    return sum(len(text) for text in named if text is not None) <= MAX_CHARS
