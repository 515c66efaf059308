"""
Who wants to know: the client for whom strangers are asked, so that clients share what we may ask. Pure.

It travels as a context variable: between a request and the guard lie caches, sources and methods, which have
nothing to do with it. A task has the context of whoever began it; what we do on our own account has none, and is a
client of its own.
"""

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


def asking_for(client: str) -> "_As":
    """Ask for `client`, in a `with` block and in the tasks that it begins."""
    return _As(Asker(client, asker().patience_seconds))


def with_patience(seconds: float) -> "_As":
    """Let what is asked in a `with` block wait so long for its turn, in all."""
    return _As(Asker(asker().client, seconds))


class _As:
    """Every request is inside one: a third of what a generator costs."""

    def __init__(self, who: Asker) -> None:
        self._who = who

    def __enter__(self) -> None:
        self._token = _ASKER.set(self._who)

    def __exit__(self, *_: object) -> None:
        _ASKER.reset(self._token)
