"""
A file that is there whole or not at all, and is there after a loss of power. Store.
"""

import os
from collections.abc import Mapping
from pathlib import Path


def replace_durably(path: Path, body: bytes) -> None:
    """
    Write `body` as the file at `path` (mode 0644, under the umask), in the place of what is there.

    Nodes may share a directory: no two write into one unfinished file, and the slower one is last.

    Raises:
        OSError: it cannot be written.
    """
    replace_all_durably(path.parent, {path.name: body})


def replace_all_durably(directory: Path, bodies: Mapping[str, bytes]) -> None:
    """
    Write files of one directory, as `replace_durably` each and in their order, with one wait for the directory.

    Raises:
        OSError: not all of them can be written; some may be.
    """
    unfinished = [
        (_write_unfinished(directory / name, body), directory / name) for name, body in bodies.items()
    ]
    for written, path in unfinished:
        written.rename(path)
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _write_unfinished(path: Path, body: bytes) -> Path:
    """Write a file under another name; return that, once it is on the disk."""
    unfinished = path.with_name(f"{path.name}.{os.uname().nodename}-{os.getpid()}.unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    return unfinished
