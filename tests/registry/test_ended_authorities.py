"""An authority whose entity has ended answers for nobody, and takes nobody else's answers along."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State

from registry.telling_routes import build_telling_routes
from registry.trust_routes import build_trust_routes
from server.edge.answers import AnswerResponse
from tests.registry.examples import EDU, LICENSING, UNI
from tests.registry.test_trust import refused
from tests.registry.told import BASE_URL, a_grant, a_registry, an_entity, at
from wire import Refusal

pytestmark = pytest.mark.anyio

ENDED = an_entity("edu", EDU, valid_until=at("2026-06-01"))
FACTS = (ENDED, a_grant(), a_grant("g2", authority_id="lic"))
QUESTION = {"did": UNI, "resource": "Degree"}


async def asked(folder: Path, *paths: str, **evaluations: dict[str, Any]) -> list[httpx.Response]:
    """Return what is answered to some GETs, and then to some evaluations."""
    async with a_registry(folder, *FACTS) as told:
        app = Litestar(
            [build_trust_routes(told.trust), build_telling_routes(told.telling)],
            response_class=AnswerResponse,
            exception_handlers={Refusal: refused},
            state=State({"clock": lambda: told.now / 1_000_000}),
            logging_config=None,
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL) as http:
            found = [await http.get(path) for path in paths]
            return [
                *found,
                *[await http.post("/trust/evaluate", json=each) for each in evaluations.values()],
            ]


async def test_a_verdict_without_an_authority_is_that_of_those_that_are_left(tmp_path: Path) -> None:
    (now, then) = await asked(tmp_path, now=QUESTION, then=QUESTION | {"time": "2026-05-01T00:00:00Z"})

    assert now.status_code == 200, now.text
    assert (now.json()["decision"], [each["authority"]["id"] for each in now.json()["results"]]) == (
        "yes",
        ["lic"],
    )
    assert {each["authority"]["id"] for each in then.json()["results"]} == {"edu", "lic"}


async def test_an_ended_authority_is_unknown_by_its_id_as_by_its_did(tmp_path: Path) -> None:
    by_id, by_did = await asked(
        tmp_path, by_id=QUESTION | {"authority": "edu"}, by_did=QUESTION | {"authority": EDU}
    )

    assert by_id.json() == by_did.json()
    assert (by_id.json()["decision"], by_id.json()["reason"]) == ("unknown", "authority_unknown")


async def test_lists_and_what_the_registry_says_of_itself_leave_it_out(tmp_path: Path) -> None:
    entities, granted, authorizations, discovery, metadata, pairs, authorities, one = await asked(
        tmp_path,
        "/trqp/entities",
        "/trqp/entities?action=issue&resource=Degree",
        f"/trqp/entities/{UNI}/authorizations",
        "/.well-known/trqp-metadata.json",
        "/trqp/metadata",
        "/trqp/lookups/authorizations",
        "/trust/authorities",
        "/trust/authorities/edu",
    )

    assert [each["entity_id"] for each in entities.json()["items"]] == [LICENSING, UNI]
    assert [each["entity_id"] for each in granted.json()["items"]] == [UNI]
    assert [each["authority_id"] for each in authorizations.json()] == [LICENSING]
    assert [each["authorityId"] for each in discovery.json()["authorities"]] == [LICENSING]
    assert metadata.json()["authority_id"] == LICENSING
    assert len(pairs.json()) == 3
    assert [each["entity"]["id"] for each in authorities.json()["items"]] == ["lic"]
    assert one.status_code == 404
