"""Anchors over a database, with a key that can be exchanged and be away."""

from pathlib import Path

from operators import AlarmKind
from operators.audit.anchor_files import AnchorFiles
from operators.audit.anchors import Anchors
from operators.audit.store import Anchor, signed_after
from proofs import Algorithm, Signer, SignerAway
from proofs.notes import NoteKey
from storage import Engine, record, seal
from tests.clock import Clock
from tests.proofs.documents import SIGNERS

ORIGIN = "log.example/audit"


def note_keys() -> list[NoteKey]:
    return [NoteKey(one.verification_method, one.public_key) for one in SIGNERS.values()]


class Anchoring:
    """The holder of the lease, and what it told."""

    def __init__(self, database: Engine, clock: Clock, mirror: Path | None = None) -> None:
        self.database = database
        self.clock = clock
        self.signing: Signer | None = SIGNERS[Algorithm.ED25519]
        self.alarms: dict[tuple[AlarmKind, str], str] = {}
        self.files = (
            AnchorFiles(database, mirror, keys=note_keys, timer=clock) if mirror is not None else None
        )
        self.anchors = Anchors(
            database,
            origin=ORIGIN,
            signer=self._signer,
            keys=note_keys,
            files=self.files,
            clock=clock,
            timer=clock,
            on_state=self._on_state,
        )

    def _signer(self) -> Signer:
        if self.signing is None:
            raise SignerAway("the token is away")
        return self.signing

    def _on_state(self, kind: AlarmKind, subject: str, reason: str | None) -> None:
        if reason is None:
            self.alarms.pop((kind, subject), None)
        else:
            self.alarms[kind, subject] = reason

    async def add(self, count: int, subject: str = "s") -> None:
        """Write rows, and seal them."""
        at = int(self.clock() * 1_000_000)
        for number in range(count):
            detail = {"n": number}
            await self.database.write(
                lambda tx, d=detail: record(tx, actor="a", action="x", subject=subject, detail=d, at=at)  # type: ignore[misc]
            )
        await self.database.write(lambda tx: seal(tx, limit=count))

    async def signed(self) -> list[Anchor]:
        return await self.database.read(lambda tx: signed_after(tx, 0, 100))
