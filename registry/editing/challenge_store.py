"""
Challenges to those who say that a DID is theirs, in the database. Store.

A row is written once, and once more when it was met. Losing them means nothing but asking again.
"""

import msgspec

from storage import Row, Transaction


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """
    A text to be signed with a key of a DID; times are microseconds since 1970.

    Attributes:
        challenge_id: random; part of a URL.
        text: what is to be signed; it names all of this, and a random value.
        key: the thumbprint URI of the key that signed it.
    """

    challenge_id: str
    change_set: int
    identifier: str
    text: str
    expires_at: int
    met_at: int | None = None
    key: str | None = None


def add(tx: Transaction, challenge: Challenge) -> None:
    """Add a challenge."""
    tx.execute(
        "INSERT INTO registry_challenges (challenge_id, change_set, identifier, text, expires_at)"
        " VALUES (:challenge_id, :change_set, :identifier, :text, :expires_at)",
        msgspec.structs.asdict(challenge),
    )


def find(tx: Transaction, change_set: int, challenge_id: str) -> Challenge | None:
    """Return a challenge of a change set."""
    row = tx.one(
        "SELECT * FROM registry_challenges WHERE change_set = :change_set AND challenge_id = :challenge_id",
        {"change_set": change_set, "challenge_id": challenge_id},
    )
    return None if row is None else _challenge(row)


def meet(tx: Transaction, challenge_id: str, *, key: str, at: int) -> bool:
    """Note that a challenge was met; tell whether it was for the first time."""
    changed = tx.execute(
        "UPDATE registry_challenges SET met_at = :at, key_id = :key"
        " WHERE challenge_id = :challenge_id AND met_at IS NULL",
        {"challenge_id": challenge_id, "key": key, "at": at},
    )
    return changed == 1


def met(tx: Transaction, change_set: int) -> dict[str, Challenge]:
    """Return the challenge of each identifier of a change set that was met last."""
    rows = tx.all(
        "SELECT * FROM registry_challenges WHERE change_set = :change_set AND met_at IS NOT NULL ORDER BY met_at",
        {"change_set": change_set},
    )
    return {row["identifier"]: _challenge(row) for row in rows}


def waiting(tx: Transaction, change_set: int) -> int:
    """Return how many challenges of a change set nobody has met."""
    [row] = tx.all(
        "SELECT count(*) AS n FROM registry_challenges WHERE change_set = :change_set AND met_at IS NULL",
        {"change_set": change_set},
    )
    return int(row["n"])


def forget(tx: Transaction, change_set: int, now: int) -> None:
    """Forget the challenges of a change set that nobody met in time."""
    tx.execute(
        "DELETE FROM registry_challenges WHERE change_set = :change_set AND met_at IS NULL AND expires_at < :now",
        {"change_set": change_set, "now": now},
    )


def _challenge(row: Row) -> Challenge:
    return Challenge(
        challenge_id=row["challenge_id"],
        change_set=row["change_set"],
        identifier=row["identifier"],
        text=row["text"],
        expires_at=row["expires_at"],
        met_at=row["met_at"],
        key=row["key_id"],
    )
