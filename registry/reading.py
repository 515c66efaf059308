"""
A registry file, read here or in a process of its own. Pure but for that process.

    python -P -m registry.reading < registry.json

To read 16 MiB holds an interpreter for up to a quarter of a second at a time, and takes half a GiB. A server has
requests to answer meanwhile; so it has the file read by another process, which hands over a line for each fact.
"""

import io
import subprocess
import sys
from collections.abc import Callable

import msgspec

from registry.errors import Fault, RegistryFileError
from registry.events import body_of
from registry.imports.registry_file import read_registry_file
from registry.model import TYPES, Fact, FactKind, kind_of

READ_SECONDS = 60.0  # the largest file takes 3
FAULTY = 3  # exit code; an interpreter that fails has others
_LINE = msgspec.json.Decoder(tuple[FactKind, str])
_DECODERS = {kind: msgspec.json.Decoder(wanted) for kind, wanted in TYPES.items()}


ReadFile = Callable[[bytes], tuple[Fact, ...]]


class _Faults(msgspec.Struct, frozen=True):
    faults: tuple[Fault, ...]
    found: int


def read_here(data: bytes) -> tuple[Fact, ...]:
    """Read a registry file; raises as `read_registry_file`."""
    return read_registry_file(data)


def read_apart(data: bytes) -> tuple[Fact, ...]:
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
    return tuple(_fact(line) for line in io.BytesIO(done.stdout))


def main() -> int:
    """Read standard input; return the exit code."""
    try:
        facts = read_here(sys.stdin.buffer.read())
    except RegistryFileError as error:
        sys.stdout.buffer.write(msgspec.json.encode(_Faults(error.faults, error.found)))
        return FAULTY
    for fact in facts:
        sys.stdout.buffer.write(msgspec.json.encode((kind_of(fact), body_of(fact))) + b"\n")
    return 0


def _fact(line: bytes) -> Fact:
    kind, body = _LINE.decode(line)
    fact: Fact = _DECODERS[kind].decode(body)
    return fact


if __name__ == "__main__":
    sys.exit(main())
