"""
did:web cold, over TLS on kept connections: ours beside fastify with web-did-resolver, and beside stock httpx.

Every DID is new in every shot. The origin is one server on the core of the load. Ours has its address check,
pinning, caps and deadlines on, and its limits raised by their settings so far that nobody waits for a turn. The
rivals check nothing. All of us ask one host, keep their connections to it, and verify its certificate when they are
made; nobody shakes hands anew for a fetch. The rivals close what was idle for 5 seconds, so every shot begins with
a second that does not count.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trustme

from benchmarks.did_keys import write_paths
from benchmarks.hot_answers import RESOLVE_PATH, SECONDS, WARM_UP_SECONDS, rates
from benchmarks.load import CONNECTIONS, Shot, shoot
from benchmarks.machine import free_port, on_load_core
from benchmarks.peers.installed import NO_NODE, fastify, has_node_peers
from benchmarks.processes import Deployment, Running, clean_environment, rival, running
from benchmarks.result import Result, not_measured

ROUNDS = 5
PER_SHOT = 40_000  # DIDs; more than any of us can resolve in a shot
HOST = "origin.example"
UNLIMITED = dict.fromkeys(
    (
        "OUTBOUND_RATE",
        "OUTBOUND_BURST",
        "OUTBOUND_RATE_PER_HOST",
        "OUTBOUND_BURST_PER_HOST",
        "OUTBOUND_RATE_PER_SITE",
        "OUTBOUND_BURST_PER_SITE",
    ),
    "1000000000",
) | {
    "OUTBOUND_CONNECTIONS": str(
        8 * CONNECTIONS
    ),  # The load is one client of one site: an eighth is its share.
    "OUTBOUND_CONNECTIONS_PER_HOST": str(CONNECTIONS),
}
OURS, FASTIFY, HTTPX = "ours", "fastify", "httpx"
RIVALS = {
    FASTIFY: ("fastify, did-resolver and web-did-resolver, no cache", 0.8),
    HTTPX: ("stock httpx on uvicorn", 5.0),
}


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time beside each rival that is installed."""
    certify(folder)
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(_origin(folder, port))
        servers = _servers(folder, port, stack)
        shots = _shots(servers, port, folder)
    return [line for theirs in RIVALS for line in _lines(theirs, shots)]


def certify(folder: Path) -> None:
    """Write `ca.pem`, and `origin.pem`: certificate and key of `HOST` and of localhost."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("localhost", HOST).private_key_and_cert_chain_pem.write_to_path(
        str(folder / "origin.pem")
    )


@contextmanager
def _origin(folder: Path, port: int) -> Iterator[None]:
    command = (sys.executable, "-m", "benchmarks.origin", str(folder / "origin.pem"), str(port))
    with running(
        command,
        port=port,
        path=None,
        folder=_made(folder / "origin"),
        environment=clean_environment(),
        pin=on_load_core,
    ):
        yield


def _servers(folder: Path, port: int, stack: ExitStack) -> dict[str, Running]:
    ca_file = str(folder / "ca.pem")
    deployment = Deployment(folder / OURS, DANGEROUSLY_TRUSTED_CA_FILE=ca_file, **UNLIMITED)
    servers = {
        OURS: stack.enter_context(deployment.serving(RESOLVE_PATH, "benchmarks.web_server", str(port)))
    }
    servers[HTTPX] = stack.enter_context(rival("httpx_web", _made(folder / HTTPX), ca_file))
    if has_node_peers():
        trust = {"NODE_EXTRA_CA_CERTS": ca_file}
        servers[FASTIFY] = stack.enter_context(fastify("off", folder / FASTIFY, trust))
    return servers


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _shots(servers: dict[str, Running], port: int, folder: Path) -> dict[str, list[Shot]]:
    """Shoot at all in turns; the first round only warms up."""
    did_of: dict[str, Callable[[int], str]] = {
        OURS: lambda n: f"did:web:{HOST}:users:{n}",
        HTTPX: lambda n: f"did:web:localhost%3A{port}:users:{n}",
        # fastify decodes the path once more than the identifier is encoded.
        FASTIFY: lambda n: f"did%3Aweb%3Alocalhost%253A{port}%3Ausers%3A{n}",
    }
    file, shots = folder / "paths", dict[str, list[Shot]]((name, []) for name in servers)
    for round_ in range(ROUNDS + 1):
        for name, server in servers.items():
            for part, seconds in enumerate((WARM_UP_SECONDS, SECONDS)):
                begin = (2 * round_ + part) * PER_SHOT
                write_paths(file, [did_of[name](number) for number in range(begin, begin + PER_SHOT)])
                shot = shoot(server, file, seconds)
            shots[name].append(shot)
    return {name: of_one[1:] for name, of_one in shots.items()}


def _lines(theirs: str, shots: dict[str, list[Shot]]) -> list[Result]:
    name = f"did_web_cold_vs_{theirs}"
    if theirs not in shots:
        return [not_measured(f"{name}_rate", "requests/s", NO_NODE)]
    rival_name, at_least = RIVALS[theirs]
    return rates(name, shots[OURS], shots[theirs], rival_name, at_least=at_least)
