"""
did:web cold, over TLS with keep-alive: every DID is asked for once, so that each costs a fetch.

Ours with everything on: address check, pinning, caps on bytes and time; the rate budgets are raised by their
settings. Beside it fastify with web-did-resolver, and the same by hand with httpx as it comes. One origin on the
core of the load serves all three.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import trustme

from benchmarks.hot_answers import RESOLVE_PATH, SECONDS, rates
from benchmarks.load import Shot, shoot
from benchmarks.machine import free_port, on_load_core
from benchmarks.peers.installed import NO_NODE, fastify, has_node_peers
from benchmarks.processes import Deployment, Running, clean_environment, rival, running
from benchmarks.result import Result, not_measured

ROUNDS = 5
DIDS_PER_SHOT = 60_000  # more than any of us can fetch in a shot
FASTIFY, STOCK = "fastify and web-did-resolver, no cache", "uvicorn and a client of httpx as it comes"
NAME = "cold_did_web"
AT_LEAST = {FASTIFY: 1.3, STOCK: 5.0}
CONNECTIONS_AT_ONCE = "64"  # to the one origin; the rivals have no bound
OPEN = {
    f"OUTBOUND_{kind}{of}": "1000000" for kind in ("RATE", "BURST") for of in ("", "_PER_HOST", "_PER_SITE")
}

_numbers = count()


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time of DIDs that nobody has asked for."""
    ca_file, pem = _certificates(folder)
    with _origin(pem, folder) as origin, _ours(folder, origin, ca_file) as ours:
        with rival("peers.stock_httpx", folder / "stock", str(ca_file)) as stock:
            shots = _in_turns(
                [(ours, f"issuer.example%3A{origin}"), (stock, f"localhost%3A{origin}")], folder
            )
            results = rates(f"{NAME}_vs_httpx", *shots, STOCK, at_least=AT_LEAST[STOCK])
        if not has_node_peers():
            return [*results, not_measured(f"{NAME}_vs_fastify_rate", "requests/s", NO_NODE)]
        environment = {"NODE_EXTRA_CA_CERTS": str(ca_file)}
        with fastify("off", folder / "fastify", environment) as peer:
            shots = _in_turns([(ours, f"issuer.example%3A{origin}"), (peer, f"localhost%3A{origin}")], folder)
        return [*results, *rates(f"{NAME}_vs_fastify", *shots, FASTIFY, at_least=AT_LEAST[FASTIFY])]


def _in_turns(servers: list[tuple[Running, str]], folder: Path) -> list[list[Shot]]:
    """Shoot at `servers` in turns, each with DIDs of its host that are new to it; return the shots of each."""
    file, shots = folder / "paths", []
    for number in range(ROUNDS + 1):
        shot = []
        for server, host in servers:
            dids = (
                f"did%3Aweb%3A{host.replace('%', '%25')}%3Ai{next(_numbers)}" for _ in range(DIDS_PER_SHOT)
            )
            file.write_text("".join(f"/1.0/identifiers/{did}\n" for did in dids))
            shot.append(shoot(server, file, SECONDS))
        if number:  # The first round only warms up.
            shots.append(shot)
    return [list(of_one) for of_one in zip(*shots, strict=True)]


def _certificates(folder: Path) -> tuple[Path, Path]:
    authority = trustme.CA()
    ca_file, pem = folder / "ca.pem", folder / "origin.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    authority.issue_cert("issuer.example", "localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    (folder / "stock").mkdir()
    return ca_file.resolve(), pem.resolve()


@contextmanager
def _origin(pem: Path, folder: Path) -> Iterator[int]:
    """Serve the documents on the core of the load; yield the port."""
    port = free_port()
    command = (sys.executable, "-m", "benchmarks.peers.web_origin", str(pem), str(port))
    process = subprocess.Popen(command, cwd=folder, env=clean_environment(), preexec_fn=on_load_core)  # noqa: PLW1509
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _ours(folder: Path, origin: int, ca_file: Path) -> Iterator[Running]:
    place = Deployment(
        folder / "server",
        DANGEROUSLY_TRUSTED_CA_FILE=str(ca_file),
        OUTBOUND_CONNECTIONS_PER_HOST=CONNECTIONS_AT_ONCE,
        **OPEN,
    )
    command = (sys.executable, "-m", "benchmarks.peers.web_server", str(origin))
    with running(
        command, port=place.port, path=RESOLVE_PATH, folder=place.folder, environment=place.environment
    ) as server:
        yield server
