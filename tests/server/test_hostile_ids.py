"""Ids in paths that are none, on both engines: not there, or not of the shape, and never a failure of ours."""

from pathlib import Path

import pytest

from server.app import declared_of
from tests.databases import Place
from tests.server.authorization.examples import EXAMPLES
from tests.server.http_corpus.asking import of, post
from tests.server.http_corpus.operators import at_operators, at_rest
from tests.server.http_corpus.world import scene_in

pytestmark = pytest.mark.anyio

# As they stand in a path: U+0000, which PostgreSQL cannot store; a surrogate and a byte that are no UTF-8; ...
HOSTILE = [
    "a%00b",
    "%ED%A0%80",
    "%FF",
    "..%2F..",
    "%2e%2e",
    "a" * 3_000,
    "'%20OR%201=1",
    "%F0%9F%94%92",
    "-1",
    "9" * 40,
]


async def test_no_id_in_a_path_makes_the_server_fail(place: Place, tmp_path: Path) -> None:
    async with scene_in(tmp_path, database_url=place.url) as scene:
        await at_rest(scene)
        key = {"authorization": "Bearer <key of admin>"}
        told = {}
        for one in declared_of(scene.services):
            if one.need is None or "{" not in one.path:
                continue
            body = EXAMPLES[one.method, one.path].body
            for text in HOSTILE:
                for known in ({}, {"issuer_id": "acme", "set_id": "sample"}):
                    path = one.path
                    for name in (
                        "issuer_id",
                        "set_id",
                        "key_id",
                        "index",
                        "principal_id",
                        "public_id",
                        "number",
                    ):
                        path = path.replace(f"{{{name}}}", known.get(name, text))
                    sent = (
                        of(one.method, path, **key) if one.method == "GET" else post(path, body or b"", **key)
                    )
                    if path != one.path and text in path:
                        told[one.method, path] = (await scene.ask(at_operators(sent))).status

    assert len(told) > 200
    assert {request: status for request, status in told.items() if not 400 <= status < 500} == {}
