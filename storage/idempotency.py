"""
Idempotency keys: the same request with the same key is done once and answered twice. Store.

draft-ietf-httpapi-idempotency-key-header-06: section 2.7 (a key used with another payload is 422). The row is
written in the transaction of the change, so either both are durable or neither is.
"""

import hashlib
import re
from collections.abc import Callable

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


def once(
    tx: Transaction, *, principal: str, key: str | None, request: bytes, at: int, make: Callable[[], bytes]
) -> bytes:
    """
    Return `make()`, or what it returned when `principal` sent this key with this request before.

    Args:
        key: the Idempotency-Key header; None: nothing is remembered.
        request: the canonical bytes of the request; their digest is kept.
        at: now, in microseconds since 1970; rows are forgotten after a day (`forget_before`).

    Raises:
        BadRequest: the key is not 1 to 255 printable ASCII characters.
        IdempotencyConflict: the key was used with another request.
    """
    if key is None:
        return make()
    done = result_of(tx, principal=principal, key=key, request=request)
    return _remember(tx, principal, key, _digest(request), at, make()) if done is None else done


def result_of(tx: Transaction, *, principal: str, key: str, request: bytes) -> bytes | None:
    """Return what `once` returned for this key and request, or None where it was not done; raises as `once`."""
    if not _KEY.fullmatch(key):
        raise BadRequest("Idempotency-Key: expected 1 to 255 printable ASCII characters without spaces")
    found = tx.one(
        "SELECT request_digest, result FROM idempotency WHERE principal = :principal AND key = :key",
        {"principal": principal, "key": key},
    )
    if found is None:
        return None
    if found["request_digest"] != _digest(request):
        raise IdempotencyConflict("this Idempotency-Key was used with another request")
    return bytes(found["result"])


def _digest(request: bytes) -> str:
    return hashlib.sha256(request).hexdigest()


def _remember(tx: Transaction, principal: str, key: str, digest: str, at: int, result: bytes) -> bytes:
    tx.send(
        "INSERT INTO idempotency (principal, key, request_digest, result, at)"
        " VALUES (:principal, :key, :digest, :result, :at)",
        {"principal": principal, "key": key, "digest": digest, "result": result, "at": at},
    )
    return result


def forget_before(tx: Transaction, at: int) -> int:
    """Delete the rows older than `at` (microseconds since 1970); return how many."""
    return tx.execute("DELETE FROM idempotency WHERE at < :at", {"at": at})
