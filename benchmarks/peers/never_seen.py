"""
Never-seen Ed25519 and P-256 DIDs over HTTP, beside fastify with key-did-resolver and no cache.
"""

from pathlib import Path

from benchmarks.hot_answers import RESOLVE_PATH, rates
from benchmarks.many_keys import never_seen
from benchmarks.peers.hot import RIVALS, UNCACHED
from benchmarks.peers.installed import NO_NODE, fastify, has_node_peers
from benchmarks.processes import Deployment
from benchmarks.result import Result, not_measured

ROUNDS = 3
NAME = "never_seen_did_keys_vs_fastify_uncached"
AT_LEAST = 2.5


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time of DIDs made anew for every shot."""
    if not has_node_peers():
        return [not_measured(f"{NAME}_rate", "requests/s", NO_NODE)]
    with (
        Deployment(folder / "server").serving(RESOLVE_PATH) as server,
        fastify("off", folder / "fastify") as peer,
    ):
        ours, theirs = never_seen([server, peer], folder, ROUNDS)
    return rates(NAME, ours, theirs, RIVALS[UNCACHED], at_least=AT_LEAST)
