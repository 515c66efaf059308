"""
Hot status lists over HTTP, of about 4 KB and of about 30 KB, plain and as gzip.

Beside a bare ASGI server that gives the same bytes, and nginx with them in a file. Ours answers through the ASGI
layer, and then by the protocol (`TOUCHSTONE_HOT_PROTOCOL`). Each list is an `application/vc+jwt`, 1 % of it set, as
the publisher made it.
"""

import asyncio
import secrets
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.hot_answers import RIVAL, ROUNDS, in_turns, rates
from benchmarks.http import Captured, capture
from benchmarks.load import Compressed, Shot, Target
from benchmarks.peers.installed import NGINX, NO_NGINX, nginx
from benchmarks.processes import Deployment, Running, rival
from benchmarks.result import Result, not_measured
from benchmarks.revocations import ROOT
from statuslist.entries.requests import (
    MAX_CHANGES_PER_CALL,
    Allocate,
    ChangeStatuses,
    CreateSet,
    StatusChange,
)
from statuslist.entries.sets import StatusSets
from statuslist.formats.forms import JWT, list_id_of, list_url
from storage.sqlite import open_sqlite

LENGTHS = {"4_kb": 131_072, "30_kb": 1_048_576}  # entries of the list that has this size
SET_OF = 100  # one entry of so many
AT_LEAST = 1.2  # of the bare server's rate, through the ASGI layer
GZIP_AT_LEAST = 0.9  # of our own rate for the plain bytes
FRONT, GZIP, PROTOCOL, BARE, STATIC = "front", "gzip", "protocol", "bare", "nginx"


def measure(folder: Path) -> list[Result]:
    """Return rate and CPU time of each list, beside each rival that is installed."""
    front = Deployment(folder / FRONT)
    protocol = Deployment(folder / PROTOCOL, HOT_PROTOCOL="true")
    for deployment in (front, protocol):
        asyncio.run(_fill(deployment))
    last = _path("30_kb")
    with front.serving(last) as by_front, protocol.serving(last) as by_protocol:
        return [line for size in LENGTHS for line in _subject(size, by_front, by_protocol, folder / size)]


async def _fill(deployment: Deployment) -> None:
    """Make a set for each size, before the server starts: it publishes them then."""
    database = open_sqlite(deployment.folder / "var" / "touchstone.db", create=False)
    sets = StatusSets(
        database,
        clock=time.time,
        random_bytes=secrets.token_bytes,
        base_url=deployment.environment["TOUCHSTONE_PUBLIC_URL"],
        on_changed=lambda: None,
    )
    try:
        for size, length in LENGTHS.items():
            set_id = _set_id(size)
            await sets.create_set(ROOT, CreateSet(id=set_id, purposes=("revocation",), length=length))
            await _revoke(sets, set_id, length // SET_OF)
    finally:
        database.close()


async def _revoke(sets: StatusSets, set_id: str, count: int) -> None:
    while count:
        step = min(count, MAX_CHANGES_PER_CALL)
        allocated = await sets.allocate(ROOT, set_id, Allocate(count=step))
        changes = tuple(
            StatusChange(status_list_index=entry.status_list_index, status_purpose="revocation", status=1)
            for entry in allocated.entries
        )
        await sets.set_statuses(ROOT, set_id, ChangeStatuses(changes=changes))
        count -= step


def _subject(size: str, front: Running, protocol: Running, folder: Path) -> list[Result]:
    folder.mkdir()
    path = _path(size)
    plain = _made_hot(front, path)
    _made_hot(front, path, "gzip")
    _made_hot(protocol, path)
    file = folder / "captured"
    file.write_bytes(msgspec.msgpack.encode(plain))
    targets: dict[str, tuple[Running, Target]] = {
        FRONT: (front, path),
        GZIP: (front, Compressed(path)),
        PROTOCOL: (protocol, path),
    }
    with ExitStack() as stack:
        targets[BARE] = (stack.enter_context(rival("bare_asgi", folder, str(file))), path)
        if NGINX is not None:
            targets[STATIC] = (stack.enter_context(nginx(plain, path, folder / STATIC)), path)
        shots = dict(zip(targets, in_turns(list(targets.values()), ROUNDS), strict=True))
    return _lines(f"status_list_{size}", f"{len(plain.body):,} bytes", shots)


def _lines(name: str, size: str, shots: dict[str, list[Shot]]) -> list[Result]:
    ours, bare = shots[FRONT], shots[BARE]
    return [
        *rates(name, ours, bare, f"{RIVAL}, {size}", at_least=AT_LEAST),
        *rates(f"{name}_gzip", shots[GZIP], ours, "the same list, not compressed", at_least=GZIP_AT_LEAST),
        *rates(f"{name}_by_the_protocol", shots[PROTOCOL], bare, f"{RIVAL}, {size}"),
        *_beside_nginx(f"{name}_vs_nginx_static", shots),
    ]


def _beside_nginx(name: str, shots: dict[str, list[Shot]]) -> list[Result]:
    if STATIC not in shots:
        return [not_measured(f"{name}_rate", "requests/s", NO_NGINX)]
    return rates(
        name, shots[FRONT], shots[STATIC], "nginx as Debian sets it up, the same bytes as a static file"
    )


def _made_hot(server: Running, path: str, coding: str = "identity") -> Captured:
    """Ask until the answer is what the load will see: the first makes it, the next makes it hot."""
    for _ in range(2):
        capture(server.port, path, coding=coding)
    return capture(server.port, path, coding=coding)


def _set_id(size: str) -> str:
    return f"bench-{size.replace('_', '-')}"


def _path(size: str) -> str:
    return list_url("", list_id_of(_set_id(size), "revocation"), JWT)
