"""
Who wants to know: the client for whom strangers are asked, so that clients share what we may ask. Pure.

It travels as a context variable: between a request and the guard lie caches, sources and methods, which have
nothing to do with it. A task has the context of whoever began it; what we do on our own account has none, and is a
client of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec


class Asker(msgspec.Struct, frozen=True):
    """
    Attributes:
        client: the key under which the client is counted; "": ourselves.
        patience_seconds: how long it can wait for its turn; None: as long as the guard's limits say.
    """

    client: str = ""
    patience_seconds: float | None = None


_ASKER: ContextVar[Asker] = ContextVar("asker", default=Asker())  # noqa: B039 - it is frozen


def asker() -> Asker:
    """Return for whom the present task asks."""
    return _ASKER.get()


@contextmanager
def asking_for(client: str) -> Iterator[None]:
    """Ask for `client`, in this block and in the tasks that it begins."""
    yield from _as(msgspec.structs.replace(asker(), client=client))


@contextmanager
def with_patience(seconds: float) -> Iterator[None]:
    """Let what is asked in this block wait so long for its turn, in all."""
    yield from _as(msgspec.structs.replace(asker(), patience_seconds=seconds))


def _as(who: Asker) -> Iterator[None]:
    token = _ASKER.set(who)
    try:
        yield
    finally:
        _ASKER.reset(token)
