"""The GETs of the Ayra profile, and the documents by which TRQP is found, over HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft4Validator, Draft202012Validator
from litestar import Litestar
from litestar.response import Response
from litestar.response.base import ASGIResponse

from registry.asking import entity_lists
from registry.asking.entity_lists import Wanted
from registry.client import IdentifierNotFound, RegistryClient
from registry.model import Identifier
from registry.routes import build_routes
from registry.telling_routes import build_telling_routes
from registry.trqp import TrqpRequest
from tests.reference import needs_reference, reference
from tests.registry.examples import EDU, LICENSING, UNI
from tests.registry.told import (
    BASE_URL,
    OURS,
    Told,
    a_grant,
    a_registry,
    a_state,
    an_authority,
    an_entity,
    at,
)
from wire import Answer, BadRequest, Refusal, render_problem
from wire.problem import PROBLEM_JSON, problem_of

pytestmark = pytest.mark.anyio

PORT = "did:web:localhost%3A8000"
SPELLED = "https://FHIR.hospital.example/api/Keys"
FACTS = (
    an_entity("port", PORT, SPELLED),
    an_entity("gone", Identifier(value="did:web:gone.example", valid_until=at("2026-01-01"))),
    a_grant("g1"),
    a_grant("g2", entity_id="port", history=(a_state("suspended", "2026-06-01"),)),
    a_grant("g3", entity_id="port", resource="Licence"),
    a_grant("r1", kind="recognition", entity_id="lic"),
)


class PlainResponse(Response[Any]):
    """Renders an `Answer`, with what caches may do as two headers."""

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        found: Answer = self.content
        headers = {"content-type": found.media_type, "etag": found.etag or ""}
        headers["fresh-until"] = "" if found.fresh_until is None else str(found.fresh_until)
        headers["kept"] = str(found.may_be_kept)
        return ASGIResponse(body=found.body, status_code=found.status, headers=headers)


def refused(_: Any, error: Refusal) -> Response[Any]:
    body = render_problem(problem_of(error, base_url=BASE_URL))
    return PlainResponse(Answer(status=error.status, body=body, media_type=PROBLEM_JSON))


@asynccontextmanager
async def a_server(folder: Path, *facts: Any) -> AsyncIterator[tuple[Told, httpx.AsyncClient]]:
    async with a_registry(folder, *(facts or FACTS)) as told:
        app = Litestar(
            [build_routes(told.answering), build_telling_routes(told.telling)],
            response_class=PlainResponse,
            exception_handlers={Refusal: refused},
            logging_config=None,
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            yield told, http


async def read(http: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    response = await http.get(path, params=parameters or None)
    assert response.status_code == 200, response.text
    return response.json()


async def ids(http: httpx.AsyncClient, **parameters: Any) -> list[str]:
    return [item["entity_id"] for item in (await read(http, "/trqp/entities", **parameters))["items"]]


async def test_entities_are_listed_by_page_with_the_number_of_all(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, http):
        everybody = await read(http, "/trqp/entities")
        page = await read(http, "/trqp/entities", limit=2, offset=1)
        beyond = await read(http, "/trqp/entities", offset=4)

    assert everybody["items"][0] == {"entity_id": EDU, "name": "Edu", "type": "authority"}
    assert [item["entity_id"] for item in everybody["items"]] == [EDU, LICENSING, PORT, UNI]
    assert everybody["pagination"] == {"limit": 100, "offset": 0, "total": 4}
    assert page == {"items": everybody["items"][1:3], "pagination": {"limit": 2, "offset": 1, "total": 4}}
    assert beyond["items"] == []


async def test_entities_are_listed_by_what_is_in_force_at_a_time(tmp_path: Path) -> None:
    degree = {"action": "issue", "resource": "Degree"}
    async with a_server(tmp_path) as (_, http):
        assert await ids(http, authority_id=EDU) == [PORT, UNI]
        assert await ids(http, authority_id=EDU, **degree) == [UNI]
        assert await ids(http, **degree) == [UNI]
        assert await ids(http, **degree, time="2026-05-01T00:00:00Z") == [PORT, UNI]
        assert await ids(http, **degree, time="2023-05-01T00:00:00Z") == []
        assert await ids(http, authority_id=LICENSING) == []
        assert await ids(http, time="2025-05-01T00:00:00Z") == [
            EDU,
            "did:web:gone.example",
            LICENSING,
            PORT,
            UNI,
        ]


async def test_entities_that_were_known_are_listed_by_known_at(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (told, http):
        await told.tell(an_entity("new", "did:web:new.example"), when=at("2026-10-01"))

        before = await ids(http, known_at="2026-09-30T00:00:00Z")
        after = await ids(http, known_at="2026-10-02T00:00:00Z")

    assert "did:web:new.example" not in before
    assert "did:web:new.example" in after


@pytest.mark.parametrize(
    ("parameters", "status", "kind"),
    [
        ({"action": "issue"}, 400, "bad-request"),
        ({"resource": "Degree"}, 400, "bad-request"),
        ({"limit": 0}, 400, "bad-request"),
        ({"limit": 1_001}, 400, "bad-request"),
        ({"offset": -1}, 400, "bad-request"),
        ({"time": "yesterday"}, 400, "bad-request"),
        ({"known_at": "2025-01-01T00:00:00+00:00"}, 400, "bad-request"),
        ({"time": "2030-01-01T00:00:00Z"}, 400, "time-out-of-range"),
        ({"authority_id": "did:web:nobody.example"}, 404, "authority-not-found"),
    ],
)
async def test_a_list_that_cannot_be_made_is_refused(
    tmp_path: Path, parameters: dict[str, Any], status: int, kind: str
) -> None:
    async with a_server(tmp_path) as (_, http):
        response = await http.get("/trqp/entities", params=parameters)

    assert (response.status_code, response.json()["type"]) == (status, f"{BASE_URL}/problems/{kind}")


async def test_a_list_of_too_many_facts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entity_lists, "MAX_LOOKED_AT", 4)
    async with a_server(tmp_path) as (_, http):
        response = await http.get("/trqp/entities")
        narrower = await ids(http, authority_id=EDU, action="issue", resource="Licence")

    assert (response.status_code, response.json()["type"]) == (422, f"{BASE_URL}/problems/too-many-to-list")
    assert narrower == [PORT]


async def test_a_list_costs_the_client_what_has_to_be_looked_at(tmp_path: Path) -> None:
    looked_at: list[int] = []

    def refuse(facts: int) -> None:
        raise BadRequest(f"too dear: {facts}")

    async with a_server(tmp_path) as (told, _):
        for wanted in (
            Wanted(),
            Wanted(authority_id=EDU),
            Wanted(authority_id=EDU, pair=("issue", "Degree")),
        ):
            await told.telling.entities(wanted, {}, 100, 0, looked_at.append)
        with pytest.raises(BadRequest, match="too dear: 5"):
            await told.telling.entities(Wanted(), {}, 100, 0, refuse)

    assert looked_at == [5, 3, 2]


@pytest.mark.parametrize(
    "segment",
    [
        "did:web:localhost%3A8000",
        "did:web:localhost%253A8000",
        "did%3Aweb%3Alocalhost%253A8000",
        "https%3A%2F%2FFHIR.hospital.example%2Fapi%2FKeys",
    ],
)
async def test_an_identifier_in_a_path_is_decoded_once(tmp_path: Path, segment: str) -> None:
    """A did:web with a port is found as it stands too, since most people leave its percent sign alone."""
    async with a_server(tmp_path) as (_, http):
        entity = await read(http, f"/trqp/entities/{segment}")
        authorizations = await read(http, f"/trqp/entities/{segment}/authorizations")

    assert entity["entity_id"] == (SPELLED if segment.startswith("https") else PORT)
    assert [each["value"] for each in entity["identifiers"]] == [PORT, SPELLED]
    assert [each["resource"] for each in authorizations] == ["Licence"]


@pytest.mark.parametrize(
    "path", ["did:web:nobody.example", f"{UNI}/x", f"{UNI}/authorizations/x", "https://x.example"]
)
async def test_what_is_nobody_and_what_is_no_path_is_not_found(tmp_path: Path, path: str) -> None:
    async with a_server(tmp_path) as (_, http):
        response = await http.get(f"{BASE_URL}/trqp/entities/{path}")

    assert response.status_code == 404


async def test_a_parameter_that_names_nobody_has_no_place_in_a_body(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, http):
        response = await http.get("/trqp/metadata", params={"authority_id": "did:web:nobody.example"})

    assert response.status_code == 404
    assert "errors" not in response.json()


async def test_authorizations_of_an_entity_are_those_in_force_at_the_time(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, http):
        now = await read(http, f"/trqp/entities/{UNI}/authorizations")
        then = await read(http, f"/trqp/entities/{UNI}/authorizations", time="2025-06-01T00:00:00Z")
        before = await read(http, f"/trqp/entities/{UNI}/authorizations", time="2023-06-01T00:00:00Z")

    assert [(each["authority_id"], each["authorized"]) for each in now] == [(EDU, True)]
    assert then[0]["time_requested"] == "2025-06-01T00:00:00Z"
    assert before == []


async def test_recognitions_of_an_ecosystem_are_whom_it_recognises(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, http):
        found = await read(http, f"/trqp/ecosystems/{EDU}/recognitions")
        none = await read(http, f"/trqp/ecosystems/{LICENSING}/recognitions")
        unknown = await http.get(f"/trqp/ecosystems/{UNI}/recognitions")

    assert [(each["entity_id"], each["recognized"]) for each in found] == [(LICENSING, True)]
    assert none == []
    assert unknown.status_code == 404


async def test_an_ecosystem_says_what_may_be_asked_of_it(tmp_path: Path) -> None:
    async with a_server(tmp_path, an_authority("edu", freshness_seconds=60)) as (_, http):
        found = await read(http, f"/trqp/ecosystems/{EDU}")
        pairs = await read(http, "/trqp/lookups/authorizations", authority_id=EDU)
        everywhere = await read(http, "/trqp/lookups/authorizations")

    assert found["governance_framework_id"] == "https://edu.example/rules"
    assert (found["freshness_seconds"], found["max_delegations"]) == (60, 3)
    assert found["defines"] == pairs == everywhere
    assert {"action": "issue", "resource": "Degree"} in pairs


async def test_the_registry_says_what_it_is(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, http):
        whole = await read(http, "/trqp/metadata")
        one = await read(http, "/trqp/metadata", authority_id=EDU)
        methods = await read(http, "/trqp/lookups/didMethods", authority_id=EDU)
        levels = await read(http, "/trqp/lookups/assuranceLevels")
        endpoint = await read(http, "/.well-known/trqp-metadata.json")

    assert (whole["id"], whole["description"]) == (OURS, "Answers for 2 authorities")
    assert (one["name"], one["authority_id"]) == ("Edu", EDU)
    assert methods == [{"identifier": name, "authority_id": EDU} for name in ("did:key", "did:web")]
    assert levels == []
    assert endpoint["trqpEndpointUrl"] == f"{BASE_URL}/trqp"
    assert endpoint["authorityId"] == EDU
    assert [each["authorityId"] for each in endpoint["authorities"]] == [EDU, LICENSING]


async def test_the_authority_that_we_are_ourselves_is_the_first(tmp_path: Path) -> None:
    async with a_server(tmp_path, an_entity("lic", OURS)) as (_, http):
        endpoint = await read(http, "/.well-known/trqp-metadata.json")

    assert endpoint["authorityId"] == OURS


async def test_what_is_read_may_be_cached_and_is_made_anew_by_us(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (told, http):
        kept = await http.get(f"/trqp/entities/{UNI}")
        again = await http.get(f"/trqp/entities/{UNI}")
        answers = await http.get(f"/trqp/entities/{UNI}/authorizations")

    assert kept.headers["etag"] == again.headers["etag"] != ""
    assert float(kept.headers["fresh-until"]) == told.now / 1_000_000 + 300
    assert kept.headers["kept"] == "False"
    assert (answers.headers["etag"], answers.headers["fresh-until"]) == ("", "")


TSPP_MEMBERS = {
    "": {"profile", "assurance_level", "auth", "rate_limits", "freshness", "context_allowlist", "signing"}
    | {"recognition_policy", "transparency"},
    "auth": {"required", "methods", "max_token_ttl_seconds", "required_scopes"},
    "rate_limits": {"per_client_rps", "per_ip_rps", "burst"},
    "freshness": {"max_staleness_seconds", "default_expires_seconds"},
    "signing": {"supported", "required_for_al2", "algorithms", "jwks_uri", "canonicalization"},
    "recognition_policy": {"scoped_required", "expiry_required", "transitive_default", "max_chain_depth"},
    "transparency": {"service_docs_uri"},
}


async def test_the_security_profile_has_the_members_of_its_closed_schema_and_no_others(
    tmp_path: Path,
) -> None:
    async with a_server(tmp_path) as (_, http):
        profile = await read(http, "/.well-known/trqp-metadata")

    assert {name: set(profile[name] if name else profile) for name in TSPP_MEMBERS} == TSPP_MEMBERS
    assert profile["freshness"]["default_expires_seconds"] == 300
    assert profile["rate_limits"] == {"per_client_rps": 100, "per_ip_rps": 100, "burst": 200}
    assert profile["context_allowlist"] == ["time", "known_at"]


async def test_the_client_reads_what_is_told(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (_, http):
        client = RegistryClient(BASE_URL, http=http)

        entity = await client.entity(PORT)
        listed = await client.entities(authority_id=EDU, limit=1)
        authorizations = await client.authorizations_of(UNI, time="2025-06-01T00:00:00Z")
        ecosystem = await client.ecosystem(EDU)
        recognitions = await client.recognitions_of(EDU)
        pairs = await client.defined(authority_id=EDU)
        metadata, endpoint = await client.metadata(), await client.endpoint()
        with pytest.raises(IdentifierNotFound):
            await client.entity("did:web:nobody.example")

    assert entity.identifiers[0].value == PORT
    assert (listed.items[0].entity_id, listed.pagination.total) == (PORT, 2)
    assert authorizations[0].authorized
    assert (ecosystem.ecosystem_id, recognitions[0].entity_id) == (EDU, LICENSING)
    assert (pairs[0].action, metadata.id, endpoint.authority_id) == ("issue", OURS, EDU)


async def test_the_client_asks_many_questions_at_once(tmp_path: Path) -> None:
    question = TrqpRequest(entity_id=UNI, authority_id=EDU, action="issue", resource="Degree")
    other = TrqpRequest(entity_id=UNI, authority_id=UNI, action="issue", resource="x" * 400)
    async with a_server(tmp_path) as (_, http):
        client = RegistryClient(BASE_URL, http=http)

        answers = await client.authorizations([question, other] * 1_100)
        none = await client.authorizations([])

    assert len(answers) == 2_200
    assert all(not isinstance(each, Refusal) and each.authorized for each in answers[::2])
    assert all(isinstance(each, Refusal) and each.status == 404 for each in answers[1::2])
    assert none == []


def of_the_profile(name: str) -> Any:
    """Return what checks an answer by a schema of the Ayra profile's own OpenAPI document."""
    document = yaml.safe_load((reference("ayra") / "trqp_ayra_profile_swagger.yaml").read_text())
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return Draft4Validator(schema)


