"""Rows of an audit log as they would be sealed, and what an attacker makes of them."""

from collections.abc import Sequence

from storage import SealedRow
from storage.audit import AuditRow
from storage.chain import FIRST_DIGEST, next_digest


def a_row(number: int, subject: str = "") -> AuditRow:
    detail = {"n": number, "ü€": [None, True, {"b": 1, "a": "\x7f\n"}], "at": 2**53}
    return AuditRow(number, 1_800_000_000_000_000 + number, "root", "test", subject or f"s{number}", detail)


def sealed(rows: Sequence[AuditRow]) -> list[SealedRow]:
    """Return the rows with their positions and digests: what an honest sealer makes of them, or a forger."""
    entries, digest = [], FIRST_DIGEST
    for position, row in enumerate(rows, 1):
        digest = next_digest(digest, position, row)
        entries.append(SealedRow(position, digest, row))
    return entries


def a_log(count: int) -> list[SealedRow]:
    return sealed([a_row(number) for number in range(1, count + 1)])
