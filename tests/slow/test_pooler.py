"""Behind a pooler in transaction mode: writes and reads through it, leases and LISTEN beside it."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.databases import PostgresPlace
from tests.machine import free_server_port, unprivileged_user, wait_until
from tests.postgres import USER, Cluster
from tests.process import DIE_WITH_US
from tests.slow.nodes import nodes_on
from tests.slow.published import published, set_bits
from tests.slow.watcher import watching

pytestmark = pytest.mark.slow

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
POOL = 4  # server connections: fewer than our processes open, so that they are shared


@contextlib.contextmanager
def pooler(cluster: Cluster) -> Iterator[int]:
    """Run pgbouncer in transaction mode in front of the cluster; yield its port."""
    if PGBOUNCER is None:
        pytest.skip(
            "pgbouncer is missing. Run: sh tools/postgres.sh as root, or: sudo apt-get install pgbouncer"
        )
    port = free_server_port()
    with tempfile.TemporaryDirectory(prefix="touchstone-pool-") as folder:
        config = Path(folder) / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={cluster.port} user={USER}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
            f"unix_socket_dir = {folder}\npool_mode = transaction\ndefault_pool_size = {POOL}\n"
            "ignore_startup_parameters = extra_float_digits\n"
        )
        user = unprivileged_user()
        switch = []
        if user is not None:
            shutil.chown(folder, user.pw_uid)
            switch = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
        Path(folder).chmod(0o755)
        process = subprocess.Popen([*DIE_WITH_US, *switch, PGBOUNCER, "-q", str(config)])
        try:
            wait_until(lambda: _answers(port), "pgbouncer answers")
            yield port
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://{USER}@127.0.0.1:{port}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_nodes_behind_a_pooler_publish_what_is_revoked_on_either(postgres: Cluster, tmp_path: Path) -> None:
    place = PostgresPlace(postgres)
    with pooler(postgres) as port:
        pooled = place.url.replace(f":{postgres.port}/", f":{port}/")
        with (
            nodes_on(pooled, tmp_path, 2, workers=2, DATABASE_DIRECT_URL=place.url) as nodes,
            watching(nodes),
        ):
            nodes[0].operator("", {"id": "pooled", "issuerId": "default", "purposes": ["revocation"]})
            entries = nodes[1].operator("/pooled/allocations", {"count": 200})["entries"]
            indexes = [entry["credentialStatus"][0]["statusListIndex"] for entry in entries]
            time.sleep(1)
            for number, index in enumerate(indexes):
                change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
                nodes[number % 2].operator("/pooled/statuses", {"changes": [change]})
            acknowledged = time.monotonic()
            wanted = {int(index) for index in indexes}
            while any(set_bits(published(node, "pooled-revocation")) != wanted for node in nodes):
                assert time.monotonic() - acknowledged < 5
            seconds = time.monotonic() - acknowledged
            pooled_sessions = place.query(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND client_port IS NOT NULL"
            )
    print(
        f"\nbehind a pooler: seen on both nodes after {seconds * 1000:.0f} ms; {pooled_sessions[0][0]} sessions"
    )

    assert seconds < 1
