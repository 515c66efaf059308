"""What a PostgreSQL of the tests needs of the machine: binaries, a user, a port; and how its processes fare."""

import os
import pwd
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

INSTALL = "PostgreSQL is missing. Run: sh tools/postgres.sh as root, or: sudo apt-get install postgresql"
PATIENCE_SECONDS = 30.0
# Below Linux's ephemeral ports (32,768 and up): there a client that dials a dead server may reach itself, and any
# outgoing connection may hold the port when the server comes back.
PORTS = range(20_000, 32_000)
SETPRIV = shutil.which("setpriv")


class PostgresMissing(Exception):
    """There are no server binaries, or no way to run them as another user than root."""


def installed() -> Iterator[Path]:
    """Yield where server binaries may be, best first: Debian's, the newest first, `pg_config`'s, PATH's."""
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
    if shutil.which("pg_config"):
        yield Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent


def find_binaries(candidates: Iterable[Path]) -> Path:
    """
    Return the first directory that holds a server's binaries, not only a client's.

    Raises:
        PostgresMissing: there are none; the message says how to get them.
    """
    for directory in candidates:
        if (directory / "initdb").is_file() and (directory / "postgres").is_file():
            return directory
    raise PostgresMissing(INSTALL)


def unprivileged_user() -> pwd.struct_passwd | None:
    """
    Return whom to become to run a server: `postgres`, else `nobody`; None where we need not, being nobody special.

    Raises:
        PostgresMissing: we are root and have no setpriv.
    """
    if os.geteuid() != 0:
        return None
    if SETPRIV is None:
        raise PostgresMissing(
            "PostgreSQL refuses to run as root, and there is no setpriv. Run the tests as a user."
        )
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def free_server_port() -> int:
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            # As PostgreSQL does: a port whose last connections linger in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("100 ports tried, none free")


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def children_of(parent: int) -> list[int]:
    """Return the live processes whose parent it is; zombies are not alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # pid (command) state ppid ...; the command may hold spaces and parentheses.
            state, ppid = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(ppid) == parent and state != "Z":
            found.append(int(stat.parent.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
