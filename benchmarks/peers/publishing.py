"""
From a change of a status to the signed bytes of a list, beside @digitalbazaar and @sd-jwt, each in its own process.

They keep the list, change an entry of it, and encode, compress and sign it by their own interfaces. So do we, as
`benchmarks/publishing.py` tells, for the one form that they make. They check nothing of what they made; we are
measured with our self-check, too. CPU time.
"""

import json
import subprocess

from benchmarks.machine import on_server_core
from benchmarks.peers.installed import NO_NODE, NODE, PEERS, has_node_peers
from benchmarks.processes import clean_environment
from benchmarks.publishing import LENGTH, UNIT, Changes, drawn, rate
from benchmarks.result import Result, compared, not_measured
from statuslist.formats.forms import DATA_INTEGRITY, TOKEN_JWT, FormName

ROUNDS = 5
DIGITALBAZAAR, SD_JWT = "digitalbazaar", "sd-jwt"
RIVALS = {
    DIGITALBAZAAR: "@digitalbazaar/vc-bitstring-status-list and vc",
    SD_JWT: "@sd-jwt/jwt-status-list and jose",
}
# What is compared: a name, our form, whether we check it, the peer, and the ratio that we hold ourselves to.
LINES: tuple[tuple[str, FormName, bool, str, float | None], ...] = (
    ("publish_credential_json_vs_digitalbazaar", DATA_INTEGRITY, False, DIGITALBAZAAR, 15),
    ("publish_credential_json_checked_vs_digitalbazaar", DATA_INTEGRITY, True, DIGITALBAZAAR, 8),
    ("publish_token_jwt_vs_sd_jwt", TOKEN_JWT, False, SD_JWT, 40),
    ("publish_token_jwt_checked_vs_sd_jwt", TOKEN_JWT, True, SD_JWT, None),
)


def measure() -> list[Result]:
    """Return a line for each form of a peer, with our self-check and without."""
    if not has_node_peers():
        return [not_measured(name, UNIT, NO_NODE) for name, *_ in LINES]
    rounds = [_round() for _ in range(ROUNDS)]
    return [
        compared(
            name,
            [ours[name] for ours, _ in rounds],
            [theirs[peer] for _, theirs in rounds],
            UNIT,
            RIVALS[peer],
            at_least=at_least,
        )
        for name, _, _, peer, at_least in LINES
    ]


def _round() -> tuple[dict[str, float], dict[str, float]]:
    """Return our rates by line, and those of the peers."""
    changes = drawn()
    ours = {name: rate(changes, (form,), checked=checked) for name, form, checked, *_ in LINES}
    return ours, {peer: _theirs(peer, changes) for peer in RIVALS}


def _theirs(peer: str, changes: Changes) -> float:
    assert NODE is not None
    given = {"length": LENGTH, "set": changes.at_first, "change": changes.then}
    done = subprocess.run(
        [NODE, str(PEERS / "publishing.mjs"), peer],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        env=clean_environment(),
        preexec_fn=on_server_core,
    )
    return 1e6 / float(done.stdout)
