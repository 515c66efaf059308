"""
Anchors as files beside the mirror, so that they outlive the database, and any tool copies them elsewhere. Service.

    <mirror>/audit/000000000812-0ac5186a918d3e1d.note     a signed head: its position, and how its digest begins
    <mirror>/audit/9b0c0ea34ce1e0a2.key                   the key that verifies some of them

A key stays when it signs no more and has left the DID document. A file is on the disk before it gets its name, and
is never changed. A restore leaves files of heads that the restored database has not: they are the proof of what was
lost, and no new file can have the name of one. The row of the restore names them, so that signing goes on.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

from operators.audit import store
from operators.audit.heads import Head, Keys, signed_head
from operators.audit.store import Anchor
from proofs import ProofError
from proofs.notes import MAX_NOTE_BYTES, NoteKey
from storage import Database, Transaction, replace_durably

LOG = logging.getLogger("touchstone.audit")

DIRECTORY = "audit"
AT_ONCE = 100  # anchors written in one step, after files were lost
RETRY_SECONDS = 10.0  # monotonic seconds after files that could not be written
LOOK_EVERY_SECONDS = 60.0  # monotonic seconds between two looks at what lies there
COMPARED_AT_ONCE = 200  # files compared with their rows in one transaction

_Heads = Mapping[str, Head | None]  # what each file says; None: not what one of our keys signed


class AnchorFiles:
    """
    Attributes:
        failed: how many times files could not be written.
        foreign: the names of files that contradict the rows.

    Args:
        keys: verify what was signed.
        timer: monotonic seconds.
    """

    def __init__(
        self, database: Database, mirror: Path, *, keys: Keys, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self.failed = 0
        self.foreign: frozenset[str] = frozenset()
        self._database = database
        self._keys = keys
        self._place = mirror / DIRECTORY
        self._timer = timer
        self._written = 0  # The position up to which every anchor is a file.
        self._write_at = 0.0
        self._look_at = 0.0
        self._heads: _Heads = {}
        self._named: frozenset[str] = frozenset()  # Of the foreign files, those that a restore put on record.
        self._forged: set[int] = set()  # Positions of rows that say to be anchors, and are not.

    @property
    def fault(self) -> str | None:
        """Say what contradicts the rows; None: nothing does."""
        return self.contradiction or _fault_of(self.foreign)

    @property
    def contradiction(self) -> str | None:
        """Say the same of what no restore put on record; nothing is signed meanwhile."""
        if self._forged:
            return f"what is stored as the anchor at position {min(self._forged)} is not what was signed"
        return _fault_of(self.foreign - self._named)

    async def step(self) -> None:
        """
        Write anchors that are no files yet; look, once a minute, at those that are.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        if self._timer() >= self._write_at:
            due = await self._database.read(lambda tx: store.signed_after(tx, self._written, AT_ONCE))
            await self._write(due)
        if self._timer() >= self._look_at:
            await self.look()

    async def look(self) -> None:
        """
        Compare every file that lies there with the rows.

        A file is read once; the digests are compared each time, since rows can be rewritten at any time.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        self._look_at = self._timer() + LOOK_EVERY_SECONDS
        self._heads = await asyncio.to_thread(read_heads, self._place, self._heads, list(self._keys()))
        entries, foreign = iter(self._heads.items()), set[str]()
        while batch := list(islice(entries, COMPARED_AT_ONCE)):
            foreign |= await self._database.read(partial(_foreign, heads=batch))
        if foreign - self.foreign:
            self._named = frozenset(await self._database.read(store.restored_past))
        self.foreign = frozenset(foreign)

    def again(self, position: int) -> None:
        """Have the anchor at `position` written, though later ones are."""
        self._written = min(self._written, position - 1)

    async def _write(self, due: list[Anchor]) -> None:
        signed = [anchor for anchor in due if anchor.is_signed(self._keys)]
        self._forged = {anchor.position for anchor in due} - {anchor.position for anchor in signed}
        if not due:
            return
        try:
            await asyncio.to_thread(write_anchors, self._place, signed)
        except OSError as error:  # A full or absent disk must not stop anything else.
            self.failed += 1
            self._write_at = self._timer() + RETRY_SECONDS
            LOG.warning("anchors of the audit log are not written beside the mirror: %s", error)
        else:
            self._written = min(self._forged, default=due[-1].position + 1) - 1
            self._write_at = self._timer() + RETRY_SECONDS if self._forged else self._write_at


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
        _keep(place / f"{key_name}.key", anchor.note_key + "\n")
        _keep(place / name_of(anchor.position, anchor.digest), anchor.note)


def read_heads(place: Path, known: _Heads, keys: Iterable[NoteKey]) -> _Heads:
    """Return what each anchor that lies there says; those in `known` were read before."""
    names = sorted(path.name for path in place.glob("*.note"))
    return {name: known.get(name) or _read_head(place / name, keys) for name in names}


def _read_head(path: Path, keys: Iterable[NoteKey]) -> Head | None:
    try:
        with path.open("rb") as file:
            return signed_head(file.read(MAX_NOTE_BYTES + 1), keys)
    except (OSError, ProofError):
        return None


def _foreign(tx: Transaction, *, heads: list[tuple[str, Head | None]]) -> set[str]:
    """Return the names of the files that say something else than the rows."""
    return {name for name, head in heads if head is None or store.digest_at(tx, head.position) != head.digest}


def _fault_of(names: frozenset[str]) -> str | None:
    if not names:
        return None
    count = f" ({len(names)} such files)" if len(names) > 1 else ""
    return (
        f"the anchor {DIRECTORY}/{min(names)} beside the mirror is not of the rows that this database has: it was"
        f" restored, or its past was rewritten{count}"
    )


def _keep(path: Path, text: str) -> None:
    if not path.exists():
        replace_durably(path, text.encode())
