"""
The files of issuers' key logs beside the mirror: where they are, and how they are opened.

    <mirror>/issuer-keys/<issuer id>.log
    <mirror>/issuer-keys/<issuer id>.1.log, .2.log and so on: what came before it, once it was full
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from operators.model import is_id

DIRECTORY = "issuer-keys"
MAX_LOG_BYTES = 67_108_864  # 64 MiB; of 230 keys, while one key a month makes 18 MiB in ten years
_NUMBERED = re.compile(r"[a-z0-9-]+\.([1-9][0-9]{0,8})\.log")


def logs_in(mirror: Path) -> list[tuple[str, Path]]:
    """Return the id of each issuer that has a log, and the log."""
    paths = (mirror / DIRECTORY).glob("*.log")
    found = {path.name.partition(".")[0] for path in paths}
    return [(issuer_id, path_of(mirror, issuer_id)) for issuer_id in sorted(found) if is_id(issuer_id)]


def full_parts(path: Path) -> list[Path]:
    """Return what was written before a log was begun anew, in that order."""
    numbers = (_NUMBERED.fullmatch(part.name) for part in path.parent.glob(f"{path.stem}.*.log"))
    return [
        path.with_name(f"{path.stem}.{n}.log") for n in sorted(int(found[1]) for found in numbers if found)
    ]


def next_part(path: Path) -> Path:
    parts = full_parts(path)
    number = int(parts[-1].suffixes[-2][1:]) if parts else 0
    return path.with_name(f"{path.stem}.{number + 1}.log")


def read_last(parts: list[Path]) -> bytes:
    if not parts:
        return b""
    with opened(parts[-1], os.O_RDONLY) as file:
        return read_log(file)


def mark_of(path: Path) -> object:
    """Return what changes with every write to a log, and nobody can set; None: it is not there."""
    with suppress(OSError):
        status = path.lstat()
        return (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
    return None


def path_of(mirror: Path, issuer_id: str) -> Path:
    return mirror / DIRECTORY / f"{issuer_id}.log"


@contextmanager
def opened(path: Path, flags: int) -> Iterator[BinaryIO]:
    """
    Open a log of at most `MAX_LOG_BYTES`, and nothing that somebody put in its place.

    Raises:
        OSError: it cannot be opened, is a link, is no file, or is too large.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "rb" if flags & os.O_ACCMODE == os.O_RDONLY else "a+b") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is no file")
        if status.st_size > MAX_LOG_BYTES:
            raise OSError(f"{path} is over {MAX_LOG_BYTES} bytes; move it away, and it is begun anew")
        yield file


def read_log(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(MAX_LOG_BYTES + 1)


def sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
