"""The supervisor ends with its children whenever it is asked to, also while it starts them."""

import subprocess
import sys
import time

import pytest

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
