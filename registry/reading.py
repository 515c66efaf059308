"""
A registry file, read here or in a process of its own. Pure but for that process.

    python -P -m registry.reading < registry.json

To read 16 MiB holds an interpreter for up to a quarter of a second at a time, and takes half a GiB. A server has
requests to answer meanwhile; so it has the file read by another process, which hands over a digest, and a line for
each fact.
"""

import hashlib
import io
import subprocess
import sys
from collections.abc import Callable

import msgspec

from registry.errors import Fault, RegistryFileError
from registry.exports.registry_file import export_registry
from registry.imports.registry_file import read_registry_file
from registry.store import Bodies, bodies_of

READ_SECONDS = 60.0  # the largest file takes 3
FAULTY = 3  # exit code; an interpreter that fails has others
_LINE = msgspec.json.Decoder(tuple[str, str, str])


class ReadRegistry(msgspec.Struct, frozen=True):
    """
    What a registry file says.

    Attributes:
        bodies: its facts, as rows.
        export_sha256: hex SHA-256 of the file that an export of it gives, however this one was written.
    """

    bodies: Bodies
    export_sha256: str


ReadFile = Callable[[bytes], ReadRegistry]


class _Faults(msgspec.Struct, frozen=True):
    faults: tuple[Fault, ...]
    found: int


def read_here(data: bytes) -> ReadRegistry:
    """Read a registry file; raises as `read_registry_file`."""
    facts = read_registry_file(data)
    return ReadRegistry(bodies_of(facts), hashlib.sha256(export_registry(facts)).hexdigest())


def read_apart(data: bytes) -> ReadRegistry:
    """
    As `read_here`, in a process of its own. It blocks: call it in a thread.

    Raises:
        RegistryFileError: as `read_registry_file`.
        RuntimeError, OSError, subprocess.TimeoutExpired: that process failed, or took over `READ_SECONDS`.
    """
    # Without -P a folder of the working directory that is called `registry` would be run.
    command = (sys.executable, "-P", "-m", "registry.reading")
    done = subprocess.run(  # noqa: S603 - a constant
        command, input=data, capture_output=True, timeout=READ_SECONDS, check=False
    )
    if done.returncode == FAULTY:
        told = msgspec.json.decode(done.stdout, type=_Faults)
        raise RegistryFileError(told.faults, told.found)
    if done.returncode != 0:
        raise RuntimeError(f"reading a registry file failed: {done.stderr.decode(errors='replace')[-2_000:]}")
    export_sha256, _, lines = done.stdout.partition(b"\n")
    bodies = {(kind, key): body for kind, key, body in map(_LINE.decode, io.BytesIO(lines))}
    return ReadRegistry(bodies, export_sha256.decode())


def main() -> int:
    """Read standard input; return the exit code."""
    try:
        read = read_here(sys.stdin.buffer.read())
    except RegistryFileError as error:
        sys.stdout.buffer.write(msgspec.json.encode(_Faults(error.faults, error.found)))
        return FAULTY
    sys.stdout.buffer.write(read.export_sha256.encode() + b"\n")
    for (kind, key), body in read.bodies.items():
        sys.stdout.buffer.write(msgspec.json.encode((kind, key, body)) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
