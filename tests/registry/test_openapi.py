"""The OpenAPI document describes the TRQP bodies, and its examples are true of the sample."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar

from registry import read_registry_file, routes
from registry.asking.trqp_answers import authorization, recognition
from registry.routes import build_routes
from registry.trqp import read_request
from tests.databases import SqlitePlace
from tests.registry.databases import a_database
from tests.registry.examples import known_of
from tests.registry.wing import Wing
from wire import encode, parse_utc

pytestmark = pytest.mark.anyio

SAMPLE = (Path(__file__).parents[2] / "data" / "registry.json").read_bytes()


async def the_document(folder: Path) -> dict[str, Any]:
    async with a_database(SqlitePlace(folder / "db")) as database:
        app = Litestar([build_routes(Wing(database, clock=lambda: 0.0).answering)], logging_config=None)
    return app.openapi_schema.to_schema()


async def test_requests_and_answers_are_described_and_exemplified(tmp_path: Path) -> None:
    document = await the_document(tmp_path)

    for path, verdict in (("authorization", "authorized"), ("recognition", "recognized")):
        operation = document["paths"][f"/trqp/{path}"]["post"]
        body = operation["requestBody"]["content"]["application/json"]
        for example in body["examples"].values():
            Draft202012Validator(body["schema"]).validate(example["value"])
        answer = operation["responses"]["200"]["content"]["application/json"]
        schema = {**answer["schema"], "components": document["components"]}
        for example in answer["examples"].values():
            Draft202012Validator(schema).validate(example["value"])
            assert verdict in example["value"]
        assert {"400", "404", "413", "415"} <= operation["responses"].keys()


def test_the_examples_are_what_the_sample_answers() -> None:
    recorded_at = parse_utc(routes.AUTHORIZED["recorded_at"])
    known = known_of(read_registry_file(SAMPLE), recorded_at)
    now = parse_utc(routes.AUTHORIZED["time_evaluated"])
    question = read_request(
        encode(routes.DEGREES | {"context": routes.AUTHORIZED["context"]}), "application/json"
    )
    licences = read_request(encode(routes.LICENCES), "application/json")

    assert json.loads(encode(authorization(known, question, now))) == routes.AUTHORIZED
    assert json.loads(encode(recognition(known, licences, now))) == routes.RECOGNIZED
