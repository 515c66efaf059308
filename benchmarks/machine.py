"""
What Linux tells of a process (CPU time, memory), and which core a process runs on.
"""

import os
import socket
import time
from pathlib import Path

MAX_WAIT_SECONDS = 2.0  # for quiet, before each shot
LOOK_SECONDS = 0.2
ENOUGH_IDLE = 0.85  # of all cores
_TICKS = os.sysconf("SC_CLK_TCK")  # per second


def cores() -> tuple[int, int]:
    """Return the core for servers and the core for load; the same where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def on_server_core() -> None:
    """Keep this process on the servers' core; for a child, before it has threads, which would stay elsewhere."""
    os.sched_setaffinity(0, {cores()[0]})


def on_load_core() -> None:
    """Keep this process on the core of the load."""
    os.sched_setaffinity(0, {cores()[1]})


def wait_until_idle() -> None:
    """Wait until the cores have little else to do, for a while at most: neighbours are noise."""
    until = time.monotonic() + MAX_WAIT_SECONDS
    while time.monotonic() < until:
        idle, total = _idle_and_total()
        time.sleep(LOOK_SECONDS)
        idle_now, total_now = _idle_and_total()
        if idle_now - idle >= ENOUGH_IDLE * (total_now - total):
            return


def _idle_and_total() -> tuple[int, int]:
    """Return the clock ticks of all cores since the start: idle, and altogether."""
    first = Path("/proc/stat").read_text().partition("\n")[0]
    ticks = [int(field) for field in first.split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def cpu_seconds(pid: int) -> float:
    """
    Return user and system time of a process and its descendants, in steps of a clock tick (10 ms mostly).

    A supervisor does nothing: what works are its children.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS + sum(map(cpu_seconds, _children(pid)))


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def resident_mib(pid: int) -> float:
    """Return what a process and its descendants have in memory (PSS: a shared page is divided), in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1_024
    return own + sum(map(resident_mib, _children(pid)))


def free_port() -> int:
    """Return a port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
