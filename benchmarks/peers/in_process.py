"""
Fresh resolutions of did:key in process, by key type, beside every peer that supports the type.

Each makes the full result as JSON, from DIDs that it has not seen, in CPU time of its own process; ours checks each
point, and derives the X25519 key of an Ed25519 key (but where it says otherwise). What only HTTP needs, a choice by
Accept and an ETag, is in the figures over HTTP.
didkit is native Rust and derives nothing, hence the two lines about Ed25519.
"""

import json
import subprocess
import time
from collections.abc import Sequence

from benchmarks.did_keys import KINDS, new_dids
from benchmarks.machine import on_server_core
from benchmarks.peers.installed import (
    NO_NODE,
    NO_PYTHON,
    NODE,
    PEERS,
    PYTHON,
    has_node_peers,
)
from benchmarks.processes import ROOT, clean_environment
from benchmarks.result import Result, compared, not_measured
from resolver import Resolver
from resolver.results import DEFAULT_OPTIONS, Options
from wire import encode

ROUNDS = 5
KEYS = 1_000  # per round and kind, and as many to warm up
UNIT = "resolutions/CPU s"
DIDKIT = "didkit"
NODE_PEERS = ("key-did-resolver", "did-method-key", "veramo")
UNDERIVED = Options(enable_encryption_key_derivation=False)
NO_DERIVATION = "ed25519_without_derivation"
AT_LEAST_OF_DIDKIT = {NO_DERIVATION: 1.2, "p256": 0.8}
AT_LEAST_OF_OTHERS = 2.0

Round = dict[str, dict[str, float | None]]  # CPU microseconds by peer ("" is ours) and kind


def measure() -> list[Result]:
    """Return a line for each peer and each kind that it supports."""
    rounds = [_round() for _ in range(ROUNDS)]
    lines = []
    for peer in _peers():
        lines += [line for kind in KINDS if (line := _line(rounds, peer, kind, kind)) is not None]
        if peer == DIDKIT and (line := _line(rounds, peer, NO_DERIVATION, "ed25519")) is not None:
            lines.append(line)
    return [*lines, *_missing()]


def _peers() -> list[str]:
    return [
        *(NODE_PEERS if has_node_peers() else ()),
        *((DIDKIT,) if PYTHON.exists() else ()),
    ]


def _missing() -> list[Result]:
    node = [] if has_node_peers() else [(peer, NO_NODE) for peer in NODE_PEERS]
    didkit = [] if PYTHON.exists() else [(DIDKIT, NO_PYTHON)]
    return [not_measured(f"fresh_did_keys_vs_{peer}", UNIT, why) for peer, why in [*node, *didkit]]


def _round() -> Round:
    dids = {kind: new_dids(2 * KEYS, kind) for kind in KINDS}
    given = json.dumps(dids)
    figures: Round = {"": {kind: _ours(of_kind, DEFAULT_OPTIONS) for kind, of_kind in dids.items()}}
    figures[""][NO_DERIVATION] = _ours(dids["ed25519"], UNDERIVED)
    for peer in _peers():
        figures[peer] = json.loads(_ask(_command(peer), given))
    return figures


def _command(peer: str) -> list[str]:
    if peer == DIDKIT:
        return [str(PYTHON), str(ROOT / "benchmarks" / "peers" / "didkit_keys.py")]
    return [str(NODE), str(PEERS / "keys.mjs"), peer]


def _ask(command: Sequence[str], given: str) -> str:
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
        preexec_fn=on_server_core,
    )
    return done.stdout


def _ours(dids: Sequence[str], options: Options) -> float:
    """Return CPU microseconds per resolution of the second half; the first warms up."""
    resolver = Resolver()
    for half in (dids[:KEYS], dids[KEYS:]):
        before = time.process_time()
        for did in half:
            resolved = resolver.resolve_local(did, options)
            assert resolved is not None
            encode(
                {
                    "didResolutionMetadata": resolved.resolution_metadata,
                    "didDocument": resolved.document,
                    "didDocumentMetadata": resolved.metadata,
                }
            )
        spent = time.process_time() - before
    return spent / KEYS * 1e6


def _line(rounds: Sequence[Round], peer: str, kind: str, of_peer: str) -> Result | None:
    """Return the comparison of one kind; None where the peer does not support it."""
    theirs = [figure[peer][of_peer] for figure in rounds]
    ours = [figure[""][kind] for figure in rounds]
    if None in theirs:
        return None
    at_least = AT_LEAST_OF_DIDKIT.get(kind) if peer == DIDKIT else AT_LEAST_OF_OTHERS
    return compared(
        f"fresh_{kind}_vs_{peer}".replace("-", "_"),
        [1e6 / cpu for cpu in ours if cpu],
        [1e6 / cpu for cpu in theirs if cpu],
        UNIT,
        f"{peer}, in process",
        at_least=at_least,
    )
