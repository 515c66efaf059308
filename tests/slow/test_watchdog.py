"""Processes that hang or whose database failed are replaced, and operators are told: real processes."""

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.machine import wait_until
from tests.process import Server

pytestmark = pytest.mark.slow

REPLACED_SECONDS = 60.0  # seconds; a silent process has 10, a machine under load some more


@pytest.fixture(params=[1, 2])
def node(request: pytest.FixtureRequest, server: Server) -> Server:
    """A node of one worker, and one of two with a background process, on a disk that can fail."""
    server.settings["WORKERS"] = str(request.param)
    server.command = ("-m", "tests.slow.failing_disk")
    server.initialise("--sample")
    server.start()
    log = server.directory / "server.log"
    wait_until(lambda: "is ready" in log.read_text(), "every process is ready")
    return server


def ready(server: Server, *, public: bool) -> tuple[int, dict[str, Any]]:
    url = server.url if public else server.operator_url
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def metric(server: Server, name: str) -> float:
    with urllib.request.urlopen(f"{server.operator_url}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def allocates(server: Server) -> bool:
    try:
        server.operator("/sample/allocations", {}, timeout=20)
    except urllib.error.HTTPError as error:
        assert error.code == 503
        return False
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return True


def is_seen(server: Server, look: Callable[[], bool]) -> None:
    def tries() -> bool:
        try:
            return look()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    wait_until(tries, "what was looked for", REPLACED_SECONDS)


def open_alarms(server: Server) -> set[str]:
    headers = {"Authorization": f"Bearer {server.operator_key}"}
    request = urllib.request.Request(f"{server.operator_url}/operator/alarms", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return {alarm["kind"] for alarm in json.load(answer)["alarms"]}


def test_a_process_that_was_stopped_is_replaced_and_operators_are_told(node: Server) -> None:
    stopped = node.pids[1:]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    is_seen(node, lambda: allocates(node) and not set(stopped) & set(node.pids))
    is_seen(node, lambda: "process-replaced" in open_alarms(node))

    assert metric(node, "touchstone_processes_replaced") == len(stopped)
    assert metric(node, "touchstone_heartbeat_age_seconds") < 10
    assert node.terminate() == 0


def test_a_process_whose_database_failed_once_is_replaced_and_writes_go_on(node: Server) -> None:
    """Nobody has to restart it; reads go on meanwhile."""
    before = set(node.pids[1:])
    (node.directory / "fail").touch()
    assert not allocates(node)
    (node.directory / "fail").unlink()
    is_seen(node, lambda: bool(before - set(node.pids)) and allocates(node))
    is_seen(node, lambda: ready(node, public=False)[0] == 200)

    is_seen(node, lambda: metric(node, "touchstone_writes_failing") == 0)
    assert metric(node, "touchstone_processes_replaced") >= 1
    assert node.terminate() == 0


def test_a_broken_disk_makes_no_storm_of_processes(node: Server) -> None:
    """Every process that comes fails again."""
    (node.directory / "fail").touch()
    processes = len(node.pids)
    seen = set(node.pids)
    until = time.monotonic() + 15
    while time.monotonic() < until:
        allocates(node)
        seen |= set(node.pids)
        time.sleep(0.1)
    listed = node.get("/status-lists/sample-revocation")

    assert len(seen) <= processes + 4 * (processes - 1)
    assert listed, "reads go on"
    node.kill()


def test_a_full_disk_is_seen_without_traffic_reads_go_on_and_it_passes(node: Server) -> None:
    before = node.pids
    (node.directory / "full").touch()
    is_seen(node, lambda: ready(node, public=False)[0] == 503)
    public, operators = ready(node, public=True), ready(node, public=False)
    up, failing = metric(node, "touchstone_database_up"), metric(node, "touchstone_writes_failing")
    is_seen(node, lambda: metric(node, 'touchstone_alarms{kind="writes-failing"}') == 1)
    is_written = allocates(node)
    listed = node.get("/status-lists/sample-revocation")
    (node.directory / "full").unlink()
    is_seen(node, lambda: ready(node, public=False)[0] == 200)

    assert public == (200, {"status": "ready", "writes": "failing"})
    assert operators[1]["writes"] == "failing"
    assert (up, failing) == (0, 1)
    assert not is_written
    assert listed
    assert allocates(node)
    assert node.pids == before, "a full disk passes; nobody is replaced for it"


def test_a_node_of_one_worker_keeps_its_files_and_ends_with_its_supervisor(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.initialise()
    server.start()
    supervisor, worker = server.pids
    os.kill(supervisor, signal.SIGKILL)

    wait_until(lambda: not Path(f"/proc/{worker}").exists(), "the worker's end", 15)
    server.kill()
