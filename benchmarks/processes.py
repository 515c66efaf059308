"""
Servers as processes of their own, each on the servers' core: ours, and the rivals.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.http import ACCEPT, Captured, capture
from benchmarks.machine import free_port, on_server_core

ROOT = Path(__file__).parent.parent
START_SECONDS = 20.0
_UNLIMITED = "1000000000"  # requests a second


class Running:
    """A server that answers on `port`; `started_in` seconds passed from its spawn to its first 200."""

    def __init__(self, pid: int, port: int, started_in: float) -> None:
        self.pid = pid
        self.port = port
        self.started_in = started_in


@contextmanager
def running(
    arguments: Sequence[str],
    *,
    port: int,
    path: str | None,
    folder: Path,
    environment: Mapping[str, str],
    pin: Callable[[], None] = on_server_core,
    patience: float = START_SECONDS,
) -> Iterator[Running]:
    """
    Run `arguments` in `folder`, on a core (`pin`), and stop it at the end.

    It is yielded once `path` is answered 200, or, for None, once it listens.

    Raises:
        RuntimeError: it did not answer in time; the message is the end of what it logged.
    """
    began = time.perf_counter()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            preexec_fn=pin,  # noqa: PLW1509
        )
    try:
        if path is None:
            wait_for_listener(process, port, folder / "server.log", patience)
        else:
            wait_for_answer(process, port, path, folder / "server.log", patience)
        yield Running(process.pid, port, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_answer(
    process: "subprocess.Popen[bytes]", port: int, path: str, log: Path, patience: float
) -> Captured:
    """Ask every 2 ms until the answer is 200; return it."""
    until = time.perf_counter() + patience
    while time.perf_counter() < until and process.poll() is None:
        try:
            answer = capture(port, path, ACCEPT)
        except OSError:
            answer = None
        if answer is not None and answer.status == 200:
            return answer
        time.sleep(0.002)
    raise RuntimeError(f"no answer from {process.args!r}: {log.read_text()[-2_000:]}")


def wait_for_listener(process: "subprocess.Popen[bytes]", port: int, log: Path, patience: float) -> None:
    """Connect every 2 ms until somebody listens."""
    until = time.perf_counter() + patience
    while time.perf_counter() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.002)
    raise RuntimeError(f"nobody listens, of {process.args!r}: {log.read_text()[-2_000:]}")


class Deployment:
    """Our server with the sample ecosystem in `folder`, limits out of the way by their ordinary settings."""

    def __init__(self, folder: Path, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.environment = clean_environment() | {
            "TOUCHSTONE_WORKERS": "1",  # The rivals are one process too.
            "TOUCHSTONE_PUBLIC_URL": f"http://localhost:{self.port}",
            "TOUCHSTONE_BIND": f"127.0.0.1:{self.port}",
            "TOUCHSTONE_OPERATOR_BIND": f"127.0.0.1:{free_port()}",
            "TOUCHSTONE_OBSERVE_INTERVAL_SECONDS": "0",  # Nothing is measured that runs beside.
            "TOUCHSTONE_RATE_HOT_PER_SECOND": _UNLIMITED,
            "TOUCHSTONE_RATE_CPU_PER_SECOND": _UNLIMITED,
            "TOUCHSTONE_RATE_OUTBOUND_PER_SECOND": _UNLIMITED,
            **{f"TOUCHSTONE_{name}": value for name, value in settings.items()},
        }
        command = [sys.executable, "-m", "server", "init", "--sample"]
        subprocess.run(command, cwd=folder, env=self.environment, check=True, capture_output=True)

    @contextmanager
    def serving(self, path: str, *module: str, patience: float = START_SECONDS) -> Iterator[Running]:
        """Serve, from the first 200 at `path` on; by another `module` with its arguments, where one is given."""
        arguments = (sys.executable, "-m", *module) if module else serve_command()
        with running(
            arguments,
            port=self.port,
            path=path,
            folder=self.folder,
            environment=self.environment,
            patience=patience,
        ) as server:
            yield server


def serve_command() -> tuple[str, ...]:
    """Return the arguments that serve, with the settings of the environment."""
    return (sys.executable, "-m", "server", "serve")


@contextmanager
def rival(module: str, folder: Path, *arguments: str) -> Iterator[Running]:
    """Serve one of the rivals of this package on a free port, which it is given last."""
    port, environment = free_port(), clean_environment()
    command = (sys.executable, "-m", f"benchmarks.{module}", *arguments, str(port))
    with running(command, port=port, path="/", folder=folder, environment=environment) as server:
        yield server


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHSTONE_")}
    return kept | {"PYTHONPATH": str(ROOT)}
