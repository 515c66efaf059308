"""
Host names to addresses, by the system's resolver in threads of its own. Service.

`getaddrinfo` cannot be cancelled: a name whose servers do not answer holds its thread for as long as the
system's resolver tries (10 s and more). So the threads are many, ours alone, and never waited for. One name is
looked up once at a time, and one site (`budget.domain_of`) has a few threads only: whoever owns slow name servers
cannot stop the lookups of others. What is over that is refused at once, as a limit of ours.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from resolver.outbound.budget import domain_of
from resolver.outbound.errors import NameNotFound, OriginUnreachable, OutboundBudgetExceeded

ResolveName = Callable[[str, int], Awaitable[list[str]]]

LOOKUP_THREADS = (
    128  # twice as many as there are fetches at a time, since a thread hangs longer than its fetch
)
LOOKUPS_PER_SITE = 8  # as many as a site has fetches at a time (`GuardLimits.concurrent_per_site`)


class SystemNames:
    """
    Looks names up with `getaddrinfo`; `resolve_name` is the guard's default.

    Args:
        threads: lookups under way, those that hang included.
        per_site: the same, of the names of one site.
    """

    def __init__(self, threads: int = LOOKUP_THREADS, per_site: int = LOOKUPS_PER_SITE) -> None:
        self._threads = threads
        self._per_site = per_site
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="resolve-name")
        # Lookups under way, and how many of them each site has; changed on the event loop only.
        self._lookups: dict[tuple[str, int], asyncio.Future[list[str]]] = {}
        self._of_site: Counter[str] = Counter()

    async def resolve_name(self, host: str, port: int) -> list[str]:
        """
        Return the addresses of `host`, each once, in the system's order of preference.

        A lookup of the same name that is under way is waited for.

        Raises:
            NameNotFound: there is no such name.
            OriginUnreachable: the name has no address, or no name server could tell.
            OutboundBudgetExceeded: every thread is busy, or those of the name's site.
        """
        lookup = self._lookups.get((host, port)) or self._begun(host, port)
        return list(await asyncio.shield(lookup))

    def close(self) -> None:
        """Take no more lookups; does not wait for those under way."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _begun(self, host: str, port: int) -> asyncio.Future[list[str]]:
        site = domain_of(host)
        if len(self._lookups) >= self._threads or self._of_site[site] >= self._per_site:
            raise OutboundBudgetExceeded("too many name lookups are under way", retry_after_seconds=5)
        lookup = asyncio.get_running_loop().run_in_executor(self._executor, _addresses_of, host, port)
        self._lookups[host, port] = lookup
        self._of_site[site] += 1
        lookup.add_done_callback(lambda done: self._done(done, host, port))
        return lookup

    def _done(self, lookup: asyncio.Future[list[str]], host: str, port: int) -> None:
        del self._lookups[host, port]
        site = domain_of(host)
        self._of_site[site] -= 1
        if not self._of_site[site]:
            del self._of_site[site]
        if not lookup.cancelled():
            lookup.exception()  # Seen here, since the caller may have given up waiting.


def _addresses_of(host: str, port: int) -> list[str]:
    """
    Look a name up; takes as long as the system's resolver does.

    EAI_NONAME alone is NXDOMAIN. EAI_NODATA is not taken for it: the name exists, and glibc says so also where the
    servers answered for one family of addresses and failed for the other.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
            raise NameNotFound("the host name does not exist") from None
        raise OriginUnreachable("the host name has no address") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in answers))
