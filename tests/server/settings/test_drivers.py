"""Drivers in the settings: the settings file, a variable, a file of their own; and the server that has them."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.settings import Settings, SettingsError, check, load_settings
from server.settings.drivers import drivers_of, share_of, tables_of
from tests.driver_process import DriverProcess, document
from tests.server.running import running_in

DRIVER: dict[str, Any] = {
    "name": "ex",
    "pattern": "did:example:.+",
    "url": "http://driver.internal",
    "test_identifiers": ["did:example:good"],
    "traits": {"updatable": True, "odd key": [1, "a"]},
}


def test_drivers_stand_in_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "touchstone.toml"
    file.write_text("\n".join(['log_level = "ERROR"', *tables_of([DRIVER])]))

    settings = load_settings({"TOUCHSTONE_CONFIG": str(file)})

    assert tomllib.loads(file.read_text())["drivers"] == [DRIVER]
    assert [driver.name for driver in drivers_of(settings)] == ["ex"]
    assert drivers_of(settings)[0].traits == DRIVER["traits"]


def test_drivers_stand_in_a_variable_as_json() -> None:
    settings = load_settings({"TOUCHSTONE_DRIVERS": json.dumps([DRIVER])})

    assert drivers_of(settings)[0].url == "http://driver.internal"


def test_the_requests_under_way_are_divided_by_the_processes() -> None:
    drivers = drivers_of(Settings(drivers=(DRIVER | {"concurrent": 5},)))

    assert [[driver.concurrent for driver in share_of(drivers, workers)] for workers in (1, 2, 8)] == [
        [5],
        [3],
        [1],
    ]


@pytest.mark.parametrize("name", ["drivers.json", "drivers.toml"])
def test_drivers_stand_in_a_file_of_their_own(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(json.dumps([DRIVER]) if name.endswith("json") else "\n".join(tables_of([DRIVER])))
    other = json.dumps([DRIVER | {"name": "first", "pattern": "did:example:g.+"}])

    settings = load_settings({"TOUCHSTONE_DRIVERS_FILE": str(file), "TOUCHSTONE_DRIVERS": other})

    assert [driver.name for driver in drivers_of(settings)] == ["first", "ex"]


def test_a_variable_in_a_url_of_the_universal_resolver_is_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "application.json"
    entries = [
        {"pattern": "did:a:.+", "url": "${url_of_a:http://driver-a:8080/}"},
        {"pattern": "did:b:.+", "url": "${url_of_b:http://driver-b:8080/}"},
    ]
    file.write_text(json.dumps({"uniresolver": {"drivers": entries}}))

    drivers = drivers_of(Settings(drivers_file=str(file)), {"url_of_b": "http://elsewhere"})

    assert [driver.url for driver in drivers] == ["http://driver-a:8080/", "http://elsewhere"]


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"TOUCHSTONE_DRIVERS": "{"}, "TOUCHSTONE_DRIVERS: expected JSON"),
        ({"TOUCHSTONE_DRIVERS": "[" * 100_000}, "TOUCHSTONE_DRIVERS: expected JSON"),
        ({"TOUCHSTONE_DRIVERS": "1"}, "TOUCHSTONE_DRIVERS: expected a list of tables"),
        ({"TOUCHSTONE_DRIVERS": "[1]"}, "TOUCHSTONE_DRIVERS: expected a list of tables"),
        (
            {"TOUCHSTONE_DRIVERS": '[{"pattern":"did:web:.+","url":"http://x"}]'},
            "TOUCHSTONE_DRIVERS: driver 'web'",
        ),
        ({"TOUCHSTONE_DRIVERS_FILE": "/nowhere/x.json"}, "TOUCHSTONE_DRIVERS_FILE: /nowhere/x.json: "),
    ],
)
def test_a_fault_names_the_setting(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(environ)

    assert told in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]]", '{"drivers":3}'])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, text: str) -> None:
    file = tmp_path / "drivers.json"
    file.write_text(text)

    [fault] = check(Settings(drivers_file=str(file)))

    assert fault.startswith("TOUCHSTONE_DRIVERS_FILE: ")


@pytest.fixture
def process() -> Iterator[DriverProcess]:
    with DriverProcess() as process:
        yield process


@pytest.mark.anyio
async def test_a_server_with_a_driver_resolves_tells_of_it_and_counts(
    tmp_path: Path, process: DriverProcess
) -> None:
    driver = DRIVER | {"url": process.url}
    async with (
        running_in(tmp_path, drivers=(driver,)) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        resolved = (await client.get("/1.0/identifiers/did:example:good")).json()
        away = await client.get("/1.0/identifiers/did:example:away", params={"explain": "true"})
        methods = (await client.get("/1.0/methods")).json()
        named = (await client.get("/1.0/testIdentifiers")).json()
        properties = await client.get("/1.0/properties")
        metrics = (await client.get(f"{running.operator_url}/metrics")).text
        explained = await client.get(
            f"{running.operator_url}/operator/explain",
            params={"did": "did:example:good"},
            headers=running.authorization,
        )

    assert resolved["didDocument"] == document("did:example:good")
    assert resolved["didResolutionMetadata"]["driver"] == "ex"
    assert resolved["didResolutionMetadata"]["verified"] is False
    assert away.status_code == 500
    assert "example" in methods
    assert named["example"] == ["did:example:good"]
    assert process.url not in properties.text + away.text
    assert process.url in explained.text
    assert "touchstone_driver_requests 2.0" in metrics
    assert "touchstone_driver_failures 1.0" in metrics


@pytest.mark.anyio
async def test_every_identifier_that_is_named_for_tests_resolves(
    tmp_path: Path, process: DriverProcess
) -> None:
    async with (
        running_in(tmp_path, drivers=(DRIVER | {"url": process.url},)) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        named = (await client.get("/1.0/testIdentifiers")).json()
        dids = [did for listed in named.values() for did in listed]
        results = (await client.post("/1.0/identifiers", json={"dids": dids})).json()["results"]

    assert running.settings.did in named["web"]
    assert {result["status"] for result in results} == {200}
