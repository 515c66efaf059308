"""
Fresh resolutions of did:key by didkit, as `keys.mjs`: `python didkit_keys.py < {"kind": [did, ...], ...}`.

It runs in the peers' own environment, so that nothing of ours is imported.
"""

import importlib
import json
import sys
import time
from typing import Any


def per_resolution(resolve: Any, dids: list[str]) -> float:
    """Return CPU microseconds; didkit returns the result as JSON already."""
    before = time.process_time()
    for did in dids:
        if '"id":"did:key:' not in resolve(did, "{}"):
            raise ValueError(did)
    return (time.process_time() - before) / len(dids) * 1e6


def main() -> None:
    """Read the DIDs, print the figures."""
    didkit = importlib.import_module("didkit")
    figures: dict[str, float | None] = {}
    for kind, dids in json.load(sys.stdin).items():
        half = len(dids) // 2
        try:
            per_resolution(didkit.resolveDID, dids[:half])
            figures[kind] = per_resolution(didkit.resolveDID, dids[half:])
        except Exception:
            figures[kind] = None
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
