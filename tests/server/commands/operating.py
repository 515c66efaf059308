"""
Commands in this process, beside the real operator API on loopback, which another thread serves.

Commands know its URL and have a key file, as on a machine that has nothing else. Nothing works in the background,
so that what a command did is all that happened.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import uvicorn
from click.testing import CliRunner, Result

from server.app import operator_app
from server.commands.cli import main
from server.commands.database.bootstrap import initialise, operator_key_path
from server.services import Services, open_services
from server.settings import Settings
from tests.server.running import quiet, settings_in

T = TypeVar("T")
START_SECONDS = 30.0


class Noted(NamedTuple):
    """What an audit row says."""

    actor: str
    action: str
    detail: str


class Operating:
    """Whoever types commands; nothing of the deployment is theirs but a copy of the first operator's key."""

    def __init__(self, settings: Settings, elsewhere: Path) -> None:
        self.settings = settings
        self.url = f"http://{settings.operator_bind}"
        self.key_dir = Path(settings.key_dir)
        self.key_file = elsewhere / "mine.key"
        self.key_file.touch(0o600)
        self.key_file.write_bytes(operator_key_path(settings).read_bytes())
        self.environment = {
            "TOUCHSTONE_OPERATOR_URL": self.url,
            "TOUCHSTONE_OPERATOR_KEY_FILE": str(self.key_file),
            "TOUCHSTONE_DATABASE_URL": "sqlite:////nowhere/touchstone.db",
            "TOUCHSTONE_KEY_DIR": "/nowhere",
        }

    def run(self, *arguments: str, **environ: str) -> Result:
        """Run a command; `environ` is set beside what it needs."""
        return run_command(*arguments, **self.environment | environ)

    def done(self, *arguments: str) -> Result:
        """Run a command that must succeed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.stderr
        return result


def run_command(*arguments: str, **environ: str) -> Result:
    """Run a command in this process, with these variables."""
    return CliRunner().invoke(main, arguments, env=environ)


class Serving:
    """The operator API in a thread; `call` runs there what is to be done beside the requests."""

    def __init__(self, settings: Settings, *, sample: bool) -> None:
        self._settings = settings
        self._sample = sample
        self._ahead = 0.0
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.loop: asyncio.AbstractEventLoop
        self.services: Services
        self.server: uvicorn.Server

    def start(self) -> None:
        self._thread.start()
        assert self._is_up.wait(START_SECONDS), "the server did not start"

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(START_SECONDS)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_SECONDS)

    def later(self, seconds: float) -> None:
        """Let it be so many seconds later than it is, for the server alone."""
        self._ahead = seconds

    def audited(self, subject: str) -> list[Noted]:
        """Return the audit rows about `subject`, the oldest first."""
        sql = "SELECT actor, action, detail FROM audit WHERE subject = :subject ORDER BY id"
        rows = self.call(self.services.database.read(lambda tx: tx.all(sql, {"subject": subject})))
        return [Noted(*row) for row in rows]

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        await initialise(self._settings, sample=self._sample, say=quiet)
        async with open_services(
            self._settings,
            clock=lambda: time.time() + self._ahead,
            timer=lambda: time.monotonic() + self._ahead,
        ) as self.services:
            await self.services.background.stop()
            config = uvicorn.Config(operator_app(self.services), ws="none", lifespan="off", log_config=None)
            self.server = uvicorn.Server(config)
            with socket.create_server(
                ("127.0.0.1", int(self._settings.operator_bind.split(":")[1]))
            ) as bound:
                self._is_up.set()
                await self.server.serve([bound])


@contextmanager
def operating_in(
    directory: Path, *, sample: bool = False, **changes: Any
) -> Iterator[tuple[Operating, Serving]]:
    """Serve from `directory`, with these settings beside the usual, until the end."""
    settings = settings_in(directory, **changes)
    serving = Serving(settings, sample=sample)
    serving.start()
    try:
        yield Operating(settings, directory), serving
    finally:
        serving.stop()
