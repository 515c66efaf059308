"""The PostgreSQL engine: what it trusts, what it does when the server goes, and what needs a session."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import trustme

from storage import DatabaseUnavailable, Engine, Transaction, open_database
from storage.postgres_dsn import Dsn, dsn_faults
from storage.postgres_transaction import translate
from tests.databases import PostgresPlace
from tests.postgres import Cluster

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NOTES = "CREATE TABLE notes (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text TEXT UNIQUE NOT NULL)"


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """A cluster that a test may stop; each test leaves it running."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
async def place(own_cluster: Cluster) -> PostgresPlace:
    place = PostgresPlace(own_cluster)
    place.query(NOTES)
    return place


@pytest.fixture
async def database(place: PostgresPlace) -> AsyncIterator[Engine]:
    database = place.open()
    yield database
    database.close()


def note(text: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute("INSERT INTO notes (text) VALUES (:text)", {"text": text})


def texts(tx: Transaction) -> list[str]:
    return [row["text"] for row in tx.all("SELECT text FROM notes ORDER BY id")]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT :a, :b_c WHERE x = :a", "SELECT %(a)s, %(b_c)s WHERE x = %(a)s"),
        ("SELECT ':a', x::text, :a::bigint", "SELECT ':a', x::text, %(a)s::bigint"),
        ("SELECT 'it''s :a' || :a", "SELECT 'it''s :a' || %(a)s"),
        ("SELECT x % 2, '%' , :a", "SELECT x %% 2, '%%' , %(a)s"),
    ],
)
def test_parameters_are_translated_and_nothing_else(ours: str, theirs: str) -> None:
    assert translate(ours) == theirs


async def test_a_connection_that_was_cut_is_opened_again_and_the_batch_runs_again(
    database: Engine, place: PostgresPlace
) -> None:
    await database.write(note("before"))
    await database.read(texts)
    place.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    await database.write(note("after"))
    assert await database.read(texts) == ["before", "after"]
    assert database.stats.retries == 1


async def test_a_connection_cut_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    database: Engine, place: PostgresPlace
) -> None:
    """The function cuts its own connection once: it runs again, and its first run left nothing."""
    runs = []

    def cut_once(tx: Transaction) -> None:
        note("once")(tx)
        if not runs:
            row = tx.one("SELECT pg_backend_pid() AS pid")
            assert row is not None
            place.query(f"SELECT pg_terminate_backend({row['pid']}, 5000)")
        runs.append(1)
        texts(tx)

    await database.write(cut_once)

    assert len(runs) == 2
    assert await database.read(texts) == ["once"]


async def test_while_the_server_is_away_calls_fail_fast_and_afterwards_they_work_again(
    database: Engine, own_cluster: Cluster
) -> None:
    await database.write(note("before"))
    own_cluster.kill()
    began = time.monotonic()
    for call in (lambda: database.write(note("lost")), lambda: database.read(texts)):
        with pytest.raises(DatabaseUnavailable) as refusal:
            await call()
        assert refusal.value.status == 503
        assert dict(refusal.value.headers)["retry-after"] == "1"
    seconds, healthy = time.monotonic() - began, database.is_healthy
    own_cluster.start()
    await database.write(note("after"))

    assert (seconds < 2, healthy) == (True, False)
    assert database.is_healthy
    assert await database.read(texts) == ["before", "after"]


async def test_a_standby_that_goes_makes_the_outcome_unknown_and_never_acknowledged() -> None:
    """Whoever cuts the wait for a standby short gets a COMMIT with a warning: that is no acknowledgement."""
    with Cluster() as primary:
        standby = primary.standby()
        place = PostgresPlace(primary)
        place.query(NOTES)
        database = place.open()
        await database.write(note("replicated"))
        standby.kill()
        writing = asyncio.create_task(database.write(note("in doubt")))
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        while not (pids := await asyncio.to_thread(primary.execute, waiting)):
            await asyncio.sleep(0.01)
        primary.execute(f"SELECT pg_cancel_backend({pids[0][0]})")
        with pytest.raises(DatabaseUnavailable, match="no standby has confirmed"):
            await writing
        database.close()


