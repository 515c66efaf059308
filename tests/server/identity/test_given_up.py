"""A key that was given up leaves every process's documents at once, though hot; new issuers empty nothing."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from operators.issuers.views import CompromiseKey, CreateIssuer
from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.services import open_services
from tests.process import Server
from tests.server.identity.keeping import ADMIN
from tests.server.running import quiet, settings_in

TTL_SECONDS = "300"
AT_ONCE_SECONDS = (
    5.0  # the promise is one; a loaded machine keeps five, and no copy that was kept for 300 does
)
TIMES = 12  # enough connections for each of two workers


def operator(server: Server, path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(
        f"{server.operator_url}/operator/issuers{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {server.operator_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(params=["true", "false"], ids=["protocol", "front"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Two workers and the process behind them."""
    server = Server(tmp_path, workers=2, HOT_PROTOCOL=request.param, DID_DOCUMENT_TTL_SECONDS=TTL_SECONDS)
    server.initialise()
    server.start()
    yield server
    server.kill()


def active_key(server: Server, issuer_id: str) -> str:
    keys = operator(server, f"/{issuer_id}")["keys"]
    return next(str(key["key"]) for key in keys if key["state"] == "active")


def seen(server: Server, path: str) -> bytes:
    """Return the answer on a connection of its own; b"" where there is nothing."""
    try:
        return server.get(path)
    except urllib.error.HTTPError as error:
        assert error.code == 404
        return b""


def shows(server: Server, paths: list[str], key: str) -> set[str]:
    """Return the paths at which any process shows a key, each asked often enough to be hot."""
    return {path for path in paths for _ in range(TIMES) if key.encode() in seen(server, path)}


def test_a_key_that_was_given_up_is_in_no_answer_of_any_process_though_all_were_hot(server: Server) -> None:
    operator(server, "", {"id": "acme"})
    own, acme = (operator(server, f"/{name}")["did"] for name in ("default", "acme"))
    given_up = {name: active_key(server, name) for name in ("default", "acme")}
    paths = {
        "default": [
            "/.well-known/did.json",
            f"/1.0/identifiers/{quote(own, safe='')}",
            f"/1.0/identifiers/{quote(own + '#' + given_up['default'], safe='')}",
        ],
        "acme": [
            "/issuers/acme/did.json",
            f"/1.0/identifiers/{quote(acme, safe='')}",
            f"/1.0/identifiers/{quote(acme + '#' + given_up['acme'] + '-jwk', safe='')}",
        ],
    }
    for name, key in given_up.items():
        until = time.monotonic() + AT_ONCE_SECONDS
        while shows(server, paths[name], key) != set(paths[name]) and time.monotonic() < until:
            time.sleep(0.1)  # Each process takes the new issuer up.
        assert shows(server, paths[name], key) == set(paths[name])
    for name, key in given_up.items():
        operator(server, f"/{name}/keys/{key}/compromised", {})
    until = time.monotonic() + AT_ONCE_SECONDS
    while time.monotonic() < until and any(shows(server, paths[name], key) for name, key in given_up.items()):
        time.sleep(0.1)

    for name, key in given_up.items():
        assert shows(server, paths[name], key) == set()
        assert active_key(server, name).encode() in seen(server, paths[name][0])


@pytest.mark.anyio
async def test_a_new_issuer_empties_nothing_and_a_given_up_key_empties_what_is_not_for_ever(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    for_ever = "/1.0/identifiers/did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    paths = ("/.well-known/did.json", f"/1.0/identifiers/{quote(settings.did, safe='')}", for_ever)
    async with open_services(settings) as services:
        transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
            for path in paths * 2:
                await http.get(path)
            hits, held = services.hot.hits, services.hot.bytes_held
            await services.operators.issuers.create(ADMIN, CreateIssuer(id="acme"))
            async with asyncio.timeout(AT_ONCE_SECONDS):
                while "acme" not in services.operators.identities.rows:
                    await asyncio.sleep(0.05)
            after_the_new = (services.hot.bytes_held, services.hot.purges)
            key = services.operators.identities.rows["default"][1][0]
            await services.issuing.changes.compromise(ADMIN, "default", key.key_id, CompromiseKey())
            async with asyncio.timeout(AT_ONCE_SECONDS):
                while services.hot.purges == 0:
                    await asyncio.sleep(0.05)
            answers = [(await http.get(path)).content for path in paths]

    assert (hits, after_the_new) == (len(paths), (held, 0))
    assert all(key.key_id.encode() not in answer for answer in answers)
    assert services.hot.hits == hits + 1  # The did:key, which is for ever.
