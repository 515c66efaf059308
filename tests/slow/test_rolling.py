"""Three nodes go up a release and down again, one by one, under load: no failed read, no lost write."""

import http.client
import itertools
import shutil
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from storage import RELEASE
from tests.databases import PostgresPlace
from tests.postgres import Cluster
from tests.process import ROOT, Server
from tests.slow.nodes import nodes_on
from tests.slow.published import published, set_bits
from tests.test_architecture import ROOMS

pytestmark = pytest.mark.slow

LIST = "/status-lists/rolling-revocation/credential.json"
CLOSED = (urllib.error.URLError, ConnectionError, http.client.HTTPException)
EXPAND = '"ALTER TABLE status_sets ADD COLUMN note TEXT"'
CONTRACT = '"ALTER TABLE status_sets DROP COLUMN note"'


def next_release(folder: Path, release: str, *statements: tuple[str, str]) -> Path:
    """Copy the product, and make it a release that adds a migration per statement (SQL, oldest release)."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "storage/release.py").write_text(f'RELEASE = "{release}"\n')
    schema = folder / "statuslist/schema.py"
    added = "".join(
        f'MIGRATIONS += (Migration(room="statuslist", number={90 + step}, name="next",'
        f' statements=({sql},), oldest_release="{oldest}"),)\n'
        for step, (sql, oldest) in enumerate(statements)
    )
    schema.write_text(schema.read_text() + added)
    return folder


class Balancer:
    """What a load balancer does: asks one node after another; a closed door is no failure, an error is."""

    def __init__(self, nodes: list[Server]) -> None:
        self._nodes = nodes
        self._turn = itertools.count()

    def ask(self, path: str, body: Any = None, key: str | None = None) -> Any:
        first = next(self._turn)
        for attempt in range(5 * len(self._nodes)):
            node = self._nodes[(first + attempt) % len(self._nodes)]
            try:
                return node.operator(path, body, key=key) if body else node.get(path)
            except urllib.error.HTTPError:
                raise
            except CLOSED:
                time.sleep(0.01 * (attempt // len(self._nodes)))
        raise AssertionError("no node answered")


class Load:
    """Readers and writers through the balancer until `finish`."""

    def __init__(self, balancer: Balancer, indexes: list[str]) -> None:
        self._balancer, self._indexes = balancer, iter(indexes)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.revoked: set[int] = set()
        self.reads = 0
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._repeat, args=(work,), daemon=True)
            for work in [self._read, self._write] * 3
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, work: Any) -> None:
        while not self._stop.is_set():
            try:
                work()
            except Exception as error:
                self.failures.append(f"{work.__name__}: {error!r}")
            time.sleep(0.02)

    def _read(self) -> None:
        assert self._balancer.ask(LIST)
        self.reads += 1

    def _write(self) -> None:
        with self._lock:
            index = next(self._indexes)
        change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
        self._balancer.ask("/rolling/statuses", {"changes": [change]}, key=f"r-{index}")
        self.revoked.add(int(index))


def test_three_nodes_go_up_a_release_and_down_again_one_by_one(postgres: Cluster, tmp_path: Path) -> None:
    place = PostgresPlace(postgres)
    newer = next_release(tmp_path / "newer", "9.0.0", (EXPAND, "0"))
    newest = next_release(tmp_path / "newest", "9.1.0", (EXPAND, "0"), (CONTRACT, "9.0.0"))
    (tmp_path / "state").mkdir()
    with nodes_on(place.url, tmp_path / "state") as nodes:
        nodes[0].operator("", {"id": "rolling", "issuerId": "default", "purposes": ["revocation"]})
        entries = nodes[1].operator("/rolling/allocations", {"count": 5_000})["entries"]
        time.sleep(1)
        load = Load(Balancer(nodes), [entry["credentialStatus"][0]["statusListIndex"] for entry in entries])
        for code in (newer, ROOT):
            for node in nodes:
                assert node.terminate() == 0
                node.code = code
                node.start()
                time.sleep(0.3)
        load.finish()
        time.sleep(1)
        shown = [set_bits(published(node, "rolling-revocation")) for node in nodes]
        for node in nodes:
            node.terminate()
        nodes[0].code = newest
        nodes[0].start()
        with pytest.raises(AssertionError) as refused:
            nodes[1].start()
    print(f"\nup to 9.0.0 and down to {RELEASE}: {load.reads} reads, {len(load.revoked)} revocations")

    assert load.failures == []
    assert load.reads > 200
    assert len(load.revoked) > 200
    assert shown == [load.revoked] * 3
    assert f"release {RELEASE} cannot run beside; start release 9.0.0 or newer" in str(refused.value)