@pytest.mark.parametrize(
    ("role_default", "used"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")]
)
async def test_a_role_that_would_acknowledge_too_early_is_overruled(
    own_cluster: Cluster, role_default: str, used: str
) -> None:
    place = PostgresPlace(own_cluster)
    place.query(f"ALTER DATABASE {place.name} SET synchronous_commit = {role_default}")
    database = place.open()
    row = await database.write(lambda tx: tx.one("SHOW synchronous_commit"))
    database.close()

    assert row is not None
    assert row["synchronous_commit"] == used


def test_a_server_without_fsync_is_refused() -> None:
    with Cluster({"fsync": "off"}) as cluster, pytest.raises(DatabaseUnavailable, match="fsync off"):
        open_database(cluster.url("postgres"))


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be read"):
        open_database("postgresql://touchstone@127.0.0.1:1/none")


async def test_writers_of_several_processes_take_turns_and_never_deadlock(place: PostgresPlace) -> None:
    """Two rows locked in both orders, at once: without turns one of the two would be a deadlock's victim."""
    place.query("INSERT INTO notes (text) VALUES ('a'), ('b')")
    engines = [place.open(), place.open()]

    def both(first: str, second: str) -> Callable[[Transaction], None]:
        def touch(tx: Transaction) -> None:
            for text in (first, second):
                tx.execute("UPDATE notes SET text = text WHERE text = :text", {"text": text})

        return touch

    await asyncio.gather(
        *(
            engine.write(both(*order))
            for _ in range(50)
            for engine, order in zip(engines, ("ab", "ba"), strict=True)
        )
    )
    retries = [engine.stats.retries for engine in engines]
    for engine in engines:
        engine.close()

    assert retries == [0, 0]


async def test_a_lease_is_of_one_process_and_goes_with_its_session(place: PostgresPlace) -> None:
    ours, theirs = place.open(), place.open()
    held, waiting, other = ours.lease("publisher"), theirs.lease("publisher"), theirs.lease("another")
    first = [held.hold(), held.hold(), waiting.hold(), other.hold()]
    backends = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    for (pid,) in place.query(backends):
        place.query(f"SELECT pg_terminate_backend({pid}, 5000)")
    second = [waiting.hold(), waiting.hold(), held.hold()]
    ours.close()
    theirs.close()

    assert first == [True, True, False, True]
    assert second[1:] == [True, False]


async def test_a_commit_of_another_process_wakes_those_that_watch(place: PostgresPlace) -> None:
    ours, theirs = place.open(), place.open()
    woken = asyncio.Event()
    ours.watch(woken.set)
    await asyncio.wait_for(woken.wait(), 5)  # Once for what was committed before.
    woken.clear()
    began = time.monotonic()
    await theirs.write(note("news"))
    await asyncio.wait_for(woken.wait(), 5)
    seconds = time.monotonic() - began
    place.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    woken.clear()
    await asyncio.wait_for(woken.wait(), 5)  # It listens again, and looks what it missed.
    ours.close()
    theirs.close()

    assert seconds < 0.25


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls_cluster(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("tls")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    with Cluster(password="first").with_tls(folder / "cert.pem", folder / "key.pem") as cluster:
        yield cluster


async def test_the_servers_certificate_is_verified(
    tls_cluster: Cluster, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    (tmp_path / "password").write_text("first\n")
    url = f"postgresql://touchstone@127.0.0.1:{tls_cluster.port}/postgres?sslmode=verify-full"
    database = open_database(f"{url}&sslrootcert={tmp_path}/ca.pem", password_file=tmp_path / "password")
    row = await database.read(lambda tx: tx.one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    database.close()

    assert row is not None
    assert row["ssl"] is True
    with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
        open_database(f"{url}&sslrootcert={tmp_path}/other.pem", password_file=tmp_path / "password")
    with pytest.raises(DatabaseUnavailable, match='does not match host name "localhost"'):
        named = url.replace("127.0.0.1", "localhost") + f"&hostaddr=127.0.0.1&sslrootcert={tmp_path}/ca.pem"
        open_database(named, password_file=tmp_path / "password")


async def test_a_new_password_counts_from_the_next_connection(
    tls_cluster: Cluster, authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    password = tmp_path / "password"
    password.write_text("first\n")
    url = f"postgresql://touchstone@127.0.0.1:{tls_cluster.port}/postgres?sslmode=verify-full"
    database = open_database(f"{url}&sslrootcert={tmp_path}/ca.pem", password_file=password)
    tls_cluster.execute("ALTER ROLE touchstone PASSWORD 'second'")
    password.write_text("second\n")
    tls_cluster.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'touchstone'"
    )
    value = await database.write(lambda tx: tx.one("SELECT 1 AS one"))
    database.close()
    tls_cluster.execute("ALTER ROLE touchstone PASSWORD 'first'")

    assert value is not None
    assert value["one"] == 1


@pytest.mark.parametrize(
    ("url", "has_tls"),
    [
        ("postgresql://u@127.0.0.1/db", False),
        ("postgresql://u@[::1]:5432/db", False),
        ("postgresql://u@localhost,127.0.0.1:5433/db", False),
        ("postgresql://u@%2Frun%2Fpostgresql/db", False),
        ("postgresql://u@db.internal:5432/db", True),
        ("postgresql://u@127.0.0.1,10.0.0.7:5433/db", True),
        ("postgresql:///db?host=db.internal", True),
        ("postgresql://u@localhost/db?hostaddr=10.0.0.7", True),
        ("postgresql:///db?host=/run/postgresql", False),
    ],
)
def test_beyond_this_machine_tls_is_verified_unless_the_url_says_otherwise(url: str, has_tls: bool) -> None:
    assert ("sslmode=verify-full" in Dsn(url).conninfo()) is has_tls
    assert "sslmode=require" in Dsn(f"{url}{'&' if '?' in url else '?'}sslmode=require").conninfo()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@h/db",
        "postgresql://u@h/db?password=secret",
        "postgresql://h",
        "mysql://u@h/db",
        "postgresql://u@h/db?novalue",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str) -> None:
    (fault,) = dsn_faults(url)

    assert "secret" not in fault


async def test_nul_is_no_text(database: Engine) -> None:
    """Callers refuse it at the border; should it come here, it fails its own caller only."""
    with pytest.raises(psycopg.DataError):
        await database.write(note("a\0b"))
    assert await database.write(note("next")) == 1


def catches_its_own_error(tx: Transaction) -> None:
    with contextlib.suppress(psycopg.Error):
        tx.execute("INSERT INTO no_such_table VALUES (1)")


@pytest.mark.parametrize("fn", [note("x" * 1_000_000), catches_its_own_error])
async def test_what_one_job_did_fails_no_other(
    database: Engine, place: PostgresPlace, fn: Callable[[Transaction], object]
) -> None:
    """psycopg files a value too large under the errors of the server; a caught error leaves its savepoint dead."""
    place.query("ALTER TABLE notes ALTER COLUMN text SET STORAGE EXTERNAL")
    await database.write(note("connected"))
    batch = [asyncio.create_task(database.write(work)) for work in (note("one"), fn, note("two"))]
    first, failed, last = await asyncio.gather(*batch, return_exceptions=True)

    assert (first, last) == (1, 1)
    assert isinstance(failed, psycopg.Error)
    assert database.is_healthy
    assert await database.read(texts) == ["connected", "one", "two"]


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_password_file_that_is_being_written_is_an_outage_that_passes(
    place: PostgresPlace, tmp_path: Path, is_there: bool
) -> None:
    password = tmp_path / "password"
    password.write_text("any\n")
    database = open_database(place.url, password_file=password)
    lease, woken = database.lease("publisher"), asyncio.Event()
    database.watch(woken.set)
    await asyncio.wait_for(woken.wait(), 5)
    password.write_text("") if is_there else password.unlink()
    place.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    for call in (lambda: database.write(note("lost")), lambda: database.read(texts)):
        with pytest.raises(DatabaseUnavailable) as refusal:
            await call()
        assert dict(refusal.value.headers)["retry-after"] == "1"
    held = [lease.hold(), lease.hold()]
    woken.clear()
    password.write_text("any\n")
    await database.write(note("after"))
    await asyncio.wait_for(woken.wait(), 5)
    held.append(lease.hold())
    database.close()

    assert held == [False, False, True]


async def test_a_holder_that_is_silent_loses_its_lease_though_its_session_lives(place: PostgresPlace) -> None:
    ours, theirs = place.open(), place.open()
    silent, waiting = ours.lease("publisher"), theirs.lease("publisher")
    first = [silent.hold(), waiting.hold()]
    async with asyncio.timeout(30):
        while not waiting.hold():
            await asyncio.sleep(0.2)
    ours.close()
    theirs.close()

    assert first == [True, False]
