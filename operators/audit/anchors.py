"""
Anchors: the head of the audit chain, signed every hour in which a row came, and whenever somebody asks. Service.

Whoever holds the lease signs, since it holds the keys; others ask by a row. Nothing is signed that contradicts what
was signed before: every anchor beside the mirror and the last one in the database are compared with their rows, and
the rows since are verified.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from operators.alarms.model import AlarmKind, OnState
from operators.audit import store
from operators.audit.anchor_files import AnchorFiles
from operators.audit.heads import AnchorContradicted, Head, Keys
from operators.audit.store import Anchor
from proofs import Signer, SignerAway
from proofs.notes import NoteKey, sign_note
from storage import ChainBroken, Database, Transaction, read_sealed, verify_chain
from storage.chain import FIRST_DIGEST
from storage.sealing import head
from wire import ResourceNotFound

EVERY_SECONDS = 3_600  # seconds between two anchors of a log that grows
PAGE_ROWS = 200  # rows verified in one transaction
RETRY_SECONDS = 10.0  # monotonic seconds until a head that could not be signed is tried again
SUBJECT = "audit"  # of alarms


class Anchors:
    """
    Args:
        origin: names this log in the notes.
        signer: returns what signs for our own issuer now; raises SignerAway or ResourceNotFound.
        keys: verify what was signed.
        files: where anchors are written as well; None: nowhere.
        clock: seconds since 1970.
        timer: monotonic seconds.
        on_state: told of rows that contradict what was signed.
    """

    def __init__(
        self,
        database: Database,
        *,
        origin: str,
        signer: Callable[[], Signer],
        keys: Keys,
        files: AnchorFiles | None,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        on_state: OnState,
    ) -> None:
        self._database = database
        self._origin = origin
        self._signer = signer
        self._keys = keys
        self._files = files
        self._clock = clock
        self._timer = timer
        self._on_state = on_state
        self._fault: str | None = None  # Why nothing is signed.
        self._last: tuple[int, bytes] | None = None  # What this process signed last, whatever the rows say.
        self._sign_at = 0.0
        self._is_told = False

    @property
    def failed(self) -> int:
        """How many writes of files failed."""
        return self._files.failed if self._files is not None else 0

    async def step(self) -> None:
        """
        Sign what is due and what was asked for; write what was signed.

        Raises:
            DatabaseUnavailable: the rows cannot be read or written.
        """
        await self._ask_when_due()
        if self._timer() >= self._sign_at:
            await self._sign_asked()
        if self._files is not None:
            await self._files.step()
        self._tell(self._fault or (self._files.fault if self._files is not None else None))

    def leave(self) -> None:
        """Another process signs, and tells from now on."""
        self._tell(None)

    async def _ask_when_due(self) -> None:
        now = self._now()

        def due(tx: Transaction) -> int | None:
            last, newest = head(tx).position, store.newest_asked(tx)
            if newest is None:
                return last or None
            position, asked_at = newest
            is_old = abs(now - asked_at) >= EVERY_SECONDS * 1_000_000  # Whichever way somebody set the clock.
            return last if last > position and is_old else None

        position = await self._database.read(due)
        if position is not None:
            await self._database.write(lambda tx: store.ask_anchor(tx, position, now))

    async def _sign_asked(self) -> None:
        self._fault = None
        try:
            for asked in await self._database.read(store.anchors_asked):
                await self._require_agreement()
                await self._sign(asked)
        except (ChainBroken, AnchorContradicted) as error:
            self._fault = str(error)
            self._sign_at = self._timer() + RETRY_SECONDS
        except (SignerAway, ResourceNotFound):  # There is an alarm already.
            self._sign_at = self._timer() + RETRY_SECONDS

    async def _sign(self, asked: Anchor) -> None:
        signer = self._signer()
        await self._verify(asked)
        key = NoteKey(signer.verification_method, signer.public_key)
        text = Head(self._origin, asked.position, asked.digest).text
        note = await asyncio.to_thread(sign_note, text, key.name, signer)
        at = self._now()
        await self._database.write(
            lambda tx: store.put_anchor(tx, asked.position, note=note.decode(), note_key=key.text, at=at)
        )
        self._last = (asked.position, asked.digest)
        if self._files is not None:
            self._files.again(asked.position)

    async def _require_agreement(self) -> None:
        """
        Compare what is known of earlier anchors, beside the database, with the rows.

        Raises:
            AnchorContradicted: they differ.
        """
        if self._files is not None:
            await self._files.look()
            if self._files.contradiction is not None:
                raise AnchorContradicted(self._files.contradiction)
        if self._last is not None:
            position, digest = self._last
            if await self._database.read(lambda tx: store.digest_at(tx, position)) != digest:
                raise AnchorContradicted(_rewritten(position))

    async def _verify(self, asked: Anchor) -> None:
        """
        Verify the rows since the last anchor up to the one that is asked for.

        Raises:
            ChainBroken, AnchorContradicted: they are not what was sealed.
        """
        last = await self._database.read(lambda tx: store.signed_before(tx, asked.position))
        if last is not None and not last.is_signed(self._keys):
            raise AnchorContradicted(_rewritten(last.position))
        position, digest = (last.position, last.digest) if last is not None else (0, FIRST_DIGEST)
        while position < asked.position:
            step = partial(_verify_page, position=position, digest=digest, until=asked.position)
            position, digest = await self._database.read(step)
        if digest != asked.digest:
            raise AnchorContradicted(f"the rows do not lead to the digest at position {asked.position}")

    def _tell(self, fault: str | None) -> None:
        if fault is not None or self._is_told:
            self._on_state(AlarmKind.AUDIT_BROKEN, SUBJECT, fault)
        self._is_told = fault is not None

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _verify_page(tx: Transaction, *, position: int, digest: bytes, until: int) -> tuple[int, bytes]:
    """Verify some rows beyond a position whose digest is known; return the position and the digest of the last."""
    rows = read_sealed(tx, after=position, limit=min(PAGE_ROWS, until - position))
    if not rows:
        raise ChainBroken(position + 1, "the row is missing, and every one after it")
    return rows[-1].position, verify_chain(rows, digest, position)


def _rewritten(position: int) -> str:
    return f"the row at position {position} is not the one whose digest was signed: the past was rewritten"
