"""
Anchors as files beside the mirror, so that they outlive the database, and any tool copies them elsewhere. Service.

    <mirror>/audit/000000000812-0ac5186a918d3e1d.note     a signed head: its position, and how its digest begins
    <mirror>/audit/9b0c0ea34ce1e0a2.key                   the key that verifies some of them

A key stays when it signs no more and has left the DID document. A file is on the disk before it gets its name, and
is never changed. A restore leaves files of heads that the restored database has not: they are the proof of what was
lost, and no new file can have the name of one.
"""

import asyncio
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from operators.audit import store
from operators.audit.store import Anchor
from storage import Database

LOG = logging.getLogger("touchstone.audit")

DIRECTORY = "audit"
AT_ONCE = 100  # anchors written in one step, after files were lost
RETRY_SECONDS = 10.0  # monotonic seconds after files that could not be written
LOOK_EVERY_SECONDS = 60.0  # monotonic seconds between two looks at what lies there
_NAME = re.compile(r"([0-9]{12,18})-[0-9a-f]{16}\.note")


class AnchorFiles:
    """
    `failed` counts files that could not be written; `fault` says what lies there and contradicts the rows.

    Args:
        timer: monotonic seconds.
    """

    def __init__(
        self, database: Database, mirror: Path, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self.failed = 0
        self.fault: str | None = None
        self._database = database
        self._place = mirror / DIRECTORY
        self._timer = timer
        self._written = 0  # The position up to which every anchor is a file.
        self._write_at = 0.0
        self._look_at = 0.0

    async def step(self) -> None:
        """
        Write anchors that are no files yet; look whether the newest file is of the rows that we have.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        if self._timer() >= self._write_at:
            due = await self._database.read(lambda tx: store.signed_after(tx, self._written, AT_ONCE))
            await self._write(due)
        if self._timer() >= self._look_at:
            self._look_at = self._timer() + LOOK_EVERY_SECONDS
            await self._look()

    def again(self, position: int) -> None:
        """Have the anchor at `position` written, though later ones are."""
        self._written = min(self._written, position - 1)

    async def _write(self, due: list[Anchor]) -> None:
        if not due:
            return
        try:
            await asyncio.to_thread(write_anchors, self._place, due)
        except OSError as error:  # A full or absent disk must not stop anything else.
            self.failed += 1
            self._write_at = self._timer() + RETRY_SECONDS
            LOG.warning("anchors of the audit log are not written beside the mirror: %s", error)
        else:
            self._written = due[-1].position

    async def _look(self) -> None:
        position, names = await asyncio.to_thread(newest_in, self._place)
        digest = await self._database.read(lambda tx: store.digest_at(tx, position))
        foreign = names - {name_of(position, digest)} if digest is not None else names
        self.fault = None
        if foreign:
            self.fault = (
                f"the anchor {DIRECTORY}/{min(foreign)} beside the mirror is of rows that this database does not"
                " have: it was restored, or its past was rewritten"
            )


def name_of(position: int, digest: bytes) -> str:
    return f"{position:012d}-{digest.hex()[:16]}.note"


def write_anchors(place: Path, anchors: Iterable[Anchor]) -> None:
    """
    Write signed anchors and their keys where they are not there.

    Raises:
        OSError: the disk is full, or absent.
    """
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    for anchor in anchors:
        assert anchor.note is not None and anchor.note_key is not None, "only what is signed is written"
        key_name = hashlib.sha256(anchor.note_key.encode()).hexdigest()[:16]
        _put(place / f"{key_name}.key", anchor.note_key + "\n")
        _put(place / name_of(anchor.position, anchor.digest), anchor.note)


def newest_in(place: Path) -> tuple[int, set[str]]:
    """Return the position of the newest anchor that lies there, and each name that has it; 0 without any."""
    found = [match for path in place.glob("*.note") if (match := _NAME.fullmatch(path.name))]
    position = max((int(match[1]) for match in found), default=0)
    return position, {match[0] for match in found if int(match[1]) == position}


def _put(path: Path, text: str) -> None:
    if path.exists():
        return
    # Nodes may share a directory: no two write into one unfinished file.
    unfinished = path.with_name(f"{path.name}.{os.uname().nodename}-{os.getpid()}.unfinished")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
