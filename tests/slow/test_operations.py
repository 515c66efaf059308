"""Eight processes allocate and revoke at once, on each engine: no index twice, nothing lost, no error."""

import json
import os
import subprocess
import sys
import time

import pytest

from statuslist.entries.requests import CreateSet
from tests.databases import Place
from tests.process import DIE_WITH_US, ROOT
from tests.slow.operations import SETS
from tests.slow.published import set_bits
from tests.statuslist.wing import ROOT as OPERATOR
from tests.statuslist.wing import Wing, bits_of

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

PROCESSES = 8
OPERATIONS = int(os.environ.get("TOUCHSTONE_OPERATIONS", "50000"))


def _start(url: str) -> subprocess.Popen[str]:
    count = str(OPERATIONS // PROCESSES)
    command = [*DIE_WITH_US, sys.executable, "-m", "tests.slow.operations", url, count]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_the_published_lists_say_what_was_acknowledged(place: Place) -> None:
    async with Wing.open(place) as wing:
        for set_id in SETS:
            await wing.sets.create_set(
                OPERATOR, CreateSet(id=set_id, issuer_id="acme", purposes=("revocation",))
            )
        began = time.monotonic()
        children = [_start(place.url) for _ in range(PROCESSES)]
        results = [json.loads(child.communicate(timeout=600)[0]) for child in children]
        seconds = time.monotonic() - began
        await wing.publisher.publish_dirty()
        bodies = {set_id: wing.publisher.lists.current(f"{set_id}-revocation") for set_id in SETS}
        shown = {
            (set_id, str(index))
            for set_id, current in bodies.items()
            if current is not None
            for index in set_bits(bits_of(current.forms["credential.json"].body))
        }
    allocated = [tuple(entry) for result in results for entry in result["allocated"]]
    revoked = {tuple(entry) for result in results for entry in result["revoked"]}
    waits = sorted(result["longest_wait"] for result in results)
    print(
        f"\n{place.dialect}: {len(allocated) + len(revoked)} operations by {PROCESSES} processes"
        f" in {seconds:.1f} s; longest wait of each process: {', '.join(f'{wait * 1000:.0f}' for wait in waits)} ms"
    )

    assert [result["errors"] for result in results] == [[]] * PROCESSES
    assert len(allocated) + len(revoked) == OPERATIONS // PROCESSES * PROCESSES
    assert len(set(allocated)) == len(allocated)
    assert shown == revoked
