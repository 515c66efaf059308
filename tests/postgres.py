"""
Throw-away PostgreSQL clusters for tests: they keep their promises of durability, and can be killed.

A cluster is a directory of its own below the system's temporary directory: data, log and Unix socket. fsync is on;
only `initdb` and the copying of a standby go without, since no test can cut the power under them. The postmaster is
our child, in the foreground, and runs as an unprivileged user where we are root, whom PostgreSQL refuses. Where
there is setpriv, the kernel ends it with the *thread* that started it: start clusters from the main thread.

What the tests themselves ask of a cluster goes through the Unix socket, which needs neither TLS nor a password.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg
from psycopg import sql

from tests.machine import (
    PATIENCE_SECONDS,
    SETPRIV,
    children_of,
    find_binaries,
    free_server_port,
    installed,
    is_alive,
    unprivileged_user,
    wait_until,
)

USER = "touchstone"
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "jit": "off",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
}


class Cluster:
    """
    One PostgreSQL server and its data; the data stay through `stop`, `kill` and `start`, until `close`.

    Args:
        settings: of the server, over `SETTINGS`, with units ("64MB"). They stand on its command line, so that
            `set` cannot change them; what is put into the attribute `settings` holds from the next start.
        password: of `USER`. With one, TCP asks for it (SCRAM-SHA-256); without one, loopback is trusted.

    Raises:
        PostgresMissing: see `find_binaries` and `unprivileged_user`.
    """

    def __init__(self, settings: Mapping[str, str] | None = None, *, password: str | None = None) -> None:
        self.binaries = find_binaries(installed())
        self.settings = {**SETTINGS, **(settings or {})}
        self.password = password
        self.port = free_server_port()
        self._user = unprivileged_user()
        self._base = Path(tempfile.mkdtemp(prefix="touchstone-pg-"))
        self._own(self._base, 0o700)
        self._host = "host"  # or "hostssl": what a line for TCP begins with in pg_hba.conf
        self.empty_databases: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._standbys: dict[str, Cluster] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def data(self) -> Path:
        return self._base / "data"

    @property
    def log(self) -> str:
        path = self._base / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres", *, user: str = USER, password: str | None = None) -> str:
        """Return the URL over TCP; with a password if one is given or the cluster has one."""
        secret = password or self.password
        return f"postgresql://{user}{f':{secret}' if secret else ''}@127.0.0.1:{self.port}/{database}"

    # Starting and ending.

    def start(self) -> float:
        """Start, wait until it answers; return how many seconds that took. The first start makes the data."""
        began = time.monotonic()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        with (self._base / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._as_user("postgres", "-D", str(self.data), *self._options(), death="QUIT"),
                cwd=self._base,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, "PostgreSQL answers")
        return time.monotonic() - began

    def stop(self, mode: str = "fast") -> None:
        """Ask it to stop as pg_ctl does (`smart`, `fast`, `immediate`) and wait; nothing if it does not run."""
        if self._process is None:
            return
        children = children_of(self.pid)
        self._process.send_signal(STOP_SIGNALS[mode])
        try:
            self._process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        _wait_for_death(children)

    def kill(self) -> None:
        """Kill the postmaster and each of its children at once; nothing if it does not run."""
        if not self.is_running:
            return
        # Stopped first, so that it neither forks nor tidies up while its children die.
        os.kill(self.pid, signal.SIGSTOP)
        children = children_of(self.pid)
        for pid in [*children, self.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        assert self._process is not None
        self._process.wait()
        # The next start refuses to share memory with a survivor of this one.
        _wait_for_death(children)

    def close(self) -> None:
        """End it and its standbys, and remove their data."""
        self.kill()
        for standby in self._standbys.values():
            standby.close()
        shutil.rmtree(self._base, ignore_errors=True)

    # Asking.

    def execute(
        self, statement: LiteralString | sql.Composed, *, database: str = "postgres"
    ) -> list[tuple[Any, ...]]:
        """Run one statement as superuser, in no transaction, through the Unix socket; return its rows."""
        with psycopg.connect(
            self._socket_address(database), autocommit=True, connect_timeout=5
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create it, a copy of `template` if given, which nobody may be connected to; return its URL."""
        names = map(sql.Identifier, (name, template or "template1"))
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.url(name)

    def empty_database(self, name: str) -> None:
        """End its connections, drop all that is in it, and note it in `empty_databases`."""
        ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {}"
        self.execute(sql.SQL(ended).format(sql.Literal(name)))
        self.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(sql.Identifier(name)))
        for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            self.execute(statement, database=name)
        self.empty_databases.append(name)

    def drop_database(self, name: str) -> None:
        """Drop it, if it is there; its connections are ended."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def set(self, name: str, value: str) -> None:
        """ALTER SYSTEM, and wait until a new connection sees it; not for settings that need a restart."""
        self.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        self.reload()
        show = sql.SQL("SHOW {}").format(sql.Identifier(name))
        wait_until(lambda: self.execute(show) == [(value,)], f"{name} is {value}")

    def reload(self) -> None:
        """Have it read its files again: settings, pg_hba.conf, certificate."""
        self.execute("SELECT pg_reload_conf()")

    # Transport.

    def with_tls(self, certificate: Path, key: Path) -> Self:
        """
        Take copies of the PEM files and refuse TCP without TLS.

        To be called before the first start; called again, the new certificate is in use after `reload`.
        """
        assert self._host == "hostssl" or not self.data.exists()
        for source, name in ((certificate, "server.crt"), (key, "server.key")):
            copy = self._base / name
            copy.write_bytes(source.read_bytes())
            self._own(copy, 0o600)
            self.settings[f"ssl_{'cert' if name.endswith('crt') else 'key'}_file"] = str(copy)
        self.settings["ssl"] = "on"
        self._host = "hostssl"
        return self

    # Replication.

    def standby(self, name: str = "standby1") -> "Cluster":
        """
        Return a running synchronous standby: from here on a commit returns once every standby has it on disk.

        It streams through our Unix socket, and ends with us.
        """
        standby = Cluster(self.settings, password=self.password)
        self._standbys[name] = standby
        source = f"{self._socket_address('')} application_name={name}"
        options = ("--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync")
        standby._run("pg_basebackup", "-d", source, "-D", str(standby.data), *options)
        standby.start()
        self._make_synchronous()
        return standby

    def promote(self) -> None:
        """Make this standby a primary, which waits for no standby of its own; return once it takes writes."""
        self.set("synchronous_standby_names", "")
        assert self.execute("SELECT pg_promote(wait => true)") == [(True,)]

    def _make_synchronous(self) -> None:
        count = len(self._standbys)
        self.set("synchronous_standby_names", f"FIRST {count} ({', '.join(self._standbys)})")
        in_sync = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"
        wait_until(lambda: self.execute(in_sync) == [(count,)], "the standbys are synchronous")

    # How it is run.

    def _initialise(self) -> None:
        options = ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C", f"--username={USER}"]
        if self.password is not None:
            secret = self._base / "password"
            secret.write_text(self.password)
            self._own(secret, 0o600)
            options.append(f"--pwfile={secret}")
        self._run("initdb", "-D", str(self.data), "--auth=trust", *options)
        method = "trust" if self.password is None else "scram-sha-256"
        access = [
            "local all all trust",
            "local replication all trust",
            f"{self._host} all all 127.0.0.1/32 {method}",
        ]
        (self.data / "pg_hba.conf").write_text("\n".join(access) + "\n")

    def _options(self) -> Sequence[str]:
        own = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self._base),
        }
        return [part for name, value in (self.settings | own).items() for part in ("-c", f"{name}={value}")]

    def _answers(self) -> bool:
        if not self.is_running:
            raise AssertionError(self.log[-2_000:])
        try:
            return self.execute("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    def _socket_address(self, database: str) -> str:
        return f"host={self._base} port={self.port} user={USER}" + (f" dbname={database}" if database else "")

    def _run(self, program: str, *arguments: str) -> None:
        command = self._as_user(program, *arguments, death="KILL")
        done = subprocess.run(command, cwd=self._base, env=_environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def _as_user(self, program: str, *arguments: str, death: str) -> list[str]:
        """Return the command that runs it unprivileged; the kernel sends it the signal `death` when we die."""
        command = [str(self.binaries / program), *arguments]
        if SETPRIV is None:
            return command
        switch: list[str] = []
        if self._user is not None:
            switch = [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--init-groups"]
        return [SETPRIV, "--pdeathsig", death, *switch, *command]

    def _own(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)


def _wait_for_death(pids: Sequence[int]) -> None:
    wait_until(lambda: not any(map(is_alive, pids)), "its processes are gone")


def _environment() -> dict[str, str]:
    """Return ours without what would steer libpq and the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
