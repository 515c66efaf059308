"""
A node: a supervisor with the processes that serve on its sockets.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from server.node.memory import settle
from server.node.process import Sockets, listen, serve
from server.node.supervisor import Supervisor
from server.settings import Settings
from server.share import Share

Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def serve_node(
    settings: Settings, sockets: Sockets, workers: int, run: Run, on_ready: Callable[[], None]
) -> int:
    """
    Serve on `sockets` until a signal asks to stop; return the exit code.

    Args:
        sockets: bound; they listen from here on, where a failure can still be told before there are processes.
        run: runs a coroutine on an event loop of its own, and turns what it raises into an exit.

    Raises:
        BindError: as `listen`.
    """
    listen(sockets, settings)

    def child(share: Share, given: Sockets, is_ready: Callable[[], None]) -> None:
        run(lambda: serve(settings, given, _settled(is_ready), share))

    return Supervisor(settings, sockets, workers, child, on_ready).supervise()


def _settled(on_ready: Callable[[], None]) -> Callable[[], None]:
    def ready() -> None:
        settle()
        on_ready()

    return ready
