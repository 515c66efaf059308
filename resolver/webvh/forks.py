"""
Refuses a log that forks from one seen before, or is shorter. Service, on a store that is handed in (`heads.py`).

did:webvh v1.0, Security and Privacy Considerations: a resolver SHOULD remember the highest version and its hash.
Who holds the keys and the web server can show each verifier a history of its own; each of them is valid.
"""

from resolver.sources.heads import LogHeads, number_of
from resolver.webvh.errors import InvalidLog, invalid_log
from resolver.webvh.history import History


async def check_head(heads: LogHeads, scid: str, history: History) -> None:
    """
    Check the versions of a log against the highest one that was ever seen, and remember theirs.

    An invalid log must have it as well, before the entry that does not hold: else the older versions that it
    still has could be those of a fork.

    Raises:
        InvalidLog: another entry has that number, or there is none.
    """
    remembered = await heads.highest(scid)
    if remembered is not None:
        _check(history, remembered)
    newest = history.versions[-1].version_id
    _check(history, await heads.advance(scid, newest))


def _check(history: History, remembered: str) -> None:
    number = number_of(remembered)
    if number > len(history.versions):
        raise _rolled_back(history, number)
    if history.versions[number - 1].version_id != remembered:
        raise invalid_log(
            "log-forked",
            f"version {number} of the log is not the one seen before, {remembered}: the history was rewritten",
        )


def _rolled_back(history: History, number: int) -> InvalidLog:
    because = "" if history.problem is None else f"; what follows does not hold: {history.problem.detail}"
    return invalid_log(
        "log-rolled-back",
        f"version {number} of the log was seen before, and now it has {len(history.versions)} valid ones{because}",
    )
