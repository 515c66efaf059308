"""
The process that canonicalises RDF: jobs on its standard input, outcomes on its standard output. Command.

`python -m credentials.rdf [FOLDER OF CONTEXTS]`. It ends when its input does, that is, with whoever started it. A
job that takes over `CPU_SECONDS` ends it: by the kernel's own signal, as nothing else interrupts pyoxigraph, which
holds the interpreter. So does one that takes more than `MAX_MEMORY_BYTES`.
"""

import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from credentials.rdf.canonical import WEIGHTY_IN_CREDENTIALS, WEIGHTY_IN_PROOFS, canonical_document
from credentials.rdf.contexts import Contexts, known_contexts
from credentials.rdf.job import LENGTH_BYTES, Done, Job, Outcome, Refused, length_of, message, read_job
from proofs import ProofError, UnsupportedCryptosuite

CPU_SECONDS = 0.3  # A document of a megabyte, or of 6,000 values, takes less than 0.1.
MAX_MEMORY_BYTES = 536_870_912  # 512 MiB of address space, of which it has 64 when it starts


def main() -> None:
    _limit()
    contexts = known_contexts(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    serve(sys.stdin.buffer, sys.stdout.buffer, contexts)


def serve(jobs: BinaryIO, outcomes: BinaryIO, contexts: Contexts) -> None:
    """Answer until there are no more jobs."""
    while len(head := jobs.read(LENGTH_BYTES)) == LENGTH_BYTES:
        job = read_job(jobs.read(length_of(head)))
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        outcome = message(outcome_of(job, contexts))
        signal.setitimer(signal.ITIMER_PROF, 0)
        outcomes.write(outcome)
        outcomes.flush()


def outcome_of(job: Job, contexts: Contexts) -> Outcome:
    """Do one job."""
    try:
        return Done(
            options=canonical_document(job.options, contexts, job.hash_name, WEIGHTY_IN_PROOFS),
            document=canonical_document(job.document, contexts, job.hash_name, WEIGHTY_IN_CREDENTIALS),
        )
    except ProofError as error:
        return Refused(str(error), error.pointer, isinstance(error, UnsupportedCryptosuite))


def _limit() -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # which ends the process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal, for whoever started it
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
