"""
The public halves of every issuer's keys beside the mirror, so that a restore knows every key ever held. Service.

    <mirror>/issuer-keys/<issuer id>.log

Mode 0600, since it says where private keys are, which readers of the mirror need not know.

A projection of the rows: where the log does not say last what the rows say, a line is added (`key_lines.py`). So a
log that is lost is begun anew, and one that somebody cut off is made good at the next look. Lines are added under
a lock, since nodes may share the directory, and are on the disk before they count as written.
"""

import asyncio
import fcntl
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from operators import Issuer, IssuerKey, KeyState
from operators.issuers.keys import active_key
from operators.model import is_id
from proofs import Signer, SignerAway
from server.identity.identities import Identities, Rows
from server.identity.key_lines import KeyLine, NotCounted, Replay, line_of, public_halves
from wire import ResourceNotFound

LOG = logging.getLogger("touchstone.identity")

DIRECTORY = "issuer-keys"
MAX_LOG_BYTES = 67_108_864  # 64 MiB; 230 keys, while one key a month makes 18 MiB in ten years
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
        except OSError as error:  # A full or absent disk must not stop anything else.
            self.failed += 1
            self._retry_at = self._timer() + RETRY_SECONDS
            LOG.warning("the keys of %s are not written beside the mirror: %s", issuer.id, error)
        else:
            self._due.discard(issuer.id)

    def _append(self, issuer: Issuer, keys: list[IssuerKey], signer: Signer) -> None:
        directory = self._mirror / DIRECTORY
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = _path_of(self._mirror, issuer.id)
        halves = public_halves(keys)
        if self._written.get(issuer.id) == (_mark_of(path), halves):
            return
        with _opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            body = _read(file)
            # Each key could have signed in its time, whatever became of it.
            known = [
                msgspec.structs.replace(key, state=KeyState.ANNOUNCED, compromised_since=None) for key in keys
            ]
            replay = Replay(self._service, issuer, known, is_held=lambda _: False)
            _take(replay, body, lambda _: None)
            if replay.last is None or replay.last.keys != halves:
                whole = b"" if body.endswith(b"\n") or not body else b"\n"  # A crash cut the last line off.
                file.write(whole + line_of(self._line(issuer, halves, replay.last), signer) + b"\n")
                file.flush()
                os.fsync(file.fileno())
                _sync(directory)
            self._written[issuer.id] = (_mark_of(path), halves)

    def _line(self, issuer: Issuer, halves: tuple[IssuerKey, ...], last: KeyLine | None) -> KeyLine:
        now = int(self._clock() * 1_000_000)
        written_at = now if last is None else max(now, last.written_at + 1)
        return KeyLine(service=self._service, did=issuer.did, written_at=written_at, keys=halves)


def replay_log(mirror: Path, issuer: Issuer, replay: Replay, on_stranger: OnStranger) -> None:
    """Take up what the log of an issuer says, if there is one; what does not count is told to `on_stranger`."""
    path = _path_of(mirror, issuer.id)
    try:
        with _opened(path, os.O_RDONLY) as file:
            body = _read(file)
    except FileNotFoundError:
        pass
    except OSError as error:
        on_stranger(f"{path} is ignored: {error}")
    else:
        _take(replay, body, lambda fault: on_stranger(f"{path}, {fault}"))


def logs_in(mirror: Path) -> list[tuple[str, Path]]:
    """Return the id of each issuer that has a log, and the log."""
    paths = sorted((mirror / DIRECTORY).glob("*.log"))
    return [(path.stem, path) for path in paths if is_id(path.stem)]


def _take(replay: Replay, body: bytes, on_stranger: OnStranger) -> None:
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line:
            continue
        try:
            replay.take(line)
        except NotCounted as error:
            on_stranger(f"line {number} is ignored: {error}")


def _mark_of(path: Path) -> object:
    """Return what changes with every write to a log, and nobody can set; None: it is not there."""
    with suppress(OSError):
        status = path.lstat()
        return (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
    return None


def _path_of(mirror: Path, issuer_id: str) -> Path:
    return mirror / DIRECTORY / f"{issuer_id}.log"


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[BinaryIO]:
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


def _read(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(MAX_LOG_BYTES + 1)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
