"""
A log as far as it was verified: its versions, and what made us stop. Pure.

did:webvh v1.0, section Read (Resolve), steps 10 and 11: the entries before the first invalid one go on being
versions of the DID; without a version that is asked for, an invalid log is an error.
"""

from collections.abc import Iterator, Sequence
from copy import copy

import msgspec

from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.limits import LogLimits
from resolver.webvh.slices import Slices
from resolver.webvh.verification import Version, verified_entry
from resolver.webvh.witnesses import approvals, first_unapproved, unapproved

VERSION_BYTES = 512  # a version's own objects, roughly


class History(msgspec.Struct, frozen=True, kw_only=True):
    """
    What was verified of a log.

    Attributes:
        log: the bytes of the lines that were, without the newline at the end.
        versions: one for each line.
        problem: why there are no more of them; None: the whole log holds.
    """

    log: bytes
    versions: tuple[Version, ...]
    problem: InvalidLog | None = None

    @property
    def memory_bytes(self) -> int:
        """What it takes, at most: the log may be full of keys and witnesses, which the parameters have as well."""
        return 2 * len(self.log) + VERSION_BYTES * len(self.versions)


NOTHING = History(log=b"", versions=())


def verified_history(
    log: bytes, scid: str, known: History, *, now: int, limits: LogLimits
) -> Slices[History]:
    """
    Verify the lines of `log` up to the first that does not hold; witnesses aside.

    What is equal, byte by byte, to what is `known` is not verified again: an entry depends on nothing after it.

    Args:
        known: of the same SCID, and with its witnesses.
        now: microseconds since 1970.
    """
    versions = list(known.versions) if _continues(log, known.log) else []
    problem: InvalidLog | None = None
    try:
        _check_size(log, limits)
        for start, end in _lines(log, versions[-1].end + 1 if versions else 0):
            previous = versions[-1] if versions else None
            versions.append(
                (yield from verified_entry(log[start:end], start, previous, scid, now=now, limits=limits))
            )
    except InvalidLog as error:
        problem = copy(error)  # without the traceback, whose frames hold the log
    if not versions and problem is None:
        problem = invalid_log("invalid-log-entry", "the log is empty")
    return _history(log, versions, problem)


def needs_witnesses(history: History, known: int) -> bool:
    """Tell whether a version after the first `known` ones must be witnessed."""
    return any(version.witness is not None for version in history.versions[known:])


def witnessed_history(
    history: History, known: int, file: bytes, *, now: int, limits: LogLimits
) -> Slices[History]:
    """
    Return `history` up to the first version that lacks approval, given the witness file (b"": there is none).

    Only versions whose entries hold can be approved, and can lend their approval to the ones before.

    Args:
        known: how many versions had their approval earlier.
    """
    new = history.versions[known:]
    try:
        approved = yield from approvals(file or b"[]", new, now=now, limits=limits)
        failed, problem = first_unapproved(new, approved), None
    except InvalidLog as error:
        failed = next(version for version in new if version.witness is not None)
        problem = copy(error)  # without the traceback, whose frames hold the log
    if failed is None:
        return history
    kept = history.versions[: failed.number - 1]
    return _history(history.log, kept, problem or unapproved(failed))


def common_versions(known: History, history: History) -> int:
    """Return how many versions `history` has from `known`, without having been verified again."""
    return len(known.versions) if _continues(history.log, known.log) else 0


def _history(log: bytes, versions: Sequence[Version], problem: InvalidLog | None) -> History:
    return History(
        log=log[: versions[-1].end] if versions else b"", versions=tuple(versions), problem=problem
    )


def _continues(log: bytes, known: bytes) -> bool:
    """Tell whether `log` has the lines of `known`, and after them a new line or nothing."""
    return log.startswith(known) and log[len(known) : len(known) + 1] in (b"", b"\n")


def _check_size(log: bytes, limits: LogLimits) -> None:
    if len(log) > limits.max_log_bytes:
        raise invalid_log("invalid-log-entry", f"the log has over {limits.max_log_bytes} bytes")
    if log.count(b"\n", 0, _end_of(log)) >= limits.max_entries:
        raise invalid_log("invalid-log-entry", f"the log has over {limits.max_entries} entries")


def _lines(log: bytes, start: int) -> Iterator[tuple[int, int]]:
    """
    Yield where each line begins and ends, from `start` on; the last one may lack its newline.

    Lines without anything on them are passed over at the end, where editors and templates leave them, and nowhere
    else.
    """
    written = _end_of(log)
    while start < written:
        end = log.find(b"\n", start)
        end = len(log) if end < 0 else end
        yield start, end
        start = end + 1


def _end_of(log: bytes) -> int:
    return len(log.rstrip(b" \t\r\n"))
