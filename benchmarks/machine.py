"""
What Linux tells of a process (CPU time, memory), and which core a process runs on.
"""

import os
import socket
from pathlib import Path

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


def cpu_seconds(pid: int) -> float:
    """Return user and system time of all threads of a process, in steps of a clock tick (10 ms mostly)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mib(pid: int) -> float:
    """Return the resident set of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1_024


def free_port() -> int:
    """Return a port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
