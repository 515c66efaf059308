"""
A node: its sockets, and a supervisor with the processes that serve on them.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from server.node.memory import settle
from server.node.process import BindError, Sockets, bind_sockets, serve
from server.node.supervisor import Supervisor
from server.settings import Settings
from server.share import Share

__all__ = ["BindError", "serve_node"]

Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def serve_node(settings: Settings, workers: int, run: Run, on_ready: Callable[[], None]) -> int:
    """
    Serve until a signal asks to stop; return the exit code.

    Args:
        run: runs a coroutine on an event loop of its own, and turns what it raises into an exit.

    Raises:
        BindError: an address is taken or not ours.
    """
    sockets = bind_sockets(settings)
    try:

        def child(share: Share, given: Sockets, is_ready: Callable[[], None]) -> None:
            run(lambda: serve(settings, given, _settled(is_ready), share))

        return Supervisor(settings, sockets, workers, child, on_ready).supervise()
    finally:
        sockets.close()


def _settled(on_ready: Callable[[], None]) -> Callable[[], None]:
    def ready() -> None:
        settle()
        on_ready()

    return ready
