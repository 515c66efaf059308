"""The guard as the settings want it: a closed network is opened by name, and said aloud."""

import logging
from pathlib import Path

import msgspec
import pytest
import trustme

from resolver.outbound.errors import AddressRefused, FetchError, OriginUntrusted
from resolver.results import FetchPlan
from server.settings import Settings
from server.settings.outbound import guard_of, readings_of, warn_of_dangers
from tests.simulator import World, canned, certificate_of_authority

pytestmark = pytest.mark.anyio

PLAN = FetchPlan(host="issuer.corp.example", port=443, path="/did.json", accept="*/*", max_bytes=100)


async def test_a_closed_network_is_reached_with_its_authority_and_its_host_named(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(certificate_of_authority())
    settings = Settings(
        dangerously_trusted_ca_file=str(ca_file), dangerously_allowed_private_hosts=("issuer.corp.example",)
    )
    async with World() as world:
        world.host("issuer.corp.example", "10.1.2.3").answer("/did.json", canned(b"{}"))
        for changed, refused in (
            (settings, None),
            (msgspec.structs.replace(settings, dangerously_trusted_ca_file=""), OriginUntrusted),
            (msgspec.structs.replace(settings, dangerously_allowed_private_hosts=()), AddressRefused),
            (
                msgspec.structs.replace(settings, dangerously_allowed_private_hosts=("b.corp.example",)),
                AddressRefused,
            ),
        ):
            guard = guard_of(changed, resolve_name=world.resolve_name, dial=world.dial)
            if refused is None:
                assert (await guard.fetch_stranger(PLAN)).status == 200
            else:
                with pytest.raises(refused):
                    await guard.fetch_stranger(PLAN)
            await guard.aclose()

        assert world.dials == [("10.1.2.3", 443), ("10.1.2.3", 443)]
        assert len(world.requests) == 1


def test_what_a_closed_network_opens_is_a_warning_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ca_file = tmp_path / "internal-ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca_file))
    with caplog.at_level(logging.WARNING, "touchstone"):
        warn_of_dangers(Settings())
        assert caplog.records == []
        warn_of_dangers(
            Settings(
                dangerously_trusted_ca_file=str(ca_file),
                dangerously_allowed_private_hosts=("a.corp.example",),
            )
        )

    assert ["TRUSTED_CA_FILE" in caplog.messages[0], "internal-ca.pem" in caplog.messages[0]] == [True, True]
    assert ["PRIVATE_HOSTS" in caplog.messages[1], "a.corp.example" in caplog.messages[1]] == [True, True]


async def test_every_outcome_of_a_fetch_is_a_metric() -> None:
    async with World() as world:
        world.name("issuer.corp.example", ["10.1.2.3"])
        guard = guard_of(Settings(), resolve_name=world.resolve_name, dial=world.dial)
        with pytest.raises(AddressRefused):
            await guard.fetch_stranger(PLAN)
        await guard.aclose()

    causes = {kind.cause for kind in FetchError.__subclasses__()} - {
        "url_refused"
    }  # Before there is a fetch.
    readings = {reading.name: reading.value for reading in readings_of(guard)}
    assert readings.pop("touchstone_outbound_address_refused") == 1
    assert set(readings.values()) == {0}
    assert len(readings) == len(causes | {"ok"}) - 1
