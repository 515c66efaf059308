"""
The patterns of drivers: which methods one is for, and whether matching it takes too long. Pure, but for a clock.

A pattern is a regular expression of the operator's, matched against whole DIDs of strangers. Python's matcher
backtracks and cannot be interrupted, so that what is slow must be found out before it is used.
"""

import re
import time
from collections.abc import Iterable

from resolver.did import MAX_DID_BYTES

MATCH_SECONDS = 0.005  # CPU seconds that one match may take; the event loop is held for as long

# `did:<method>:` or `did:(<method>|<method>):`, after an anchor and opening groups.
_METHODS = re.compile(r"\^?(?:\((?:\?:)?)*did:(?:([a-z0-9]+)|\((?:\?:)?([a-z0-9]+(?:\|[a-z0-9]+)*)\)):")
_UNITS = ("a", "1", "a:", "a-", "%41")
_MAX_OWN_UNITS = 40  # characters of a pattern that are tried as well
_MAX_OWN_BYTES = 1_024  # how long the DIDs made of them become


def methods_in(pattern: str) -> frozenset[str]:
    """Return the methods that a pattern names; none where it does not begin as it must."""
    found = _METHODS.match(pattern)
    return frozenset() if found is None else frozenset((found[1] or found[2]).split("|"))


def is_slow(pattern: str, examples: Iterable[str] = ()) -> bool:
    """
    Tell whether there is a DID whose match takes more than `MATCH_SECONDS`.

    It is tried with DIDs that grow slowly, so that also a pattern with exponential cost is found out in
    milliseconds. They repeat what is usual in DIDs, and each character that stands in the pattern, after
    `did:<method>:` and after `examples`. A trial, not a proof.
    """
    regex = re.compile(pattern, re.ASCII)
    heads = (f"did:{min(methods_in(pattern))}:", *examples)
    own = sorted(set(re.findall(r"[A-Za-z0-9._-]", pattern.partition(":")[2])))[:_MAX_OWN_UNITS]
    return any(
        _is_slow_with(regex, head, unit, tail, longest)
        for units, longest in ((_UNITS, MAX_DID_BYTES), (own, _MAX_OWN_BYTES))
        for unit in units
        for head in heads
        for tail in ("", "_")
    )


def _is_slow_with(regex: re.Pattern[str], head: str, unit: str, tail: str, longest: int) -> bool:
    count = 0
    while (size := len(head) + len(tail) + count * len(unit)) <= longest:
        text = head + unit * count + tail
        began = time.thread_time()
        regex.fullmatch(text)
        if time.thread_time() - began > MATCH_SECONDS:
            return True
        count += max(1, count // 2 if size > 64 else 1)
    return False
