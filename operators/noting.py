"""
The audit row of what a principal does: who, what, when, why, and what was before and after. Store.

The table `audit` is older than principals of two kinds; what came later stands in `detail`, which the chain's
digests cover as they do every column. No name, no address and no secret is ever noted.
"""

import hashlib
from typing import Protocol

import msgspec

from operators.grants import Principal
from storage import AuditEntry, Transaction, record


class Behind(Protocol):
    """Who acts, as far as it says who is behind."""

    @property
    def key(self) -> str | None: ...

    @property
    def person(self) -> str | None: ...


def note(
    tx: Transaction,
    principal: Principal,
    action: str,
    subject: str,
    *,
    at: int,
    before: object = None,
    after: object = None,
    **detail: object,
) -> None:
    """
    Write the audit row of a change, in the transaction of the change.

    Args:
        at: now, in microseconds since 1970.
        before, after: the subject as it was and as it is; `digest_of` them is noted. None: there was or is none.
        detail: what else there is to say.
    """
    entry = noted(principal, action, subject, at=at, before=before, after=after, **detail)
    record(tx, **msgspec.structs.asdict(entry))


def noted(
    principal: Principal,
    action: str,
    subject: str,
    *,
    at: int,
    before: object = None,
    after: object = None,
    **detail: object,
) -> AuditEntry:
    """Return the audit row that `note` writes, for whoever writes many."""
    found = {
        "by": behind(principal),
        "why": principal.reason,
        "approval": principal.approval,
        "before": None if before is None else digest_of(before),
        "after": None if after is None else digest_of(after),
    }
    kept = detail | {name: value for name, value in found.items() if value}
    return AuditEntry(actor=principal.id, action=action, subject=subject, detail=kept, at=at)


def behind(principal: "Behind") -> dict[str, str]:
    """Return what stands behind a principal who acts: the API key that was presented, and the person."""
    return {name: value for name in ("key", "person") if (value := getattr(principal, name))}


def digest_of(value: object) -> str:
    """Return SHA-256, in hex, of `value` as JSON with sorted members."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
