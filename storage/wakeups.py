"""
How the processes of one machine tell one another that something was committed: datagrams on Unix sockets.

Each process that watches has a socket in one directory (mode 0700); whoever commits sends an empty datagram to
each. A datagram that does not fit into a full socket is dropped: one is waiting there already.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path


class Wakeups:
    """One process's part in it. `send` may be called on any thread; `watch` and `close` once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._own: socket.socket | None = None
        self._name = ""
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call `on_change` on the running event loop for each bunch of datagrams."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._loop = asyncio.get_running_loop()
        own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._name = f"{os.getpid()}-{id(self):x}.sock"
        with self._short_path() as directory:
            own.bind(f"{directory}/{self._name}")
        self._own = own
        self._loop.add_reader(own, self._drain, own, on_change)

    def send(self) -> None:
        """Wake all that watch; forget sockets whose process is gone."""
        with contextlib.suppress(OSError), self._short_path() as directory:  # Nobody has ever watched.
            for socket_path in Path(directory).glob("*.sock"):
                if socket_path.name != self._name:
                    self._send_to(socket_path)

    def close(self) -> None:
        """Stop watching."""
        self._sender.close()
        if self._own is None or self._loop is None:
            return
        with contextlib.suppress(RuntimeError):  # The loop may be closed already.
            self._loop.remove_reader(self._own)
        self._own.close()
        with contextlib.suppress(FileNotFoundError):
            (self._directory / self._name).unlink()

    def _send_to(self, path: Path) -> None:
        try:
            self._sender.sendto(b"", str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError:  # Full, or gone meanwhile: polling makes up for it.
            pass

    @contextlib.contextmanager
    def _short_path(self) -> Iterator[str]:
        """Name the directory through its descriptor: a socket's path has at most 107 bytes."""
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)

    @staticmethod
    def _drain(own: socket.socket, on_change: Callable[[], None]) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                own.recv(1)
        on_change()
