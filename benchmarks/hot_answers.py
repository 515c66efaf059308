"""
A hot answer over HTTP beside a bare ASGI server that gives the same bytes: what our layers cost a request.

Ours answers through the ASGI layer, and then by the protocol (`TOUCHSTONE_HOT_PROTOCOL`).
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.http import capture
from benchmarks.load import GENERATOR, Shot, Target, shoot
from benchmarks.processes import Deployment, Running, rival
from benchmarks.result import Result, compared

ROUNDS = 5
SECONDS = 2.0  # per shot; wrk takes whole seconds
WARM_UP_SECONDS = 1.0
DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
RESOLVE_PATH = f"/1.0/identifiers/{DID}"
RIVAL = f"bare ASGI app on uvicorn, same bytes ({GENERATOR})"
AT_LEAST = 0.9  # of the bare server's rate, through the ASGI layer


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time of a hot did:key."""
    file, path = folder / "captured", RESOLVE_PATH
    with (
        Deployment(folder / "front").serving(path) as front,
        Deployment(folder / "protocol", HOT_PROTOCOL="true").serving(path) as protocol,
    ):
        for server in (front, front, protocol):
            captured = capture(
                server.port, path
            )  # The first makes the answer hot; the next the load will see.
        file.write_bytes(msgspec.msgpack.encode(captured))
        with rival("bare_asgi", folder, str(file)) as bare:
            ours, direct, theirs = in_turns([(front, path), (protocol, path), (bare, path)], ROUNDS)
    return [
        *rates("hot_did_key", ours, theirs, RIVAL, at_least=AT_LEAST),
        *rates("hot_did_key_by_the_protocol", direct, theirs, RIVAL),
    ]


def in_turns(targets: Sequence[tuple[Running, Target]], rounds: int) -> list[list[Shot]]:
    """Warm all up, then shoot at them in turns; return the shots of each."""
    for server, target in targets:
        shoot(server, target, WARM_UP_SECONDS)
    shots = [[shoot(server, target, SECONDS) for server, target in targets] for _ in range(rounds)]
    return [list(of_one) for of_one in zip(*shots, strict=True)]


def rates(
    name: str, ours: list[Shot], theirs: list[Shot], rival: str, *, at_least: float | None = None
) -> list[Result]:
    """Return the comparison of requests a second, and of CPU time a request."""
    return [
        compared(
            f"{name}_rate",
            [shot.rate for shot in ours],
            [shot.rate for shot in theirs],
            "requests/s",
            rival,
            at_least=at_least,
        ),
        compared(
            f"{name}_cpu",
            [shot.cpu_us for shot in ours],
            [shot.cpu_us for shot in theirs],
            "CPU us/req",
            rival,
        ),
    ]
