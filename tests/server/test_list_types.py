"""A list's permanent URL over the whole server: the type that is asked for, from memory too."""

from pathlib import Path

import httpx
import pytest

from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.services import open_services
from tests.server.running import quiet, settings_in
from tests.simulator import World

pytestmark = pytest.mark.anyio

URL = "/status-lists/sample-revocation/credential.json"
SUITE = "application/ld+json, application/json"  # what the stack of the W3C's test suite sends


async def test_list_from_memory_has_the_type_that_is_asked_for(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    async with World() as world, world.guard() as guard, open_services(settings, guard=guard) as services:
        transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
            answers = [
                await http.get(URL, headers={"accept": accept})
                for _ in range(3)
                for accept in ("*/*", SUITE, "application/ld+json")
            ]

        assert [answer.headers["content-type"] for answer in answers] == [
            "application/vc",
            "application/json",
            "application/ld+json",
        ] * 3
        assert len({answer.content for answer in answers}) == 1
        assert {answer.headers["vary"] for answer in answers} == {"accept, accept-encoding"}
        assert answers[1].json()["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
        assert services.hot.hits == 6
