"""Tens of thousands of hostile credentials: none is relied on, fails us, or costs 100 ms. `make soak`: 100,000."""

import os
from pathlib import Path

import pytest

from tests.fuzz.relying import hostile_in

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

CASES = int(os.environ.get("TOUCHSTONE_FUZZ_CREDENTIALS", "20000"))
SEED = int(os.environ.get("TOUCHSTONE_FUZZ_SEED", "4"))


async def test_no_hostile_credential_is_relied_on(tmp_path: Path) -> None:
    async with hostile_in(tmp_path) as hostile:
        report = await hostile.run(CASES, SEED)
    print(f"\n{report.cases} credentials, seed {SEED}; the dearest took {report.worst_ms:.0f} ms of CPU")

    assert report.failures == []
    assert report.cases == CASES
