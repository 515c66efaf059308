"""
Many did:keys over HTTP: ten thousand at random beside a hot one, and ones that were never seen before.

The last are made anew for every shot, half of them Ed25519 and half P-256, so that no cache is of use. They are
measured beside the bare ASGI server, which computes nothing.
"""

from pathlib import Path

import msgspec

from benchmarks.did_keys import drawn, new_dids, write_paths
from benchmarks.hot_answers import RESOLVE_PATH, RIVAL, SECONDS, in_turns, rates
from benchmarks.http import capture
from benchmarks.load import Shot, Target, shoot
from benchmarks.processes import Deployment, Running, rival
from benchmarks.result import Result

ROUNDS = 4
MIXED = 10_000  # DIDs
DRAWS = 100_000  # of them, then the same again
NEVER_SEEN_PER_SHOT = 60_000  # more than any of us can resolve in a shot
KINDS = ("ed25519", "p256")
MIXED_AT_LEAST = 0.85  # of the rate of one hot DID
NEVER_SEEN_AT_LEAST = 0.4  # of the bare server's rate


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time of mixed and of never-seen DIDs."""
    with Deployment(folder / "server").serving(RESOLVE_PATH) as server:
        file = folder / "captured"
        file.write_bytes(msgspec.msgpack.encode(capture(server.port, RESOLVE_PATH)))
        drawn_ones, hot = _mixed(server, folder)
        mixed = rates(
            "mixed_did_keys",
            drawn_ones,
            hot,
            f"one hot did:key, same server; {MIXED:,} DIDs at random",
            at_least=MIXED_AT_LEAST,
        )
        with rival("bare_asgi", folder, str(file)) as bare:
            ours, theirs = never_seen([server, bare], folder, ROUNDS)
    return [*mixed, *rates("never_seen_did_keys", ours, theirs, RIVAL, at_least=NEVER_SEEN_AT_LEAST)]


def _mixed(server: Running, folder: Path) -> list[list[Shot]]:
    dids = new_dids(MIXED, *KINDS)
    each = write_paths(folder / "each", dids)
    for _ in range(2):  # What was asked for twice is hot.
        shoot(server, each, SECONDS)
    draws: Target = write_paths(folder / "draws", drawn(dids, DRAWS))
    return in_turns([(server, draws), (server, RESOLVE_PATH)], ROUNDS)


def never_seen(servers: list[Running], folder: Path, rounds: int) -> list[list[Shot]]:
    """Shoot at `servers` in turns, with DIDs that are new to each of them; return the shots of each."""
    file, shots = folder / "never-seen", []
    for number in range(rounds + 1):
        write_paths(file, new_dids(NEVER_SEEN_PER_SHOT, *KINDS))
        shot = [shoot(server, file, SECONDS) for server in servers]
        if number:  # The first round only warms up.
            shots.append(shot)
    return [list(of_one) for of_one in zip(*shots, strict=True)]
