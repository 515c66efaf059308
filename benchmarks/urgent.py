"""
How soon an urgent revocation is seen: from its acknowledgement to a new list, over HTTP, of two workers.

One change after another; then the same while all lists of a thousand sets of another issuer are signed anew. Each
look is a request on another connection, so that any worker may answer it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import httpx

from benchmarks.processes import Deployment
from benchmarks.result import Result, within
from statuslist.formats.forms import DATA_INTEGRITY, list_id_of, list_url

CHANGES = 150
PACE_SECONDS = 0.01  # between a change that was seen and the next
OTHERS = 1_000  # sets of another issuer
VISIBLE_MS = 50.0
LISTS = "/operator/status-lists"
READY = list_url("", list_id_of("sample", "revocation"), DATA_INTEGRITY)


def measure(folder: Path) -> list[Result]:
    """Return the 99th percentile alone, and beside the other issuer, which may be twice as much."""
    deployment = Deployment(folder / "urgent", WORKERS="2")
    with deployment.serving(READY), _operator(deployment) as operator:
        alone = _visible(deployment, operator, "alone")
        _make_due(operator)
        beside = _visible(deployment, operator, "beside")
    p99, p99_beside = _p99(alone), _p99(beside)
    return [
        within("urgent_visible_p99", [p99], "ms", VISIBLE_MS),
        within(f"urgent_visible_beside_{OTHERS}_due_sets", [p99_beside], "ms", 2 * max(p99, VISIBLE_MS)),
    ]


@contextmanager
def _operator(deployment: Deployment) -> Iterator[httpx.Client]:
    key = (deployment.folder / "var/keys/operator.key").read_text().strip()
    url = f"http://{deployment.environment['TOUCHSTONE_OPERATOR_BIND']}"
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60) as client:
        yield client


def _visible(deployment: Deployment, operator: httpx.Client, name: str) -> list[float]:
    """Return the milliseconds of each change from its acknowledgement to the first answer that shows it."""
    operator.post(LISTS, json={"id": name, "purposes": ["revocation"]}).raise_for_status()
    allocated = (
        operator.post(f"{LISTS}/{name}/allocations", json={"count": CHANGES}).raise_for_status().json()
    )
    path = list_url("", list_id_of(name, "revocation"), DATA_INTEGRITY)
    clients = [httpx.Client(base_url=f"http://localhost:{deployment.port}") for _ in range(4)]
    readers = cycle(clients)
    while clients[0].get(path).status_code != 200:
        time.sleep(PACE_SECONDS)
    found = [_until_seen(operator, readers, name, path, entry) for entry in allocated["entries"]]
    for client in clients:
        client.close()
    return found


def _until_seen(
    operator: httpx.Client, readers: "cycle[httpx.Client]", name: str, path: str, entry: dict[str, str]
) -> float:
    before = next(readers).get(path).headers["etag"]
    change = {"statusListIndex": entry["statusListIndex"], "statusPurpose": "revocation", "status": 1}
    operator.post(f"{LISTS}/{name}/statuses", json={"urgent": True, "changes": [change]}).raise_for_status()
    acknowledged = time.perf_counter()
    while next(readers).get(path).headers["etag"] == before:
        pass
    seen = time.perf_counter()
    time.sleep(PACE_SECONDS)
    return (seen - acknowledged) * 1_000


def _make_due(operator: httpx.Client) -> None:
    """Have another issuer make many sets, and rotate its key: all their lists wait to be signed anew."""
    operator.post("/operator/issuers", json={"id": "other"}).raise_for_status()
    for number in range(OTHERS):
        wanted = {"id": f"due-{number}", "issuerId": "other", "purposes": ["revocation", "suspension"]}
        operator.post(LISTS, json=wanted).raise_for_status()
    while not (active := operator.post("/operator/issuers/other/keys/activate")).is_success:
        if active.status_code != httpx.codes.CONFLICT:  # Its next key is announced long enough later.
            active.raise_for_status()
        time.sleep(1.0)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]
