"""
Published lists as files, for a dumb file server and for a restore: written as they are published. Service.

    <directory>/status-lists/<list id>/credential.json, credential.jwt
    <directory>/status-lists/<set id>/token.jwt, token.cwt
    <directory>/status-lists/.../credential.json.version and so on

That is the path of each form's URL, and beside each its version and the SHA-256 of the bytes that have it: a
restore orders by version, which no clock moves. Where the digest is another one, the form was replaced and its
version was not (a crash came between): then the version is not known.

A file is replaced at once as a whole, and is on the disk before it gets its name, so that what a restore finds here
is what readers were given last, whatever became of the database.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from statuslist.formats.forms import (
    BITSTRING_FORMS,
    FORM_NAMES,
    MAX_FORM_BYTES,
    TOKEN_FORMS,
    FormName,
    list_id_of,
    token_list_id_of,
)
from statuslist.formats.purposes import PURPOSES
from statuslist.publishing.artefacts import Artefact, digest_of
from statuslist.publishing.published import Published
from storage import replace_all_durably

DIRECTORY = "status-lists"
RETRY_SECONDS = 5.0  # seconds after a list that could not be written
LAST_SECONDS = 3.0  # seconds that an end waits for what is due
MAX_VERSION_BYTES = 100  # bytes
_VERSION_LINE = re.compile(
    rb"([1-9][0-9]{0,18}) ([0-9a-f]{64})\n"
)  # Versions fit 63 bits, as in the database.

_log = logging.getLogger(__name__)


class FoundForm(msgspec.Struct, frozen=True, kw_only=True):
    """One published form as it was found, in a mirror or a database; nothing about it is verified."""

    list_id: str
    form: FormName
    body: bytes
    version: int | None


class Mirror:
    """
    Writes what it is given, off the event loop, the newest version of each list only.

    `failed` counts attempts that failed, `waiting` the lists that are not yet on the disk, for metrics.
    """

    def __init__(self, directory: Path) -> None:
        self.failed = 0
        self._directory = directory
        self._due: dict[str, Published] = {}  # Of the event loop.
        self._woken = asyncio.Event()
        self._writing = threading.Lock()

    @property
    def waiting(self) -> int:
        return len(self._due)

    def is_due(self, list_id: str) -> bool:
        """Tell whether a list is not yet on the disk; on the event loop."""
        return list_id in self._due

    def read(self, published: Published) -> dict[str, FoundForm | None]:
        """
        Return what stands in the place of each form of a list; None: nothing that can be one.

        Raises:
            OSError: the disk fails.
        """
        place = self._directory / DIRECTORY / published.list_id
        return {form: _found(place / form, form) for form in published.forms}

    def take(self, published: Published) -> None:
        """Have a version written, in the place of an older one that still waits; on the event loop."""
        self._due[published.list_id] = published
        self._woken.set()

    async def run(self) -> None:
        """Write what is due, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            if not await self.write_due():
                await asyncio.sleep(RETRY_SECONDS)
                self._woken.set()

    async def write_due(self) -> bool:
        """Write each list that is due once; False where one failed, which stays due."""
        failed = self.failed
        for list_id, published in list(self._due.items()):
            try:
                await asyncio.to_thread(self._write, published)
            except OSError as error:  # A full or absent disk must not stop publication.
                self.failed += 1
                _log.error("status list %s: not mirrored: %s", list_id, error)
                continue
            if self._due.get(list_id) is published:
                del self._due[list_id]
        return self.failed == failed

    async def write_last(self) -> None:
        """Write what is due, if that is quick: a start takes up all lists, and writes those that are not there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                await self.write_due()
        if self._due:
            _log.warning("%d status lists are not mirrored yet; the next start does it", len(self._due))

    def _write(self, published: Published) -> None:
        """One at a time: the thread of a task that was cancelled still writes while `write_due` ends our work."""
        with self._writing:
            write_forms(self._directory, published)


def write_forms(directory: Path, published: Published) -> None:
    """
    Write all forms of a version; a file that says so already is left alone.

    Raises:
        FileExistsError: a newer version is there. A node that shares the directory was faster, and we take that
            version up soon; or the mirror is of another database, which a person must decide about.
    """
    place = directory / DIRECTORY / published.list_id
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    bodies: dict[str, bytes] = {}
    for form, artefact in published.forms.items():
        path = place / form
        there = _version_of(path)
        if there is not None and there > artefact.version:
            raise FileExistsError(f"version {there} is there, which is newer than ours, {artefact.version}")
        bodies |= {path.name: artefact.body, _version_path(path).name: _version_line(artefact)}
    if new := {name: body for name, body in bodies.items() if _is_new(place / name, body)}:
        replace_all_durably(place, new)


def read_mirror(directory: Path) -> Iterator[FoundForm]:
    """Yield every file of a mirror that can be one, list by list; files over the cap are passed over."""
    for form in FORM_NAMES:
        for path in sorted((directory / DIRECTORY).glob(f"*/{form}")):
            if (found := _found(path, form)) is not None:
                yield found


def has_lists(directory: Path, set_id: str) -> bool:
    """Tell whether a mirror has a list of a set of that id, from whichever database; not if it cannot be read."""
    w3c = [f"{list_id_of(set_id, purpose)}/{form}" for purpose in PURPOSES for form in BITSTRING_FORMS]
    tokens = [f"{token_list_id_of(set_id)}/{form}" for form in TOKEN_FORMS]
    with suppress(OSError):  # An absent disk must not stop operators.
        return any((directory / DIRECTORY / path).exists() for path in (*w3c, *tokens))
    return False


def _found(path: Path, form: FormName) -> FoundForm | None:
    if not path.is_file() or path.stat().st_size > MAX_FORM_BYTES:
        return None
    body = path.read_bytes()
    version = _read_version(_version_path(path), body)
    return FoundForm(list_id=path.parent.name, form=form, body=body, version=version)


def _is_new(path: Path, body: bytes) -> bool:
    return not path.exists() or path.read_bytes() != body


def _version_of(form: Path) -> int | None:
    return _read_version(_version_path(form), form.read_bytes()) if form.exists() else None


def _version_path(form: Path) -> Path:
    return form.with_name(f"{form.name}.version")


def _version_line(artefact: Artefact) -> bytes:
    return f"{artefact.version} {digest_of(artefact.body)}\n".encode()


def _read_version(path: Path, body: bytes) -> int | None:
    """Return what the file says; None where it is not there, damaged, or about other bytes."""
    try:
        with path.open("rb") as file:
            found = _VERSION_LINE.fullmatch(file.read(MAX_VERSION_BYTES))
    except OSError:
        return None
    return int(found[1]) if found and found[2].decode() == digest_of(body) else None
