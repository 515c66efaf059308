"""
The public halves of every issuer's keys beside the mirror, so that a restore knows every key ever held. Service.

    <mirror>/issuer-keys/<issuer id>.log

Mode 0600, since it says where private keys are, which readers of the mirror need not know.

A projection of the rows: where the log does not say last what the rows say, a line is added (`key_lines.py`). So a
log that is lost is begun anew, and one that somebody cut off is made good at the next look. Lines are added under
a lock, since nodes may share the directory, and are on the disk before they count as written. No line is written
that would not be believed when it is read.
"""

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from operators import Issuer, IssuerKey, KeyState
from operators.issuers.keys import active_key
from proofs import Signer, SignerAway
from server.identity import log_files
from server.identity.identities import Identities, Rows
from server.identity.key_lines import KeyLine, NotCounted, Replay, line_of, public_halves
from server.identity.log_files import (
    full_parts,
    mark_of,
    next_part,
    opened,
    path_of,
    read_last,
    read_log,
    sync,
)
from wire import ResourceNotFound

LOG = logging.getLogger("touchstone.identity")

LOOK_AGAIN_SECONDS = 60.0  # monotonic seconds between two looks at logs of which no row changed
RETRY_SECONDS = 5.0  # monotonic seconds after one that could not be written


OnStranger = Callable[[str], None]


class KeyLog:
    """
    `failed` counts attempts that failed, `waiting` the issuers whose log is not known to say what the rows say.

    Args:
        service: our public URL.
        clock: seconds since 1970.
        timer: monotonic seconds.
    """

    def __init__(
        self,
        mirror: Path,
        identities: Identities,
        *,
        service: str,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failed = 0
        self._mirror = mirror
        self._identities = identities
        self._service = service
        self._clock = clock
        self._timer = timer
        self._due: set[str] = set()  # Of the event loop, as all of this but the next.
        # Of the thread that writes: by issuer, the mark of its log and the keys that it says last.
        self._written: dict[str, tuple[object, object]] = {}
        self._seen: Rows = {}
        self._seen_version: object = None
        self._look_at = 0.0
        self._retry_at = 0.0

    @property
    def waiting(self) -> int:
        return len(self._due)

    async def step(self) -> None:
        """Write what the logs do not say yet; what cannot be written, or signed, waits."""
        self._note_due()
        if self._timer() < self._retry_at:
            return
        for issuer_id in sorted(self._due):
            issuer, keys = self._seen[issuer_id]
            with suppress(SignerAway, ResourceNotFound):  # There is an alarm already.
                await self._write(issuer, keys)

    def _note_due(self) -> None:
        if self._timer() >= self._look_at:
            self._look_at = self._timer() + LOOK_AGAIN_SECONDS
            self._seen, self._seen_version = {}, None
        if self._identities.version == self._seen_version:
            return
        rows = dict(self._identities.rows)
        changed = {name for name, row in rows.items() if row is not self._seen.get(name)}
        # Who has no key that signs cannot say anything yet, and has signed nothing that somebody must verify.
        self._due = {name for name in changed | self._due if name in rows and active_key(rows[name][1])}
        self._seen, self._seen_version = rows, self._identities.version

    async def _write(self, issuer: Issuer, keys: list[IssuerKey]) -> None:
        active = active_key(keys)
        assert active is not None, "only such are due"
        signer = self._identities.signer_of(issuer.id, active.key_id)
        try:
            await asyncio.to_thread(self._append, issuer, keys, signer)
        except BlockingIOError:
            self._retry_at = self._timer() + RETRY_SECONDS
            LOG.warning("the keys of %s wait: another process holds the log beside the mirror", issuer.id)
        except (OSError, NotCounted) as error:  # A full or absent disk must not stop anything else.
            self.failed += 1
            self._retry_at = self._timer() + RETRY_SECONDS
            LOG.warning("the keys of %s are not written beside the mirror: %s", issuer.id, error)
        else:
            self._due.discard(issuer.id)

    def _append(self, issuer: Issuer, keys: list[IssuerKey], signer: Signer) -> None:
        path = path_of(self._mirror, issuer.id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        halves = public_halves(keys)
        if self._written.get(issuer.id) == (mark_of(path), halves):
            return
        with opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Whoever holds it must not hold up the others.
            body = read_log(file)
            replay = self._replay(issuer, keys, body or read_last(full_parts(path)))
            if replay.last is None or replay.last.keys != halves:
                line = self._line(issuer, halves, replay, signer)
                if body and len(body) + len(line) + len(b"\n\n") > log_files.MAX_LOG_BYTES:
                    path.rename(next_part(path))
                    self._append(issuer, keys, signer)
                    return
                whole = b"" if body.endswith(b"\n") or not body else b"\n"  # A crash cut the last line off.
                file.write(whole + line + b"\n")
                file.flush()
                os.fsync(file.fileno())
                sync(path.parent)
            self._written[issuer.id] = (mark_of(path), halves)

    def _replay(self, issuer: Issuer, keys: list[IssuerKey], body: bytes) -> Replay:
        # Each key could have signed in its time, whatever became of it.
        known = [
            msgspec.structs.replace(key, state=KeyState.ANNOUNCED, compromised_since=None) for key in keys
        ]
        replay = Replay(self._service, issuer, known, is_held=lambda _: False)
        _take(replay, body, lambda _: None)
        return replay

    def _line(self, issuer: Issuer, halves: tuple[IssuerKey, ...], replay: Replay, signer: Signer) -> bytes:
        """
        Return the line that comes after those of `replay`.

        Raises:
            NotCounted: nobody would believe it, or be able to read it.
        """
        now = int(self._clock() * 1_000_000)
        written_at = now if replay.last is None else max(now, replay.last.written_at + 1)
        said = KeyLine(service=self._service, did=issuer.did, written_at=written_at, keys=halves)
        line = line_of(said, signer)
        replay.take(line)
        if replay.last != said:
            raise NotCounted(
                f"by what the log says, {signer.verification_method} signs no more; move it away"
            )
        return line


def replay_log(mirror: Path, issuer: Issuer, replay: Replay, on_stranger: OnStranger) -> None:
    """Take up what the log of an issuer says, if there is one; what does not count is told to `on_stranger`."""
    path = path_of(mirror, issuer.id)
    for part in (*full_parts(path), path):
        try:
            with opened(part, os.O_RDONLY) as file:
                body = read_log(file)
        except FileNotFoundError:
            continue
        except OSError as error:
            on_stranger(f"{part} is ignored: {error}")
        else:
            _take(replay, body, lambda fault, part=part: on_stranger(f"{part}, {fault}"))  # type: ignore[misc]


def _take(replay: Replay, body: bytes, on_stranger: OnStranger) -> None:
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line:
            continue
        try:
            replay.take(line)
        except NotCounted as error:
            on_stranger(f"line {number} is ignored: {error}")
