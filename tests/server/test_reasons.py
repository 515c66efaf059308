"""The header Touchstone-Reason: why something is done, in any language, into the audit trail or not at all."""

from pathlib import Path
from urllib.parse import quote

import pytest

from storage import read_audit
from tests.server.http_corpus.asking import Answered, get, post
from tests.server.http_corpus.operators import at_operators, at_rest
from tests.server.http_corpus.world import Scene, scene_in

pytestmark = pytest.mark.anyio
PURGE = "/operator/cache/purge"

TAKEN = {
    "moved": "moved",
    "caf%C3%A9%2C ticket 4711": "caf\u00e9, ticket 4711",
    quote("\u6e08\u307f \U0001f512"): "\u6e08\u307f \U0001f512",
    "100%": "100%",
    "a" * 500: "a" * 500,
    quote("\u00e9" * 500): "\u00e9" * 500,
    '"; DROP TABLE audit; --': '"; DROP TABLE audit; --',
}
REFUSED = [
    "a" * 501,
    quote("\u00e9" * 501),
    "%FF",
    "%C3",
    "%ED%A0%80",
    "a%00b",
    "a%0Ab",
    "a%0D%0AX-Header: 1",
    "a%1B[2J",
    "%E2%80%AE",  # right-to-left override: a reader would see other words
    "%EF%BB%BFa",
    "caf\u00e9",
]


async def purge(scene: Scene, reason: str) -> Answered:
    case = post(PURGE, {"all": True}, authorization="Bearer <key of admin>", touchstone_reason=reason)
    return await scene.ask(at_operators(case))


async def test_a_reason_lands_in_the_audit_trail_or_the_request_is_refused(tmp_path: Path) -> None:
    async with scene_in(tmp_path) as scene:
        await at_rest(scene)
        taken = {reason: (await purge(scene, reason)).status for reason in TAKEN}
        refused = {reason: (await purge(scene, reason)).status for reason in REFUSED}
        without = (await purge(scene, "")).status
        rows = [row for row in await scene.services.database.read(read_audit) if row.action == "cache.purge"]

    assert set(taken.values()) == {202}
    assert refused == dict.fromkeys(REFUSED, 400)
    assert [row.detail.get("why") for row in rows] == [*TAKEN.values(), None]
    assert without == 202


async def test_a_reason_that_is_none_is_looked_at_after_who_asks(tmp_path: Path) -> None:
    """Nobody learns by it that a key is valid, or a resource there."""
    async with scene_in(tmp_path) as scene:
        bad = {"touchstone_reason": "%FF"}
        strangers = await scene.ask(at_operators(get("/operator/me", **bad)))
        reader = {"authorization": "Bearer <key of acme-reader>"} | bad
        foreign = await scene.ask(at_operators(get("/operator/status-lists/sample", **reader)))
        own = await scene.ask(at_operators(get("/operator/me", **reader)))

    assert (strangers.status, foreign.status, own.status) == (401, 404, 400)
