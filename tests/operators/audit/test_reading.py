"""The audit trail for auditors: who may, pages that lead to the end, and a head that is signed when asked for."""

import asyncio
from base64 import b64decode

import pytest

from operators import EVERYTHING, Grant, Principal, Role, Scope, issuer_scope
from operators.audit import reading
from operators.audit.heads import Verification, read_head
from operators.audit.reading import AnchorNotSigned, AuditTrail
from operators.audit.views import AuditLine
from proofs.notes import read_note_key, verify_note
from storage import Engine
from storage.sealing import Wanted
from tests.clock import Clock
from tests.databases import Place
from tests.operators.audit.anchoring import Anchoring, note_keys
from wire import Forbidden, ResourceNotFound

pytestmark = pytest.mark.anyio


def a_principal(role: Role, scope: Scope = EVERYTHING) -> Principal:
    return Principal(id="someone", grants=frozenset({Grant(scope, role)}))


AUDITOR = a_principal(Role.AUDITOR)
OTHERS = [a_principal(role) for role in Role if role is not Role.AUDITOR]
OF_AN_ISSUER = a_principal(Role.AUDITOR, issuer_scope("acme"))


@pytest.fixture
def trail(database: Engine, clock: Clock) -> AuditTrail:
    return AuditTrail(database, keys=note_keys, clock=clock)


async def test_pages_lead_through_the_whole_log_which_can_be_verified(
    database: Engine, clock: Clock, trail: AuditTrail
) -> None:
    await Anchoring(database, clock).add(7)
    lines: list[AuditLine] = []
    after: int | None = 0
    while after is not None:
        page = await trail.page(AUDITOR, Wanted(), after=after, limit=3)
        lines += page.rows
        after = page.next
    verification = Verification()
    for line in lines:
        verification.take(line.sealed())

    assert [line.position for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert page.head == verification.chain.position == 7


@pytest.mark.parametrize("principal", [*OTHERS, OF_AN_ISSUER], ids=range(len(OTHERS) + 1))
async def test_whoever_does_not_audit_everything_sees_nothing(
    trail: AuditTrail, principal: Principal
) -> None:
    for refused in (
        trail.page(principal, Wanted(), after=0, limit=1),
        trail.anchor(principal),
        trail.sign_now(principal),
    ):
        with pytest.raises(Forbidden):
            await refused


async def test_before_there_is_anything_to_sign_there_is_no_anchor(trail: AuditTrail) -> None:
    for absent in (trail.anchor(AUDITOR), trail.sign_now(AUDITOR)):
        with pytest.raises(ResourceNotFound):
            await absent


async def test_the_head_is_signed_while_somebody_waits(
    database: Engine, clock: Clock, trail: AuditTrail
) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(2)
    await anchoring.anchors.step()
    await anchoring.add(1)

    async def background() -> None:
        while True:
            await asyncio.sleep(0.01)
            await anchoring.anchors.step()

    work = asyncio.create_task(background())
    signed = await trail.sign_now(AUDITOR)
    work.cancel()
    head = read_head(verify_note(signed.note.encode(), [read_note_key(signed.key)]))

    assert (head.position, head.digest) == (signed.position, b64decode(signed.digest)) == (3, head.digest)
    assert await trail.sign_now(AUDITOR) == await trail.anchor(AUDITOR) == signed


async def test_a_head_that_nobody_can_sign_is_told_so_and_signed_later(
    database: Engine, clock: Clock, trail: AuditTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LOOKS", 1)
    anchoring = Anchoring(database, clock)
    await anchoring.add(1)
    with pytest.raises(AnchorNotSigned) as refused:
        await trail.sign_now(AUDITOR)
    await anchoring.anchors.step()

    assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "10")
    assert (await trail.sign_now(AUDITOR)).position == 1


@pytest.mark.parametrize("column", ["note", "note_key"])
async def test_a_note_that_was_changed_is_not_handed_out(
    database: Engine, clock: Clock, place: Place, trail: AuditTrail, column: str
) -> None:
    anchoring = Anchoring(database, clock)
    await anchoring.add(1)
    await anchoring.anchors.step()
    place.drop_rule("audit_anchors", "UPDATE")
    place.query(f"UPDATE audit_anchors SET {column} = replace({column}, 'd', 'e')")

    with pytest.raises(AnchorNotSigned, match="not what was signed"):
        await trail.anchor(AUDITOR)
