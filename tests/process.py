"""The real server as a process of its own, for tests that kill it, and a client for its operators."""

import contextlib
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
import warnings
from collections.abc import Callable
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


def holds_in_a_fork(claim: Callable[[], bool]) -> bool:
    """Tell whether `claim` is true in a process that is forked from this one, whatever threads this one has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns where there are threads.
        child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if claim() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class Server:
    """
    One deployment in `directory`, started and stopped at will; its state stays.

    Nodes of one deployment share a directory (the keys in it), a `public_url` and a `database_url`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        workers: int = 1,
        database_url: str = "",
        public_url: str = "",
        **settings: str,
    ) -> None:
        self.directory = directory
        self.port, self.operator_port = free_port(), free_port()
        self.url = f"http://localhost:{self.port}"
        self.settings = {
            "PUBLIC_URL": public_url or self.url,
            "DATABASE_URL": database_url or "sqlite:///var/touchstone.db",
            "WORKERS": str(workers),
            "OBSERVE_INTERVAL_SECONDS": "0",
            **settings,
        }
        self.code = ROOT
        self.operator_url = f"http://127.0.0.1:{self.operator_port}"
        self.program = sys.executable
        self.command: tuple[str, ...] = ("-m", "server")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHSTONE_")}
        return inherited | {
            "PYTHONPATH": str(self.code),
            "TOUCHSTONE_BIND": f"127.0.0.1:{self.port}",
            "TOUCHSTONE_OPERATOR_BIND": f"127.0.0.1:{self.operator_port}",
            "TOUCHSTONE_RATE_HOT_PER_SECOND": "100000",
            "TOUCHSTONE_LOG_LEVEL": "ERROR",
            **{f"TOUCHSTONE_{name}": value for name, value in self.settings.items()},
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
                [*DIE_WITH_US, self.program, *self.command, "serve"],
                cwd=self.directory,
                env=self.environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        while time.monotonic() - began < START_SECONDS and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.operator_url}/readyz", timeout=1):
                    return time.monotonic() - began
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.01)
        raise AssertionError((self.directory / "server.log").read_text()[-2_000:])

    def kill(self) -> None:
        """Kill all its processes at once, if it runs."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def pids(self) -> list[int]:
        """The process ids: the supervisor (or the only process) first, then its children, the oldest first."""
        assert self._process is not None
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True
        )
        return [self._process.pid, *sorted(int(pid) for pid in children.stdout.split())]

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
