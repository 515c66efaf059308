"""What the real process writes to stderr: JSON lines, with request ids, and nothing that must not be there."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.process import Server

pytestmark = pytest.mark.slow

REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


def _lines(server: Server) -> list[dict[str, Any]]:
    text = (server.directory / "server.log").read_text()
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _ask(server: Server, path: str, request_id: str) -> None:
    request = urllib.request.Request(server.url + path, headers={"X-Request-ID": request_id})
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()


def _wait(is_so: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_request_of_the_ordinary_way_is_a_json_line(tmp_path: Path, workers: int) -> None:
    server = Server(tmp_path, workers=workers, LOG_LEVEL="INFO")
    server.initialise()
    server.start()
    try:
        _ask(server, "/livez", REQUEST_ID)
        _ask(server, f"/1.0/identifiers/{DID}", DID)
        _ask(server, f"/nowhere/{DID}", server.operator_key)
    finally:
        assert server.terminate() == 0

    lines = [line for line in _lines(server) if line["logger"] == "touchstone.requests"]
    found = {line["request_id"]: line for line in lines}
    assert found[REQUEST_ID]["route"] == "/livez"
    assert found[REQUEST_ID]["status"] == 200
    assert {"at", "level", "method", "duration_ms", "client"} <= found[REQUEST_ID].keys()
    assert {200, 404} <= {line["status"] for line in lines}
    text = json.dumps(_lines(server))  # Without the examples for people, which have a DID.
    assert server.operator_key not in text
    assert DID not in text


def test_what_fails_is_a_json_line_too(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=2, LOG_LEVEL="ERROR")
    server.initialise()
    server.start()
    _wait(lambda: "Touchstone is ready" in (tmp_path / "server.log").read_text())
    os.kill(server.pids[-1], signal.SIGKILL)
    _wait(lambda: bool(_lines(server)))

    assert server.terminate() == 0
    assert next((line["level"], line["logger"]) for line in _lines(server)) == (
        "ERROR",
        "touchstone.supervisor",
    )


def test_a_refused_act_of_an_operator_names_who_it_was(tmp_path: Path) -> None:
    server = Server(tmp_path, LOG_LEVEL="INFO")
    server.initialise("--sample")

    def touchstone(*arguments: str) -> str:
        command = [sys.executable, "-m", "server", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=server.environment, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    statuses = []
    try:
        server.start()
        touchstone("principal", "add", "auditor", "--name", "A", "--grant", "viewer")
        key = touchstone("key", "create", "auditor", "--print")
        for given in (key, "tsk_AAAAAAAAAAAA_" + "A" * 43):
            request = urllib.request.Request(
                f"{server.operator_url}/operator/status-lists/sample/allocations",
                data=b"{}",
                headers={"Authorization": f"Bearer {given}", "Content-Type": "application/json"},
            )
            try:
                urllib.request.urlopen(request, timeout=5).close()
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
                error.close()
    finally:
        assert server.terminate() == 0

    lines = [line for line in _lines(server) if line.get("status") in (401, 403)]
    assert statuses == [403, 401]
    assert [line.get("principal") for line in lines] == ["auditor", None]
    assert key not in json.dumps(_lines(server))
