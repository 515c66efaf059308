"""
Host names to addresses, by the system's resolver in threads of its own.

`getaddrinfo` cannot be cancelled: a name whose servers do not answer holds its thread for as long as the
system's resolver tries (10 s and more). So the threads are many, ours alone, and never waited for: where
all of them hang, a lookup is refused at once as a limit of ours.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from resolver.fetch_errors import OriginUnreachable, OutboundBudgetExceeded

ResolveName = Callable[[str, int], Awaitable[list[str]]]

LOOKUP_THREADS = 64  # as many as there are fetches at a time


class SystemNames:
    """Looks names up with `getaddrinfo`; `resolve_name` is the guard's default."""

    def __init__(self, threads: int = LOOKUP_THREADS) -> None:
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="resolve-name")
        self._hanging = 0  # lookups under way; changed on the event loop only

    async def resolve_name(self, host: str, port: int) -> list[str]:
        """
        Return the addresses of `host`, each once, in the system's order of preference.

        Raises:
            OriginUnreachable: the name has no address.
            OutboundBudgetExceeded: every thread is busy.
        """
        if self._hanging >= self._threads:
            raise OutboundBudgetExceeded("too many name lookups are under way", retry_after_seconds=5)
        self._hanging += 1
        lookup = asyncio.get_running_loop().run_in_executor(self._executor, _addresses_of, host, port)
        lookup.add_done_callback(self._done)
        return await asyncio.shield(lookup)

    def close(self) -> None:
        """Take no more lookups; does not wait for those under way."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _done(self, lookup: asyncio.Future[list[str]]) -> None:
        self._hanging -= 1
        if not lookup.cancelled():
            lookup.exception()  # Seen here, since the caller may have given up waiting.


def _addresses_of(host: str, port: int) -> list[str]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise OriginUnreachable("the host name has no address") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in answers))
