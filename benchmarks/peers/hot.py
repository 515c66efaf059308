"""
A hot did:key over HTTP: through our ASGI layer and by our protocol, beside fastify with did-resolver and nginx.

did-resolver's cache is off by default; nginx serves the bytes of our answer as a static file.
"""

from contextlib import ExitStack
from pathlib import Path

from benchmarks.hot_answers import RESOLVE_PATH, in_turns, rates
from benchmarks.http import capture
from benchmarks.load import Shot, Target
from benchmarks.peers.installed import NGINX, NO_NGINX, NO_NODE, fastify, has_node_peers, nginx
from benchmarks.processes import Deployment, Running
from benchmarks.result import Result, not_measured

ROUNDS = 5
FRONT, PROTOCOL = "hot_did_key", "hot_did_key_by_the_protocol"
CACHED, UNCACHED = "fastify_cached", "fastify_uncached"
STATIC, KEPT_OPEN = "nginx_static", "nginx_static_kept_open"
RIVALS = {
    CACHED: "fastify, did-resolver and key-did-resolver, cache on",
    UNCACHED: "fastify, did-resolver and key-did-resolver, cache off",
    STATIC: "nginx as Debian sets it up, the same bytes as a static file",
    KEPT_OPEN: "nginx with open_file_cache, the same bytes as a static file",
}
AT_LEAST: dict[tuple[str, str], float | None] = {
    (FRONT, CACHED): 1.35,
    (PROTOCOL, CACHED): 2.5,
    (PROTOCOL, UNCACHED): 18.0,
    (PROTOCOL, STATIC): 1.3,
    (PROTOCOL, KEPT_OPEN): None,
}


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time of both our ways, beside each rival that is installed."""
    with ExitStack() as stack:
        servers = _servers(folder, stack)
        targets: list[tuple[Running, Target]] = [(server, RESOLVE_PATH) for server in servers.values()]
        shots = dict(zip(servers, in_turns(targets, ROUNDS), strict=True))
    return [line for pair in AT_LEAST for line in _lines(pair, shots)]


def _servers(folder: Path, stack: ExitStack) -> dict[str, Running]:
    """Start ours, and the rivals that are installed."""
    servers = {
        FRONT: stack.enter_context(Deployment(folder / FRONT).serving(RESOLVE_PATH)),
        PROTOCOL: stack.enter_context(
            Deployment(folder / PROTOCOL, HOT_PROTOCOL="true").serving(RESOLVE_PATH)
        ),
    }
    if has_node_peers():
        servers[CACHED] = stack.enter_context(fastify("on", folder / CACHED))
        servers[UNCACHED] = stack.enter_context(fastify("off", folder / UNCACHED))
    if NGINX is not None:
        captured = capture(servers[FRONT].port, RESOLVE_PATH)
        servers[STATIC] = stack.enter_context(nginx(captured, RESOLVE_PATH, folder / STATIC))
        kept = nginx(captured, RESOLVE_PATH, folder / KEPT_OPEN, keeps_open=True)
        servers[KEPT_OPEN] = stack.enter_context(kept)
    return servers


def _lines(pair: tuple[str, str], shots: dict[str, list[Shot]]) -> list[Result]:
    ours, theirs = pair
    name = f"{ours}_vs_{theirs}"
    if theirs not in shots:
        return [not_measured(f"{name}_rate", "requests/s", NO_NGINX if "nginx" in theirs else NO_NODE)]
    return rates(name, shots[ours], shots[theirs], RIVALS[theirs], at_least=AT_LEAST[pair])
