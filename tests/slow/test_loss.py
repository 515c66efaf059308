"""What is lost when something dies: a worker, the database, its primary. No acknowledged write, and no read."""

import collections
import http.client
import itertools
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.databases import PostgresPlace
from tests.machine import wait_until
from tests.postgres import Cluster
from tests.process import Server
from tests.slow.nodes import Balancer, Load, Reader, nodes_on
from tests.slow.published import published, set_bits
from tests.slow.test_watchdog import open_alarms
from tests.slow.watcher import watching

pytestmark = pytest.mark.slow

NOT_ANSWERED = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)
LIST = "/status-lists/held-revocation/credential.json"
WRITES_PER_SECOND = 200
CLIENTS = 20


class Writers:
    """Clients that revoke at a steady rate; what was not acknowledged is asked again with the same key."""

    def __init__(self, server: Server, indexes: list[str]) -> None:
        self._server = server
        self._indexes = iter(indexes)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: dict[int, float] = {}
        self.refusals: collections.Counter[str] = collections.Counter()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def gap(self) -> float:
        """The longest time without an acknowledgement, in seconds."""
        times = sorted(self.acknowledged.values())
        return max(after - before for before, after in itertools.pairwise(times))

    def _work(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                index = next(self._indexes)
            began = time.monotonic()
            while not self._revoke(index):
                time.sleep(0.05)
            time.sleep(max(0.0, CLIENTS / WRITES_PER_SECOND - (time.monotonic() - began)))

    def _revoke(self, index: str) -> bool:
        change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
        try:
            self._server.operator("/held/statuses", {"changes": [change]}, key=f"r-{index}", timeout=15)
        except urllib.error.HTTPError as error:
            assert error.code != 503 or error.headers["Retry-After"]
            self.refusals[f"HTTP {error.code}"] += 1
            return False
        except NOT_ANSWERED as error:
            self.refusals[type(error).__name__] += 1
            return False
        self.acknowledged[int(index)] = time.monotonic()
        return True


def held_set(server: Server, count: int) -> list[str]:
    """Make the set `held`, published, and return allocated indexes."""
    server.operator("", {"id": "held", "issuerId": "default", "purposes": ["revocation"]})
    entries = []
    for _ in range(0, count, 5_000):
        entries += server.operator("/held/allocations", {"count": 5_000}, timeout=60)["entries"]
    time.sleep(1)
    return [entry["credentialStatus"][0]["statusListIndex"] for entry in entries]


def readiness(server: Server) -> dict[str, dict[str, object]]:
    """Return the checks of the operators' readiness, which is 503 while writes fail."""
    try:
        answer = urllib.request.urlopen(f"{server.operator_url}/readyz", timeout=5)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return {check["name"]: check for check in json.load(answer)["checks"]}


def test_failover_loses_no_acknowledged_write_and_no_read(tmp_path: Path) -> None:
    with Cluster() as primary:
        standby = primary.standby()
        place = PostgresPlace(primary)
        both = place.url.replace(f":{primary.port}/", f":{primary.port},127.0.0.1:{standby.port}/")
        with nodes_on(both, tmp_path, 1) as (node,), watching([node]):
            writers = Writers(node, held_set(node, 10_000))
            reader = Reader(node, LIST)
            time.sleep(4)
            before = len(writers.acknowledged)
            primary.kill()
            standby.promote()
            time.sleep(5)
            writers.finish()
            time.sleep(1)
            reader.finish()
            shown = set_bits(published(node, "held-revocation"))
            retried = dict(writers.refusals)
        stored = {
            index for (index,) in standby.execute("SELECT entry_index FROM statuses", database=place.name)
        }
    print(
        f"\nfailover: {before} acknowledged before, {len(writers.acknowledged) - before} after; write gap"
        f" {writers.gap:.2f} s, read gap {len(reader.failures)} of {reader.answers} reads; refused: {retried}"
    )

    assert before > 3 * WRITES_PER_SECOND
    assert len(writers.acknowledged) - before > 2 * WRITES_PER_SECOND
    assert writers.acknowledged.keys() - stored == set()
    assert shown == stored == writers.acknowledged.keys()
    assert reader.failures == []


def test_while_the_database_is_away_reads_go_on_and_writes_say_when_to_come_back(tmp_path: Path) -> None:
    with (
        Cluster() as cluster,
        nodes_on(PostgresPlace(cluster).url, tmp_path, 1, workers=2) as (node,),
        watching([node]),
    ):
        indexes = held_set(node, 5_000)
        reader = Reader(node, LIST)
        cluster.kill()
        time.sleep(2)
        away = readiness(node)
        change = {"statusListIndex": indexes[0], "statusPurpose": "revocation", "status": 1}
        with pytest.raises(urllib.error.HTTPError) as refusal:
            node.operator("/held/statuses", {"changes": [change]}, key="again")
        metrics = urllib.request.urlopen(f"{node.operator_url}/metrics", timeout=5).read().decode()
        cluster.start()
        while True:
            try:
                node.operator("/held/statuses", {"changes": [change]}, key="again")
                break
            except urllib.error.HTTPError as error:
                assert error.code == 503
                time.sleep(0.1)
        time.sleep(2)
        reader.finish()
        wait_until(lambda: bool(readiness(node)["database"]["ok"]), "the node is well again", 15.0)
        back = readiness(node)
        shown = set_bits(published(node, "held-revocation"))

    assert (refusal.value.code, refusal.value.headers["Retry-After"]) == (503, "1")
    assert (away["database"]["ok"], back["database"]["ok"]) == (False, True)
    assert away["database"]["detail"]["age_s"] > 1.5  # type: ignore[index]
    assert back["database"]["detail"]["age_s"] < 1  # type: ignore[index]
    assert "touchstone_database_up 0.0" in metrics
    assert reader.failures == []
    assert reader.answers > 100
    assert shown == {int(indexes[0])}


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_worker_that_is_killed_takes_nothing_with_it(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Each of the node's processes is killed in turn, the one that publishes among them."""
    url = "" if engine == "sqlite" else PostgresPlace(request.getfixturevalue("postgres")).url
    with nodes_on(url, tmp_path, 1, workers=2) as (node,), watching([node]):
        writers = Writers(node, held_set(node, 10_000))
        killed = []
        for position in range(6):
            time.sleep(1.2)
            # One that was killed often is started after a pause, which grows.
            wait_until(lambda: len(node.pids) == 4, "every process is there", 15.0)
            pid = node.pids[1 + position % 3]
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
        # A request may meet a killed process once; asked again at once it is answered.
        for _ in range(200):
            assert node.get(LIST)
        writers.finish()
        time.sleep(1.5)
        shown = set_bits(published(node, "held-revocation"))
        wait_until(lambda: len(node.pids) == 4, "every process is there", 40.0)
        alive = node.pids
        code = node.terminate()
    print(
        f"\n{engine}: {len(writers.acknowledged)} acknowledged, {dict(writers.refusals)}, {len(killed)} kills"
    )

    assert len(alive) == 4
    assert not set(killed) & set(alive)
    assert code == 0
    assert len(writers.acknowledged) > 500
    assert shown == writers.acknowledged.keys()
    cut_off = {"ConnectionResetError", "IncompleteRead", "RemoteDisconnected", "URLError"}
    assert set(writers.refusals) <= cut_off
    assert sum(writers.refusals.values()) < 6 * CLIENTS


def test_a_node_that_is_killed_takes_nothing_with_it(postgres: Cluster, tmp_path: Path) -> None:
    """Each of three nodes is killed whole and started again, the one that publishes among them."""
    place = PostgresPlace(postgres)
    with nodes_on(place.url, tmp_path, 3, workers=2) as nodes, watching(nodes):
        load = Load(Balancer(nodes), "held", held_set(nodes[0], 5_000))
        for node in nodes:
            time.sleep(1)
            node.kill()
            time.sleep(1)
            node.start()
        load.finish()
        time.sleep(1.5)
        shown = [set_bits(published(node, "held-revocation")) for node in nodes]
        alarms = open_alarms(nodes[0])
    print(f"\n3 nodes killed in turn: {load.reads} reads, {len(load.revoked)} revocations")

    assert load.failures == []
    assert len(load.revoked) > 200
    assert shown == [load.revoked] * 3
    assert "list-differed" not in alarms, "the mirror that they share has what was published"
