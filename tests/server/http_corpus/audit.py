"""The audit trail as operators are shown it: who may, which rows, and the signed head."""

from collections.abc import Iterator

from operators.audit import store
from storage import record, seal
from storage.sealing import head
from tests.server.http_corpus.asking import post
from tests.server.http_corpus.operators import PEOPLE, as_admin, at_operators, at_rest, doors, read
from tests.server.http_corpus.world import Scene, Step

AUDIT = "/operator/audit"
ANCHOR = f"{AUDIT}/anchor"


async def settle(scene: Scene) -> None:
    """Write rows that nothing draws by lot, seal what waits, and have the head signed."""
    database, anchors = scene.services.database, scene.services.auditing.anchors
    assert anchors is not None
    for number in range(3):
        detail = {"number": number, "why": "é"}
        await database.write(
            lambda tx, d=detail: record(  # type: ignore[misc]
                tx,
                actor="auditee",
                action="corpus",
                subject=f"did:web:a.example#{d['number']}",
                detail=d,
                at=1,
            )
        )
    await database.write(lambda tx: seal(tx, limit=1_000))
    last = await database.read(head)
    await database.write(lambda tx: store.ask_anchor(tx, last.position, 1))
    await anchors.step()


def cases() -> Iterator[Step]:
    yield at_rest
    yield settle
    yield from map(at_operators, doors((f"{AUDIT}?actor=nobody", ANCHOR), ()))
    for query in (
        "?actor=auditee",
        "?actor=auditee&limit=2",
        "?actor=auditee&subject=did:web:a.example%231",
        "?action=corpus&since=1970-01-01T00:00:00Z&until=1970-01-02T00:00:00Z",
        "?action=corpus&since=1970-01-02T00:00:00Z",
        "?action=nothing",
        "?after=100000",
        "?limit=0",
        "?limit=501",
        "?limit=x",
        "?after=-1",
        "?actor=%00",
        "?since=yesterday",
        "?until=2026-02-30T00:00:00Z",
        "?actr=auditee",
        "?actor=auditee&x",
    ):
        yield at_operators(read(AUDIT + query))
    for name in PEOPLE:
        yield at_operators(post(ANCHOR, b"", authorization=f"Bearer <key of {name}>"))
    yield at_operators(as_admin(ANCHOR, {}))
