"""
A file that is there whole or not at all, and is there after a loss of power. Store.
"""

import os
from pathlib import Path


def replace_durably(path: Path, body: bytes) -> None:
    """
    Write `body` as the file at `path` (mode 0644, under the umask), in the place of what is there.

    Nodes may share a directory: no two write into one unfinished file, and the slower one is last.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.{os.uname().nodename}-{os.getpid()}.unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
