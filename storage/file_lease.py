"""
A lease among the processes of one machine: a lock on a file, which the kernel gives back when its holder dies.
"""

import fcntl
import os
from pathlib import Path


class FileLease:
    """As `storage.Lease`. Only its owner may open the file: whoever can, could take the lease."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def hold(self) -> bool:
        """As `Lease.hold`."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """As `Lease.release`."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
