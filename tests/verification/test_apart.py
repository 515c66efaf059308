"""Proofs over RDF: no client keeps another one waiting, and whoever's document takes too long pays for it."""

import asyncio
import threading
from pathlib import Path

import pytest

from proofs import JsonObject, TakesTooLong
from resolver.keys.multikey import multikey_of
from server.edge.limits import TooManyRequests
from tests.credentials.rdf.credentials import KEY, credential, in_process, signed
from tests.statuslist.checking.purse import Purse
from tests.verification.issuing import FORMS, Wanted, a_scene
from verification.apart import OVERRUN_TOKENS, Apart, Turns
from verification.requests import VerifyBatch

pytestmark = pytest.mark.anyio
MIB = 1_048_576


def over_rdf(name: str) -> JsonObject:
    """Return a credential that its did:key signed as RDF."""
    key = multikey_of(KEY.public_key())
    did = f"did:key:{key}"
    return signed(credential(issuer=did, name=name), verificationMethod=f"{did}#{key}")


async def test_a_client_with_many_proofs_keeps_nobody_waiting() -> None:
    turns, purse, free, in_work = Turns(), Purse(0), threading.Event(), threading.Semaphore(0)

    def held() -> None:
        in_work.release()
        free.wait(10)

    flood = [asyncio.create_task(Apart(None, turns.of("flood"), purse).run(held)) for _ in range(20)]
    await asyncio.sleep(0)
    try:
        await asyncio.wait_for(Apart(None, turns.of("other"), purse).run(lambda: None), 5)

        assert in_work.acquire(timeout=5)
        assert not in_work.acquire(blocking=False)
    finally:
        free.set()
        await asyncio.gather(*flood)


async def test_what_takes_too_long_ends_that_of_its_batch_and_is_paid_for(tmp_path: Path) -> None:
    asked: list[str] = []

    def canonicalize(options: JsonObject, document: JsonObject, hash_name: str) -> tuple[bytes, bytes]:
        asked.append(document["name"])
        if document["name"] == "slow":
            raise TakesTooLong("the canonical form takes too long")
        return in_process(options, document, hash_name)

    purse = Purse(100, computing=OVERRUN_TOKENS)
    async with a_scene(tmp_path, canonicalize) as scene:
        jwt = FORMS["application/vc+jwt"](Wanted(scene.issuers["good"]))
        batch = [over_rdf("quick"), over_rdf("slow"), over_rdf("next"), jwt]
        told = await scene.verifier.verify_all(VerifyBatch(credentials=batch), purse)

    authentic = [each.verdicts["authentic"] for each in told]
    reasons = ["signature_valid", "unsupported", "unsupported", "signature_valid"]
    assert [each.reason for each in authentic] == reasons
    assert authentic[2].detail.startswith("a credential before it in the batch took too long")
    assert asked == ["quick", "slow"]
    with pytest.raises(TooManyRequests):
        purse.compute(MIB)
