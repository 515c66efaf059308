"""An API key in use that ends soon is an alarm that operators are shown, with what to do."""

from pathlib import Path

import msgspec
import pytest

from operators.access.views import CreateKey
from tests.actors import ROOT
from tests.server.http_corpus.asking import get
from tests.server.http_corpus.operators import at_operators, at_rest
from tests.server.http_corpus.world import Scene, scene_in
from wire import format_utc

pytestmark = pytest.mark.anyio

DAY = 86_400  # seconds


async def alarms(scene: Scene) -> list[tuple[str, str, str]]:
    await scene.services.operators.key_ends.look()
    await scene.services.operators.alarms.step()
    case = get("/operator/alarms?kind=api-key-near-end", authorization="Bearer <key of admin>")
    found = msgspec.json.decode((await scene.ask(at_operators(case))).body)["alarms"]
    return [(alarm["subject"], alarm["reason"], alarm["runbook"]) for alarm in found]


async def test_it_is_shown_until_the_key_is_revoked(tmp_path: Path) -> None:
    async with scene_in(tmp_path) as scene:
        await at_rest(scene)
        operators = scene.services.operators
        ends = format_utc(int((scene.clock() + 40 * DAY) * 1_000_000))
        made = await operators.api_keys.create(ROOT, "reader", CreateKey(expires_at=ends))
        scene.clock.pass_(30 * DAY)
        await operators.principals.authenticate(f"Bearer {made.api_key}")
        await operators.principals.keep_uses()
        shown = await alarms(scene)
        await operators.api_keys.revoke(ROOT, made.key.key)

        assert shown == [
            (
                f"reader#{made.key.key}",
                f"this API key is used, and ends on {ends}",
                "docs/runbooks/alarms.md#api-key-near-end",
            )
        ]
        assert await alarms(scene) == []
