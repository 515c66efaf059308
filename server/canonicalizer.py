"""
RDF canonicalised by a process of its own: started when it is first needed, and ended when it takes too long.

One of these is enough for a worker: a document takes some milliseconds. What would take long is refused before it
is begun (`credentials/rdf/alike.py`); what takes long all the same ends that process, not this one.
`credentials/rdf/__main__.py` is the process.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from credentials.rdf.contexts import known_contexts
from credentials.rdf.job import LENGTH_BYTES, Job, Outcome, Refused, length_of, message, read_outcome
from proofs import JsonObject, TakesTooLong, UnsupportedCryptosuite

logger = logging.getLogger(__name__)

# Seconds by the clock on the wall, for what waits on a busy machine; the process itself counts those of computing.
MAX_WAIT_SECONDS = 2.0
_ENVIRONMENT = ("PYTHONPATH", "LD_LIBRARY_PATH")  # what the interpreter may need; the rest may be secret


class Canonicalizer:
    """
    A `proofs.Canonicalize`; for threads, which wait for one another.

    Args:
        contexts: an operator's folder of contexts, or None.

    Raises:
        UnusableContexts: there is something wrong with that folder.
    """

    def __init__(self, contexts: Path | None = None) -> None:
        known_contexts(contexts)
        self._contexts = contexts
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._is_closed = False

    def __call__(self, options: JsonObject, document: JsonObject, hash_name: str) -> tuple[bytes, bytes]:
        """
        Return the canonical N-Quads of a proof's options and of a document.

        Raises:
            TransformationFailed: there are none, or something would not be in them.
            UnsupportedCryptosuite: they cannot be told here.
            TakesTooLong: they could not be told in time.
        """
        job = message(Job(options, document, hash_name))
        with self._turn():
            try:
                outcome = self._asked(job)
            except (OSError, EOFError, ValueError) as error:
                status = self._end()
                logger.warning("the process for RDF ended (status %s): %r", status, error)
                raise TakesTooLong(
                    "the canonical form of the document takes too long, or too much memory, to compute"
                ) from None
        if isinstance(outcome, Refused):
            raise outcome.error
        return outcome.options, outcome.document

    @property
    def pid(self) -> int | None:
        """The process; None: none is needed yet, or any more."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process, whatever it does, and start none any more."""
        self._is_closed = True
        if (process := self._process) is not None:
            process.kill()  # so that whoever waits for it ends at once
        with self._lock:
            self._end()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=MAX_WAIT_SECONDS):
            raise UnsupportedCryptosuite("too many documents wait for their canonical form; try again")
        try:
            yield
        finally:
            self._lock.release()

    def _asked(self, job: bytes) -> Outcome:
        channel = self._channel or self._started()
        channel.sendall(job)
        length = length_of(_received(channel, LENGTH_BYTES))
        outcome: Outcome = read_outcome(_received(channel, length))
        return outcome

    def _started(self) -> socket.socket:
        if self._is_closed:
            raise OSError("the server ends")
        folder = [] if self._contexts is None else [str(self._contexts)]
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - no input is among these arguments
                [sys.executable, "-P", "-m", "credentials.rdf", *folder],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            )
        ours.settimeout(MAX_WAIT_SECONDS)
        self._channel = ours
        return ours

    def _end(self) -> int | None:
        channel, process = self._channel, self._process
        self._channel = self._process = None
        if channel is not None:
            channel.close()
        if process is None:
            return None
        process.kill()
        return process.wait()


def canonicalizer_for(contexts: str) -> Canonicalizer | None:
    """
    Return what canonicalises RDF, or None where the extra `ldp` is not installed.

    Args:
        contexts: the setting; "" for none.

    Raises:
        UnusableContexts: as above.
    """
    if find_spec("pyoxigraph") is None:
        return None
    return Canonicalizer(Path(contexts) if contexts else None)


def _received(channel: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = channel.recv(min(size - len(parts), 1_048_576))
        if not part:
            raise EOFError("no answer")
        parts += part
    return bytes(parts)
