"""TRQP over HTTP, through the SDK client and with raw requests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar
from litestar.response import Response
from litestar.response.base import ASGIResponse

from registry import AuthorityNotFound, DefinitionNotFound, TrqpRequest
from registry.client import RegistryClient, RegistryUnavailable
from registry.routes import build_routes
from tests.actors import ADA
from tests.databases import SqlitePlace
from tests.reference import needs_reference, reference
from tests.registry.databases import a_database
from tests.registry.examples import EDU, LICENSING, NOW, UNI, a_question, a_registry, as_file
from tests.registry.wing import Wing
from wire import Answer, MalformedBody, Refusal, render_problem
from wire.problem import PROBLEM_JSON, problem_of

pytestmark = pytest.mark.anyio

QUESTION = {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"}
RECOGNITION = QUESTION | {"authority_id": LICENSING, "entity_id": EDU}


class PlainResponse(Response[Any]):
    """Renders an `Answer` as it is; what changes with the clock is the server's and tested there."""

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        found: Answer = self.content
        assert found.fresh_until is None, "the answer to a POST is kept by no cache"
        return ASGIResponse(
            body=found.body, status_code=found.status, headers={"content-type": found.media_type}
        )


def refused(_: Any, error: Refusal) -> Response[Any]:
    body = render_problem(problem_of(error, base_url="https://registry.example"))
    return PlainResponse(Answer(status=error.status, body=body, media_type=PROBLEM_JSON))


@asynccontextmanager
async def a_server(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the example registry in process."""
    async with a_database(SqlitePlace(folder / "db")) as database:
        wing = Wing(database, clock=lambda: NOW / 1_000_000)
        await wing.import_file(ADA, as_file(a_registry()))
        app = Litestar(
            [build_routes(wing.answering)],
            response_class=PlainResponse,
            exception_handlers={Refusal: refused},
            logging_config=None,
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://registry.example"
        ) as http:
            yield http


async def test_the_client_gets_the_answers(tmp_path: Path) -> None:
    async with a_server(tmp_path) as http:
        client = RegistryClient("https://registry.example", http=http)

        authorized = await client.authorization(a_question(context={"time": "2025-01-01T00:00:00Z"}))
        recognized = await client.recognition(TrqpRequest(**RECOGNITION))
        missing = await client.authorization(a_question(entity_id="did:web:nobody.example"))

    assert authorized.authorized is True
    assert authorized.time_requested == "2025-01-01T00:00:00Z"
    assert recognized.recognized is True
    assert missing.authorized is False


async def test_the_client_gets_the_refusals_as_the_errors_that_they_are(tmp_path: Path) -> None:
    async with a_server(tmp_path) as http:
        client = RegistryClient("https://registry.example", http=http)

        with pytest.raises(AuthorityNotFound):
            await client.authorization(a_question(authority_id="did:web:other.example"))
        with pytest.raises(DefinitionNotFound):
            await client.recognition(a_question(action="x"))
        with pytest.raises(MalformedBody):
            await client.authorization(a_question(context={"time": "yesterday"}))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"{}"),
        (200, b"not json"),
        (200, json.dumps(QUESTION | {"authorized": "yes", "time_evaluated": "x"}).encode()),
        (500, b"oops"),
        (404, b"nothing here"),
        (302, b""),
    ],
)
async def test_the_client_takes_nothing_for_an_answer_that_is_none(status: int, body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    async with httpx.AsyncClient(transport=transport) as http:
        client = RegistryClient("https://registry.example", http=http)

        with pytest.raises(RegistryUnavailable):
            await client.authorization(a_question())


@pytest.mark.parametrize(
    "changes", [{"entity_id": "did:web:other.example"}, {"time_requested": "2020-01-01T00:00:00Z"}]
)
async def test_the_client_takes_no_answer_to_another_question(changes: dict[str, str]) -> None:
    answer = QUESTION | {"authorized": True, "time_evaluated": "x", "message": "y"} | changes
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    async with httpx.AsyncClient(transport=transport) as http:
        client = RegistryClient("https://registry.example", http=http)

        with pytest.raises(RegistryUnavailable, match="another question"):
            await client.authorization(a_question())


async def test_the_answer_of_a_service_without_messages_is_an_answer() -> None:
    answer = QUESTION | {"authorized": True, "time_evaluated": "2026-01-01T00:00:00Z", "extra": [1]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    async with httpx.AsyncClient(transport=transport) as http:
        client = RegistryClient("https://registry.example", http=http)

        assert (await client.authorization(a_question())).authorized is True


async def test_an_answer_is_json_with_the_verdict_after_the_question(tmp_path: Path) -> None:
    async with a_server(tmp_path) as http:
        response = await http.post("/trqp/authorization", json=QUESTION)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert list(response.json())[:5] == ["entity_id", "authority_id", "action", "resource", "authorized"]


@pytest.mark.parametrize("path", ["/trqp/authorization", "/trqp/recognition"])
@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"entity_id": ""}, 400, "/entity_id"),
        ({"context": {"time": "2025-01-01T00:00:00+00:00"}}, 400, "/context/time"),
        ({"authority_id": "did:web:other.example"}, 404, "/authority_id"),
        ({"resource": "Diploma"}, 404, "/resource"),
    ],
)
async def test_a_refusal_is_a_problem_that_names_the_member(
    tmp_path: Path, path: str, changes: dict[str, Any], status: int, pointer: str
) -> None:
    async with a_server(tmp_path) as http:
        response = await http.post(path, json=QUESTION | changes)

    assert response.status_code == status
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_a_body_that_is_not_declared_json_is_refused(tmp_path: Path) -> None:
    async with a_server(tmp_path) as http:
        response = await http.post("/trqp/authorization", content=json.dumps(QUESTION))

    assert response.status_code == 415


async def test_get_is_not_a_question(tmp_path: Path) -> None:
    async with a_server(tmp_path) as http:
        response = await http.get("/trqp/authorization")

    assert response.status_code == 405


def reference_schemas() -> dict[str, Draft202012Validator]:
    return {
        name: Draft202012Validator(
            json.loads((reference("trqp") / f"trqp_{name}.schema.json").read_text()),
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        for name in (
            "authorization_request",
            "authorization_response",
            "recognition_request",
            "recognition_response",
        )
    }


@needs_reference("trqp")
@pytest.mark.parametrize("context", [{}, {"context": {"time": "2025-01-01T00:00:00Z", "locator": "x"}}])
async def test_questions_and_answers_are_those_of_the_protocols_own_schemas(
    tmp_path: Path, context: dict[str, Any]
) -> None:
    schemas = reference_schemas()
    async with a_server(tmp_path) as http:
        authorized = await http.post("/trqp/authorization", json=QUESTION | context)
        recognized = await http.post("/trqp/recognition", json=RECOGNITION | context)

    schemas["authorization_request"].validate(QUESTION | context)
    schemas["recognition_request"].validate(RECOGNITION | context)
    schemas["authorization_response"].validate(authorized.json())
    schemas["recognition_response"].validate(recognized.json())
    assert not schemas["authorization_response"].is_valid(recognized.json())
