"""The guard among real sockets and real names: no canary is reached; without the guard they are (the control)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.slow.canary_network import CANARIES, ODD, ORIGINS, zone

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
PRIVATE = {"10.0.0.5", "100.64.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "fc00::1"}
# It cannot be dialled without a zone.
UNREACHABLE = {"fe80::1"}


def run(mode: str) -> Any:
    """Run the network of canaries in a namespace of its own, or skip aloud where there is none to be had."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("unshare or ip is missing. Run: sudo apt-get install util-linux iproute2")
    namespace = ["unshare", "-rnm"]
    if subprocess.run([*namespace, "true"], capture_output=True).returncode != 0:
        pytest.skip("no user namespaces here: the canaries of the outbound guard are not tested")
    done = subprocess.run(
        [*namespace, sys.executable, "-m", "tests.slow.canary_network", mode],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_name_leads_the_guard_to_a_canary_and_the_origin_is_reached() -> None:
    found = run("guarded")

    assert found["reached"].keys() == {"origin"}
    assert found["outcomes"].pop("good.canary.example") == "resolved"
    assert set(found["outcomes"].values()) == {"address_refused"}
    assert found["outcomes"].keys() == zone().keys() - {"good.canary.example"}


def test_hosts_that_the_operator_named_lead_to_private_addresses_and_to_no_other_canary() -> None:
    found = run("named")

    assert found["reached"].keys() == PRIVATE | {"origin"}


def test_without_its_check_of_addresses_every_canary_is_reached() -> None:
    found = run("unguarded")

    assert found["reached"].keys() >= set(CANARIES) - UNREACHABLE
    assert found["reached"].keys() >= {"origin", "10.0.0.5", "169.254.169.254", "fd00:ec2::254"}


def test_a_client_that_checks_first_and_dials_by_name_is_beaten_by_rebinding() -> None:
    found = run("checked-then-dialled")

    assert found["outcomes"]["a0.canary.example"] == "refused"
    assert found["reached"]["10.0.0.5"] >= 1
    assert found["reached"]["169.254.169.254"] >= 1


def test_the_zone_has_a_name_for_every_canary() -> None:
    answered = {address for turns in zone().values() for turn in turns for address in turn}

    assert answered >= {*CANARIES, *ODD, *ORIGINS}
