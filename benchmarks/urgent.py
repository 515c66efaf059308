"""
From the acknowledgement of an urgent revocation to the list that shows it, over HTTP, 100 a second.

One issuer's set is changed, and its list is read all the time, by connections that are spread over the workers of
every node: a revocation is visible once all of them show it. Beside it another issuer has nothing due, or 1,000
sets to publish, which take longer than the measurement. Wall time; the load runs on the same cores.
"""

import asyncio
import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec

from benchmarks.hot_answers import RESOLVE_PATH
from benchmarks.machine import free_port
from benchmarks.many_lists import new_set
from benchmarks.processes import Deployment, running, serve_command
from benchmarks.result import Result, fact, within
from statuslist.entries.store import insert_set
from statuslist.formats.bitstring import expand_list, status_at
from storage import Engine, Transaction, open_database
from tests.postgres import Cluster
from wire import read

RATE = 100  # revocations a second
SECONDS = 5
WRITERS = 8  # connections that revoke
READERS = 4  # connections to each node that read; the kernel spreads them over its workers
PAUSE = 0.008  # seconds between two reads of a connection
DUE = 1_000  # sets of the other issuer, of three lists each
LIST = "/status-lists/urgent-revocation/credential.json"
ONE_NODE_MS, NODES_MS, TIMES_BESIDE = 50.0, 1_000.0, 2.0


def measure(folder: Path) -> list[Result]:
    """Return the delays on one node, alone and beside the sets that are due, and over two nodes."""
    url = f"sqlite:///{folder}/one.db"
    with _nodes(folder / "one", url, 1) as nodes:
        alone = nodes.delays()
        nodes.make_due()
        beside = nodes.delays()
    with Cluster() as cluster, _nodes(folder / "two", cluster.create_database("bench"), 2) as nodes:
        across = nodes.delays()
    times = _p99(beside) / _p99(alone)
    return [
        fact("urgent_visible_p50", alone, "ms"),
        within("urgent_visible_p99", [_p99(alone)], "ms", ONE_NODE_MS),
        within("urgent_p99_beside_1000_due", [times], "times p99 alone", TIMES_BESIDE),
        fact("urgent_across_nodes_p50", across, "ms"),
        within("urgent_across_nodes_p99", [_p99(across)], "ms", NODES_MS),
    ]


def _p99(delays: Sequence[float]) -> float:
    return quantiles(delays, n=100)[-1]


@contextmanager
def _nodes(folder: Path, url: str, count: int) -> Iterator["_Nodes"]:
    """Run nodes of two workers each, on whatever cores there are."""
    deployment = Deployment(folder, DATABASE_URL=url, WORKERS="2", MIRROR_DIR="off")
    ports = [(deployment.port, int(deployment.environment["TOUCHSTONE_OPERATOR_BIND"].rpartition(":")[2]))]
    ports += [(free_port(), free_port()) for _ in range(count - 1)]
    with ExitStack() as stack:
        for public, operator in ports:
            binds = {"BIND": public, "OPERATOR_BIND": operator}
            environment = deployment.environment | {
                f"TOUCHSTONE_{name}": f"127.0.0.1:{port}" for name, port in binds.items()
            }
            stack.enter_context(
                running(
                    serve_command(),
                    port=public,
                    path=RESOLVE_PATH,
                    folder=folder,
                    environment=environment,
                    pin=lambda: None,
                )
            )
        database = open_database(url)
        stack.callback(database.close)
        yield _Nodes(ports, (folder / "var/keys/operator.key").read_text().strip(), database)


class _Nodes:
    """Nodes of one deployment; ports of each: the public one, the operators'."""

    def __init__(self, ports: Sequence[tuple[int, int]], key: str, database: Engine) -> None:
        self._ports = ports
        self._operator = http.client.HTTPConnection("127.0.0.1", ports[0][1])
        self._key = key
        self._ask(self._operator, "/operator/issuers", {"id": "other"})
        self._ask(self._operator, "/operator/status-lists", {"id": "urgent", "purposes": ["revocation"]})
        self._database = database

    def delays(self) -> list[float]:
        """Revoke at the rate; return how many milliseconds after its acknowledgement each is seen everywhere."""
        allocated = self._ask(
            self._operator, "/operator/status-lists/urgent/allocations", {"count": RATE * SECONDS}
        )
        indexes = [entry["statusListIndex"] for entry in allocated["entries"]]
        readers = [_Reader(public) for public, _ in self._ports for _ in range(READERS)]
        began = time.perf_counter() + 0.5
        with ThreadPoolExecutor(WRITERS) as pool:
            work = [
                pool.submit(self._revoke, indexes[first::WRITERS], began + first / RATE)
                for first in range(WRITERS)
            ]
            acknowledged = {index: at for each in work for index, at in each.result()}
        time.sleep(2.0)
        seen = [reader.finish() for reader in readers]
        return [
            (max(0.0, *(_shown_at(versions, int(index)) - at for versions in seen))) * 1_000
            for index, at in acknowledged.items()
        ]

    def make_due(self) -> None:
        """Have the other issuer make its sets, none of which is published yet."""

        def insert(tx: Transaction) -> None:
            for number in range(DUE):
                insert_set(tx, new_set(f"other-{number}", "other", "revocation", "suspension"))

        asyncio.run(self._database.write(insert))

    def _revoke(self, indexes: Sequence[str], began: float) -> list[tuple[str, float]]:
        connection = http.client.HTTPConnection("127.0.0.1", self._ports[0][1])
        acknowledged = []
        for number, index in enumerate(indexes):
            time.sleep(max(0.0, began + number * WRITERS / RATE - time.perf_counter()))
            change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
            self._ask(
                connection,
                "/operator/status-lists/urgent/statuses",
                {"changes": [change], "urgent": True},
            )
            acknowledged.append((index, time.perf_counter()))
        connection.close()
        return acknowledged

    def _ask(self, connection: http.client.HTTPConnection, path: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        connection.request("POST", path, msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{path}: {answer.status} {content[:300]!r}")
        return msgspec.json.decode(content)


class _Reader:
    """Reads the list all the time on one connection; keeps each version that it was given, and when."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._versions: list[tuple[float, bytes]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def finish(self) -> list[tuple[float, bytes]]:
        """Return since when which bits were seen, in their order."""
        self._stop.set()
        self._thread.join()
        return [(at, _bits(body)) for at, body in self._versions]

    def _read(self) -> None:
        etag = ""
        while not self._stop.wait(PAUSE):
            self._connection.request("GET", LIST, headers={"If-None-Match": etag})
            answer = self._connection.getresponse()
            body = answer.read()
            if answer.status == 200:
                etag = answer.headers["ETag"]
                self._versions.append((time.perf_counter(), body))
        self._connection.close()


def _bits(body: bytes) -> bytes:
    return expand_list(
        read(body, max_bytes=1_000_000)["credentialSubject"]["encodedList"], max_bytes=1_000_000
    )


def _shown_at(versions: Sequence[tuple[float, bytes]], index: int) -> float:
    return next(at for at, bits in versions if status_at(bits, index))
