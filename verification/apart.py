"""
Proofs that are verified on a thread, as they may wait for RDF: one of each client at a time. Service.

There are a few threads, and one process that canonicalises RDF, for all. A client's second proof waits for its
first, so that nobody waits behind more than one proof of each other client.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from weakref import WeakValueDictionary

from proofs import Canonicalize, JsonObject, TakesTooLong, UnsupportedCryptosuite
from proofs.suites import Canonical
from statuslist.checking.account import Account

# Tokens of computation that a document costs when it takes too long; it holds the process for half a second.
OVERRUN_TOKENS = 100
_THREADS = ThreadPoolExecutor(4, thread_name_prefix="proofs")


class Turns:
    """Whose turn it is: a lock for each client that has a proof in work."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, client: str) -> asyncio.Lock:
        """Return the lock of a client; it is forgotten once nobody holds it."""
        return self._locks.setdefault(client, asyncio.Lock())


class Apart:
    """
    What verifies the proofs of one request.

    Args:
        canonicalize_rdf: as `credentials.forms.with_proof`; None: proofs over RDF are not verified.
        turn: its client's.
        account: pays for a document that takes too long.
    """

    def __init__(self, canonicalize_rdf: Canonicalize | None, turn: asyncio.Lock, account: Account) -> None:
        self.canonicalize_rdf = (
            None if canonicalize_rdf is None else partial(self._canonical, canonicalize_rdf)
        )
        self._turn = turn
        self._account = account
        self._took_too_long = False

    async def run(self, verify: Callable[[], None]) -> None:
        """
        Call what may canonicalise RDF, on a thread, at its client's turn.

        Raises: what it raises.
        """
        async with self._turn:
            try:
                await asyncio.get_running_loop().run_in_executor(_THREADS, verify)
            except TakesTooLong:
                self._took_too_long = True
                self._account.owe_computing(OVERRUN_TOKENS)
                raise

    def _canonical(
        self, canonicalize_rdf: Canonicalize, options: JsonObject, document: JsonObject, hash_name: str
    ) -> Canonical:
        if self._took_too_long:
            raise UnsupportedCryptosuite(
                "a credential before it in the batch took too long; no more proofs over RDF are looked at"
            )
        return canonicalize_rdf(options, document, hash_name)
