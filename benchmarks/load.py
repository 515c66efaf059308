"""
Load on a server from another core: by `wrk` where it is installed, else by our own client.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from benchmarks.http import ACCEPT
from benchmarks.machine import cpu_seconds, on_load_core, wait_until_idle
from benchmarks.processes import Running, clean_environment
from wire.coding import GZIP

CONNECTIONS = 64
WRK = shutil.which("wrk")
GENERATOR = "wrk" if WRK else "own uvloop client"


class Shot(msgspec.Struct, frozen=True):
    """One measurement: answers a second, and CPU microseconds that the server spent on each."""

    rate: float
    cpu_us: float


class Posts(msgspec.Struct, frozen=True):
    """
    A file of paths and JSON bodies, one pair a line with a space between, that are posted in turn.

    `authorization` is the header of that name; without it there is none.
    """

    file: Path
    authorization: str = ""


class Compressed(msgspec.Struct, frozen=True):
    """A path that is asked for with `Accept-Encoding: gzip`."""

    path: str


Target = str | Path | Posts | Compressed  # a path, or a file of paths, one a line, that are asked for in turn


def shoot(server: Running, target: Target, seconds: float) -> Shot:
    """
    Send requests for `seconds` over 64 connections.

    Raises:
        RuntimeError: the load generator failed, or got an answer other than 200.
    """
    wait_until_idle()
    before = cpu_seconds(server.pid)
    process = subprocess.Popen(
        _command(server.port, target, seconds),
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        preexec_fn=on_load_core,  # noqa: PLW1509
    )
    try:
        output, _ = process.communicate(timeout=seconds + 30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise RuntimeError(f"{GENERATOR} did not end in time") from None
    spent = cpu_seconds(server.pid) - before
    if process.returncode or "Non-2xx" in output:
        raise RuntimeError(f"{GENERATOR} failed: {output[-500:]}")
    answered = int(_answered(output))
    return Shot(answered / seconds, spent * 1e6 / answered)


def _command(port: int, target: Target, seconds: float) -> list[str]:
    if WRK is None:
        path = _for_our_client(target)
        command = [sys.executable, "-m", "benchmarks.client", str(port), path, str(seconds), str(CONNECTIONS)]
        return [*command, target.authorization] if isinstance(target, Posts) else command
    command = [WRK, "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "-H", f"Accept: {ACCEPT}"]
    url = f"http://127.0.0.1:{port}"
    if isinstance(target, Compressed):
        return [*command, "-H", f"Accept-Encoding: {GZIP}", url + target.path]
    if isinstance(target, str):
        return [*command, url + target]
    if isinstance(target, Posts) and target.authorization:
        command += ["-H", f"Authorization: {target.authorization}"]
    script, file = ("posts.lua", target.file) if isinstance(target, Posts) else ("paths.lua", target)
    return [*command, "-s", str(Path(__file__).with_name(script)), url, "--", str(file)]


def _for_our_client(target: Target) -> str:
    """Return a target as `benchmarks.client` takes it."""
    if isinstance(target, Posts):
        return f"+{target.file}"
    if isinstance(target, Compressed):
        return f"~{target.path}"
    return f"@{target}" if isinstance(target, Path) else target


def _answered(output: str) -> str:
    found = re.search(r"(\d+) requests in", output) or re.fullmatch(r"(\d+)\n", output)
    if found is None:
        raise RuntimeError(f"cannot read what {GENERATOR} printed: {output[-500:]}")
    return found.group(1)
