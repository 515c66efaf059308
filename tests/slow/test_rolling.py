"""Three nodes go up a release and down again, one by one, under load: no failed read, no lost write."""

import shutil
import time
from pathlib import Path

import pytest

from storage import RELEASE
from tests.databases import PostgresPlace
from tests.postgres import Cluster
from tests.process import ROOT
from tests.slow.nodes import Balancer, Load, nodes_on
from tests.slow.published import published, set_bits
from tests.slow.watcher import watching
from tests.test_architecture import ROOMS

pytestmark = pytest.mark.slow

EXPAND = '"ALTER TABLE status_sets ADD COLUMN note TEXT"'
CONTRACT = '"ALTER TABLE status_sets DROP COLUMN note"'


def next_release(folder: Path, release: str, *statements: tuple[str, str]) -> Path:
    """Copy the product, and make it a release that adds a migration per statement (SQL, oldest release)."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "storage/release.py").write_text(f'RELEASE = "{release}"\n')
    schema = folder / "statuslist/schema/__init__.py"
    added = "".join(
        f'MIGRATIONS += (Migration(room="statuslist", number={90 + step}, name="next",'
        f' statements=({sql},), oldest_release="{oldest}"),)\n'
        for step, (sql, oldest) in enumerate(statements)
    )
    schema.write_text(f"{schema.read_text()}\nfrom storage import Migration\n\n{added}")
    return folder


def test_three_nodes_go_up_a_release_and_down_again_one_by_one(postgres: Cluster, tmp_path: Path) -> None:
    place = PostgresPlace(postgres)
    newer = next_release(tmp_path / "newer", "9.0.0", (EXPAND, "0"))
    newest = next_release(tmp_path / "newest", "9.1.0", (EXPAND, "0"), (CONTRACT, "9.0.0"))
    (tmp_path / "state").mkdir()
    with nodes_on(place.url, tmp_path / "state") as nodes, watching(nodes):
        nodes[0].operator("", {"id": "rolling", "issuerId": "default", "purposes": ["revocation"]})
        entries = nodes[1].operator("/rolling/allocations", {"count": 5_000})["entries"]
        time.sleep(1)
        load = Load(
            Balancer(nodes), "rolling", [entry["credentialStatus"][0]["statusListIndex"] for entry in entries]
        )
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
