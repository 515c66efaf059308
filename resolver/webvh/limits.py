"""
What is taken of a log and of its witness proofs, counted before anything costly is done. Pure.
"""

import msgspec

from resolver.methods.webvh import MAX_LOG_BYTES, MAX_WITNESS_BYTES


class LogLimits(msgspec.Struct, frozen=True, kw_only=True):
    """
    Caps on what a stranger's server sends. A log is verified in slices, but a line is the least slice there is.

    Attributes:
        max_log_bytes, max_witness_bytes: of the two files.
        max_entries: lines of a log; the shortest possible entry has about 700 bytes.
        max_line_bytes: of the longest line.
        max_odd_line_bytes: of a line whose JSON only the slow canonicalization can tell (floating-point numbers,
            member names that are not ASCII): its worst case is eight times slower.
        max_proofs: of one entry.
        max_keys: in `updateKeys` and in `nextKeyHashes`; URLs in `watchers`.
        max_witnesses: of one list.
        max_witness_proofs: in the witness file.
        clock_skew_seconds: by which an entry may be ahead of us.
    """

    max_log_bytes: int = MAX_LOG_BYTES
    max_witness_bytes: int = MAX_WITNESS_BYTES
    max_entries: int = 2_000
    max_line_bytes: int = 32_768  # 32 KiB
    max_odd_line_bytes: int = 12_288  # 12 KiB
    max_proofs: int = 8
    max_keys: int = 256
    max_witnesses: int = 64
    max_witness_proofs: int = 4_096
    clock_skew_seconds: int = 300


DEFAULT_LIMITS = LogLimits()