@needs_reference("ayra")
async def test_what_is_told_is_of_the_ayra_profiles_own_schemas(tmp_path: Path) -> None:
    async with a_server(tmp_path) as (told, http):
        of_the_profile("TrqpAuthorizationResponse").validate(await told.ask())
        of_the_profile("TrustRegistryMetadata").validate(await read(http, "/trqp/metadata"))
        of_the_profile("TrustRegistryMetadata").validate(await read(http, "/trqp/metadata", authority_id=EDU))
        of_the_profile("EntityListResponse").validate(await read(http, "/trqp/entities", authority_id=EDU))
        for name, path in (
            ("TrqpAuthorizationResponse", f"/trqp/entities/{UNI}/authorizations"),
            ("TrqpRecognitionResponse", f"/trqp/ecosystems/{EDU}/recognitions"),
            ("Authorization", "/trqp/lookups/authorizations"),
            ("DIDMethodType", "/trqp/lookups/didMethods"),
        ):
            found = await read(http, path)
            assert found
            for each in found:
                of_the_profile(name).validate(each)


@needs_reference("ayra")
async def test_the_metadata_is_of_the_profiles_json_schema(tmp_path: Path) -> None:
    schema = json.loads((reference("ayra") / "schema" / "ayra_metadata.schema.json").read_text())
    async with a_server(tmp_path) as (_, http):
        found = await read(http, "/trqp/metadata", authority_id=EDU)

    Draft202012Validator(schema).validate(found)
