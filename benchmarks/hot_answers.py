"""
Hot answers over HTTP beside a bare ASGI server that gives the same bytes: what our layers cost a request.
"""

from pathlib import Path

import msgspec

from benchmarks.http import capture
from benchmarks.load import GENERATOR, Shot, shoot
from benchmarks.processes import Deployment, Running, rival
from benchmarks.result import Result, compared
from statuslist.forms import DATA_INTEGRITY, list_id_of, list_url

ROUNDS = 5
SECONDS = 2.0  # per shot; wrk takes whole seconds
WARM_UP_SECONDS = 1.0
DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
RESOLVE_PATH = f"/1.0/identifiers/{DID}"
LIST_PATH = list_url("", list_id_of("sample", "revocation"), DATA_INTEGRITY)
RIVAL = f"bare ASGI app on uvicorn, same bytes ({GENERATOR})"


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time of a hot did:key and of a status list."""
    with Deployment(folder).serving(LIST_PATH) as server:
        return [
            *_subject("hot_did_key", server, RESOLVE_PATH, folder),
            *_subject("status_list", server, LIST_PATH, folder),
        ]


def _subject(name: str, server: Running, path: str, folder: Path) -> list[Result]:
    file = folder / f"{name}.captured"
    capture(server.port, path)  # Makes the answer hot; the next one is what the load will see.
    file.write_bytes(msgspec.msgpack.encode(capture(server.port, path)))
    with rival("bare_asgi", folder, str(file)) as bare:
        ours, theirs = _rounds(server, bare, path)
    return [
        compared(f"{name}_rate", [s.rate for s in ours], [s.rate for s in theirs], "requests/s", RIVAL),
        compared(f"{name}_cpu", [s.cpu_us for s in ours], [s.cpu_us for s in theirs], "CPU us/req", RIVAL),
    ]


def _rounds(server: Running, bare: Running, path: str) -> tuple[list[Shot], list[Shot]]:
    """Warm both up, then shoot at them in turns."""
    for target in (server, bare):
        shoot(target, path, WARM_UP_SECONDS)
    pairs = [(shoot(server, path, SECONDS), shoot(bare, path, SECONDS)) for _ in range(ROUNDS)]
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]
