"""The real server as a process of its own, for tests that kill it, and a client for its operators."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
START_SECONDS = 15.0
# Where there is setpriv, the kernel ends the server even if the tests themselves are killed.
_SETPRIV = shutil.which("setpriv")
DIE_WITH_US = (_SETPRIV, "--pdeathsig", "KILL") if _SETPRIV else ()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One deployment in `directory`, started and stopped at will; its state stays."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port, self.operator_port = free_port(), free_port()
        self.url = f"http://localhost:{self.port}"
        self.operator_url = f"http://127.0.0.1:{self.operator_port}"
        self.command: tuple[str, ...] = ("-m", "server")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHSTONE_")}
        return inherited | {
            "PYTHONPATH": str(ROOT),
            "TOUCHSTONE_PUBLIC_URL": self.url,
            "TOUCHSTONE_BIND": f"127.0.0.1:{self.port}",
            "TOUCHSTONE_OPERATOR_BIND": f"127.0.0.1:{self.operator_port}",
            "TOUCHSTONE_RATE_HOT_PER_SECOND": "100000",
            "TOUCHSTONE_LOG_LEVEL": "ERROR",
        }

    def initialise(self, *options: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "server", "init", *options],
            cwd=self.directory,
            env=self.environment,
            check=True,
            capture_output=True,
        )

    def start(self) -> float:
        """Start, wait until ready; return how many seconds that took."""
        began = time.monotonic()
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*DIE_WITH_US, sys.executable, *self.command, "serve"],
                cwd=self.directory,
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        while time.monotonic() - began < START_SECONDS:
            try:
                with urllib.request.urlopen(f"{self.operator_url}/readyz", timeout=1):
                    return time.monotonic() - began
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.01)
        raise AssertionError((self.directory / "server.log").read_text()[-2_000:])

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=30)

    @property
    def operator_key(self) -> str:
        return (self.directory / "var/keys/operator.key").read_text().strip()

    def operator(self, path: str, body: Any = None, *, key: str | None = None, timeout: float = 10) -> Any:
        """Send an operator request (POST with a body, else GET); return the JSON of the answer."""
        headers = {"Authorization": f"Bearer {self.operator_key}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(
            f"{self.operator_url}/operator/status-lists{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=headers,
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)

    def get(self, path: str, timeout: float = 10) -> bytes:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=timeout) as answer:
            return bytes(answer.read())
