"""A host whose name does not exist (NXDOMAIN): NOT_FOUND, which ends nothing that is known of the DID."""

import pytest

from resolver import FreshnessBounds, InternalError, NotFound
from resolver.sources.source import Nothing, Observed
from tests.resolver.scenes import DID, DOCUMENT, PATH, web

pytestmark = pytest.mark.anyio

HOUR = FreshnessBounds(revalidate_seconds=30, stale_seconds=3_600)
SCID = "QmfGEUAcMpzo25kF2Rhn8L5FAXysfGnkzjwdKoNPi615XQ"


class Seen:
    """An observer that keeps nothing but what it was told."""

    def __init__(self) -> None:
        self.found: list[bytes | Nothing] = []

    def seen(self, did: str, found: bytes | Nothing, at: float) -> None:
        self.found.append(found)

    async def observed(self, did: str, at: float) -> Observed | None:
        return None


@pytest.mark.parametrize("did", ["did:web:nowhere.example", f"did:webvh:{SCID}:nowhere.example"])
async def test_a_did_whose_host_name_does_not_exist_is_not_found_however_often_it_is_asked(did: str) -> None:
    async with web() as (world, _, resolver, _clock):
        for _ in range(5):
            with pytest.raises(NotFound) as refused:
                await resolver.resolve(did)

            assert refused.value.members == {"cause": "name_not_found"}
        assert len(world.resolutions) == 3  # Then it is left alone for a moment, and is still not found.


@pytest.mark.parametrize("did", ["did:web:nowhere.example", f"did:webvh:{SCID}:nowhere.example"])
async def test_a_did_whose_host_name_has_no_address_is_a_failure_to_ask(did: str) -> None:
    async with web() as (world, _, resolver, _clock):
        world.name("nowhere.example", [])

        for _ in range(5):
            with pytest.raises(InternalError) as refused:
                await resolver.resolve(did)

            assert refused.value.members == {"cause": "origin_unreachable"}


async def test_a_name_that_no_longer_exists_ends_no_stale_serving_and_is_no_observation() -> None:
    seen = Seen()
    async with web(freshness=HOUR, observer=seen) as (world, issuer, resolver, clock):
        issuer.publish(PATH, DOCUMENT, cache_control="max-age=60")
        await resolver.resolve(DID)
        world.name("issuer.example")
        clock.now += 100

        stale = [await resolver.resolve(DID) for _ in range(3)]
        clock.now += 3_600
        with pytest.raises(NotFound):
            await resolver.resolve(DID)

        assert [(one.document, one.stale) for one in stale] == [(DOCUMENT, True)] * 3
        assert stale[0].resolution_metadata["staleReason"] == "stale-if-error"
        assert stale[0].resolution_metadata["cause"] == "name_not_found"
        assert [found for found in seen.found if isinstance(found, Nothing)] == []


async def test_a_name_that_is_back_is_found_again_at_once() -> None:
    async with web() as (world, issuer, resolver, _clock):
        issuer.publish(PATH, DOCUMENT)
        world.name("issuer.example")
        with pytest.raises(NotFound):
            await resolver.resolve(DID)
        world.name("issuer.example", [issuer.address])

        assert (await resolver.resolve(DID)).document == DOCUMENT
