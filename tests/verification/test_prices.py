"""What a client pays for what strangers are asked about its credentials: each request, nothing from memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from resolver.keys.jwk import jwk_of
from server.edge.limits import TooManyRequests
from statuslist.checking.requests import EntryCheck
from tests.credentials.sd_jwts import sd_jwt
from tests.statuslist.checking.purse import Purse
from tests.verification.issuing import FORMS, Scene, Wanted, a_scene
from verification.requests import VerifyBatch, VerifyRequest

pytestmark = pytest.mark.anyio

WELL_KNOWN = "/.well-known/jwt-vc-issuer/issuer"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with a_scene(tmp_path) as scene:
        yield scene


def of_strangers(scene: Scene, count: int) -> list[Any]:
    """Return SD-JWT VCs of issuers whose metadata nobody has asked for yet."""
    wanted = Wanted(scene.issuers["good"])
    hosts = [f"https://h{number}.example/" for number in range(count)]
    return [
        sd_jwt(wanted.sd_jwt(host, "https"), wanted.signer("https"), header={"kid": "key-1"})
        for host in hosts
    ]


async def test_metadata_of_each_issuer_cost_a_token_before_it_is_asked(scene: Scene) -> None:
    purse = Purse(10)

    with pytest.raises(TooManyRequests):
        await scene.verifier.verify_all(VerifyBatch(credentials=of_strangers(scene, 90)), purse)

    assert purse.spent == 10
    assert {host for host, _ in scene.world.resolutions} == {f"h{number}.example" for number in range(10)}


async def test_a_key_set_elsewhere_is_owed_and_what_is_kept_costs_nothing(scene: Scene) -> None:
    good, purse = scene.issuers["good"], Purse(10)
    wanted = Wanted(good)
    wanted.status = None
    credential = FORMS["dc+sd-jwt by metadata"](wanted)
    keys = {"keys": [jwk_of(good.signer.public_key) | {"kid": "key-1"}]}
    scene.world.host("keys.example").publish("/set.json", keys)
    good.host.publish(WELL_KNOWN, {"issuer": good.url, "jwks_uri": "https://keys.example/set.json"})

    told = [await scene.verifier.verify(VerifyRequest(credential=credential), purse) for _ in range(2)]

    assert [each.rely for each in told] == [True, True]
    assert purse.spent == len(scene.world.requests) == 2


async def test_a_key_set_that_cannot_be_had_is_owed_as_well(scene: Scene) -> None:
    good, purse = scene.issuers["good"], Purse(1)
    good.host.publish(WELL_KNOWN, {"issuer": good.url, "jwks_uri": "https://away.example/set.json"})
    credential = FORMS["dc+sd-jwt by metadata"](Wanted(good))

    told = await scene.verifier.verify(VerifyRequest(credential=credential), purse)

    assert told.verdicts["authentic"].reason == "key_not_known"
    assert purse.spent == 2


async def test_a_list_by_metadata_owes_its_key_set(scene: Scene) -> None:
    """One is paid for the list; what says whose key it is turns out to be two more."""
    good, purse = scene.issuers["good"], Purse(1)
    keys = {"keys": [jwk_of(good.signer.public_key) | {"kid": "key-1"}]}
    scene.world.host("keys.example").publish("/set.json", keys)
    good.host.publish(WELL_KNOWN, {"issuer": good.url, "jwks_uri": "https://keys.example/set.json"})
    asked = EntryCheck(issuer=good.url, status=Wanted(good).token_status("https"))

    assert (await scene.checker.check_entries(asked, purse)).valid
    assert purse.spent == len(scene.world.requests) == 3
