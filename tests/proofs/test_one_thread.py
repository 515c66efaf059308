"""One thread for calls that may hang."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from proofs.pkcs11.one_thread import OneThread
from tests.machine import wait_until
from tests.process import holds_in_a_fork


@pytest.fixture
def one_thread() -> OneThread:
    return OneThread("calls")


def _works(one_thread: OneThread) -> bool:
    try:
        return one_thread.call(int, seconds=5) == 0
    except TimeoutError:
        return False


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_all_calls_are_made_in_one_thread_that_is_not_ours(one_thread: OneThread) -> None:
    found = {one_thread.call(threading.current_thread, seconds=5) for _ in range(3)}

    (thread,) = found
    assert thread is not threading.current_thread()
    assert thread.daemon


def test_what_the_work_raises_is_raised(one_thread: OneThread) -> None:
    with pytest.raises(ZeroDivisionError):
        one_thread.call(lambda: 1 / 0, seconds=5)

    assert one_thread.call(lambda: 1, seconds=5) == 1


def test_a_call_that_hangs_is_waited_for_no_longer_than_that(
    one_thread: OneThread, gate: threading.Event
) -> None:
    with pytest.raises(TimeoutError):
        one_thread.call(gate.wait, seconds=0.01)


def test_what_waited_in_vain_never_happens(one_thread: OneThread, gate: threading.Event) -> None:
    happened: list[str] = []
    began = threading.Event()
    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(one_thread.call, lambda: began.set() or gate.wait(), seconds=60)
        began.wait()
        with pytest.raises(TimeoutError):
            one_thread.call(lambda: happened.append("in vain"), seconds=0.05)
        gate.set()
        assert first.result()

    one_thread.call(lambda: happened.append("after"), seconds=5)

    assert happened == ["after"]


def test_while_a_call_hangs_nobody_else_waits(one_thread: OneThread, gate: threading.Event) -> None:
    with pytest.raises(TimeoutError):
        one_thread.call(gate.wait, seconds=0.01)
    with pytest.raises(TimeoutError):
        one_thread.call(int, seconds=60)
    gate.set()

    wait_until(lambda: _works(one_thread), "it is called again")


def test_a_forked_process_has_a_thread_of_its_own(one_thread: OneThread) -> None:
    assert one_thread.call(os.getpid, seconds=5) == os.getpid()

    assert holds_in_a_fork(lambda: one_thread.call(os.getpid, seconds=5) == os.getpid())
    assert one_thread.call(os.getpid, seconds=5) == os.getpid()
