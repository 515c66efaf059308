"""
Idempotency keys: the same request with the same key is done once and answered twice. Store.

draft-ietf-httpapi-idempotency-key-header-06: section 2.7 (a key used with another payload is 422). The row is
written in the transaction of the change, so either both are durable or neither is.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from storage.choices import rows_of
from storage.database import Transaction
from storage.migrations import Migration
from wire import BadRequest, Refusal

_KEY = re.compile(r"[!-~]{1,255}", re.ASCII)

MIGRATIONS = (
    Migration(
        room="storage",
        number=2,
        name="idempotency keys",
        statements=(
            """
            CREATE TABLE idempotency (
                principal TEXT NOT NULL,
                key TEXT NOT NULL,
                request_digest TEXT NOT NULL,
                result {blob} NOT NULL,
                at {bigint} NOT NULL,
                PRIMARY KEY (principal, key)
            )
            """,
            "CREATE INDEX idempotency_by_age ON idempotency (at)",
        ),
    ),
)


class IdempotencyConflict(
    Refusal,
    type="/problems/idempotency-conflict",
    title="Idempotency key used for another request",
    status=422,
):
    """The key was used before with another request; use a new key for a new request."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """
    A request that may have been made before.

    Attributes:
        key: the Idempotency-Key header; None: nothing is remembered.
        request: the canonical bytes of the request; their digest is kept.
        at: now, in microseconds since 1970; rows are forgotten after a day (`forget_before`).
    """

    principal: str
    key: str | None
    request: bytes
    at: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.request).hexdigest()


def once(
    tx: Transaction, *, principal: str, key: str | None, request: bytes, at: int, make: Callable[[], bytes]
) -> bytes:
    """
    Return `make()`, or what it returned when `principal` sent this key with this request before.

    Args:
        key, request, at: as of `Asked`.

    Raises:
        BadRequest: the key is not 1 to 255 printable ASCII characters.
        IdempotencyConflict: the key was used with another request.
    """
    asked = Asked(principal=principal, key=key, request=request, at=at)
    (outcome,) = once_each(tx, [asked], lambda _: make())
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def once_each(tx: Transaction, asked: Sequence[Asked], make: Callable[[int], bytes]) -> list[bytes | Refusal]:
    """
    Return for each of some requests, in their order, what `once` returned; or the refusal that it raised.

    Args:
        make: does the request of that position, having written nothing where it raises a `Refusal`.
    """
    known = _known(tx, asked)
    kept: list[dict[str, object]] = []

    def answer(position: int, one: Asked) -> bytes | Refusal:
        try:
            done = _found(one, known)
            if done is not None:
                return done
            result = make(position)
        except Refusal as refusal:
            return refusal
        if one.key is not None:
            known[one.principal, one.key] = (one.digest, result)
            kept.append(
                {
                    "principal": one.principal,
                    "key": one.key,
                    "digest": one.digest,
                    "result": result,
                    "at": one.at,
                }
            )
        return result

    outcomes = [answer(position, one) for position, one in enumerate(asked)]
    _remember(tx, kept)
    return outcomes


def result_of(tx: Transaction, *, principal: str, key: str, request: bytes) -> bytes | None:
    """Return what `once` returned for this key and request, or None where it was not done; raises as `once`."""
    asked = Asked(principal=principal, key=key, request=request, at=0)
    return _found(asked, _known(tx, [asked]))


_Known = dict[tuple[str, str], tuple[str, bytes]]  # digest of the request, and result, by principal and key


def _known(tx: Transaction, asked: Iterable[Asked]) -> _Known:
    """Return what is remembered of keys that can be keys: a statement for each principal."""
    keys: dict[str, set[str]] = {}
    for one in asked:
        if one.key is not None and _KEY.fullmatch(one.key):
            keys.setdefault(one.principal, set()).add(one.key)
    known: _Known = {}
    for principal, found in keys.items():
        wanted, values = rows_of(found, "TEXT")
        row = "FROM idempotency i WHERE i.principal = :principal AND i.key = a.key"
        rows = tx.all(
            f"WITH asked (key) AS ({wanted}) SELECT a.key,"  # noqa: S608 (ours)
            f" (SELECT request_digest {row}) AS request_digest, (SELECT result {row}) AS result FROM asked a",
            {"principal": principal, **values},
        )
        known |= {
            (principal, row["key"]): (row["request_digest"], bytes(row["result"]))
            for row in rows
            if row["request_digest"] is not None
        }
    return known


def _found(asked: Asked, known: _Known) -> bytes | None:
    if asked.key is None:
        return None
    require_key(asked.key)
    digest, result = known.get((asked.principal, asked.key), (None, None))
    if digest not in (None, asked.digest):
        raise IdempotencyConflict("this Idempotency-Key was used with another request")
    return result


def _remember(tx: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    insert = (
        "INSERT INTO idempotency (principal, key, request_digest, result, at)"
        " VALUES (:principal, :key, :digest, :result, :at)"
    )
    if len(rows) == 1:
        tx.send(insert, rows[0])
    elif rows:
        tx.execute_many(insert, rows)


def forget_before(tx: Transaction, at: int) -> int:
    """Delete the rows older than `at` (microseconds since 1970); return how many."""
    return tx.execute("DELETE FROM idempotency WHERE at < :at", {"at": at})


def require_key(key: str) -> None:
    """
    Refuse what is no Idempotency-Key, also where nothing is done that it would be remembered for.

    Raises:
        BadRequest: it is not 1 to 255 printable ASCII characters.
    """
    if not _KEY.fullmatch(key):
        raise BadRequest("Idempotency-Key: expected 1 to 255 printable ASCII characters without spaces")
