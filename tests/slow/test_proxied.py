"""A Touchstone as the driver of another, and of a Universal Resolver: real servers, a real driver behind them."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.driver_process import LEGACY, MODERN, DriverProcess, document
from tests.process import Server

pytestmark = pytest.mark.slow

GOOD = "did:example:good"
# As the Universal Resolver's HttpDriver asks (driver-http): the result's media type, then the document's.
UNIVERSAL_RESOLVER = "application/did-resolution,application/did"


class Chain(NamedTuple):
    """The driver, the server that has it, and the server that has that server as its driver."""

    driver: DriverProcess
    near: Server
    far: Server


def served(directory: Path, url: str, **driver: Any) -> Server:
    directory.mkdir()
    entry = {"pattern": "did:example:.+", "url": url, "ttl_seconds": 1, "timeout_seconds": 3, **driver}
    server = Server(directory, DRIVERS=json.dumps([entry]), RATE_OUTBOUND_PER_SECOND="1000")
    server.initialise()
    server.start()
    return server


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with DriverProcess() as driver:
        near = served(tmp_path / "near", driver.url, name="near")
        try:
            far = served(tmp_path / "far", near.url, name="far", supports_options=True)
            try:
                yield Chain(driver, near, far)
            finally:
                far.kill()
        finally:
            near.kill()


def resolved(server: Server, identifier: str, accept: str = MODERN, query: str = "") -> httpx.Response:
    url = f"{server.url}/1.0/identifiers/{identifier}{query}"
    return httpx.get(url, headers={"accept": accept}, trust_env=False, timeout=10)


def test_a_touchstone_is_the_driver_of_another(chain: Chain) -> None:
    answer = resolved(chain.far, GOOD)
    result = answer.json()
    metadata = result["didResolutionMetadata"]

    assert (answer.status_code, result["didDocument"]) == (200, document(GOOD))
    assert (metadata["driver"], metadata["verified"], metadata["contentType"]) == (
        "far",
        False,
        "application/did",
    )
    assert metadata["upstream"]["driver"] == "near"
    assert metadata["upstream"]["verified"] is False


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("missing", 404, "NOT_FOUND"),
        ("invalid", 400, "INVALID_DID"),
        ("no-media-type", 406, "REPRESENTATION_NOT_SUPPORTED"),
        ("not-mine", 501, "METHOD_NOT_SUPPORTED"),
        ("wrong-id", 500, "INVALID_DID_DOCUMENT"),
        ("private", 500, "INVALID_DID_DOCUMENT"),
        ("garbage", 500, "INTERNAL_ERROR"),
        ("broken", 500, "INTERNAL_ERROR"),
    ],
)
def test_an_error_is_the_same_at_both_ends_of_the_chain(
    chain: Chain, name: str, status: int, error: str
) -> None:
    answers = [resolved(server, f"did:example:{name}") for server in (chain.near, chain.far)]

    assert [answer.status_code for answer in answers] == [status, status]
    assert {
        answer.json()["didResolutionMetadata"]["error"]["type"].rpartition("#")[2] for answer in answers
    } == {error}


def test_a_deactivated_did_and_a_percent_encoded_one_pass_through_the_chain(chain: Chain) -> None:
    gone = resolved(chain.far, "did:example:gone")
    encoded = resolved(chain.far, "did%3Aexample%3Aa%2540b")

    assert (gone.status_code, gone.json()["didDocumentMetadata"]["deactivated"]) == (410, True)
    assert gone.json()["didDocumentMetadata"]["updated"] == "2026-01-01T00:00:00Z"
    assert encoded.json()["didDocument"]["id"] == "did:example:a%40b"
    assert chain.driver.seen()[-1] == "/1.0/identifiers/did%3Aexample%3Aa%2540b"


@pytest.mark.parametrize("identifier", [GOOD, "did%3Aexample%3Agood"])
def test_a_universal_resolver_that_has_it_as_a_driver_gets_a_result(chain: Chain, identifier: str) -> None:
    modern = resolved(chain.near, identifier, UNIVERSAL_RESOLVER)
    legacy = resolved(chain.near, identifier, f"{LEGACY},application/did+ld+json")

    for answer in (modern, legacy):
        assert answer.status_code == 200
        assert answer.json()["didDocument"] == document(GOOD)
    assert modern.headers["content-type"] == MODERN
    assert legacy.headers["content-type"] == LEGACY


def test_the_chain_stands_a_driver_that_dies_and_comes_back(chain: Chain) -> None:
    did = "did:example:kept"
    first = resolved(chain.far, did)
    chain.driver.stop()
    time.sleep(1.5)
    while_away, unknown = resolved(chain.far, did), resolved(chain.far, "did:example:new")
    chain.driver.start()
    again = resolved(chain.far, "did:example:newer")

    assert (first.status_code, while_away.status_code, unknown.status_code) == (200, 200, 500)
    assert while_away.json()["didDocument"] == first.json()["didDocument"]
    assert again.status_code == 200


def test_a_batch_goes_through_the_chain_and_what_each_server_tells_of_itself_names_the_driver(
    chain: Chain,
) -> None:
    dids = [f"did:example:{name}" for name in ("good", "missing", "b1", "b2")]
    answer = httpx.post(f"{chain.far.url}/1.0/identifiers", json={"dids": dids}, trust_env=False, timeout=10)
    methods = httpx.get(f"{chain.far.url}/1.0/methods", trust_env=False).json()

    assert [result["status"] for result in answer.json()["results"]] == [200, 404, 200, 200]
    assert "example" in methods
