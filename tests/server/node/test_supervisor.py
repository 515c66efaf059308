"""The supervisor ends with its children whenever it is asked to, also while it starts them."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.machine import children_of, is_alive, wait_until
from tests.process import ROOT

pytestmark = pytest.mark.slow

# A node of one worker whose child in the given slot asks the supervisor to stop before it does anything else.
NODE = """
import os, signal, sys, time
from server.settings import Settings
from server.node.supervisor import Supervisor

def run(share, sockets, is_ready):
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    if share.slot == int(sys.argv[1]):
        os.kill(os.getppid(), signal.SIGTERM)
    is_ready()
    while not stop:
        time.sleep(0.01)

settings = Settings(drain_delay_seconds=0.0, shutdown_timeout_seconds=20.0)
sys.exit(Supervisor(settings, None, 2, run, lambda: print("ready")).supervise())
"""


@pytest.mark.parametrize("slot", [0, 1, 2])
def test_asked_to_stop_while_it_forks_it_ends_with_every_child(slot: int) -> None:
    for _ in range(5):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", NODE, str(slot)], cwd=ROOT, capture_output=True, timeout=40
        )

        assert done.returncode == 0, done.stderr.decode()
        assert time.monotonic() - began < 10, "a child was not told, and had to be killed"


def test_a_child_that_ends_at_once_ends_the_start() -> None:
    failing = NODE.replace("is_ready()\n", "sys.exit(6)\n", 1)
    done = subprocess.run([sys.executable, "-c", failing, "9"], cwd=ROOT, capture_output=True, timeout=40)

    assert done.returncode == 1
    assert done.stdout == b""


# A node whose children take no notice of SIGTERM, or are still starting for ever.
HELD_UP = """
import signal, sys, time
from server.settings import Settings
from server.node.supervisor import Supervisor

def run(share, sockets, is_ready):
    if sys.argv[1] == "drains for ever":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.argv[1] != "starts for ever":
        is_ready()
    while True:
        time.sleep(0.01)

settings = Settings(drain_delay_seconds=0.0, shutdown_timeout_seconds=1.0)
Supervisor(settings, None, 2, run, lambda: None).supervise()
"""


@pytest.mark.parametrize(("how", "children"), [("drains for ever", 3), ("starts for ever", 1)])
def test_no_child_outlives_a_supervisor_that_is_killed(how: str, children: int) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", HELD_UP, how], cwd=ROOT, start_new_session=True)
    try:
        wait_until(lambda: len(children_of(supervisor.pid)) == children, "every child is there")
        left = children_of(supervisor.pid)
        time.sleep(0.5)  # So that they take no notice yet.
        supervisor.kill()
        supervisor.wait()

        wait_until(lambda: not any(map(is_alive, left)), "the end of every child", 15.0)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(supervisor.pid, signal.SIGKILL)
