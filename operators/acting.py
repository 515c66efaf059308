"""
What every change of an operator has: it is done once for an Idempotency-Key, in one transaction. Service.
"""

from collections.abc import Callable
from typing import TypeVar

from operators.grants import Principal
from storage import Database, Transaction, once, result_of
from wire import decode, encode

T = TypeVar("T")

_MAX_RESULT_BYTES = 1_048_576  # bytes; what we stored ourselves for a replay


async def act_once(
    database: Database,
    principal: Principal,
    key: str | None,
    request: tuple[object, ...],
    make: Callable[[Transaction], T],
    result_type: type[T],
    *,
    at: int,
) -> T:
    """
    Run `make` in a write transaction, or return what it returned for the same key and request.

    Raises:
        BadRequest, IdempotencyConflict: as `storage.once`.
        Exception: whatever `make` raised.
    """

    def work(tx: Transaction) -> T:
        if key is None:
            return make(tx)
        result = once(
            tx,
            principal=principal.id,
            key=key,
            request=encode(request),
            at=at,
            make=lambda: encode(make(tx)),
        )
        return _read(result, result_type)

    return await database.write(work)


async def done_before(
    database: Database,
    principal: Principal,
    key: str | None,
    request: tuple[object, ...],
    result_type: type[T],
) -> T | None:
    """
    Return what `act_once` returned for this key and request, or None where that was not done.

    For whoever makes something before the transaction that would be in vain; raises as `act_once`.
    """
    if key is None:
        return None
    found = await database.read(
        lambda tx: result_of(tx, principal=principal.id, key=key, request=encode(request))
    )
    return None if found is None else _read(found, result_type)


def _read(result: bytes, result_type: type[T]) -> T:
    return decode(result, result_type, max_bytes=_MAX_RESULT_BYTES, max_values=None)
