"""RDF is canonicalised by a process of its own, which a document cannot hold, and which nobody leaves behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from credentials.rdf.job import Job, message
from proofs import (
    JsonObject,
    ProofInvalid,
    TakesTooLong,
    TransformationFailed,
    UnsupportedCryptosuite,
    verify_proof,
)
from server.canonicalizer import Canonicalizer, canonicalizer_for
from tests.credentials.rdf.credentials import EXAMPLES, V2, credential, in_process
from tests.credentials.rdf.employment import CITIZENSHIP, PROOF_VALUES, employment
from tests.proofs.w3c_vectors import VECTORS

OPTIONS: JsonObject = {"@context": [V2], "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022"}


@pytest.fixture
def canonicalizer() -> Iterator[Canonicalizer]:
    canonicalizer = Canonicalizer()
    yield canonicalizer
    canonicalizer.close()


@pytest.fixture
def stuck(canonicalizer: Canonicalizer) -> Canonicalizer:
    """What waits for a process that does not come to an end: no document that is let through takes long."""
    canonicalizer(OPTIONS, credential(), "sha256")
    os.kill(process_of(canonicalizer), signal.SIGSTOP)
    return canonicalizer


def poisoned() -> JsonObject:
    """Two times nine objects that look alike, which stand in 362,880 orders."""
    return credential(evidence=[{"about": [{} for _ in range(9)]} for _ in range(2)])


def process_of(canonicalizer: Canonicalizer) -> int:
    assert canonicalizer.pid is not None
    return canonicalizer.pid


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("hash_name", ["sha256", "sha384"])
def test_the_process_says_what_is_said_here(canonicalizer: Canonicalizer, hash_name: str) -> None:
    assert canonicalizer(OPTIONS, credential(), hash_name) == in_process(OPTIONS, credential(), hash_name)


def test_one_process_serves_all(canonicalizer: Canonicalizer) -> None:
    canonicalizer(OPTIONS, credential(), "sha256")
    pid = process_of(canonicalizer)
    with pytest.raises(TransformationFailed):
        canonicalizer(OPTIONS, credential(id="relative"), "sha256")
    with pytest.raises(TransformationFailed, match="surrogate"):
        canonicalizer(OPTIONS, credential(name="\ud800"), "sha256")
    canonicalizer(OPTIONS, credential(), "sha256")

    assert process_of(canonicalizer) == pid


def test_what_takes_too_long_is_ended_and_the_next_is_served(stuck: Canonicalizer) -> None:
    with pytest.raises(TakesTooLong):
        stuck(OPTIONS, credential(), "sha256")

    assert stuck(OPTIONS, credential(), "sha256")


def test_what_would_take_long_is_not_begun(canonicalizer: Canonicalizer) -> None:
    canonicalizer(OPTIONS, credential(), "sha256")
    pid = process_of(canonicalizer)
    for _ in range(20):
        with pytest.raises(UnsupportedCryptosuite, match="look alike"):
            canonicalizer(OPTIONS, poisoned(), "sha256")

    assert process_of(canonicalizer) == pid


def test_the_kernel_ends_what_takes_long_all_the_same() -> None:
    """The process as it is, but for that count of the work."""
    unlimited = (
        "from credentials.rdf import canonical, __main__ as it; canonical.MAX_WORK = 10**99; it.main()"
    )
    root = Path(__file__).parents[2]
    job = message(Job(OPTIONS, poisoned(), "sha256"))
    ended = subprocess.run([sys.executable, "-c", unlimited], cwd=root, input=job, timeout=60, check=False)

    assert ended.returncode == -signal.SIGPROF


def test_a_process_that_died_is_replaced(canonicalizer: Canonicalizer) -> None:
    canonicalizer(OPTIONS, credential(), "sha256")
    os.kill(process_of(canonicalizer), signal.SIGKILL)
    with pytest.raises(UnsupportedCryptosuite):
        canonicalizer(OPTIONS, credential(), "sha256")

    assert canonicalizer(OPTIONS, credential(), "sha256")


def test_an_end_leaves_no_process(canonicalizer: Canonicalizer) -> None:
    canonicalizer(OPTIONS, credential(), "sha256")
    pid = process_of(canonicalizer)
    canonicalizer.close()

    assert not is_running(pid)
    with pytest.raises(UnsupportedCryptosuite):
        canonicalizer(OPTIONS, credential(), "sha256")
    assert canonicalizer.pid is None


def test_an_end_does_not_wait_for_what_takes_long(stuck: Canonicalizer) -> None:
    with ThreadPoolExecutor() as threads:
        slow = [threads.submit(stuck, OPTIONS, credential(), "sha256") for _ in range(3)]
        stuck.close()

        assert all(isinstance(each.exception(), UnsupportedCryptosuite) for each in slow)
    assert stuck.pid is None


def test_without_the_extra_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyoxigraph", None)  # as if it were not installed

    assert canonicalizer_for("") is None


def test_whoever_started_it_is_not_outlived() -> None:
    """Not even when it is killed."""
    started = (
        "import sys, time; from server.canonicalizer import Canonicalizer;"
        "from tests.server.test_canonicalizer import OPTIONS, credential; canonicalizer = Canonicalizer();"
        "canonicalizer(OPTIONS, credential(), 'sha256'); print(canonicalizer.pid, flush=True);"
        "time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", started], cwd=root, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not is_running(pid)


def test_a_document_may_be_large(canonicalizer: Canonicalizer) -> None:
    document = credential(
        credentialSubject=[{"id": f"did:example:{i}", "name": "x" * 900} for i in range(1_000)]
    )
    _, canonical = canonicalizer({**OPTIONS, "@context": [V2, EXAMPLES]}, document, "sha256")

    assert canonical.count(b"\n") == 4 + 2 * 1_000


@pytest.mark.parametrize("name", list(PROOF_VALUES))
def test_an_operator_has_contexts_of_his_own(name: str) -> None:
    """The W3C's second vector of each suite, under a context that does not come with us."""
    canonicalizer = Canonicalizer(CITIZENSHIP)
    key = VECTORS[name].private_key.public_key()
    try:
        verify_proof(employment(name), key, now=0, canonicalize_rdf=canonicalizer)
        changed = employment(name) | {"validUntil": "2039-12-03T00:00:00Z"}
        with pytest.raises(ProofInvalid):
            verify_proof(changed, key, now=0, canonicalize_rdf=canonicalizer)
    finally:
        canonicalizer.close()


def test_without_that_context_it_is_not_decided(canonicalizer: Canonicalizer) -> None:
    key = VECTORS["eddsa-rdfc-2022"].private_key.public_key()

    with pytest.raises(UnsupportedCryptosuite, match="citizenship/v4rc1 is not among those known here"):
        verify_proof(employment("eddsa-rdfc-2022"), key, now=0, canonicalize_rdf=canonicalizer)
