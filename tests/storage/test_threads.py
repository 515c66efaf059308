"""Threads that hang hold up nobody for longer than the seconds that were set."""

import subprocess
import sys
import threading
import time

import pytest

from storage import DatabaseUnavailable
from storage.threads import Threads

pytestmark = pytest.mark.anyio


async def test_a_thread_that_hangs_keeps_nobody_from_closing() -> None:
    threads, opened = Threads("test", 2), threading.Event()
    threads.seconds = 0.2
    with pytest.raises(DatabaseUnavailable):
        await threads.run(lambda: opened.wait(30))
    began = time.monotonic()
    has_ended = threads.close()
    seconds = time.monotonic() - began
    opened.set()

    assert not has_ended
    assert seconds < 5
    assert threads.close()


async def test_work_that_had_not_begun_in_time_never_happens() -> None:
    threads, opened = Threads("test", 1), threading.Event()
    done: list[str] = []
    threads.seconds = 0.2
    first = threads.submit(lambda: opened.wait(30))
    with pytest.raises(DatabaseUnavailable):
        await threads.run(lambda: done.append("late"))
    opened.set()
    await threads.run(lambda: done.append("next"))

    assert first.result(10)
    assert done == ["next"]


async def test_what_work_raises_is_raised_to_its_caller_also_a_timeout_of_its_own() -> None:
    threads = Threads("test", 1)

    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await threads.run(fail)
    assert threads.close()
    with pytest.raises(DatabaseUnavailable, match="closed"):
        await threads.run(fail)


def test_a_process_ends_though_a_thread_hangs() -> None:
    code = (
        "import time; from storage.threads import Threads; Threads('test', 1).submit(lambda: time.sleep(60))"
    )
    ended = subprocess.run([sys.executable, "-c", code], timeout=20)

    assert ended.returncode == 0
