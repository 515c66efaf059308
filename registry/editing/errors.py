"""
The errors of editing, by who must act. Pure.

    wire.Refusal
    +-- InvalidChangeSet      422  the editor must mend the operations; every fault has its JSON pointer
    +-- FactsChanged          409  somebody else changed what is to be changed; look at it again
    +-- ChallengeNotMet       422  whoever applies must show that the DID is theirs
    +-- RevisionNotNamed      428  the editor must say which revision was looked at (If-Match)
    +-- RevisionChanged       412  the change set is another one by now
"""

from collections.abc import Sequence

from registry.placed import Finding
from wire import Refusal

MAX_FAULTS = 20  # faults told at once; a longer list helps nobody


class InvalidChangeSet(Refusal, type="/problems/invalid-change-set", status=422):
    """Operations that cannot be done, whoever approves them; nothing was changed."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(_told("the change set has", "fault", findings), errors=_errors(findings))


class FactsChanged(Refusal, type="/problems/facts-changed", status=409):
    """Facts changed since the change set was made; nothing was changed."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(_told("the change set meets", "conflict", findings), errors=_errors(findings))


class RevisionNotNamed(Refusal, type="/problems/precondition-required", status=428):
    """A change of what others may change meanwhile, without saying which revision was looked at."""


class RevisionChanged(Refusal, type="/problems/precondition-failed", status=412):
    """Another revision than the one that If-Match names."""


class ChallengeNotMet(Refusal, type="/problems/challenge-not-met", status=422):
    """Whoever answered did not show that the DID is theirs; they may try again, or ask for a new challenge."""


def _told(what: str, noun: str, findings: Sequence[Finding]) -> str:
    count = f"{len(findings)} {noun}{'s' if len(findings) != 1 else ''}"
    listed = "; ".join(f"{pointer or 'all of it'}: {detail}" for pointer, detail in findings[:MAX_FAULTS])
    more = f"; and {len(findings) - MAX_FAULTS} more" if len(findings) > MAX_FAULTS else ""
    return f"{what} {count}: {listed}{more}"


def _errors(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [{"pointer": pointer, "detail": detail} for pointer, detail in findings[:MAX_FAULTS]]
