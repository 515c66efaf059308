"""
A new file for a secret: mode 0600, never over another, and gone again where what fills it fails.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from wire import Conflict


class _SecretFile(click.Path):
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "-":
            self.fail("expected a file: a secret does not go to stdout by this option", param, ctx)
        return super().convert(value, param, ctx)


SECRET_FILE = _SecretFile(path_type=Path)


@contextmanager
def new_secret_file(path: Path) -> Iterator[TextIO]:
    """
    Open a new file before its secret is made, so that none is made that nobody has; durable at the end.

    Raises:
        Conflict: there is something at `path`; it is not touched.
        OSError: it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} is there already; name another with --file") from None
    with os.fdopen(descriptor, "w") as file:
        try:
            yield file
        except BaseException:
            path.unlink()
            raise
        file.flush()
        os.fsync(file.fileno())
