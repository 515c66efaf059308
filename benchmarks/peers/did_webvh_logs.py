"""
Resolutions of a log by did-webvh: `python -P did_webvh_logs.py FILE DID RUNS`; prints the seconds of each as JSON.

It runs in the peers' own environment, so that nothing of ours is imported.
"""

import asyncio
import importlib
import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Resolve once to warm up, then as often as asked."""
    resolve_did = importlib.import_module("did_webvh.resolver").resolve_did
    file, did, runs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    seconds = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        result = asyncio.run(resolve_did(did, local_history=file))
        seconds.append(time.perf_counter() - began)
        if not result.document:
            raise ValueError(result.resolution_metadata)
    print(json.dumps(seconds[1:]))


if __name__ == "__main__":
    main()
