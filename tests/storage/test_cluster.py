"""The throw-away PostgreSQL of the tests keeps what it acknowledged, so that tests may rely on it."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import psycopg
import pytest
import trustme

from tests.machine import PostgresMissing, find_binaries, is_alive, wait_until
from tests.postgres import Cluster
from tests.process import ROOT

pytestmark = pytest.mark.slow

Process = Popen[str]
COMMIT = "import psycopg, sys; psycopg.connect(sys.argv[1], autocommit=True).execute('INSERT INTO rows VALUES (1)')"
COMMITS_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
OUTLIVE = """
import time
from tests.postgres import Cluster
cluster = Cluster()
cluster.start()
print(cluster.pid, cluster.data.parent, flush=True)
time.sleep(60)
"""


@pytest.fixture
def cluster(postgres: Cluster) -> Iterator[Cluster]:
    """A cluster of the test's own, not started; it is skipped where the session has none."""
    cluster = Cluster()
    yield cluster
    cluster.close()


def insert(url: str, rows: range) -> None:
    """Commit each row by itself, the table too."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS rows (n INTEGER PRIMARY KEY)")
        for n in rows:
            connection.execute("INSERT INTO rows VALUES (%s)", (n,))


def rows_of(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM rows ORDER BY n")]


def test_answers_over_tcp_with_fsync_on(postgres: Cluster) -> None:
    with psycopg.connect(postgres.url()) as connection:
        answer = connection.execute("SELECT 1").fetchall()
        settings = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]

    assert answer == [(1,)]
    assert settings == [("on",), ("on",)]


def test_a_database_is_made_from_a_template_and_dropped_under_its_connections(postgres: Cluster) -> None:
    insert(postgres.create_database("original"), range(3))
    copy = postgres.create_database("copy", template="original")

    with psycopg.connect(copy):
        held = rows_of(copy)
        postgres.drop_database("copy")
    postgres.drop_database("original")

    assert held == [0, 1, 2]
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(copy)


def test_committed_rows_survive_a_kill_of_every_process(cluster: Cluster) -> None:
    cluster.start()
    insert(cluster.url(), range(50))

    cluster.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cluster.url())
    cluster.start()

    assert rows_of(cluster.url()) == list(range(50))
    assert "automatic recovery in progress" in cluster.log


def test_stops_and_starts_at_the_same_url(cluster: Cluster) -> None:
    cluster.start()
    insert(cluster.url(), range(1))

    cluster.stop()
    stopped = cluster.is_running
    cluster.start()

    assert not stopped
    assert rows_of(cluster.url()) == [0]


def test_a_promoted_synchronous_standby_has_every_committed_row(cluster: Cluster) -> None:
    cluster.start()
    standby = cluster.standby()
    insert(cluster.url(), range(50))

    cluster.kill()
    standby.promote()
    insert(standby.url(), range(50, 60))

    assert rows_of(standby.url()) == list(range(60))


def test_a_commit_waits_for_the_standby(cluster: Cluster) -> None:
    cluster.start()
    standby = cluster.standby()
    insert(cluster.url(), range(1))
    standby.kill()

    waiting = subprocess.Popen([sys.executable, "-c", COMMIT, cluster.url()])
    wait_until(lambda: cluster.execute(COMMITS_WAITING) == [(1,)], "the commit waits")
    before = rows_of(cluster.url())
    standby.start()

    assert before == [0]
    assert waiting.wait(timeout=20) == 0
    assert rows_of(cluster.url()) == [0, 1]


def test_tls_alone_is_accepted_and_verified_and_the_certificate_can_be_renewed(
    cluster: Cluster, tmp_path: Path
) -> None:
    old, new = (authority(tmp_path / name) for name in ("old", "new"))
    cluster.with_tls(old / "server.pem", old / "server.key").start()
    verified = f"{cluster.url()}?sslmode=verify-full&sslrootcert="

    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(f"{cluster.url()}?sslmode=disable")
    psycopg.connect(f"{verified}{old}/ca.pem").close()
    cluster.with_tls(new / "server.pem", new / "server.key").reload()
    wait_until(lambda: can_connect(f"{verified}{new}/ca.pem"), "the new certificate is in use")

    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(f"{verified}{old}/ca.pem")


def test_a_password_is_asked_for_and_can_be_changed(postgres: Cluster) -> None:
    with Cluster(password="first") as cluster:
        psycopg.connect(cluster.url()).close()

        cluster.execute("ALTER ROLE touchstone PASSWORD 'second'")

        psycopg.connect(cluster.url(password="second")).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(cluster.url())


@pytest.mark.parametrize("end", [Popen.kill, Popen.terminate], ids=["kill", "terminate"])
def test_no_cluster_outlives_the_tests(postgres: Cluster, end: Callable[[Process], None]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OUTLIVE], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        pid, base = tests.stdout.readline().split()

        end(tests)

        wait_until(lambda: not is_alive(int(pid)), "the postmaster ends")
    shutil.rmtree(base)


def test_says_the_command_where_there_are_no_binaries_of_a_server(tmp_path: Path) -> None:
    (tmp_path / "pg_config").touch()

    with pytest.raises(PostgresMissing, match="apt-get install postgresql"):
        find_binaries([tmp_path])


def authority(directory: Path) -> Path:
    """Make a directory with `ca.pem` and a certificate of 127.0.0.1 by it: `server.pem`, `server.key`."""
    directory.mkdir()
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(directory / "ca.pem"))
    server = ca.issue_cert("127.0.0.1")
    server.cert_chain_pems[0].write_to_path(str(directory / "server.pem"))
    server.private_key_pem.write_to_path(str(directory / "server.key"))
    return directory


def can_connect(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
