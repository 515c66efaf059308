"""
The audit trail for auditors: pages of rows, and the signed head. Service.

It is for auditors of everything. A row names no scope, and a chain that lacks rows could not be verified; so an
auditor of one issuer is told by others what concerns it.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable

from operators.acting import act_once
from operators.audit import store
from operators.audit.heads import Keys
from operators.audit.store import Anchor
from operators.audit.views import AnchorView, AuditPage, line_of
from operators.grants import EVERYTHING, Permission, Principal, require
from operators.noting import note
from storage import Database, Transaction
from storage.sealing import Wanted, head, read_page
from wire import Refusal, ResourceNotFound, format_utc

MAX_PAGE = 500  # rows
LOOK_EVERY_SECONDS = 0.1  # seconds
LOOKS = 50  # for an anchor that somebody waits for


class AnchorNotSigned(Refusal, type="/problems/anchor-not-signed", status=503):
    """The head was not signed in time: the key is away, or what is to be signed contradicts what was signed."""


class AuditTrail:
    """
    Args:
        keys: verify what was signed.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, *, keys: Keys, clock: Callable[[], float]) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock

    async def page(self, principal: Principal, wanted: Wanted, *, after: int, limit: int) -> AuditPage:
        """
        Return at most `limit` of the wanted rows beyond the position `after`.

        Raises:
            Forbidden: `principal` does not audit everything.
        """
        require(principal, Permission.AUDIT, EVERYTHING)
        page = await self._database.read(lambda tx: read_page(tx, wanted, after=after, limit=limit))
        return AuditPage(rows=tuple(map(line_of, page.rows)), head=page.head, next=page.next)

    async def anchor(self, principal: Principal) -> AnchorView:
        """
        Return the newest anchor.

        Raises:
            Forbidden: `principal` does not audit everything.
            ResourceNotFound: nothing was signed yet.
            AnchorNotSigned: what is stored as the anchor is not what was signed.
        """
        require(principal, Permission.AUDIT, EVERYTHING)
        found = await self._database.read(store.newest_signed)
        if found is None:
            raise ResourceNotFound("the head of the audit log was not signed yet; it is within the hour")
        return self._view(found)

    async def sign_now(self, principal: Principal, *, idempotency_key: str | None = None) -> AnchorView:
        """
        Have the head signed as it is now, by whichever process has the key, and return the anchor.

        Raises:
            Forbidden: `principal` does not audit everything.
            ResourceNotFound: no row is sealed yet.
            AnchorNotSigned: it was not signed in time; it is later.
            BadRequest, IdempotencyConflict: as `act_once`.
        """
        require(principal, Permission.AUDIT, EVERYTHING)
        at = int(self._clock() * 1_000_000)
        position = await act_once(
            self._database,
            principal,
            idempotency_key,
            ("audit.anchor",),
            lambda tx: _ask(tx, principal, at),
            int,
            at=at,
        )
        return self._view(await self._awaited(position))

    async def _awaited(self, position: int) -> Anchor:
        for _ in range(LOOKS):
            if (found := await self._signed(position)) is not None:
                return found
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise AnchorNotSigned(
            "the head of the audit log could not be signed just now; see the open alarms, and ask again",
            headers={"retry-after": "10"},
        )

    async def _signed(self, position: int) -> Anchor | None:
        def find(tx: Transaction) -> Anchor | None:
            return store.find_anchor(tx, position)

        found = await self._database.read(find)
        return found if found is not None and found.note is not None else None

    def _view(self, anchor: Anchor) -> AnchorView:
        if not anchor.is_signed(self._keys):
            raise AnchorNotSigned("what is stored as this anchor is not what was signed; see the open alarms")
        assert anchor.note is not None and anchor.note_key is not None and anchor.signed_at is not None
        return AnchorView(
            position=anchor.position,
            digest=b64encode(anchor.digest).decode(),
            signed_at=format_utc(anchor.signed_at),
            note=anchor.note,
            key=anchor.note_key,
        )


def _ask(tx: Transaction, principal: Principal, at: int) -> int:
    position = head(tx).position
    if position == 0:
        raise ResourceNotFound("the audit log has no sealed row yet")
    store.ask_anchor(tx, position, at)
    note(tx, principal, "audit.anchor", "audit", at=at, position=position)
    return position
