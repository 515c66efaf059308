"""What is at hand is answered without a wait, as it is with one; nobody is asked for it."""

import asyncio
from pathlib import Path

import pytest

from tests.verification.issuing import FORMS, Issuer, Wanted, a_scene
from verification.requests import VerifyRequest

pytestmark = pytest.mark.anyio

AT_HAND = ("application/vc+jwt", "jwt_vc_json", "dc+sd-jwt by DID")


def asked(form: str, issuer: Issuer) -> VerifyRequest:
    return VerifyRequest(credential=FORMS[form](Wanted(issuer)))


@pytest.mark.parametrize("form", FORMS)
async def test_it_says_the_same_or_nothing(tmp_path: Path, form: str) -> None:
    async with a_scene(tmp_path) as scene:
        request = asked(form, scene.issuers["good"])
        told = await scene.verifier.verify(request)

        now = scene.verifier.verify_now(request)
        assert now in (None, told)
        assert now == told or form != "dc+sd-jwt by DID"


@pytest.mark.parametrize("form", AT_HAND)
async def test_nobody_is_asked(tmp_path: Path, form: str) -> None:
    async with a_scene(tmp_path) as scene:
        issuer = scene.issuers["good"]
        before = len(scene.world.requests)

        assert scene.verifier.verify_now(asked(form, issuer)) is None
        await asyncio.sleep(0.05)
        assert len(scene.world.requests) == before
